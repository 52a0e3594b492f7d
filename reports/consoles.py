"""The console that brownout prints on."""

import io
import sys

from rich.console import Console

from brownout.unread import leave_unread

_CI_WIDTH = 120  # A log has no width; the 80 columns rich would assume fold every table.


class _Console(Console):
    """A console whose reader may leave. Rich would end the process with 1, which is a verdict here."""

    def on_broken_pipe(self) -> None:
        """Say no more; what was begun is brought to its end and its own exit code."""
        self.quiet = True
        leave_unread(self.file)


def make_console(*, stderr: bool = False) -> Console:
    """Return a console that cannot fail on a character which the output's encoding lacks.

    Args:
        stderr: write there, because standard output belongs to a machine.
    """
    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    console = _Console(highlight=False, stderr=stderr)
    return console if console.is_terminal else _Console(highlight=False, width=_CI_WIDTH, stderr=stderr)
