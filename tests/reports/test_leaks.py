"""What was seen outside a boundary is told as it was: whose, which, where, under what, when, amid which faults."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from brownout.egress import EgressRecord
from reports.leak_words import sentence
from reports.leaks import Leak, leaks_of, stories_of
from reports.reading import read
from tests.histories import ABROAD, ACME, EUROPA, NEAR, TEST, TOPOLOGY, Story, attempt

INSIDE = "boundary_violations <= 0"


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """Return a healthy run, a fault on from 10 to 20 s of 30."""
    return Story(tmp_path, INSIDE)


def _seen(canary: str, at_s: float, **changes: Any) -> EgressRecord:
    known: dict[str, Any] = {"layer": "plaintext", "place": ABROAD, "kind": "prompt", "chain": "raw", "part": "body"}
    return EgressRecord(test=TEST, canary=canary, at_s=at_s, **(known | changes))


def _leaks(story: Story) -> list[Leak]:
    run = story.write()
    plan = run.plan()
    return [leak for test in plan.tests for leak in leaks_of(test, plan, read(run))]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"chain": "gzip>base64", "part": "header x-trace", "offset": 12},
            f"reached {ABROAD} (header x-trace at byte 12, under gzip>base64).",
        ),
        ({"place": "sts"}, "reached sts (body at byte 0)."),
        ({"place": "service:sts"}, "reached the service sts (body at byte 0)."),
        ({"place": NEAR, "to": EUROPA}, f"was in a request of europa's at {NEAR} (body at byte 0)."),
        (
            {"layer": "replies", "place": "europa-7", "to": EUROPA, "part": "headers"},
            "was in a reply to europa (europa-7, headers at byte 0).",
        ),
        ({"layer": "telemetry", "place": "metrics", "part": "content"}, "was in its metrics (content at byte 0)."),
        ({"layer": "telemetry", "place": "otlp"}, "was sent to the collector otlp (body at byte 0)."),
        ({"layer": "telemetry", "place": "sink:otlp"}, "was sent to the collector otlp (body at byte 0)."),
        (
            {"layer": "flows", "place": "203.0.113.5:53/udp", "part": "payload", "denied": True},
            "was sent to 203.0.113.5:53/udp (payload at byte 0, kept from getting there).",
        ),
        (
            {"layer": "names", "place": "<40>.example", "part": "name", "chain": "base32", "denied": True},
            "was in a name that was asked for, <40>.example (name at byte 0, under base32, kept from getting there).",
        ),
    ],
)
def test_each_channel_is_told_in_its_own_words(story: Story, changes: dict[str, Any], said: str) -> None:
    """A sentence says when, amid which fault, whose data, and where and how it lay there."""
    story.egress = [_seen("acme-48", 12.5, **changes)]
    (leak,) = _leaks(story)
    assert f"12.5 s into t, amid region-down at us-east-1: acme's prompt (acme-48) {said}" == sentence(leak)


@pytest.mark.parametrize(
    ("owner", "said"),
    [
        ("router@aws", "the router's AWS token"),
        ("router@aws-secret", "the router's AWS secret access key"),
        ("router@google", "the router's Google token"),
        ("router@google-secret", "the router's Google private key"),
        ("router@keys", "the router's API key"),
    ],
)
def test_a_routers_own_credential_is_told_as_what_it_is(story: Story, owner: str, said: str) -> None:
    """It is no tenant's, and each has a name that people know."""
    story.egress = [_seen(f"{owner}-3", 12.5, kind="credential", part="header x-amz-security-token")]
    (leak,) = _leaks(story)
    told = f"{said} ({owner}-3) reached {ABROAD} (header x-amz-security-token at byte 0)."
    assert f"12.5 s into t, amid region-down at us-east-1: {told}" == sentence(leak)


def test_what_bears_nobodys_mark_is_the_targets(story: Story) -> None:
    """A host that was called before load began, and that nobody had declared, is told with how it ended."""
    story.egress = [
        _seen("", -1.5, layer="flows", place="203.0.113.5:443/tcp", kind="", part="", chain="", denied=True, times=3)
    ]
    (leak,) = _leaks(story)
    said = "1.5 s before the load of t, amid no fault: the target called 203.0.113.5:443/tcp (kept from getting there)."
    assert (said, 3, "undeclared_destinations") == (sentence(leak), leak.times, leak.way.metric)


def test_a_message_is_told_once_with_all_that_was_in_it(story: Story) -> None:
    """Four canaries in one body are one leak; the same bytes, seen again as a connection's last, are no other."""
    kinds = ("context", "prompt", "credential", "completion")
    story.egress = [_seen("acme-48", 12.5, kind=kind, offset=9) for kind in kinds]
    story.egress += [_seen("acme-48", 12.6, kind=kind, part="connection") for kind in kinds]
    (leak,) = _leaks(story)
    assert ("prompt", "completion", "context", "credential") == leak.way.kinds
    assert "acme's prompt, answer, retrieved context and credential (acme-48)" in sentence(leak)


def test_what_was_only_in_a_connections_last_bytes_is_told(story: Story) -> None:
    """Bytes that were never a request have left all the same."""
    story.egress = [_seen("acme-48", 12.6, part="connection", offset=3)]
    assert ["connection"] == [leak.way.part for leak in _leaks(story)]


def test_an_attempt_abroad_and_what_was_seen_in_it_are_one_story(story: Story) -> None:
    """The endpoint's record and the sightings in the same request tell of one thing."""
    story.provider.append(attempt(48, 12.5, ABROAD))
    story.egress = [_seen("acme-48", 12.5), _seen("acme-48", 12.5, kind="system")]
    assert [("prompt", "system")] == [leak.way.kinds for leak in _leaks(story)]


def test_an_attempt_by_a_wider_profile_is_told_though_nothing_was_seen_at_a_foreign_place(story: Story) -> None:
    """The endpoint is the tenant's own; what it was asked by reaches everywhere."""
    story.provider.append(attempt(48, 12.5, NEAR, profile="global"))
    (leak,) = _leaks(story)
    assert f"reached {NEAR} (by the inference profile global., which reaches wider)." in sentence(leak)


def test_what_is_found_at_the_end_is_told_by_when_its_request_was_asked(story: Story) -> None:
    """A file is looked at when all is over; which fault had brought the data there, the request's own time tells."""
    story.egress = [_seen("acme-48", 30.5, layer="files", place="target/tmp/last.dump", part="content")]
    (leak,) = _leaks(story)
    when = "asked 12.0 s into t, amid region-down at us-east-1, and found when load had ended"
    assert (f"{when}: acme's prompt (acme-48) was written to target/tmp/last.dump (content at byte 0).", True) == (
        sentence(leak),
        leak.late,
    )


def test_metrics_that_are_read_as_load_ends_are_found_then(story: Story) -> None:
    """They say nothing of when a prompt got into them; its request does."""
    story.egress = [_seen("acme-48", 30.0, layer="telemetry", place="metrics", kind=kind) for kind in ("tool", "file")]
    (leak,) = _leaks(story)
    said = "and found when load had ended: acme's tool's result and file (acme-48) were in its metrics"
    assert said in sentence(leak)


def test_what_is_found_at_the_end_and_nobody_asked_is_amid_nothing(story: Story) -> None:
    """Where the request is not on record, no fault is blamed."""
    story.egress = [_seen("acme-4800", 30.5, layer="files", place="target.log")]
    (leak,) = _leaks(story)
    assert sentence(leak).startswith("found in t when load had ended: acme's prompt (acme-4800) was written to")


@pytest.mark.parametrize(
    "seen",
    [
        _seen("", 5.0, layer="flows", place="bedrock:443/tcp", kind="", chain="", part=""),
        _seen("", 5.0, layer="names", place="bedrock.example", kind="", chain="", part=""),
    ],
    ids=["flow", "name"],
)
def test_what_belongs_where_it_went_is_no_story(story: Story, seen: EgressRecord) -> None:
    """A sealed run has every packet and name on record, and most of them are as they should be."""
    story.egress = [seen]
    assert [] == _leaks(story)


def test_alike_leaks_are_one_story_with_how_often_and_amid_what(story: Story) -> None:
    """Many of the same are told once, with the first and the last, and how many of them were amid a fault."""
    story.egress = [_seen(f"acme-{number}", number / 4) for number in (20, 44, 48, 52, 100)]
    (told,) = stories_of(_leaks(story))
    assert (5, 5, {"region-down at us-east-1": 3, "": 2}) == (told.times, told.requests, told.faults)
    assert ("acme-20", "acme-100", [TEST]) == (told.first.canary, told.last.canary, told.tests)


def test_every_broken_promise_has_a_story_among_the_first(story: Story) -> None:
    """A thousand leaks by three ways do not hide the one by a fourth."""
    for place in ("sts", "imds", ABROAD):
        story.egress += [_seen(f"acme-{number}", 12.0, place=place) for number in range(20)]
    story.egress.append(_seen("acme-1", 12.0, layer="replies", place="europa-7", to=EUROPA))
    metrics = [told.way.metric for told in stories_of(_leaks(story))]
    assert ["boundary_violations", "data_in_replies", "boundary_violations", "boundary_violations"] == metrics


def test_repeats_of_a_test_are_told_apart_and_share_a_story(story: Story) -> None:
    """The second repeat's first request is another than the first's."""
    run = story.write()
    plan, evidence = run.plan(), read(run)
    again = msgspec.structs.replace(plan.tests[0], test="t.2", of="t", repeat=2)
    evidence.egress.update({name: [_seen("acme-4", 1.0)] for name in ("t", "t.2")})
    leaks = [leak for test in (plan.tests[0], again) for leak in leaks_of(test, plan, evidence)]
    (told,) = stories_of(leaks)
    assert (2, ["t"], True) == (told.requests, told.tests, "into t (repeat 2)" in sentence(told.last))


def test_a_kind_that_a_boundary_lets_out_is_no_story(story: Story) -> None:
    """Who guards credentials alone is not told of prompts."""
    run = story.write()
    plan, evidence = run.plan(), read(run)
    topology = msgspec.convert(
        msgspec.to_builtins(TOPOLOGY)
        | {"boundaries": {"us": {"regions": ["us-*"], "never": ["credential"]}}, "tenants": {ACME: {"boundary": "us"}}},
        type(TOPOLOGY),
    )
    plan = msgspec.structs.replace(plan, topology=topology)
    evidence.provider.clear()
    evidence.egress[TEST] = [_seen("acme-1", 1.0), _seen("acme-2", 1.0, kind="credential")]
    assert ["acme-2"] == [leak.canary for leak in leaks_of(plan.tests[0], plan, evidence)]
