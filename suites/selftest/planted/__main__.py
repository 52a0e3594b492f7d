"""Run a planted router as a process: ``python -m suites.selftest.planted NAME --world WORLD --port PORT``."""

import sys

from fixtures.router.__main__ import main
from suites.selftest.planted import PLANTED

if __name__ == "__main__":
    planted = PLANTED[sys.argv.pop(1)]
    main(planted.make)
