"""Whether a router stays away for as long as it is told to."""

from brownout.evidence import ProviderRecord
from brownout.metrics.base import NoEvidence, Observation, View, metric, some

# What had left before the refusal was read, here and in a router's other workers, is not held against it.
_LEARNING_S = 1.0
_CAME_BACK_MIN = 3


@metric("early_retry_ratio", "ratio")
def early_retry_ratio(view: View) -> Observation:
    """Of the attempts that came back to an endpoint after its Retry-After, the share that came before it was over."""
    told = [r for r in view.attempts if r.retry_after_s is not None and r.outcome == "refused"]
    if not told:
        raise NoEvidence("no endpoint answered with a Retry-After")
    early: list[ProviderRecord] = []
    came_back = 0
    for endpoint in sorted({r.endpoint for r in told}):
        attempts = [r for r in view.attempts if r.endpoint == endpoint]
        early_here, back_here = _came_back(attempts)
        early += early_here
        came_back += back_here
    early.sort(key=lambda r: (r.arrived_s, r.canary or ""))
    if early and came_back < _CAME_BACK_MIN:
        raise NoEvidence(f"{len(early)} of {came_back} attempts came back early: too few to tell a habit from a mishap")
    return Observation(
        value=len(early) / came_back if came_back else 0.0,
        samples=len(told),
        witnesses=some([r.canary for r in early]),
        why=f"of {came_back} attempts that came back after a Retry-After, {len(early)} came before it was over",
    )


def _came_back(attempts: list[ProviderRecord]) -> tuple[list[ProviderRecord], int]:
    """Return those that came too early, and how many came back at all, once there had been time to learn.

    Only a refused attempt can be early: an endpoint that serves has taken its word back. What it serves after that is
    not a return, but traffic.
    """
    early: list[ProviderRecord] = []
    came_back = 0
    words: list[tuple[float, float]] = []
    for record in attempts:
        after_a_word = any(record.arrived_s > learnt_s for learnt_s, _ in words)
        if after_a_word and record.outcome == "refused":
            came_back += 1
            if any(learnt_s < record.arrived_s < until_s for learnt_s, until_s in words):
                early.append(record)
        elif after_a_word and record.outcome == "ok":
            came_back += 1
            words.clear()
        if record.outcome == "refused" and record.retry_after_s is not None:
            words.append((record.end_s + _LEARNING_S, record.end_s + record.retry_after_s))
    return early, came_back
