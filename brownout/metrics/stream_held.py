"""Whether a stream is passed on as it comes."""

from brownout.intervals import Quantile
from brownout.metrics.base import Observation, View, metric, need, some

_STREAMS_MIN = 10


@metric("stream_held_ratio", "ratio")
def stream_held_ratio(view: View) -> Observation:
    """How far into an endpoint's stream its first token reached the client (median): 0 at once, 1 at its end."""
    held = []
    for record in view.client:
        served = [r for r in view.history.by_canary.get(record.canary, ()) if r.outcome == "ok"]
        if not (record.stream and record.outcome == "ok" and len(served) == 1):
            continue
        attempt = served[0]
        if record.first_token_s is None or attempt.first_token_s is None or attempt.end_s <= attempt.first_token_s:
            continue
        waited_s, whole_s = record.first_token_s - attempt.first_token_s, attempt.end_s - attempt.first_token_s
        held.append((waited_s / whole_s, record.canary))
    need(held, _STREAMS_MIN, "served streams in the window")
    worst = sorted(held, reverse=True)
    sample = Quantile(tuple(sorted(share for share, _ in held)), 0.5)
    return Observation(
        value=sample.value, samples=len(held), witnesses=some([one for _, one in worst[:3]]), sample=sample
    )
