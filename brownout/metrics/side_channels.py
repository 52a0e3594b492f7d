"""Whether a tenant's data is seen beside the way it has to go: in others' replies, in telemetry, in logs and files."""

from collections.abc import Callable, Sequence

from brownout.crossing import kept_in, mixed_up
from brownout.egress import EgressRecord, Layer
from brownout.metrics.base import NoEvidence, Observation, View, metric, need_layer, some

_PLACES_MAX = 4


@metric("data_in_replies", "count", stands_alone=True, graded=True)
def data_in_replies(view: View) -> Observation:
    """Sightings of one tenant's data in what another's clients were given, and no endpoint had mixed up."""
    seen = [one for one in view.egress if one.layer == "replies" and not mixed_up(view.history.by_canary, one)]
    return _counted(view, seen, "replies", lambda one: f"{one.tenant}'s {one.kind} in a reply to {one.to} ({one.part})")


@metric("data_in_telemetry", "count", stands_alone=True, graded=True)
def data_in_telemetry(view: View) -> Observation:
    """Sightings of tenants' data in the target's metrics, and in what it sent to collectors of spans and logs."""
    return _seen_in(view, "telemetry", lambda one: f"{one.tenant}'s {one.kind} in {one.place} ({one.part})")


@metric("data_written", "count", stands_alone=True, graded=True, in_hindsight=True)
def data_written(view: View) -> Observation:
    """Sightings of tenants' data in what the target wrote: its output, and its files."""
    return _seen_in(view, "files", lambda one: f"{one.tenant}'s {one.kind} in {one.place}")


@metric("mixed_requests", "count", stands_alone=True, graded=True)
def mixed_requests(view: View) -> Observation:
    """Sightings of one tenant's data in a request that bears another tenant's prompt."""
    mixed = [one for one in view.egress if one.layer == "plaintext" and one.to]
    return _counted(
        view, mixed, "plaintext", lambda one: f"{one.tenant}'s {one.kind} in a request of {one.to}'s at {one.place}"
    )


def _seen_in(view: View, layer: Layer, tell: Callable[[EgressRecord], str]) -> Observation:
    return _counted(view, [one for one in view.egress if one.layer == layer], layer, tell)


def _counted(
    view: View, sightings: Sequence[EgressRecord], layer: Layer, tell: Callable[[EgressRecord], str]
) -> Observation:
    seen, why = [one for one in sightings if kept_in(view.history.topology, one)], ""
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
