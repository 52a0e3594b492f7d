"""How to run the Locust driver: its command line, its environment, and what is said on its pipes.

    parent                                    loadgen/locustfile.py, a process of its own
      starts it, with the plan's path in its environment
                       <-- stdout:  ready
      stdin:  go 12.5  -->                    plays the plan; 12.5 is when load starts, in seconds of the test's
                                              clock (the machine's monotonic clock less the plan's ``epoch_s``)
                       <-- exit code 0        every request has ended; records are in the plan's ``client_path``

A line ``abort``, or the end of stdin, ends it promptly at any time: requests in flight are dropped without a record,
and the exit code is 0 too. So a parent that dies takes its load with it. Locust's log and its summary go to stderr,
which the parent sends to a file or keeps reading. Any other exit code is not the target's doing: 70, the plan was not
played to its end (a defect of ours, a signal, a ``run-time`` in somebody's locust.conf); 1, Locust or the plan is bad.

A process, because Locust patches the standard library for gevent, and nothing else here may run so patched.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

PLAN_VARIABLE = "BROWNOUT_LOAD_PLAN"
READY = "ready"
ABORT = "abort"
EXIT_FAILED = 70
_ROOM = Path(__file__).parent


def command() -> list[str]:
    """Return the command line of the Locust driver."""
    return [
        *(sys.executable, "-m", "locust", "-f", str(_ROOM / "locustfile.py")),
        # One user plays the whole plan. Said aloud, so that no locust.conf of this machine's owner says otherwise.
        *("--headless", "--only-summary", "--users", "1", "--spawn-rate", "1"),
        *("--loglevel", "WARNING", "--exit-code-on-error", "0"),
    ]


def environment(plan_path: Path, base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment to start `command` in.

    Args:
        plan_path: the `LoadPlan` as a JSON file.
        base: what to add to (this process's environment by default). Locust's own variables are left out of it: a
            ``LOCUST_RUN_TIME`` in somebody's shell must not end a test early.
    """
    kept = {
        name: value for name, value in (os.environ if base is None else base).items() if not name.startswith("LOCUST_")
    }
    rooms = [str(_ROOM.parent), *filter(None, [kept.get("PYTHONPATH")])]
    return {**kept, "PYTHONPATH": os.pathsep.join(rooms), PLAN_VARIABLE: str(plan_path.resolve())}


def go(start_s: float) -> str:
    """Return the line that starts the load at ``start_s`` on the test's clock."""
    return f"go {start_s!r}\n"
