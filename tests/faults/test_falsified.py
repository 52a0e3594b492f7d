"""Who is told wrong things in good form is not blamed for passing them on: faults say so, and the judge reads it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from brownout.dialects import DIALECTS
from brownout.fault import ReplyFault, WireFault, make_fault
from brownout.placing import Placed, place
from brownout.schedule import Timing
from brownout.wire import Ask, End, Event, Token
from fixtures.catalogue import load_topology
from tests.faults.composition import Day, Outcome, outcome
from tests.faults.day_checks import broken
from tests.faults.exchanges import WHOLE, FakeExchange, through
from tests.histories import Story, ask, attempt

_FALSIFYING: list[tuple[str, dict[str, Any]]] = [
    ("wrong-answer", {"how": "empty"}),
    ("wrong-answer", {"how": "wrong-language"}),
    ("wrong-answer", {"how": "truncated"}),
    ("wrong-answer", {"how": "another-request"}),
    ("bad-replica", {"how": "wrong", "replicas": 1}),
    ("duplicated-chunk", {"after_tokens": 1}),
    ("reordered-chunk", {"after_tokens": 1}),
]


def _falsified(kind: str, settings: dict[str, Any]) -> tuple[int, bool]:
    """Return whether a fault has fired, and has said that the answer is false now."""
    exchange = FakeExchange(memory={"earlier": ("x", "y")})
    fault = make_fault(kind, settings)
    if isinstance(fault, WireFault):
        own = DIALECTS["openai-chat"].server.writer(Ask(model="m", prompt="p"), reply_id="r")
        writer = fault.writer(exchange, own)
        for event in WHOLE:
            writer.event(event)
    else:
        through(fault, exchange)
    return exchange.firings, exchange.falsified


@pytest.mark.parametrize(("kind", "settings"), _FALSIFYING)
def test_what_nobody_can_see_is_said_to_be_false(kind: str, settings: dict[str, Any]) -> None:
    """The protocol is kept, and the text is not the right one."""
    assert (1, True) == _falsified(kind, settings)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("stream-cut", {"how": "clean"}),
        ("late-error", {}),
        ("malformed-chunk", {}),
        ("missing-usage", {}),
        ("slow-first-token", {}),
    ],
)
def test_what_the_protocol_betrays_is_not(kind: str, settings: dict[str, Any]) -> None:
    """A router can see it, or the answer is right."""
    assert (1, False) == _falsified(kind, settings)


def test_anothers_answer_is_false_from_its_first_word_on() -> None:
    """A stream that is cut before its end was another's all the same."""
    exchange = FakeExchange(memory={"earlier": ("x", "b")})
    fault = make_fault("wrong-answer", {"how": "another-request"})
    assert isinstance(fault, ReplyFault)
    reply = fault.pipe(exchange, exchange.reply())

    async def first() -> Event:
        return await anext(reply)

    assert (Token("x"), 1, True) == (asyncio.run(first()), exchange.firings, exchange.falsified)


def test_anothers_answer_that_is_as_long_and_the_same_is_none() -> None:
    """Nothing was changed, and nothing is claimed."""
    exchange = FakeExchange(memory={"earlier": ("a", "b", "c", "d")})
    came, _ = through(make_fault("wrong-answer", {"how": "another-request"}), exchange)
    assert ([*WHOLE[:-1], End(output_tokens=4)], 0, False) == (came, exchange.firings, exchange.falsified)


def _of(kind: str, settings: dict[str, Any], folder: Path) -> Outcome:
    one = Placed(id="i0", fault=kind, settings=settings, at="all", timing=Timing(at_s=3, for_s=8))
    injections = place(one, load_topology("slack"), seed=1)
    return outcome(Day(seed=1, topology="slack", placed=[one], injections=injections), folder)


@pytest.mark.parametrize(("kind", "settings"), _FALSIFYING)
def test_a_good_router_before_false_answers_breaks_no_promise(
    kind: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    """Clients had wrong answers; none of the promises about them fails by that, and they say what they saw."""
    seen = _of(kind, settings, tmp_path)
    assert seen.verdicts is not None
    said = {one.id.rpartition("/")[2]: one for one in seen.verdicts.promises}
    wrongs = [one.integrity for one in seen.run.client() if one.outcome == "wrong"]
    wrong, holes = len(wrongs), sum(one in ("truncated", "empty") for one in wrongs)
    false = {one.canary for one in seen.run.provider() if one.falsified}
    assert ([], True, True) == (broken(seen), wrong > 10, len(false) >= wrong)
    left_out = "left out that an endpoint itself had falsified"
    assert (f"{holes} {left_out}" if holes else "0 reached clients") in said["truncated_as_success"].why
    assert "pass" == said["foreign_answers"].outcome


def _judged(folder: Path, text: str, integrity: str, **changes: Any) -> tuple[str, float | None]:
    """Return how a wrong answer is judged, whose only attempt is so."""
    story = Story(folder, text)
    story.client[48] = ask(48, story.client[48].due_s, outcome="wrong", integrity=integrity)
    story.provider[48] = attempt(48, story.provider[48].arrived_s, **changes)
    promise = story.verdict()
    return promise.outcome, promise.observed


@pytest.mark.parametrize(
    ("changes", "foreign", "truncated"),
    [
        ({}, ("fail", 1.0), ("fail", 1.0)),
        ({"falsified": True}, ("pass", 0.0), ("unknown", None)),
        ({"falsified": True, "outcome": "cut"}, ("pass", 0.0), ("fail", 1.0)),
    ],
)
def test_only_what_the_endpoint_itself_had_falsified_is_left_out(
    changes: dict[str, Any], foreign: object, truncated: object, tmp_path: Path
) -> None:
    """What the endpoint had broken off besides was not to be passed on as whole, whatever its words."""
    for name in ("foreign", "truncated"):
        (tmp_path / name).mkdir()
    assert foreign == _judged(tmp_path / "foreign", "foreign_answers <= 0", "foreign", **changes)
    assert truncated == _judged(tmp_path / "truncated", "truncated_as_success <= 0", "truncated", **changes)
