"""Half is enough, it thinks, one never knows."""

from fixtures.router.breaker import BreakerSettings
from fixtures.router.policy import Settings
from suites.selftest.planted.base import Planted, with_settings

_UP_TO, _LAST = (0.1, 0.25), 0.6
_STEPS = 600  # a second each: the last of them is never reached

STAYS_AT_HALF = Planted(
    name="stays-at-half",
    about="never gives a healed endpoint more than three fifths of its traffic back",
    make=with_settings(Settings(breaker=BreakerSettings(steps=(*_UP_TO, *[_LAST] * _STEPS)))),
    caught_by="time_to_full_return_s",
    seen_in="traffic-comes-back-in-steps",
)
