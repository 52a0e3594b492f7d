"""Requests that nobody answered, not even with an error."""

from brownout.metrics.base import Observation, View, metric, need, some


@metric("hung_requests", "count", timed=True)
def hung_requests(view: View) -> Observation:
    """Requests with no end within the client's patience, counted from when they were due."""
    need(view.client, 1, "requests in the window")
    load = view.history.plan.workload
    batches = f" (lines of batches: {load.batches.patience_s:g} s)" if any(r.batch for r in view.client) else ""
    hung = [r for r in view.client if r.outcome == "hung"]
    return Observation(
        value=len(hung),
        samples=len(view.client),
        witnesses=some([r.canary for r in hung]),
        why=f"{len(hung)} of {len(view.client)} had not ended {load.patience_s:g} s after they were due{batches}",
    )
