"""Whether a router stays away for as long as it is told to."""

from brownout.evidence import ProviderRecord
from brownout.history import Window
from brownout.metrics.base import NoEvidence, Observation, View, metric, some

_IN_FLIGHT_S = 0.5  # what had left before the refusal could be read is not held against the router
_REFUSALS_MIN = 1


@metric("early_retry_ratio", "ratio")
def early_retry_ratio(view: View) -> Observation:
    """Attempts at an endpoint before its Retry-After was over, per request that fell due while it was throttled."""
    told = [r for r in view.history.attempts if r.retry_after_s is not None and r.outcome == "refused"]
    if len(told) < _REFUSALS_MIN:
        raise NoEvidence("no endpoint answered with a Retry-After")
    early: list[ProviderRecord] = []
    for endpoint in {r.endpoint for r in told}:
        early += _early_at(view, endpoint)
    early.sort(key=lambda r: (r.arrived_s, r.canary or ""))
    due = [r for r in view.client if any(r.due_s in w and _concerns(view, w, r.tenant) for w in view.windows)]
    if not due:
        raise NoEvidence("no request was due while an endpoint asked to be left alone")
    return Observation(
        value=len(early) / len(due),
        samples=len(due),
        witnesses=some([r.canary for r in early]),
        why=f"{len(early)} attempts came before their endpoint's Retry-After was over; {len(due)} requests were due",
    )


def _concerns(view: View, window: Window, tenant: str) -> bool:
    return tenant in view.history.affected(window)


def _early_at(view: View, endpoint: str) -> list[ProviderRecord]:
    """Return the attempts that came while the endpoint's word was "not before".

    Only refused ones can be early: an endpoint that serves has taken its word back.
    """
    early: list[ProviderRecord] = []
    told: list[tuple[float, float]] = []
    for record in (r for r in view.history.attempts if r.endpoint == endpoint):
        if any(start < record.arrived_s < until for start, until in told) and record.outcome == "refused":
            early.append(record)
        if record.outcome == "refused" and record.retry_after_s is not None:
            told.append((record.end_s + _IN_FLIGHT_S, record.end_s + record.retry_after_s))
    return early
