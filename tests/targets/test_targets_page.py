"""docs/targets.md names what a target's file may say, and every target and leniency that ships."""

from pathlib import Path

import msgspec
import pytest

from brownout.identity.leniency import LENIENCIES
from brownout.target import FEATURES, Ready, Start, Target

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "targets.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("kind", "before"), [(Target, ""), (Start, "start.")])
def test_the_page_names_every_field(kind: type[msgspec.Struct], before: str) -> None:
    """Whoever adds a field says on the page what it means."""
    names = {f"{before}{field.encode_name}" for field in msgspec.structs.fields(kind)}

    assert set() == {name for name in names if f"`{name}" not in PAGE}


def test_the_page_says_when_a_target_is_ready() -> None:
    """All of it is in one row."""
    assert "{" + ", ".join(field.name for field in msgspec.structs.fields(Ready)) + "}" in PAGE


def test_the_page_names_every_target_and_leniency_that_ships() -> None:
    """Nothing ships that nobody can find."""
    files = {path.name for path in (ROOT / "fixtures" / "targets").glob("*.yaml")}

    assert set() == {name for name in files | LENIENCIES.keys() if f"`{name}`" not in PAGE}


def test_the_page_says_what_each_feature_claims() -> None:
    """Whoever declares one knows what it will be held to."""
    assert set() == {name for name, claim in FEATURES.items() if f"| `{name}` | {claim} |" not in PAGE}
