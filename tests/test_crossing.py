"""What judges count, reports tell and the selftest looks for is one rule."""

from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.canary import COMMON, KINDS
from brownout.crossing import broken_by, crossing, left
from brownout.egress import LAYERS, EgressRecord, Layer, LayerRecord
from brownout.sight import Sight, sights
from tests.histories import ABROAD, ACME, EUROPA, NEAR, SPARE, TEST, TOPOLOGY, Story, attempt

METRICS = ("boundary_violations", "mixed_requests", "data_in_replies", "data_in_telemetry", "data_written")


def _seen(**changes: Any) -> EgressRecord:
    known: dict[str, Any] = {"layer": "plaintext", "place": ABROAD, "canary": "acme-1", "kind": "prompt"}
    return EgressRecord(test=TEST, at_s=12.0, **(known | changes))


SEEN = [
    (_seen(), "boundary_violations"),
    (_seen(layer="flows", place="203.0.113.5:443/tcp", denied=True), "boundary_violations"),
    (_seen(layer="names", place="<40>.example", denied=True), "boundary_violations"),
    (_seen(place=NEAR, to=EUROPA), "mixed_requests"),
    (_seen(layer="replies", place="europa-3", to=EUROPA), "data_in_replies"),
    (_seen(layer="telemetry", place="metrics"), "data_in_telemetry"),
    (_seen(layer="files", place="target.log"), "data_written"),
    (_seen(layer="flows", place="203.0.113.5:443/tcp", canary="", kind="", denied=True), "undeclared_destinations"),
    (_seen(layer="flows", place="bedrock:443/tcp", canary="", kind=""), ""),
    (_seen(layer="names", place="bedrock.example", canary="", kind=""), ""),
]


@pytest.mark.parametrize(("seen", "metric"), SEEN, ids=[f"{seen.layer}-{metric}" for seen, metric in SEEN])
def test_what_a_report_tells_of_is_what_its_metric_counts(seen: EgressRecord, metric: str, tmp_path: Path) -> None:
    """The promise that a sighting is told under is red by it, and no other is, whichever way it was seen."""
    story = Story(tmp_path, *(f"{name} <= 0" for name in (*METRICS, "undeclared_destinations")))
    story.egress = [seen]
    red = {promise.metric for promise in story.judged() if promise.outcome == "fail"}
    also = {"undeclared_destinations"} if seen.denied else set()
    assert ({metric} - {""}) | also == red
    assert metric == broken_by(TOPOLOGY, seen)


@pytest.mark.parametrize(
    ("tenant", "endpoint", "profile", "said"),
    [
        (ACME, NEAR, "", ""),
        (ACME, SPARE, "", ""),
        (ACME, ABROAD, "", "acme at abroad"),
        (ACME, NEAR, "global", "acme at near by an inference profile global., which reaches wider"),
        ("unheard-of", NEAR, "", "unheard-of at near"),
        (None, NEAR, "", "nobody at near"),
    ],
)
def test_an_attempt_crosses_by_its_place_or_by_its_profile(
    tenant: str | None, endpoint: str, profile: str, said: str
) -> None:
    """Who is nobody's has no boundary to be inside of."""
    assert said == crossing(TOPOLOGY, attempt(1, 1.0, endpoint, tenant=tenant, profile=profile))


@pytest.mark.parametrize(("tenant", "said"), [(ACME, "acme at abroad"), (None, "")])
def test_a_common_question_hides_nobodys_prompt(tenant: str | None, said: str) -> None:
    """Nobody knows whose it is; but a conversation that ends in one is its tenant's, and must not go abroad."""
    asked = msgspec.structs.replace(attempt(1, 1.0, ABROAD, tenant=tenant), canary=f"{COMMON}-1")
    assert said == crossing(TOPOLOGY, asked)


@given(
    layer=st.sampled_from(LAYERS),
    kind=st.sampled_from(KINDS),
    tenant=st.sampled_from([ACME, EUROPA, "unheard-of"]),
    to=st.sampled_from(["", ACME, EUROPA]),
    denied=st.booleans(),
)
def test_a_canary_that_is_on_record_is_always_counted(
    layer: Layer, kind: Any, tenant: str, to: str, *, denied: bool
) -> None:
    """Where a boundary keeps all kinds in, no sighting of anybody's data falls between the promises."""
    outward = layer in {"plaintext", "flows", "names"}
    seen = _seen(
        layer=layer, kind=kind, canary=f"{tenant}-1", to=to if layer in {"plaintext", "replies"} else "", denied=denied
    )
    assert broken_by(TOPOLOGY, seen)
    assert (outward and not seen.to) == left(TOPOLOGY, seen)


def _layer(layer: Layer, *, test: str = TEST, complete: bool = True) -> LayerRecord:
    return LayerRecord(test=test, layer=layer, complete=complete)


def test_a_layer_saw_was_blind_was_incomplete_or_was_not_there() -> None:
    """To have seen nothing is told apart by whether it could have."""
    layers = {TEST: [_layer("plaintext"), _layer("files"), _layer("replies"), _layer("telemetry", complete=False)]}
    expected: dict[Layer, Sight] = {
        "plaintext": "blind",
        "replies": "blind",
        "telemetry": "incomplete",
        "files": "saw",
        "flows": "absent",
        "names": "absent",
    }
    assert expected == sights(TOPOLOGY, [], [_seen(layer="files", place="target.log")], layers)


@pytest.mark.parametrize("changes", [{"endpoint": ABROAD}, {"profile": "global"}], ids=["place", "profile"])
def test_the_plaintext_layer_sees_attempts(changes: dict[str, Any]) -> None:
    """An endpoint's own record of a request outside its tenant's boundary is a sighting."""
    layers = {TEST: [_layer("plaintext")]}
    saw = [sights(TOPOLOGY, [attempt(1, 1.0, **one)], [], layers)["plaintext"] for one in (changes, {})]
    assert ["saw", "blind"] == saw


def test_what_belongs_where_it_is_counts_for_no_layer() -> None:
    """A flow to an endpoint is on record, and no leak."""
    flow = _seen(layer="flows", place="bedrock:443/tcp", canary="", kind="")
    assert "blind" == sights(TOPOLOGY, [], [flow], {TEST: [_layer("flows")]})["flows"]


def test_a_layer_that_missed_something_in_one_test_was_not_blind() -> None:
    """Over several tests, one of which could not be looked into, nobody knows what a layer would have seen."""
    layers = {"a": [_layer("files", test="a")], "b": [_layer("files", test="b", complete=False)]}
    assert "incomplete" == sights(TOPOLOGY, [], [], layers)["files"]
    assert {"saw", "blind", "incomplete", "absent"} == set(get_args(Sight))
