"""Sends prompts that begin alike to the same endpoint, by weight, so that caches of prefixes are met."""

import hashlib
import math
from collections.abc import Sequence

from brownout.wire import Ask
from suites.selftest.sound.base import Sound
from suites.selftest.sound.gateway import Caller
from suites.selftest.sound.tripped import Tripped

_PREFIX_WORDS = 4
_WEIGHTS = {"provisioned": 6.0, "gpu": 1.0}


class _Affinity(Tripped):
    """Highest random weight (Thaler and Ravishankar, 1998): who is gone is replaced for his own prompts alone."""

    retry_ratio = 0.2

    def order(self, ask: Ask, caller: Caller) -> Sequence[str]:
        """Return who may be asked, by the score of this prompt's beginning."""
        beginning = " ".join(ask.prompt.split()[:_PREFIX_WORDS])
        weight = {one.name: _WEIGHTS.get(one.capacity, 1.0) for one in self.endpoints}
        return sorted(
            self.allowed(caller),
            key=lambda name: weight[name] / -math.log(_chance(f"{caller.tenant} {name} {beginning}")),
            reverse=True,
        )


def _chance(text: str) -> float:
    """Return a number between 0 and 1, both excluded, that is the text's alone."""
    return (int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) + 0.5) / 2**64


AFFINITY = Sound(
    name="affinity",
    about="a prompt's beginning says who is asked, by weighted rendezvous hashing; the next in that order fails over",
    make=_Affinity,
    shown_by=("region-refused",),
)
