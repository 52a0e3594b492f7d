"""Whether a target called anybody it was not told of."""

from brownout.egress import EgressRecord
from brownout.metrics.base import Observation, View, metric, need_layer, some

_PLACES_MAX = 8


@metric("undeclared_destinations", "count", stands_alone=True, graded=True)
def undeclared_destinations(view: View) -> Observation:
    """Hosts and names outside its world that a sealed target tried to reach: under load, at start, or idle."""
    tried = [one for one in view.egress if one.denied and one.layer in {"flows", "names"}]
    why = "" if tried else "; ".join(need_layer(view, layer) for layer in ("flows", "names"))
    places = sorted({_told(one) for one in tried})
    more = f"; and {len(places) - _PLACES_MAX} others" if len(places) > _PLACES_MAX else ""
    return Observation(
        value=len({(one.layer, one.place) for one in tried}),
        samples=len(view.history.egress),
        witnesses=some([one.canary for one in tried]),
        why="; ".join(places[:_PLACES_MAX]) + more if places else why,
    )


def _told(one: EgressRecord) -> str:
    asked = f"asked for {one.place}" if one.layer == "names" else f"sent to {one.place}"
    return f"{asked}, {one.why}" if one.why else asked
