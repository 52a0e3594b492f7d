"""LiteLLM's SDK, unmodified, over every dialect: what it answers, and what it makes of each error.

What LiteLLM makes of an error is held against what its own exceptions mean (`MEANT`). Where it makes something else,
that is written down in `MISTAKEN`: findings about LiteLLM 1.83, each of which a router built on it inherits.
"""

import importlib.metadata
import json
from typing import Any

import pytest

from brownout.answer import read_reply
from brownout.wire import Refusal, RefusalKind
from tests.wire.litellm_routes import (
    ANTHROPIC,
    CONVERSE,
    GEMINI,
    INVOKE,
    OPENAI,
    ROUTES,
    SAGEMAKER,
    SAGEMAKER_CHAT,
    VERTEX_CLAUDE,
    Route,
    asked,
    marked,
    raised,
    said,
)
from tests.wire.world import RefuseBefore, World

PINNED = "1.83"


# --- answers -----------------------------------------------------------------------------------------------


def test_the_findings_are_about_the_version_installed() -> None:
    """What is written down here was seen with this version; with another it must be looked at again."""
    assert importlib.metadata.version("litellm").startswith(PINNED)


@pytest.mark.parametrize(("route", "stream"), marked(ROUTES, "LiteLLM"))
def test_every_route_answers_whole(world: World, lite: Any, route: Route, stream: bool) -> None:  # noqa: FBT001
    """Every dialect's answer comes through LiteLLM whole, streamed or not, after one request."""
    text, finish = said(lite.completion(**asked(world, route, stream=stream)), stream=stream)
    assert ((route.endpoint, "whole"), "stop") == (read_reply(text, "acme-3"), finish)
    assert [("ok", "acme-3", "acme", 200)] == [(r.outcome, r.canary, r.tenant, r.status) for r in world.seen()]


@pytest.mark.parametrize(("route", "stream"), marked([one for one in ROUTES if one != SAGEMAKER], "LiteLLM tools"))
def test_every_route_calls_tools(world: World, lite: Any, route: Route, stream: bool) -> None:  # noqa: FBT001
    """A required tool is called, with arguments that are JSON; TGI's own shape has no tools."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = {"type": "function", "function": {"name": "weather", "description": "d", "parameters": schema}}
    reply = lite.completion(**asked(world, route, stream=stream, tools=[tool], tool_choice="required"))
    if stream:
        reply = lite.stream_chunk_builder(list(reply))
    (call,) = reply.choices[0].message.tool_calls
    assert ("weather", {"city"}, "tool_calls") == (
        call.function.name,
        json.loads(call.function.arguments).keys(),
        reply.choices[0].finish_reason,
    )


@pytest.mark.parametrize("route", [one for one in ROUTES if one != SAGEMAKER], ids=lambda route: route.prefix)
def test_usage_is_the_providers(world: World, lite: Any, route: Route) -> None:
    """The usage that LiteLLM reports is what the provider counted."""
    usage = lite.completion(**asked(world, route, stream=False)).usage
    assert 6 == usage.completion_tokens


def test_the_usage_of_tgi_is_litellms_own_guess(world: World, lite: Any) -> None:
    """Finding: of TGI's shape LiteLLM never asks for details, and counts with a tokenizer of its own."""
    usage = lite.completion(**asked(world, SAGEMAKER, stream=False)).usage
    assert 6 != usage.completion_tokens


# --- errors ------------------------------------------------------------------------------------------------

MEANT: dict[RefusalKind, str] = {
    "throttled": "RateLimitError",
    "unavailable": "ServiceUnavailableError",
    "internal": "InternalServerError",
    "overloaded": "ServiceUnavailableError",
    "timeout": "Timeout",
    "model-error": "InternalServerError",
    "unauthenticated": "AuthenticationError",
    "denied": "PermissionDeniedError",
    "not-found": "NotFoundError",
    "invalid": "BadRequestError",
    "too-large": "BadRequestError",
}
"""The exception of LiteLLM's that says what each class of refusal is."""

_BEDROCK: dict[RefusalKind, str] = {
    "internal": "ServiceUnavailableError",  # a 500 is reported as a 503
    "model-error": "APIConnectionError",  # 424
    "denied": "APIConnectionError",  # a 403 looks like a network failure, status 500
}
_SAGEMAKER: dict[RefusalKind, str] = {
    "throttled": "BadRequestError",  # SageMaker's ThrottlingException is a 400
    "internal": "ServiceUnavailableError",
    "overloaded": "BadRequestError",  # 424 that hides the container's 429
    "timeout": "BadRequestError",  # 424 that hides the container's silence
    "model-error": "BadRequestError",  # 424 that hides the container's 500
    "unauthenticated": "APIConnectionError",
    "denied": "APIConnectionError",
    "not-found": "BadRequestError",  # SageMaker's own word for it is a ValidationError, 400
    "too-large": "APIConnectionError",
}
_SAGEMAKER_WHOLE = dict.fromkeys(MEANT, "APIConnectionError")
"""Of TGI's shape, not streamed: whatever happens is a network failure, status 500."""

MISTAKEN: dict[Route, dict[RefusalKind, str]] = {
    OPENAI: {"denied": "APIError", "too-large": "APIError"},
    CONVERSE: _BEDROCK,
    INVOKE: _BEDROCK,
    GEMINI: {"overloaded": "InternalServerError", "timeout": "APIConnectionError", "denied": "BadRequestError"},
    VERTEX_CLAUDE: {"overloaded": "APIConnectionError", "timeout": "APIConnectionError", "denied": "BadRequestError"},
    ANTHROPIC: {
        "overloaded": "InternalServerError",  # 529
        "model-error": "APIConnectionError",
        "denied": "APIConnectionError",
    },
    SAGEMAKER_CHAT: _SAGEMAKER,
    SAGEMAKER: _SAGEMAKER,
}
"""What LiteLLM makes of a refusal where that is not what it means, by route; whole replies of TGI's shape are above."""


def _made_of(kind: RefusalKind, route: Route, *, stream: bool) -> str:
    wrong = _SAGEMAKER_WHOLE if route == SAGEMAKER and not stream else MISTAKEN[route]
    return wrong.get(kind, MEANT[kind])


def _errors() -> list[Any]:
    return [
        pytest.param(
            route,
            stream,
            kind,
            _made_of(kind, route, stream=stream),
            marks=pytest.mark.wire(route.dialect, route.streamed if stream else route.whole, f"LiteLLM {kind}"),
            id=f"{route.prefix}-{kind}{'-streamed' if stream else ''}",
        )
        for route in ROUTES
        for stream in (False, True)
        for kind in MEANT
    ]


@pytest.mark.parametrize(("route", "stream", "kind", "expected"), _errors())
def test_errors_are_litellms_typed_exceptions(
    world: World,
    lite: Any,
    route: Route,
    stream: bool,  # noqa: FBT001 - of the table
    kind: RefusalKind,
    expected: str,
) -> None:
    """Each refusal is the exception that LiteLLM has for it, or the one that is written down as its mistake."""
    world.fault(route.endpoint, RefuseBefore(Refusal(kind)))
    with pytest.raises(lite.exceptions.openai.OpenAIError) as caught:
        said(lite.completion(**asked(world, route, stream=stream)), stream=stream)
    assert expected == raised(caught.value)
    assert [("refused", kind)] == [(r.outcome, r.refusal) for r in world.seen()]


@pytest.mark.parametrize("words", ["Overloaded", "Overloaded, request 011bd6a403"])
def test_digits_anywhere_in_an_error_are_taken_for_its_status(world: World, lite: Any, words: str) -> None:
    """Finding: of Vertex LiteLLM takes "403" wherever it stands, in a request's id too, for the status of an error."""
    world.fault("vertex-claude", RefuseBefore(Refusal("overloaded", words)))
    with pytest.raises(lite.exceptions.openai.OpenAIError) as caught:
        lite.completion(**asked(world, VERTEX_CLAUDE, stream=False))
    mistaken = MISTAKEN[VERTEX_CLAUDE]["denied" if "403" in words else "overloaded"]
    assert mistaken == raised(caught.value)


def test_the_mistakes_are_mistakes() -> None:
    """What is written down as mistaken is not what is meant."""
    for wrong in MISTAKEN.values():
        assert not [kind for kind, made in wrong.items() if made == MEANT[kind]]


@pytest.mark.wire("openai-chat", "chat.completions.create", "LiteLLM retries")
def test_only_the_openai_route_retries_by_itself(world: World, lite: Any) -> None:
    """Left to its defaults LiteLLM triples a throttled request through the OpenAI client, and nowhere else."""
    attempts: dict[str, int] = {}
    for route in ROUTES:
        world.fault(route.endpoint, RefuseBefore(Refusal("throttled", retry_after_s=0.01)))
        request = asked(world, route, stream=False)
        del request["num_retries"], request["max_retries"]
        with pytest.raises(lite.exceptions.openai.OpenAIError):
            lite.completion(**request)
        attempts[route.prefix] = len(world.seen())
        world.seen().clear()
    assert {"openai"} == {prefix for prefix, count in attempts.items() if count == 3}
    assert {1, 3} == set(attempts.values())
