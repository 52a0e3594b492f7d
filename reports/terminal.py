"""What brownout says on a terminal: the live view, the verdicts, the selftest's matrix.

Everything from evidence is printed as `rich.text.Text`, never as markup, and with control characters spelled out: a
tenant called ``[red]`` or a reply with an escape sequence in it changes nothing on the reader's screen.
"""

from reports.consoles import make_console
from reports.leak_matrix import LeakRow, print_leaks
from reports.live import LiveView
from reports.matrix import MatrixRow, print_matrix, progress_of
from reports.verdict_table import print_verdicts

__all__ = [
    "LeakRow",
    "LiveView",
    "MatrixRow",
    "make_console",
    "print_leaks",
    "print_matrix",
    "print_verdicts",
    "progress_of",
]
