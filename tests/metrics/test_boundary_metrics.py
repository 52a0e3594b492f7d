"""What metrics on boundaries say: one sighting is one too many, and that nothing was seen needs somebody who looked."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.boundary import Boundary
from brownout.canary import KINDS, OWN
from brownout.egress import METRICS as METRICS_PLACE
from brownout.egress import EgressRecord, Layer, LayerRecord
from brownout.errors import BadInput
from brownout.history import History
from brownout.judge import judge
from brownout.metrics import METRICS, NoEvidence
from brownout.metrics.base import Observation
from brownout.owners import whose
from brownout.slo import parse_slo
from brownout.stopping import Sentry, parse_stop
from brownout.topology import Tenant, Topology
from brownout.verdict import Promise
from brownout.viewing import view_of
from tests.histories import ABROAD, ACME, EUROPA, NEAR, SPARE, TEST, TOPOLOGY, Story, a_test, ask, attempt, phases

CROSSED, MIXED = "boundary_violations <= 0", "mixed_requests <= 0"
REPLIES, TELEMETRY, WRITTEN = "data_in_replies <= 0", "data_in_telemetry <= 0", "data_written <= 0"
LAYER_OF: dict[str, Layer] = {
    CROSSED: "plaintext",
    MIXED: "plaintext",
    REPLIES: "replies",
    TELEMETRY: "telemetry",
    WRITTEN: "files",
}
PROMISES = sorted(LAYER_OF)


def seen(promise: str, number: int = 48, at_s: float = 12.0, **changes: Any) -> EgressRecord:
    """Return a sighting of acme's data that breaks a promise."""
    place: dict[str, Any] = {
        CROSSED: {"layer": "plaintext", "place": ABROAD, "part": "body"},
        MIXED: {"layer": "plaintext", "place": NEAR, "part": "body", "to": EUROPA},
        REPLIES: {"layer": "replies", "place": "europa-3", "part": "body", "to": EUROPA},
        TELEMETRY: {"layer": "telemetry", "place": "sink:otlp", "part": "body"},
        WRITTEN: {"layer": "files", "place": "target.log", "part": "content"},
    }[promise]
    known = {"test": TEST, "at_s": at_s, "canary": f"{ACME}-{number}", "kind": "prompt", "chain": "raw"}
    return EgressRecord(**(known | place | changes))


def outcome(promise: Promise) -> tuple[str, float | None]:
    """Return a verdict's outcome and figure."""
    return promise.outcome, promise.observed


def without(layers: Sequence[LayerRecord], layer: Layer) -> list[LayerRecord]:
    """Return the layers but for one."""
    return [one for one in layers if one.layer != layer]


def measured(text: str, egress: Sequence[EgressRecord], topology: Topology = TOPOLOGY) -> Observation:
    """Return what a metric says of these sightings beside one healthy request; raises NoEvidence as it does."""
    layers = [LayerRecord(test=TEST, layer=layer, complete=True, seen=9) for layer in LAYER_OF.values()]
    history = History(
        a_test(),
        topology,
        client=[ask(1, 1.0), ask(48, 12.0, stream=False, traffic_class="background")],
        provider=[attempt(1, 1.1)],
        faults=[],
        phases=phases(),
        egress=egress,
        layers=layers,
    )
    slo = parse_slo(text, faults=None)
    return METRICS[slo.metric].measure(view_of(history, slo))


@pytest.mark.parametrize("promise", PROMISES)
def test_nothing_seen_by_who_looked_at_all_is_kept(promise: str, tmp_path: Path) -> None:
    """Green, and graded."""
    verdict = Story(tmp_path, promise).verdict()
    assert ("pass", 0.0, "enforced") == (*outcome(verdict), verdict.grade)


@pytest.mark.parametrize("promise", PROMISES)
def test_one_sighting_is_one_too_many(promise: str, tmp_path: Path) -> None:
    """Red, with whose data it was for a witness, and where it was seen."""
    story = Story(tmp_path, promise)
    story.egress = [seen(promise, chain="gzip>base64")]
    verdict = story.verdict()
    assert ("fail", 1.0) == outcome(verdict)
    assert [f"{ACME}-48"] == verdict.witnesses
    assert "acme's prompt" in verdict.why
    assert "under gzip>base64" in verdict.why


@pytest.mark.parametrize("promise", PROMISES)
def test_nobody_looked_is_unknown(promise: str, tmp_path: Path) -> None:
    """Without a record of its layer nothing is known."""
    story = Story(tmp_path, promise)
    story.layers = without(story.layers, LAYER_OF[promise])
    verdict = story.verdict()
    assert ("unknown", None) == outcome(verdict)
    assert f"no evidence of the layer {LAYER_OF[promise]}" in verdict.why


@pytest.mark.parametrize("promise", PROMISES)
@pytest.mark.parametrize("sighted", [False, True])
def test_a_sighting_proves_itself_where_a_layer_missed_something(
    promise: str, tmp_path: Path, *, sighted: bool
) -> None:
    """Who missed something cannot say that nothing was there; what it saw was there."""
    story = Story(tmp_path, promise)
    story.layers.append(LayerRecord(test=TEST, layer=LAYER_OF[promise], complete=False, why="2 of 3 seen"))
    story.egress = [seen(promise)] if sighted else []
    verdict = story.verdict()
    assert (("fail", 1.0) if sighted else ("unknown", None)) == outcome(verdict)
    assert sighted != ("2 of 3 seen" in verdict.why)


@pytest.mark.parametrize("promise", PROMISES)
def test_a_sighting_stays_red_on_a_spoiled_run(promise: str, tmp_path: Path) -> None:
    """Whatever else is wrong with a run, data that has left has left."""
    story = Story(tmp_path, promise)
    story.egress = [seen(promise)]
    story.client = [msgspec.structs.replace(one, outcome="error") for one in story.client]
    assert ("fail", 1.0) == outcome(story.verdict())


@pytest.mark.parametrize("promise", PROMISES)
def test_a_sighting_of_another_layer_breaks_another_promise(promise: str, tmp_path: Path) -> None:
    """Each channel has a promise of its own."""
    story = Story(tmp_path, promise)
    story.egress = [seen(other) for other in PROMISES if other != promise]
    assert ("pass", 0.0) == outcome(story.verdict())


def test_an_attempt_and_the_sight_of_its_prompt_are_one_violation(tmp_path: Path) -> None:
    """What an endpoint recorded, and the layer saw as well, counts once; what else it bore counts besides."""
    story = Story(tmp_path, CROSSED)
    story.provider.append(attempt(48, 12.0, ABROAD))
    story.egress = [seen(CROSSED), seen(CROSSED, chain="base64"), seen(CROSSED, part="connection")]
    assert ("fail", 1.0) == outcome(story.verdict())
    story.egress.append(seen(CROSSED, kind="credential"))
    assert ("fail", 2.0) == outcome(story.verdict())


def _with_boundary(**settings: Any) -> Topology:
    line = Boundary(regions=["us-*"], **settings)
    tenants = {ACME: Tenant(boundary="line"), EUROPA: Tenant(allow=[ABROAD])}
    return msgspec.structs.replace(TOPOLOGY, boundaries={"line": line}, tenants=tenants)


@given(st.sets(st.sampled_from(KINDS), min_size=1), st.sampled_from(KINDS), st.sampled_from(PROMISES))
def test_kinds_that_a_boundary_lets_out_are_nobodys_business(never: set[Any], kind: Any, promise: str) -> None:
    """Of what it does not keep in, nobody asks where it goes, by whichever way."""
    topology = _with_boundary(never=sorted(never))
    told = measured(promise, [seen(promise, kind=kind)], topology)
    assert float(kind in never) == told.value


@pytest.mark.parametrize(("never", "crossed"), [(["prompt"], 1.0), (["credential"], 0.0)])
def test_an_attempt_outside_is_none_where_prompts_may_get_out(never: list[Any], crossed: float) -> None:
    """An attempt bears a prompt; what else it bore, the layer tells."""
    history = History(
        a_test(),
        _with_boundary(never=never),
        client=[ask(1, 1.0)],
        provider=[attempt(1, 1.1), attempt(1, 1.2, ABROAD)],
        faults=[],
        phases=phases(),
        layers=[LayerRecord(test=TEST, layer="plaintext", complete=True, seen=2)],
    )
    slo = parse_slo(CROSSED, faults=None)
    assert crossed == METRICS["boundary_violations"].measure(view_of(history, slo)).value


@pytest.mark.parametrize(
    ("profiles", "asked", "result"),
    [
        ([], "", ("pass", 0.0)),
        ([], "us", ("fail", 1.0)),
        (["us"], "us", ("pass", 0.0)),
        (["us"], "global", ("fail", 1.0)),
    ],
)
def test_an_inference_profile_is_inside_where_its_boundary_names_it(
    profiles: list[str], asked: str, result: tuple[str, float], tmp_path: Path
) -> None:
    """A profile that it does not name reaches wider than the endpoint, which is inside."""
    story = Story(tmp_path, CROSSED)
    topology = _with_boundary(inference_profiles=profiles)
    story.provider.append(attempt(48, 12.0, SPARE, profile=asked))
    plan = story.write().plan()
    story.run.write_plan(msgspec.structs.replace(plan, topology=topology))
    (verdict,) = judge(story.run).promises
    assert result == outcome(verdict)


def test_fewer_requests_looked_at_than_came_is_unknown(tmp_path: Path) -> None:
    """Endpoints recorded more attempts than the layer says that it has seen."""
    story = Story(tmp_path, CROSSED)
    story.layers = [msgspec.structs.replace(one, seen=119) for one in story.layers]
    verdict = story.verdict()
    assert ("unknown", None) == outcome(verdict)
    assert "120 attempts came, and 119 requests were looked at" in verdict.why


def test_an_answer_that_an_endpoint_mixed_up_is_not_the_routers_leak(tmp_path: Path) -> None:
    """An endpoint that gives somebody else's answer leaves no router a chance to know; a prompt is another matter."""
    story = Story(tmp_path, REPLIES)
    story.provider = [msgspec.structs.replace(one, falsified=one.canary == "europa-3") for one in story.provider]
    story.egress = [seen(REPLIES, kind="completion")]
    assert ("pass", 0.0) == outcome(story.verdict())
    story.egress.append(seen(REPLIES, kind="prompt"))
    assert ("fail", 1.0) == outcome(story.verdict())


@pytest.mark.parametrize(("records", "told"), [([seen(TELEMETRY)], True), ([], False)])
def test_data_that_was_seen_is_told_of_though_nobody_promised_anything(
    records: list[EgressRecord], *, told: bool, tmp_path: Path
) -> None:
    """It breaks nothing, and a green verdict does not keep it to itself."""
    story = Story(tmp_path, TELEMETRY, lacking={TELEMETRY: ["no-data-in-telemetry"]})
    story.egress = records
    promise = story.verdict()
    assert ("skipped", told, told) == (promise.outcome, promise.seen_all_the_same, "seen all the same" in promise.why)


@pytest.mark.parametrize(("records", "outcome"), [([seen(TELEMETRY)], "unknown"), ([], "skipped")])
def test_who_keeps_boundaries_is_not_passed_with_data_seen_outside(
    records: list[EgressRecord], outcome: str, tmp_path: Path
) -> None:
    """Left open is not left out: nobody knows, and it says how to have it known."""
    story = Story(tmp_path, TELEMETRY, lacking={TELEMETRY: ["no-data-in-telemetry"]}, left_open=[TELEMETRY])
    story.egress = records
    promise = story.verdict()
    assert (outcome, bool(records)) == (promise.outcome, promise.seen_all_the_same)
    assert bool(records) == ("list it under forgoes" in promise.why)


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("data_in_telemetry <= 0", 1.0),
        ("data_in_telemetry[tenant=acme] <= 0", 1.0),
        ("data_in_telemetry[tenant=europa] <= 0", None),
        ("data_in_telemetry[class=background] <= 0", 1.0),
        ("data_in_telemetry[class=interactive] <= 0", 0.0),
        ("data_in_telemetry[stream=false] <= 0", 1.0),
        ("data_in_telemetry[stream=true] <= 0", 0.0),
    ],
)
def test_a_filter_is_about_whose_data_it_was(text: str, counted: float | None) -> None:
    """Tenant, class and stream are those of the request that the data comes from."""
    if counted is None:
        with pytest.raises(NoEvidence):
            measured(text, [seen(TELEMETRY)])
    else:
        assert counted == measured(text, [seen(TELEMETRY)]).value


@pytest.mark.parametrize(
    ("record", "counted"),
    [
        (seen(TELEMETRY, at_s=12.0), 1.0),
        (seen(TELEMETRY, at_s=25.0), 0.0),
        (seen(TELEMETRY, at_s=30.0, place=METRICS_PLACE), 1.0),
        (seen(WRITTEN, at_s=30.0), 1.0),
    ],
)
def test_what_is_found_when_all_is_over_may_have_come_at_any_time(
    record: EgressRecord, counted: float, tmp_path: Path
) -> None:
    """A file's time is when it was read. So it counts in every window, and hides in none."""
    metric = "data_written" if record.layer == "files" else "data_in_telemetry"
    story = Story(tmp_path, f"{metric} during region-down <= 0")
    story.egress = [record]
    assert counted == story.verdict().observed


@pytest.mark.parametrize(
    ("layer", "denied", "result"),
    [
        ("flows", True, ("fail", 1.0)),
        ("names", True, ("fail", 1.0)),
        ("flows", False, ("pass", 0.0)),
        ("plaintext", True, ("pass", 0.0)),  # a honeypot's: the name that led there is on record by itself
    ],
)
def test_a_call_to_nobody_of_the_worlds_is_one_too_many(
    layer: Layer, result: tuple[str, float], tmp_path: Path, *, denied: bool
) -> None:
    """undeclared_destinations: what was denied, whether or not it bore anybody's data."""
    story = Story(tmp_path, "undeclared_destinations <= 0")
    story.egress = [EgressRecord(test=TEST, at_s=0.1, layer=layer, place="telemetry.example:443/tcp", denied=denied)]
    assert result == outcome(story.verdict())


@pytest.mark.parametrize("layer", ["flows", "names"])
def test_who_was_not_sealed_may_have_called_anybody(layer: Layer, tmp_path: Path) -> None:
    """undeclared_destinations is unknown where packets, or names, were not looked at."""
    story = Story(tmp_path, "undeclared_destinations <= 0")
    story.layers = without(story.layers, layer)
    assert ("unknown", None) == outcome(story.verdict())


@pytest.mark.parametrize("promise", [one for one in PROMISES if one != WRITTEN])
def test_a_stop_condition_sees_a_sighting_at_once(promise: str) -> None:
    """No layer has said anything yet, and none needs to."""
    sentry = Sentry(a_test(abort_if=[promise.replace("<=", ">")]), TOPOLOGY)
    sentry.begin(0.0)
    sentry.note([ask(1, 1.0), attempt(1, 1.1)])
    assert sentry.look(2.0) is None
    sentry.note([seen(promise, at_s=2.0)])
    met = sentry.look(2.0)
    assert met is not None
    assert 1.0 == met.observed


def test_a_stop_condition_on_files_is_refused() -> None:
    """They are looked at when the test is over."""
    with pytest.raises(BadInput, match="data_written is known only when the test is over"):
        parse_stop("data_written > 0")


@pytest.mark.parametrize("owner", OWN)
@pytest.mark.parametrize("promise", [one for one in PROMISES if one != MIXED])
def test_a_routers_own_credential_breaks_the_promise_of_the_layer_that_saw_it(
    promise: str, owner: str, tmp_path: Path
) -> None:
    """It is in no tenant's boundary, whatever these let out; and it is told as what it is."""
    story = Story(tmp_path, promise)
    story.egress = [seen(promise, canary=f"{owner}-3", kind="credential")]
    verdict = story.verdict()
    assert ("fail", 1.0) == outcome(verdict)
    assert whose(owner, "") in verdict.why
