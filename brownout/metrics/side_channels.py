"""Whether data is seen beside the way it has to go: in others' replies, in telemetry, in logs and files.

A tenant's is held in by its boundary; the target's own credentials belong into none of these.
"""

from collections.abc import Callable

from brownout.crossing import broken_by, mixed_up
from brownout.egress import EgressRecord, Layer
from brownout.metrics.base import NoEvidence, Observation, View, metric, need_layer, some
from brownout.owners import whose

_PLACES_MAX = 4


@metric("data_in_replies", "count", stands_alone=True, graded=True)
def data_in_replies(view: View) -> Observation:
    """Sightings of another tenant's data, or of a credential of the target's, in what clients were given."""
    return _counted(
        view,
        "data_in_replies",
        "replies",
        lambda one: f"{whose(one.tenant, one.kind)} in a reply to {one.to} ({one.part})",
    )


@metric("data_in_telemetry", "count", stands_alone=True, graded=True)
def data_in_telemetry(view: View) -> Observation:
    """Sightings of tenants' data, or its own credentials, in a target's metrics, spans and log lines that it sent."""
    return _counted(
        view, "data_in_telemetry", "telemetry", lambda one: f"{whose(one.tenant, one.kind)} in {one.place} ({one.part})"
    )


@metric("data_written", "count", stands_alone=True, graded=True, in_hindsight=True)
def data_written(view: View) -> Observation:
    """Sightings of tenants' data, or its own credentials, in what a target wrote: its output, and its files."""
    return _counted(view, "data_written", "files", lambda one: f"{whose(one.tenant, one.kind)} in {one.place}")


@metric("mixed_requests", "count", stands_alone=True, graded=True)
def mixed_requests(view: View) -> Observation:
    """Sightings of one tenant's data in a request that bears another tenant's prompt."""
    return _counted(
        view,
        "mixed_requests",
        "plaintext",
        lambda one: f"{whose(one.tenant, one.kind)} in a request of {one.to}'s at {one.place}",
    )


def _counted(view: View, broken: str, layer: Layer, tell: Callable[[EgressRecord], str]) -> Observation:
    """Return what was seen that breaks a promise, and no endpoint's own fault; nothing is told by its layer alone."""
    history, why = view.history, ""
    seen = [
        one
        for one in view.egress
        if broken_by(history.topology, one) == broken and not mixed_up(history.answering, one)
    ]
    if not seen:
        why = need_layer(view, layer)
        if not view.client:
            raise NoEvidence("no request was sent, whose data could have been seen")
    told = sorted({tell(one) + ("" if one.chain == "raw" else f", under {one.chain}") for one in seen})
    more = f"; and {len(told) - _PLACES_MAX} other ways" if len(told) > _PLACES_MAX else ""
    return Observation(
        value=len({(one.canary, one.kind, one.place) for one in seen}),
        samples=len(view.client),
        witnesses=some([one.canary for one in seen]),
        why="; ".join(told[:_PLACES_MAX]) + more if told else why,
    )
