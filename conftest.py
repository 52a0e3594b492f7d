"""Wires the rooms for pytest, and refuses to run on somebody else's."""

from pathlib import Path

import pytest

import fixtures

pytest_plugins = ["fixtures.plugin"]

_ROOT = Path(__file__).resolve().parent
if Path(fixtures.__file__ or "").parent != _ROOT / "fixtures":
    raise pytest.UsageError(
        f"'import fixtures' found {fixtures.__file__}, not {_ROOT / 'fixtures'}. "
        "Run pytest from the checkout, or uninstall the other package: pip uninstall fixtures"
    )
