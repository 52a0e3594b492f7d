"""A trickle, and then the dam breaks."""

from fixtures.router.breaker import BreakerSettings
from fixtures.router.policy import Settings
from suites.selftest.planted.base import Planted, with_settings

_TRICKLE, _FOR_S = 0.05, 2.0

RAMPS_IN_ONE_STEP = Planted(
    name="ramps-in-one-step",
    about="gives a healed endpoint one request in twenty for two seconds, and then all",
    make=with_settings(Settings(breaker=BreakerSettings(steps=(_TRICKLE,), step_s=_FOR_S))),
    caught_by="ramp_step_ratio",
    seen_in="traffic-comes-back-in-steps",
    like="breaker-reopens-at-once",
    like_why="all traffic comes back in one step, here after a trickle",
)
