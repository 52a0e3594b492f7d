"""How much a router multiplies its load, counted where it lands."""

from brownout.intervals import Mean
from brownout.metrics.base import NoEvidence, Observation, View, metric, need, some

_REQUESTS_MIN = 10


@metric("retry_amplification", "x")
def retry_amplification(view: View) -> Observation:
    """Attempts received by endpoints for each client request that asked a question of its own."""
    asked = [r for r in view.client if not r.question]
    need(asked, _REQUESTS_MIN, "requests in the window")
    attempts = {r.canary: len(view.history.by_canary.get(r.canary, ())) for r in asked}
    if not any(attempts.values()) and not view.history.attempts:
        raise NoEvidence("no endpoint received any request that carries a canary")
    most = sorted(attempts, key=lambda canary: -attempts[canary])
    total = sum(attempts.values())
    return Observation(
        value=total / len(asked),
        samples=len(asked),
        sample=Mean(tuple(float(count) for count in attempts.values())),
        witnesses=some(most[:5]),
        why=f"{total} attempts for {len(asked)} requests; at most {attempts[most[0]]} for one",
    )
