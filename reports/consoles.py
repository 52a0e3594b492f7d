"""The console that brownout prints on."""

import io
import sys

from rich.console import Console

_CI_WIDTH = 120  # A log has no width; the 80 columns rich would assume fold every table.


def make_console() -> Console:
    """Return a console on standard output that cannot fail on a character which the output's encoding lacks."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_CI_WIDTH)
