"""Common questions are the same to the letter whoever asks them, and their answers are known by the question."""

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.canary import COMMON, CanaryMint, run_key
from brownout.clock import MonotonicClock
from brownout.dialects.openai_chat import OPENAI_CHAT
from brownout.scanning import scan_request
from brownout.wire import HttpRequest
from brownout.workload import DueRequest, Workload
from loadgen.plan import LoadPlan
from loadgen.prompts import http_request
from loadgen.watch import Watch

if TYPE_CHECKING:
    from brownout.evidence import ClientRecord

TENANTS = ["acme", "globex"]
SEED = 7
MINT = CanaryMint(run_key(SEED), TENANTS)


def plan_of(**changes: Any) -> LoadPlan:
    """Return a load plan of two models."""
    known: dict[str, Any] = {
        "test": "t",
        "url": "http://127.0.0.1:1",
        "dialect": "openai-chat",
        "api_key": "k",
        "tenant_header": "x-tenant",
        "class_header": "x-class",
        "models": ["m1", "m2"],
        "tenants": TENANTS,
        "key_hex": run_key(SEED).hex(),
        "workload": Workload(planted=True, common_share=0.5),
        "seed": SEED,
        "epoch_s": 0.0,
        "client_path": "",
    }
    return LoadPlan(**(known | changes))


def due(number: int, tenant: str, *, common: int | None = 2, stream: bool = True) -> DueRequest:
    """Return a request."""
    return DueRequest(
        number=number,
        due_s=0.0,
        tenant=tenant,
        traffic_class="interactive",
        stream=stream,
        prompt_tokens=20,
        output_tokens=5,
        common=common,
    )


def sent(*args: Any, plan: LoadPlan | None = None, **kwargs: Any) -> HttpRequest:
    """Return a request as both drivers send it."""
    return http_request(plan or plan_of(), OPENAI_CHAT, due(*args, **kwargs), MINT)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 3))
def test_whoever_asks_it_sends_the_same_bytes(one: int, another: int, question: int) -> None:
    """The number of the request is in none of them, nor is whose it is; headers say that."""
    asked = [sent(one, "acme", common=question), sent(another, "globex", common=question)]
    assert asked[0].body == asked[1].body
    assert ["acme", "globex"] == [request.headers["x-tenant"] for request in asked]


def test_streamed_or_not_is_all_that_differs() -> None:
    """As applications differ that ask the same."""
    bodies = [json.loads(sent(3, "acme", stream=stream).body) for stream in (True, False)]
    for body in bodies:
        body.pop("stream", None)
        body.pop("stream_options", None)
    assert bodies[0] == bodies[1]


def test_each_question_is_another() -> None:
    """And each has a model of its own."""
    asked = [OPENAI_CHAT.server.read_ask(sent(1, "acme", common=number)) for number in range(4)]
    assert 4 == len({one.prompt for one in asked})
    assert ["m1", "m2", "m1", "m2"] == [one.model for one in asked]


def test_it_bears_no_tenants_data() -> None:
    """One canary, which is nobody's and says which question it is; and it stands within the prompt."""
    request = sent(3, "acme")
    assert {} == scan_request(MINT, request).sightings
    prompt = OPENAI_CHAT.server.read_ask(request).prompt
    assert [f"{COMMON}-2"] == MINT.find(prompt)
    assert not prompt.startswith(MINT.value(COMMON, 2))


def test_another_secret_of_a_tenants_changes_nothing_of_it() -> None:
    """It is no secret of anybody's."""
    other = plan_of(other_secret_of="acme")
    assert sent(3, "acme").body == sent(3, "acme", plan=other).body
    assert sent(3, "acme", common=None).body != sent(3, "acme", common=None, plan=other).body


@pytest.mark.parametrize(
    ("common", "head", "integrity"),
    [
        (2, f"{COMMON}-2", "whole"),
        (2, f"{COMMON}-3", "foreign"),
        (2, "acme-5", "foreign"),
        (None, "acme-5", "whole"),
        (None, f"{COMMON}-2", "foreign"),
    ],
)
def test_an_answer_is_right_that_names_the_question(common: int | None, head: str, integrity: str) -> None:
    """Of a common one its canary, of one's own one's own; all else is another's."""
    told: list[ClientRecord] = []
    watch = Watch(
        plan_of(),
        OPENAI_CHAT,
        due(5, "acme", common=common, stream=False),
        start_s=0.0,
        clock=MonotonicClock(),
        record=told.append,
    )
    watch.sent()
    watch.status(200, {})
    text = f"[near {head} of 3 {MINT.value('acme', 1)}] w1 fin"
    watch.received(json.dumps({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}).encode())
    watch.eof()
    question = "" if common is None else f"{COMMON}-2"
    assert [("acme-5", question, integrity)] == [(one.canary, one.question, one.integrity) for one in told]
