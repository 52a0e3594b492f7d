"""A proof is graded by the layers that were complete, and never higher."""

from typing import get_args

import pytest

from brownout.egress import LAYERS, EgressRecord, Grade, Layer, LayerRecord, grade_of


def _layers(*lacking: str, broken: Layer | None = None) -> list[LayerRecord]:
    return [
        LayerRecord(test="t", layer=layer, complete=layer != broken, why="2 of 3 seen" if layer == broken else "")
        for layer in LAYERS
        if layer not in lacking
    ]


def test_all_layers_complete_is_enforced() -> None:
    """Only with every layer there and complete is a proof called enforced."""
    assert grade_of(_layers()) == ("enforced", "")


@pytest.mark.parametrize("layer", ["flows", "names"])
def test_an_open_network_is_only_observed(layer: str) -> None:
    """Where the network is not sealed, a proof says no more than what was observed."""
    assert grade_of(_layers(layer)) == ("observed", f"{layer}: nothing recorded it")


@pytest.mark.parametrize("layer", ["plaintext", "replies", "telemetry", "files"])
def test_a_blind_layer_lowers_the_grade_by_name(layer: Layer) -> None:
    """A layer that missed something takes the grade down, and the reason names it."""
    assert grade_of(_layers(broken=layer)) == ("endpoints only", f"{layer}: 2 of 3 seen")


def test_nothing_recorded_is_the_lowest_grade() -> None:
    """Without a record of any layer there is no more than endpoints."""
    assert grade_of([])[0] == get_args(Grade)[-1]


def test_a_sighting_tells_whose_data_it_was() -> None:
    """The tenant is read from the canary's id, dashes in its name and all."""
    record = EgressRecord(test="t", at_s=1.0, layer="files", place="target.log", canary="north-west-17")
    assert record.tenant == "north-west"
