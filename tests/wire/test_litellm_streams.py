"""LiteLLM's SDK when streams break, and when providers are slow; more findings about LiteLLM 1.83."""

import asyncio
import importlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from brownout.answer import read_reply
from brownout.dialects.eventstream import encode_frame, encode_headers
from brownout.fault import Exchange
from brownout.wire import Cut, Event, Refusal, RefusalKind
from tests.wire.litellm_routes import (
    CONVERSE,
    GEMINI,
    INVOKE,
    ROUTES,
    SAGEMAKER,
    SAGEMAKER_CHAT,
    Route,
    asked,
    marked,
    raised,
    said,
)
from tests.wire.world import StopAfter, World

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
    reply = lite.completion(**asked(world, route, stream=True))
    if kind in SWALLOWED.get(route, set()):
        text, finish = said(reply, stream=True)
        assert ("truncated", "stop") == (read_reply(text, "acme-3").integrity, finish)
    else:
        with pytest.raises(lite.exceptions.openai.OpenAIError):
            said(reply, stream=True)
    assert [("refused", kind, 200, 2)] == [(r.outcome, r.refusal, r.status, r.tokens) for r in world.seen()]


@dataclass
class Slow:
    """Answers every request, later than its caller wants to wait."""

    wait_s: float

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Wait before the first token."""
        exchange.fired()
        await asyncio.sleep(self.wait_s)
        async for event in reply:
            yield event


DEAF = {(INVOKE, True), (GEMINI, True), (SAGEMAKER_CHAT, True), (SAGEMAKER, False), (SAGEMAKER, True)}
"""Finding: here LiteLLM does not pass ``timeout`` on. Streams of Bedrock's InvokeModel and of Gemini wait as long as
the HTTP client does by default, those of SageMaker 5 s, whole replies of TGI's shape 300 s."""


@pytest.mark.parametrize(("route", "stream"), marked(ROUTES, "LiteLLM timeout"))
def test_a_caller_who_waits_no_longer_gets_a_timeout(
    world: World,
    lite: Any,
    route: Route,
    stream: bool,  # noqa: FBT001 - of the table
) -> None:
    """A provider slower than the caller's ``timeout`` is a Timeout; where that is not heeded, an answer."""
    world.fault(route.endpoint, Slow(0.4))  # type: ignore[arg-type]
    request = asked(world, route, stream=stream, timeout=0.1)
    if (route, stream) in DEAF:
        assert "stop" == said(lite.completion(**request), stream=stream)[1]
        return
    with pytest.raises(lite.exceptions.openai.OpenAIError) as caught:
        said(lite.completion(**request), stream=stream)
    assert "Timeout" == raised(caught.value)


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
        said(lite.completion(**asked(world, route, stream=True)), stream=True)
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
    text, finish = said(lite.completion(**asked(world, route, stream=True)), stream=True)
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
