"""Never asks twice for one request: whoever failed is left by the next ones."""

from suites.selftest.sound.base import Sound
from suites.selftest.sound.tripped import Tripped


class _Steady(Tripped):
    attempts_max = 1
    failures, open_s = 2, 3.0


STEADY = Sound(
    name="steady",
    about="one attempt a request, and a breaker at the second failure in a row: the next requests go elsewhere",
    make=_Steady,
    shown_by=("region-5xx",),
)
