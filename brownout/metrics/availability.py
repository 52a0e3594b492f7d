"""How many were served: of all requests due, and of those due while a fault was on."""

from collections import Counter
from collections.abc import Sequence

from brownout.evidence import ClientRecord
from brownout.intervals import Share
from brownout.metrics.base import NoEvidence, Observation, View, metric, need, some


@metric("availability", "ratio")
def availability(view: View) -> Observation:
    """Share of requests due that were answered whole and right within the client's patience."""
    return share_served(view.client)


@metric("served_during_fault", "ratio")
def served_during_fault(view: View) -> Observation:
    """Share served of the requests that fell due while a fault was on, of tenants that could still be served."""
    if not view.windows:
        raise NoEvidence("no fault was on")
    due = [
        record
        for record in view.client
        if any(record.due_s in w and record.tenant in view.history.servable(w) for w in view.windows)
    ]
    return share_served(due)


def share_served(records: Sequence[ClientRecord]) -> Observation:
    """Return the share of the records that are ok, with those that are not as witnesses."""
    need(records, 1, "requests in the window")
    lost = [record for record in records if record.outcome != "ok"]
    kinds = Counter(record.outcome for record in lost)
    return Observation(
        value=(len(records) - len(lost)) / len(records),
        samples=len(records),
        witnesses=some([record.canary for record in lost]),
        sample=Share(len(records) - len(lost), len(records)),
        why=f"{len(lost)} of {len(records)} not served: {', '.join(f'{n} {kind}' for kind, n in kinds.most_common())}"
        if lost
        else f"all {len(records)} served",
    )
