"""A sealed target is no root: what it could not read is said before it is started."""

import os
from pathlib import Path

import pytest

from brownout.errors import TargetFailed
from fixtures.sealed.access import check_access

NOBODY = 65_534


@pytest.mark.parametrize(("mode", "cure"), [(0o700, "chmod o+rx"), (0o754, "chmod o+rx"), (0o711, "chmod o+rx")])
def test_a_folder_that_is_closed_to_it_is_named_with_the_cure(tmp_path: Path, mode: int, cure: str) -> None:
    """It must be listed and entered."""
    tmp_path.chmod(mode)
    with pytest.raises(TargetFailed, match="is closed to that user") as refused:
        check_access([str(tmp_path)], NOBODY)
    assert f"{cure} {tmp_path}" in str(refused.value)


def test_a_file_that_is_closed_to_it_is_named(tmp_path: Path) -> None:
    """A key's file, say."""
    file = tmp_path / "a key"
    file.touch(0o600)
    with pytest.raises(TargetFailed, match=r"-rw-------, .*chmod o\+r '.*a key'"):
        check_access([str(file)], NOBODY)


def test_what_is_open_or_ones_own_or_not_there_is_no_matter(tmp_path: Path) -> None:
    """Nothing is asked of a group: it is in none."""
    file = tmp_path / "open"
    file.touch()
    file.chmod(0o604)
    check_access([str(file), str(tmp_path / "nowhere")], NOBODY)
    file.chmod(0o600)
    check_access([str(file)], os.stat(file).st_uid)  # noqa: PTH116 - as the check does
