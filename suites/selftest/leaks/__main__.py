"""Run a leaky router as a process: ``python -m suites.selftest.leaks NAME --world WORLD --port PORT``."""

import sys

from brownout.errors import unknown
from fixtures.router.__main__ import main
from suites.selftest.leaks import LEAKS
from suites.selftest.leaks.outward import OUTWARD, leaking_by


def _main() -> None:
    name = sys.argv.pop(1)
    if name not in OUTWARD.keys() | LEAKS.keys():
        raise unknown("leak", name, sorted(OUTWARD.keys() | LEAKS.keys()))
    main(leaking_by(OUTWARD[name].way) if name in OUTWARD else LEAKS[name].make)


if __name__ == "__main__":
    _main()
