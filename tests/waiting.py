"""Waiting for other processes: on a condition, with an end."""

import time
from collections.abc import Callable


def came_true(condition: Callable[[], bool], within_s: float = 25.0) -> bool:
    """Return whether the condition came true in time."""
    deadline_s = time.monotonic() + within_s  # noqa: TID251 - other processes' time
    while not condition():
        if time.monotonic() > deadline_s:  # noqa: TID251
            return False
        time.sleep(0.02)  # noqa: TID251 - the wait is on the condition
    return True
