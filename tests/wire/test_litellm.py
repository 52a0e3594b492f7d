"""LiteLLM's SDK, unmodified, over every dialect: what it answers, and what it makes of each error.

What LiteLLM makes of an error is held against what its own exceptions mean (`MEANT`). Where it makes something else,
that is written down in `MISTAKEN`: findings about LiteLLM 1.83, each of which a router built on it inherits.
"""

import importlib
import importlib.metadata
import json
import logging
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from brownout.answer import read_reply
from brownout.dialects.eventstream import encode_frame, encode_headers
from brownout.wire import Cut, Refusal, RefusalKind
from tests.wire.world import CLAUDE, CLAUDE_NATIVE, CLAUDE_VERTEX, HOSTED, RefuseBefore, StopAfter, World

PINNED = "1.83"


@pytest.fixture(scope="module")
def lite() -> Iterator[Any]:
    """Import LiteLLM so that it asks nobody: no price list, no tokenizer, no telemetry, no callbacks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        patch.setenv("HF_HUB_OFFLINE", "1")
        # Claude on Vertex needs no more of Google's SDK than that it can be imported.
        vertexai = ModuleType("vertexai")
        vertexai.preview = ModuleType("vertexai.preview")  # type: ignore[attr-defined]
        patch.setitem(sys.modules, "vertexai", vertexai)
        litellm = importlib.import_module("litellm")
        patch.setattr(litellm, "telemetry", False)
        patch.setattr(litellm, "suppress_debug_info", True)
        patch.setattr(litellm, "disable_hf_tokenizer_download", True)
        patch.setattr(litellm, "callbacks", [])
        logger = logging.getLogger("LiteLLM")
        level = logger.level
        logger.setLevel(logging.CRITICAL)
        yield litellm
        logger.setLevel(level)


class Route(NamedTuple):
    """A way through LiteLLM: its model's prefix, the endpoint it leads to, that one's dialect and operations."""

    prefix: str
    endpoint: str
    dialect: str
    whole: str
    streamed: str


OPENAI = Route("openai", "own", "openai-chat", "chat.completions.create", "chat.completions.create")
CONVERSE = Route("bedrock/converse", "bedrock", "bedrock-converse", "Converse", "ConverseStream")
INVOKE = Route("bedrock/invoke", "bedrock", "bedrock-invoke", "InvokeModel", "InvokeModelWithResponseStream")
GEMINI = Route("vertex_ai/gemini", "vertex", "vertex-generate", "generateContent", "streamGenerateContent")
VERTEX_CLAUDE = Route("vertex_ai/claude", "vertex-claude", "vertex-rawpredict", "rawPredict", "streamRawPredict")
ANTHROPIC = Route("anthropic", "claude", "anthropic-messages", "messages.create", "messages.create")
SAGEMAKER_CHAT = Route(
    "sagemaker_chat", "sagemaker", "sagemaker-invoke", "InvokeEndpoint", "InvokeEndpointWithResponseStream"
)
SAGEMAKER = Route("sagemaker", "sagemaker", "sagemaker-invoke", "InvokeEndpoint", "InvokeEndpointWithResponseStream")
ROUTES = [OPENAI, CONVERSE, INVOKE, GEMINI, VERTEX_CLAUDE, ANTHROPIC, SAGEMAKER_CHAT, SAGEMAKER]


def _where(world: World, route: Route, *, stream: bool) -> dict[str, Any]:
    """Return the model and the address of a route, and the credentials for it."""
    url, given = world.url(route.endpoint), world.cloud.identity.credentials(route.endpoint)
    if route in {OPENAI, ANTHROPIC}:
        model, base = ("llama-3-70b", f"{url}/v1") if route == OPENAI else (CLAUDE_NATIVE, url)
        return {"model": f"{route.prefix}/{model}", "api_base": base, "api_key": given["api_key"]}
    if route in {GEMINI, VERTEX_CLAUDE}:
        publisher, model, location = "google", "gemini-2.0-flash", "us-central1"
        if route == VERTEX_CLAUDE:
            publisher, model, location = "anthropic", CLAUDE_VERTEX, "us-east5"
        project = world.cloud.identity.project
        return {
            "model": f"vertex_ai/{model}",
            "api_base": f"{url}/v1/projects/{project}/locations/{location}/publishers/{publisher}/models/{model}",
            "vertex_project": project,
            "vertex_location": location,
            "vertex_credentials": given["service_account_file"],
        }
    keys = {f"aws_{name}": value for name, value in given.items()} | {"aws_region_name": "us-east-1"}
    if route in {CONVERSE, INVOKE}:
        return keys | {"model": f"{route.prefix}/{CLAUDE}", "aws_bedrock_runtime_endpoint": url}
    operation = "invocations-response-stream" if stream else "invocations"
    base = f"{url}/endpoints/{HOSTED}/{operation}"
    return keys | {"model": f"{route.prefix}/{HOSTED}", "sagemaker_base_url": base}


def _asked(world: World, route: Route, *, stream: bool, **changes: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": f"hello {world.mint.value('acme', 3)}"}]
    asked = {"messages": messages, "max_tokens": 6, "stream": stream, "num_retries": 0, "max_retries": 0, "timeout": 10}
    return asked | _where(world, route, stream=stream) | changes


def _said(reply: Any, *, stream: bool) -> tuple[str, str | None]:
    """Return the text and the reason to finish; raises what LiteLLM raises."""
    if not stream:
        return reply.choices[0].message.content or "", reply.choices[0].finish_reason
    choices = [chunk.choices[0] for chunk in reply if chunk.choices]
    return "".join(choice.delta.content or "" for choice in choices), choices[-1].finish_reason


def _marked(routes: list[Route], what: str) -> list[Any]:
    """Return every route, whole and streamed, marked as what it shows."""
    return [
        pytest.param(
            route,
            stream,
            marks=pytest.mark.wire(route.dialect, route.streamed if stream else route.whole, what),
            id=f"{route.prefix}{'-streamed' if stream else ''}",
        )
        for route in routes
        for stream in (False, True)
    ]


# --- answers -----------------------------------------------------------------------------------------------


def test_the_findings_are_about_the_version_installed() -> None:
    """What is written down here was seen with this version; with another it must be looked at again."""
    assert importlib.metadata.version("litellm").startswith(PINNED)


@pytest.mark.parametrize(("route", "stream"), _marked(ROUTES, "LiteLLM"))
def test_every_route_answers_whole(world: World, lite: Any, route: Route, stream: bool) -> None:  # noqa: FBT001
    """Every dialect's answer comes through LiteLLM whole, streamed or not, after one request."""
    text, finish = _said(lite.completion(**_asked(world, route, stream=stream)), stream=stream)
    assert ((route.endpoint, "whole"), "stop") == (read_reply(text, "acme-3"), finish)
    assert [("ok", "acme-3", "acme", 200)] == [(r.outcome, r.canary, r.tenant, r.status) for r in world.seen()]


@pytest.mark.parametrize(("route", "stream"), _marked([one for one in ROUTES if one != SAGEMAKER], "LiteLLM tools"))
def test_every_route_calls_tools(world: World, lite: Any, route: Route, stream: bool) -> None:  # noqa: FBT001
    """A required tool is called, with arguments that are JSON; TGI's own shape has no tools."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = {"type": "function", "function": {"name": "weather", "description": "d", "parameters": schema}}
    reply = lite.completion(**_asked(world, route, stream=stream, tools=[tool], tool_choice="required"))
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
    usage = lite.completion(**_asked(world, route, stream=False)).usage
    assert 6 == usage.completion_tokens


def test_the_usage_of_tgi_is_litellms_own_guess(world: World, lite: Any) -> None:
    """Finding: of TGI's shape LiteLLM never asks for details, and counts with a tokenizer of its own."""
    usage = lite.completion(**_asked(world, SAGEMAKER, stream=False)).usage
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
_ANTHROPIC: dict[RefusalKind, str] = {"denied": "APIConnectionError"}
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
MISTAKEN: dict[tuple[Route, bool], dict[RefusalKind, str]] = {
    (OPENAI, False): {"denied": "APIError", "too-large": "APIError"},
    (OPENAI, True): {"denied": "APIError", "too-large": "APIError"},
    (CONVERSE, False): _BEDROCK,
    (CONVERSE, True): _BEDROCK,
    (INVOKE, False): _BEDROCK,
    (INVOKE, True): _BEDROCK,
    (GEMINI, False): {
        "overloaded": "InternalServerError",
        "timeout": "APIConnectionError",
        "denied": "BadRequestError",
    },
    (GEMINI, True): {"overloaded": "InternalServerError", "timeout": "APIConnectionError", "denied": "BadRequestError"},
    (VERTEX_CLAUDE, False): {
        "overloaded": "APIConnectionError",  # 529
        "timeout": "APIConnectionError",
        "denied": "BadRequestError",
    },
    (VERTEX_CLAUDE, True): {
        "overloaded": "APIConnectionError",
        "timeout": "APIConnectionError",
        "denied": "BadRequestError",
    },
    (ANTHROPIC, False): {
        "overloaded": "InternalServerError",  # 529
        "model-error": "APIConnectionError",
        "denied": "APIConnectionError",
    },
    (ANTHROPIC, True): {
        "overloaded": "InternalServerError",
        "model-error": "APIConnectionError",
        "denied": "APIConnectionError",
    },
    (SAGEMAKER_CHAT, False): _SAGEMAKER,
    (SAGEMAKER_CHAT, True): _SAGEMAKER,
    # Whole replies of TGI's shape: whatever happens is a network failure, status 500.
    (SAGEMAKER, False): dict.fromkeys(MEANT, "APIConnectionError"),
    (SAGEMAKER, True): _SAGEMAKER,
}
"""What LiteLLM makes of a refusal where that is not what it means; by route, and whether it is streamed."""


def _raised(error: BaseException) -> str:
    """Return the class of an error: of one that LiteLLM wraps for its own router, that of what is wrapped."""
    inner = getattr(error, "original_exception", None)
    return type(inner if type(error).__name__ == "MidStreamFallbackError" and inner else error).__name__


def _errors() -> list[Any]:
    return [
        pytest.param(
            route,
            stream,
            kind,
            MISTAKEN[route, stream].get(kind, meant),
            marks=pytest.mark.wire(route.dialect, route.streamed if stream else route.whole, f"LiteLLM {kind}"),
            id=f"{route.prefix}-{kind}{'-streamed' if stream else ''}",
        )
        for route in ROUTES
        for stream in (False, True)
        for kind, meant in MEANT.items()
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
        _said(lite.completion(**_asked(world, route, stream=stream)), stream=stream)
    assert expected == _raised(caught.value)
    assert [("refused", kind)] == [(r.outcome, r.refusal) for r in world.seen()]


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
        asked = _asked(world, route, stream=False)
        del asked["num_retries"], asked["max_retries"]
        with pytest.raises(lite.exceptions.openai.OpenAIError):
            lite.completion(**asked)
        attempts[route.prefix] = len(world.seen())
        world.seen().clear()
    assert {"openai"} == {prefix for prefix, count in attempts.items() if count == 3}
    assert {1, 3} == set(attempts.values())


# --- streams that break ------------------------------------------------------------------------------------

BROKEN: list[RefusalKind] = ["throttled", "unavailable", "internal", "overloaded", "timeout"]
SWALLOWED: dict[Route, set[RefusalKind]] = {
    # Finding: an error event of Gemini's stream is passed over; the answer ends as if it were whole.
    GEMINI: set(BROKEN),
    # Finding: so is an error event of TGI's.
    SAGEMAKER: {"overloaded"},
}


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize(
    "route",
    [
        pytest.param(
            route, marks=pytest.mark.wire(route.dialect, route.streamed, "LiteLLM error in stream"), id=route.prefix
        )
        for route in ROUTES
    ],
)
def test_errors_within_a_stream_are_raised_or_swallowed(
    world: World, lite: Any, route: Route, kind: RefusalKind
) -> None:
    """An error after the 200 is raised after the tokens that came; where LiteLLM swallows it, it invents ``stop``."""
    world.fault(route.endpoint, StopAfter(2, Refusal(kind)))
    reply = lite.completion(**_asked(world, route, stream=True))
    if kind in SWALLOWED.get(route, set()):
        text, finish = _said(reply, stream=True)
        assert ("truncated", "stop") == (read_reply(text, "acme-3").integrity, finish)
    else:
        with pytest.raises(lite.exceptions.openai.OpenAIError):
            _said(reply, stream=True)
    assert [("refused", kind, 200, 2)] == [(r.outcome, r.refusal, r.status, r.tokens) for r in world.seen()]


BATCHED = {CONVERSE, INVOKE, SAGEMAKER}
"""Finding: of event streams LiteLLM reads 1024 bytes at a time: short answers come all at once, and what came before a
broken connection is lost. (Through ``sagemaker_chat`` two tokens take more than that.)"""


@pytest.mark.parametrize(
    "route",
    [
        pytest.param(route, marks=pytest.mark.wire(route.dialect, route.streamed, "LiteLLM cut"), id=route.prefix)
        for route in ROUTES
    ],
)
def test_a_cut_stream_is_raised(world: World, lite: Any, route: Route) -> None:
    """A connection closed in mid-stream is an error, with what was said before it where LiteLLM has it."""
    world.fault(route.endpoint, StopAfter(2, Cut()))
    with pytest.raises(lite.exceptions.MidStreamFallbackError) as caught:
        _said(lite.completion(**_asked(world, route, stream=True)), stream=True)
    expected = "empty" if route in BATCHED else "truncated"
    assert expected == read_reply(caught.value.generated_content, "acme-3").integrity
    assert ["cut"] == [record.outcome for record in world.seen()]


@pytest.mark.parametrize(
    "route",
    [
        pytest.param(route, marks=pytest.mark.wire(route.dialect, route.streamed, "LiteLLM truncated"), id=route.prefix)
        for route in ROUTES
    ],
)
def test_a_truncated_stream_is_given_a_false_reason_to_finish(world: World, lite: Any, route: Route) -> None:
    """Finding: a stream that ends without its dialect's terminator ends with ``stop``, which no provider said."""
    world.fault(route.endpoint, StopAfter(2, None))
    text, finish = _said(lite.completion(**_asked(world, route, stream=True)), stream=True)
    assert ("truncated", "stop") == (read_reply(text, "acme-3").integrity, finish)
    assert ["cut"] == [record.outcome for record in world.seen()]


# --- parts that end within an event ------------------------------------------------------------------------


def _event(text: str) -> bytes:
    """Return a container's event."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


SPLIT = _event("ü")


def _decoded(cut_at: int) -> str:
    """Return the text that LiteLLM reads of three events of SageMaker's, of which the second is split at a byte."""
    decoder = importlib.import_module("litellm.llms.sagemaker.common_utils").AWSEventStreamDecoder
    headers = encode_headers({":event-type": "PayloadPart", ":message-type": "event"})
    parts = [_event("a"), SPLIT[:cut_at], SPLIT[cut_at:], _event("c")]
    chunks = decoder(model="", is_messages_api=True).iter_bytes(encode_frame(headers, part) for part in parts)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk is not None)


@pytest.mark.usefixtures("lite")
@pytest.mark.wire("sagemaker-invoke", "InvokeEndpointWithResponseStream", "LiteLLM split parts")
def test_a_part_that_ends_within_json_is_put_together() -> None:
    """Where a part ends within an event's JSON, LiteLLM waits for the rest."""
    assert "aüc" == _decoded(SPLIT.index(b"{") + 10)


@pytest.mark.usefixtures("lite")
@pytest.mark.wire("sagemaker-invoke", "InvokeEndpointWithResponseStream", "LiteLLM split parts")
def test_a_part_that_ends_within_the_prefix_loses_the_rest_of_the_answer() -> None:
    """Finding: where a part ends within ``data:``, all that follows is lost, and no error is raised."""
    assert "a" == _decoded(3)


@pytest.mark.usefixtures("lite")
@pytest.mark.wire("sagemaker-invoke", "InvokeEndpointWithResponseStream", "LiteLLM split parts")
def test_a_part_that_ends_within_a_character_breaks_the_stream() -> None:
    """Finding: where a part ends within a character of two bytes, the stream fails with a decoding error."""
    with pytest.raises(UnicodeDecodeError):
        _decoded(SPLIT.index("ü".encode()) + 1)
