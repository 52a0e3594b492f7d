"""The telling: each report renders a run directory and decides nothing.

A report is one file with a function that writes into the run directory and returns the path, and one line here.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TypeAlias, cast

from brownout.rundir import RunDir

Renderer: TypeAlias = Callable[[RunDir], Path]


def _lazily(module: str) -> Renderer:
    """Return a renderer that imports its module when called: a summary should not wait for a plotting library."""

    def render(run: RunDir) -> Path:
        return cast("Renderer", import_module(module).render)(run)

    return render


REPORTS: Mapping[str, Renderer] = {
    "junit": _lazily("reports.junit"),
    "markdown": _lazily("reports.markdown"),
    "html": _lazily("reports.html"),
}


def render_all(run: RunDir) -> list[Path]:
    """Write every report of a judged run and return their paths; raises `BadInput` when it was not judged."""
    return [render(run) for render in REPORTS.values()]
