"""The console that brownout prints on."""

import io
import sys

from rich.console import Console

_CI_WIDTH = 120  # A log has no width; the 80 columns rich would assume fold every table.


def make_console(*, stderr: bool = False) -> Console:
    """Return a console that cannot fail on a character which the output's encoding lacks.

    Args:
        stderr: write there, because standard output belongs to a machine.
    """
    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    console = Console(highlight=False, stderr=stderr)
    return console if console.is_terminal else Console(highlight=False, width=_CI_WIDTH, stderr=stderr)
