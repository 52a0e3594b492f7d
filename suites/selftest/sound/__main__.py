"""Run a sound router as a process: ``python -m suites.selftest.sound NAME --world WORLD --port PORT``."""

import sys

from fixtures.router.__main__ import main
from suites.selftest.sound import SOUND

if __name__ == "__main__":
    sound = SOUND[sys.argv.pop(1)]
    main(sound.make)
