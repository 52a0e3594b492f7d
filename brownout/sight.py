"""Sight: what each layer of evidence made of a run in which something leaked. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

from brownout.crossing import broken_by, crossing
from brownout.egress import LAYERS, EgressRecord, Layer, LayerRecord, merged
from brownout.evidence import ProviderRecord
from brownout.topology import Topology

Sight: TypeAlias = Literal[
    "saw",  # something that does not belong where it was
    "blind",  # nothing, though it saw all there was to see in it
    "incomplete",  # nothing, and it missed some of what there was
    "absent",  # nothing recorded it
]


def sights(
    topology: Topology,
    attempts: Iterable[ProviderRecord],
    egress: Iterable[EgressRecord],
    layers: Mapping[str, Sequence[LayerRecord]],
) -> dict[Layer, Sight]:
    """Return what each layer saw over a run's tests.

    Args:
        topology: where they were played.
        attempts: what endpoints received; one at a foreign place, or by a wider profile, the plaintext layer saw.
        egress: what was seen besides.
        layers: what the layers say of themselves, by test.
    """
    saw = {record.layer for record in egress if broken_by(topology, record)}
    if any(record.canary is not None and crossing(topology, record) for record in attempts):
        saw.add("plaintext")
    told = [merged(records) for records in layers.values()]
    return {
        layer: "saw" if layer in saw else _unseeing([one[layer] for one in told if layer in one]) for layer in LAYERS
    }


def _unseeing(records: Sequence[LayerRecord]) -> Sight:
    if not records:
        return "absent"
    return "blind" if all(record.complete for record in records) else "incomplete"
