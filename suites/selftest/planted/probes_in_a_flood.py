"""Are you well? Are you well? Are you well?"""

from collections.abc import Collection, Sequence

from fixtures.router.policy import Policy
from suites.selftest.planted.base import Planted, with_policy

_EVERY = 3


class _Flood(Policy):
    asked = 0

    def pick(self, now_s: float, candidates: Sequence[str], tried: Collection[str]) -> str:
        if not tried and candidates and self.breakers[candidates[0]].state != "closed":
            self.asked += 1
            if self.asked % _EVERY == 0:
                return candidates[0]
        return super().pick(now_s, candidates, tried)


PROBES_IN_A_FLOOD = Planted(
    name="probes-in-a-flood",
    about="asks a sick endpoint by every third request whether it has healed",
    make=with_policy(_Flood),
    caught_by="probe_rate_rps",
    also=frozenset(
        {
            "probes_in_flight",
            "share_left_ratio",
            "ramp_relapse_ratio",
            "early_retry_ratio",
            "time_to_detect_s",
            "served_during_fault",
            "availability",
        }
    ),
    why="who is asked by a third of all has not been left, now or when it fails again; asking spends the retries",
    seen_in="probes-are-few-failing",
)
