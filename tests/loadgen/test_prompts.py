"""Prompts carry their canary where a target must find it, and headers carry who is asking."""

from collections.abc import Callable

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from brownout.canary import CanaryMint
from brownout.dialects.openai_chat import OPENAI_CHAT
from brownout.workload import DueRequest
from loadgen.plan import LoadPlan
from loadgen.prompts import address, ask, http_request, prompt

CANARY = "CNRYAAAAAAAAAAAAAAAAAA"


def due(number: int = 3, prompt_tokens: int = 30) -> DueRequest:
    """Return a request."""
    return DueRequest(
        number=number,
        due_s=0.0,
        tenant="acme",
        traffic_class="background",
        stream=True,
        prompt_tokens=prompt_tokens,
        output_tokens=9,
    )


@given(number=st.integers(0, 10**6), prompt_tokens=st.integers(1, 2048))
def test_the_canary_stands_within_a_prompt_of_the_length_asked_for(number: int, prompt_tokens: int) -> None:
    """The canary is there once, not first, and the words are as many as asked for (never less than two)."""
    words = prompt(due(number, prompt_tokens), CANARY).split(" ")
    assert max(prompt_tokens, 2) == len(words)
    assert 1 == words.count(CANARY)
    assert CANARY != words[0]


def test_the_same_request_says_the_same() -> None:
    """A prompt depends on its request alone, and differs from its neighbour's."""
    assert prompt(due(), CANARY) == prompt(due(), CANARY)
    assert prompt(due(3), CANARY) != prompt(due(4), CANARY)


@given(number=st.integers(0, 10**6), prompt_tokens=st.integers(2, 2048))
def test_another_secret_is_another_prompt_of_the_same_length(number: int, prompt_tokens: int) -> None:
    """No word stays, each is as long as it was, and the canary stands where it stood."""
    one, other = (prompt(due(number, prompt_tokens), CANARY, other=other).split(" ") for other in (False, True))
    assert [len(word) for word in one] == [len(word) for word in other]
    assert {CANARY} == {word for word, another in zip(one, other, strict=True) if word == another}


def test_only_the_tenant_whose_secret_is_another_says_other_things(make_plan: Callable[..., LoadPlan]) -> None:
    """Its neighbours ask what they always ask."""
    plan = make_plan("http://router")
    theirs, its = (
        ask(msgspec.structs.replace(plan, other_secret_of=name), due(), CANARY) for name in ("globex", "acme")
    )
    assert ask(plan, due(), CANARY) == theirs
    assert prompt(due(), CANARY, other=True) == its.prompt


def test_models_take_turns(make_plan: Callable[..., LoadPlan]) -> None:
    """Request n asks for the n-th model, around; the lengths are the request's."""
    plan = make_plan("http://router")
    assert ["m1", "m2", "m1"] == [ask(plan, due(number), CANARY).model for number in range(3)]
    assert 9 == ask(plan, due(), CANARY).max_tokens


def test_headers_say_who_asks(make_plan: Callable[..., LoadPlan]) -> None:
    """Key, tenant and class are sent, and no compression is invited that would hold tokens back."""
    plan = make_plan("http://router/")
    request = http_request(plan, OPENAI_CHAT, due(), CanaryMint(b"k", ["acme"]))
    expected = {
        "Authorization": "Bearer sk-load",
        "X-Tenant": "acme",
        "X-Class": "background",
        "Accept-Encoding": "identity",
    }
    assert expected.items() <= request.headers.items()
    assert address(plan, request) == "http://router/v1/chat/completions"
