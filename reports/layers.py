"""What the layers of evidence say of themselves, over a run and test by test. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from brownout.egress import LAYERS, Layer, LayerRecord, merged
from brownout.plan import TestPlan

ABOUT: Mapping[Layer, str] = {
    "plaintext": "every byte that emulated endpoints and services received",
    "replies": "every byte that clients were given",
    "telemetry": "its metrics, and what it sends to collectors",
    "files": "its output, and what it writes",
    "flows": "every packet that leaves its network namespace",
    "names": "every name that it asks for",
}


class Whole(NamedTuple):
    """One layer over all tests that were played.

    Attributes:
        recorded: in how many tests it said anything of itself.
        complete: in how many it saw all there was to see.
        missed: what it missed, each once, with the tests.
    """

    layer: Layer
    recorded: int
    complete: int
    counted: int
    seen: int
    size_bytes: int
    missed: dict[str, list[str]]


class Table(NamedTuple):
    """All layers: over the run, and by test (None: nothing recorded it)."""

    tests: int
    whole: list[Whole]
    by_test: dict[str, list[LayerRecord | None]]


def layer_table(layers: Mapping[str, Sequence[LayerRecord]], tests: Iterable[TestPlan]) -> Table:
    """Return what the layers say of themselves.

    Args:
        layers: their records, by test; repeats have names of their own.
        tests: those that were played, in order.
    """
    repeats: dict[str, list[Mapping[Layer, LayerRecord]]] = {}
    for test in tests:
        repeats.setdefault(test.base, []).append(merged(layers.get(test.test, [])))
    told = {test: {layer: _together(found, layer) for layer in LAYERS} for test, found in repeats.items()}
    return Table(
        len(told),
        [_whole(layer, {test: one for test, found in told.items() if (one := found[layer])}) for layer in LAYERS],
        {test: list(found.values()) for test, found in told.items()},
    )


def _together(repeats: Sequence[Mapping[Layer, LayerRecord]], layer: Layer) -> LayerRecord | None:
    """Return what a layer says of a test's repeats; where some have no word of it, it is not complete."""
    said = [found[layer] for found in repeats if layer in found]
    if not said:
        return None
    told = merged(said)[layer]
    lacking = len(repeats) - len(said)
    why = f"nothing recorded it in {lacking} of {len(repeats)} repeats"
    return msgspec.structs.replace(told, complete=False, why=why) if lacking else told


def _whole(layer: Layer, records: Mapping[str, LayerRecord]) -> Whole:
    missed: dict[str, list[str]] = {}
    for test, record in records.items():
        if not record.complete:
            missed.setdefault(record.why or "it does not say what", []).append(test)
    return Whole(
        layer,
        recorded=len(records),
        complete=sum(record.complete for record in records.values()),
        counted=sum(record.counted for record in records.values()),
        seen=sum(record.seen for record in records.values()),
        size_bytes=sum(record.size_bytes for record in records.values()),
        missed=missed,
    )
