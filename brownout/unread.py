"""Output that nobody reads any more: ``brownout ... | head``."""

import contextlib
import os
import select
import sys
from typing import IO


def leave_unread(stream: IO[str]) -> None:
    """Let what is still written to a stream go nowhere: its reader has left, and that is no failure of what writes."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def reader_left() -> bool:
    """Return whether nobody reads standard output any more; what is still written then goes nowhere."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        left = any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    except (OSError, ValueError):
        return False  # it is no file
    if left:
        leave_unread(sys.stdout)
    return left
