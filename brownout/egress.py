"""Where data was seen, or could have gone, besides the attempts that endpoints record: ``egress.jsonl``.

One layer of evidence sees one kind of channel. Each says at its end whether it saw all there was to see
(``layers.jsonl``): a layer that missed something, or was not there, proves nothing by having seen nothing.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import msgspec

from brownout.canary import Kind, tenant_of

if TYPE_CHECKING:
    from brownout.scanning import Sighting

Layer: TypeAlias = Literal[
    "plaintext",  # every byte that emulated endpoints and services received, TLS taken off
    "replies",  # every byte that clients were given
    "telemetry",  # what the target says of itself: metrics that are read, spans and log lines that it sends
    "files",  # what it writes: its output, and files
    "flows",  # every packet that leaves its network namespace
    "names",  # every name that it asks for
]
LAYERS: tuple[Layer, ...] = get_args(Layer)

METRICS = "metrics"
"""The place that a target's metrics are."""

Grade: TypeAlias = Literal["enforced", "observed", "endpoints only"]
"""How strong a proof is: ``enforced``: nothing could get past the layers, and all were complete. ``observed``: what the
target sent, wrote and said was looked at, but it could have gone elsewhere unseen. ``endpoints only``: no more is known
than what emulated endpoints received."""

GRADES: tuple[Grade, ...] = get_args(Grade)
"""The strongest first."""

_OBSERVED: tuple[Layer, ...] = ("plaintext", "replies", "telemetry", "files")
_SEALED: tuple[Layer, ...] = ("flows", "names")


class EgressRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Something seen in one layer: a canary in bytes, a flow, a name that was asked for.

    Attributes:
        layer: which one saw it.
        place: where: an endpoint's name; ``service:sts``; ``sink:otlp``; ``metrics``; a client's request
            (``globex-12``), or what is said of a batch (``batch-3/output``); a file; ``HOST:PORT/tcp``; a name.
        canary: whose data it was (``acme-17``); empty for what bears none, or none that could be read.
        kind: what the canary marks.
        chain: what it lay under, outermost first (``gzip>base64``); ``raw`` for nothing.
        part: in which part of a message: ``url``, ``header NAME``, ``headers`` (of a reply), ``body``; ``connection``,
            where it was in no message; of a file or of metrics, ``name`` or ``content``.
        offset: how far into that part, in bytes.
        to: for whom the place holds it: the tenant who was given a reply; empty where it is nobody's.
        denied: whether it was kept from getting there.
        times: how often, where it is counted and not told one by one.
        size_bytes: how much went, where that is known.
        why: what else is to be said of it.
    """

    test: str
    at_s: float
    layer: Layer
    place: str
    canary: str = ""
    kind: Kind | Literal[""] = ""
    chain: str = ""
    part: str = ""
    offset: int = 0
    to: str = ""
    denied: bool = False
    times: int = 1
    size_bytes: int = 0
    why: str = ""

    @property
    def tenant(self) -> str:
        """Whose data it was; empty where nobody knows."""
        return tenant_of(self.canary)

    @property
    def dated(self) -> bool:
        """Whether ``at_s`` is when it went there; of files and metrics, it is only when they were looked at."""
        return self.layer != "files" and self.place != METRICS


def sighted(
    one: "Sighting",
    *,
    test: str,
    at_s: float,
    layer: Layer,
    place: str,
    part: str,
    to: str = "",
    denied: bool = False,
) -> EgressRecord:
    """Return the record of a canary that a scan has seen."""
    return EgressRecord(
        test=test,
        at_s=at_s,
        layer=layer,
        place=place,
        canary=one.canary,
        kind=one.kind,
        chain=one.chain,
        part=part,
        offset=one.offset,
        to=to,
        denied=denied,
    )


class LayerRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What one layer says of itself once a test is over.

    Attributes:
        complete: whether it saw all there was to see.
        counted: how many things there were, by a count that does not come from the layer's own records.
        seen: how many it looked at; fewer than were counted, and it is not complete.
        size_bytes: how many bytes it looked at.
        why: what it missed, or how it knows that it missed nothing.
    """

    test: str
    layer: Layer
    complete: bool
    counted: int = 0
    seen: int = 0
    size_bytes: int = 0
    why: str = ""


def merged(layers: Iterable[LayerRecord]) -> dict[Layer, LayerRecord]:
    """Return what each layer says of itself, where several look at parts of it: it is complete if all of them are."""
    told: dict[Layer, LayerRecord] = {}
    for one in layers:
        other = told.get(one.layer)
        told[one.layer] = one if other is None else _together(other, one)
    return told


def _together(one: LayerRecord, other: LayerRecord) -> LayerRecord:
    doubtful = [record for record in (one, other) if not record.complete] or [one, other]
    return msgspec.structs.replace(
        one,
        complete=one.complete and other.complete,
        counted=one.counted + other.counted,
        seen=one.seen + other.seen,
        size_bytes=one.size_bytes + other.size_bytes,
        why="; ".join(dict.fromkeys(record.why for record in doubtful if record.why)),
    )


def grade_of(layers: Iterable[LayerRecord]) -> tuple[Grade, str]:
    """Return how strong the proof of a test is, and what keeps it from being stronger."""
    told = merged(layers)
    lacking = {name: _lack(told.get(name), name) for name in LAYERS}
    missing = [lack for name in _OBSERVED if (lack := lacking[name])]
    if missing:
        return "endpoints only", "; ".join(missing)
    unsealed = [lack for name in _SEALED if (lack := lacking[name])]
    return ("observed", "; ".join(unsealed)) if unsealed else ("enforced", "")


def _lack(record: LayerRecord | None, name: str) -> str:
    if record is None:
        return f"{name}: nothing recorded it"
    return "" if record.complete else f"{name}: {record.why or 'not complete'}"
