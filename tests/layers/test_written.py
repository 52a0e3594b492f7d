"""What a target wrote is looked at when it has ended: its output, its files, and their names."""

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from brownout.canary import CanaryMint, run_key
from brownout.clock import MonotonicClock
from brownout.egress import EgressRecord, LayerRecord
from fixtures.eyes import Eyes
from fixtures.written import Written, scratch_of
from tests.layers.looking import TENANTS

SEED = 3
MINT = CanaryMint(run_key(SEED), TENANTS)
VALUE = MINT.value("acme", 7)
ALL_SEEN = "its output and every file in the folder it ran in were looked at"


def looked(folder: Path) -> tuple[list[tuple[str, str, str, int]], LayerRecord]:
    """Return what was seen in a test's folder, and what the layer says."""
    seen: list[EgressRecord] = []
    says = Written("t", folder, MINT, clock=MonotonicClock(), record=seen.append).look()
    assert {("files", "acme-7")} >= {(one.layer, one.canary) for one in seen}
    assert [] == [one for one in seen if VALUE in one.place]
    return [(one.place, one.part, one.chain, one.offset) for one in seen], says


def _log(folder: Path) -> None:
    scratch_of(folder)
    (folder / "target.log").write_text(f"DEBUG {VALUE}\n")


def _nested(folder: Path) -> None:
    place = scratch_of(folder) / "a" / "b"
    place.mkdir(parents=True)
    (place / "c.txt").write_text(f"DEBUG {VALUE}\n")


def _packed(folder: Path) -> None:
    (scratch_of(folder) / "old.log.gz").write_bytes(gzip.compress(f"DEBUG {VALUE}\n".encode(), mtime=0))


def _temporary(folder: Path) -> None:
    (scratch_of(folder) / "tmp" / "dump").write_bytes(base64.b64encode(json.dumps({"p": f"DEBUG {VALUE}"}).encode()))


def _far_in(folder: Path) -> None:
    (scratch_of(folder) / "core").write_bytes(bytes(3_000_000 - 10) + VALUE.encode())


def _behind_a_hole(folder: Path) -> None:
    with (scratch_of(folder) / "data.mdb").open("wb") as file:
        file.seek(3 << 30)
        file.write(f"DEBUG {VALUE}\n".encode())
        file.truncate(5 << 30)


@pytest.mark.parametrize(
    ("write", "seen"),
    [
        (_behind_a_hole, ("target/data.mdb", "content", "raw", (3 << 30) + 6)),
        (_log, ("target.log", "content", "raw", 6)),
        (_nested, ("target/a/b/c.txt", "content", "raw", 6)),
        (_packed, ("target/old.log.gz", "content", "gzip", 0)),
        (_temporary, ("target/tmp/dump", "content", "base64", 18)),
        (_far_in, ("target/core", "content", "raw", 2_999_990)),
    ],
)
def test_data_in_what_was_written_is_told_with_its_place(
    write: Callable[[Path], None], seen: tuple[str, str, str, int], tmp_path: Path
) -> None:
    """The log, files in folders, packed ones, temporary ones, great ones."""
    write(tmp_path)
    told, says = looked(tmp_path)
    assert [seen] == told
    assert (True, 1, 1, ALL_SEEN) == (says.complete, says.counted, says.seen, says.why)


def _named(folder: Path) -> None:
    (scratch_of(folder) / f"draft-{VALUE}.txt").write_text("")


def _folder_named(folder: Path) -> None:
    (scratch_of(folder) / "tmp" / VALUE).mkdir()


def _linked(folder: Path) -> None:
    (scratch_of(folder) / "latest").symlink_to(f"/nowhere/{VALUE}")


def _named_in_hex(folder: Path) -> None:
    (scratch_of(folder) / VALUE.encode().hex()).write_text("")


@pytest.mark.parametrize(
    ("write", "place"),
    [
        (_named, "target/…"),
        (_folder_named, "target/tmp/…"),
        (_linked, "target/latest"),
        (_named_in_hex, "target/…"),
    ],
)
def test_data_in_names_is_told_without_the_name(write: Callable[[Path], None], place: str, tmp_path: Path) -> None:
    """Of files, folders and links; evidence has the folder, and never the value."""
    write(tmp_path)
    told, says = looked(tmp_path)
    assert [(place, "name")] == [one[:2] for one in told]
    assert says.complete


def test_files_in_a_folder_named_after_data_are_looked_at(tmp_path: Path) -> None:
    """And told as being under it."""
    _folder_named(tmp_path)
    (tmp_path / "target" / "tmp" / VALUE / "f").write_text(VALUE)
    assert [("target/tmp/…", "name"), ("target/tmp/…", "name"), ("target/tmp/…", "content")] == [
        one[:2] for one in looked(tmp_path)[0]
    ]


def test_links_are_not_followed(tmp_path: Path) -> None:
    """What a link leads to is elsewhere: a target that links to the machine's files has not written them."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "f").write_text(VALUE)
    test = tmp_path / "test"
    scratch = scratch_of(test)
    (scratch / "folder").symlink_to(elsewhere)
    (scratch / "file").symlink_to(elsewhere / "f")
    told, says = looked(test)
    assert ([], True, 0) == (told, says.complete, says.counted)


def test_a_folder_that_became_a_link_is_missed(tmp_path: Path) -> None:
    """It is not followed either, and what the target wrote is not known."""
    (tmp_path / "target").symlink_to("/")
    _, says = looked(tmp_path)
    assert (False, "target: it is a link to elsewhere by now") == (says.complete, says.why)


def test_a_folder_that_is_gone_is_missed(tmp_path: Path) -> None:
    """Whoever takes away where it ran has left nothing to look at."""
    _, says = looked(tmp_path)
    assert (False, "target: No such file or directory") == (says.complete, says.why)


def test_a_file_that_cannot_be_read_is_missed_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are looked at all the same."""
    for name in ("a", "b", "c"):
        (scratch_of(tmp_path) / name).write_text(VALUE)
    opened = Path.open  # root may read anything, so the file is made to refuse

    def refuse(path: Path, *mode: str) -> object:
        if path.name == "b":
            raise PermissionError(13, "Permission denied")
        return opened(path, *mode)

    monkeypatch.setattr(Path, "open", refuse)
    told, says = looked(tmp_path)
    assert ["target/a", "target/c"] == [one[0] for one in told]
    assert (False, 3, 2, "target/b: Permission denied") == (says.complete, says.counted, says.seen, says.why)


def test_a_file_that_cannot_be_looked_into_is_missed_by_name(tmp_path: Path) -> None:
    """A bomb is given up; a log that was being packed when its target was killed holds no more than came."""
    scratch = scratch_of(tmp_path)
    (scratch / "cut.gz").write_bytes(gzip.compress(bytes(99_999))[:-20])
    assert looked(tmp_path)[1].complete
    (scratch / "bomb.gz").write_bytes(gzip.compress(bytes(70 * 1024 * 1024), 9))
    says = looked(tmp_path)[1]
    assert (False, "target/bomb.gz: too-large") == (says.complete, says.why)


def test_names_that_are_no_text_are_looked_at(tmp_path: Path) -> None:
    """A file's name is bytes; evidence is text."""
    bare = bytes(scratch_of(tmp_path)) + b"/\xff\xfe"
    with open(bare, "wb") as file:  # noqa: PTH123 - a Path cannot be made of any bytes
        file.write(VALUE.encode())
    told, says = looked(tmp_path)
    assert [("target/\ufffd\ufffd", "content", "raw", 0)] == told
    assert says.complete


# -- metrics, and what both say together

METRICS = f"""\
# HELP asked_total Questions.
# TYPE asked_total counter
asked_total{{place="near",prompt="about {VALUE} \\"so\\""}} 3
asked_total{{place="far"}} 2
"""


class Watched:
    """What is kept of metrics, what was seen in them, and what the layers say."""

    def __init__(self, folder: Path, *texts: str | bytes, asked: int | None = None) -> None:
        self.seen: list[EgressRecord] = []
        self.layers: list[LayerRecord] = []
        self.eyes = Eyes(
            "t",
            folder,
            seed=SEED,
            tenants=TENANTS,
            other_secret_of="",
            clock=MonotonicClock(),
            record=self.seen.append,
            record_layer=self.layers.append,
        )
        for _ in range(len(texts) if asked is None else asked):
            self.eyes.asked()
        self.kept = [self.eyes.read(one.encode() if isinstance(one, str) else one) for one in texts]


def test_data_in_metrics_is_told_once_and_kept_out_of_evidence(tmp_path: Path) -> None:
    """Figures and the other labels stay, for telemetry is judged by them."""
    told = Watched(tmp_path, METRICS, METRICS)
    assert [("acme-7", "telemetry", "metrics")] == [(one.canary, one.layer, one.place) for one in told.seen]
    assert [METRICS.replace(f'about {VALUE} \\"so\\"', "left out")] * 2 == told.kept


@pytest.mark.parametrize("wrap", [lambda v: base64.b64encode(v.encode()).decode(), lambda v: v.encode().hex()])
def test_data_under_an_encoding_is_kept_out_of_evidence_too(wrap: Callable[[str], str], tmp_path: Path) -> None:
    """The value could be had from it."""
    text = f'up 1\nasked{{p="{wrap("about " + VALUE)}"}} 1\n'
    told = Watched(tmp_path, text)
    assert 1 == len(told.seen)
    assert ['up 1\nasked{p="left out"} 1\n'] == told.kept


def test_a_line_that_is_data_is_left_out(tmp_path: Path) -> None:
    """A comment, or a metric's name: there is no label to leave out."""
    assert ["up 1\n"] == Watched(tmp_path, f"# HELP {VALUE}\nup 1\n{VALUE}_total 2\n").kept


def test_data_spread_over_lines_leaves_no_text(tmp_path: Path) -> None:
    """No line bears it, and all of them do."""
    told = Watched(tmp_path, "".join(f"{one}\n" for one in VALUE))
    assert [""] == told.kept
    assert told.seen


def test_metrics_without_data_are_kept_as_they_are(tmp_path: Path) -> None:
    """Also where they are not UTF-8."""
    told = Watched(tmp_path, 'up{a="b"} 1\n', b'up{a="\xff"} 1\n')
    assert (['up{a="b"} 1\n', 'up{a="\ufffd"} 1\n'], []) == (told.kept, told.seen)


@pytest.mark.parametrize(
    ("asked", "started", "complete", "why"),
    [
        (2, True, True, "its metrics were looked at"),
        (3, True, False, "its metrics could not be read 1 times"),
        (2, False, False, "it was not started here, and where it sends spans and log lines is not known"),
    ],
)
def test_the_layer_says_what_was_not_read(
    asked: int, why: str, tmp_path: Path, *, started: bool, complete: bool
) -> None:
    """A target that was not started here has written nobody knows where."""
    scratch_of(tmp_path)
    told = Watched(tmp_path, "up 1\n", "up 1\n", asked=asked)
    told.eyes.close(started=started)
    telemetry, *files = told.layers
    assert ("telemetry", complete, asked, 2, why) == (
        telemetry.layer,
        telemetry.complete,
        telemetry.counted,
        telemetry.seen,
        telemetry.why,
    )
    assert (["files"] if started else []) == [one.layer for one in files]


def test_a_target_without_metrics_has_none_to_miss(tmp_path: Path) -> None:
    """That is said."""
    scratch_of(tmp_path)
    told = Watched(tmp_path)
    told.eyes.close()
    telemetry = told.layers[0]
    assert (True, "it has no metrics to read") == (telemetry.complete, telemetry.why)
