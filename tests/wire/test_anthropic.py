"""Unmodified clients of Anthropic's cannot tell the emulated platforms from the real ones: its own, Bedrock, Vertex."""

import asyncio
import datetime as dt
import email.utils
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic.types import Message

from brownout.answer import read_reply
from brownout.capacity.on_demand import OnDemand
from brownout.clock import rng_for
from fixtures.providers.pump import Pump
from tests.dialects.claude import strict_message
from tests.wire.claude import ENDPOINT, NATIVE, STREAMED, VERTEX, WHOLE, Client, asked, client_of, on
from tests.wire.world import CLAUDE_NATIVE, FAST, World

WEATHER: dict[str, Any] = {
    "name": "weather",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"enum": ["Tromsø 🦜\u2028"]}, "days": {"type": "integer"}},
    },
}


@pytest.fixture
def client(world: World, platform: str) -> Client:
    """Return a platform's client."""
    return client_of(world, platform)


def _said(message: Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def _whole(platform: str) -> tuple[str, str]:
    return ENDPOINT[platform], "whole"


# --- answers -----------------------------------------------------------------------------------------------


@on(WHOLE, "ok")
def test_a_message_is_answered_whole(world: World, client: Client, platform: str) -> None:
    """A message has its text, its stop reason, its cost, and no member that the client's types do not know."""
    raw = client.messages.with_raw_response.create(**asked(world, platform))
    message = strict_message(raw.http_response.content)
    assert _whole(platform) == read_reply(_said(message), "acme-3")
    assert ("end_turn", None, 6) == (message.stop_reason, message.stop_sequence, message.usage.output_tokens)
    assert message.usage.input_tokens > 0
    assert [("ok", "acme-3", "acme", 200)] == [(r.outcome, r.canary, r.tenant, r.status) for r in world.seen()]


@on(STREAMED, "ok")
def test_a_raw_stream_gives_its_events_in_order(world: World, client: Client, platform: str) -> None:
    """A raw stream gives the events in the order of the reference, and its text is whole."""
    events = list(client.messages.create(stream=True, **asked(world, platform)))
    deltas = ["content_block_delta"] * 6
    assert [
        "message_start",
        *(["vertex_event"] if platform == VERTEX else []),
        "content_block_start",
        *deltas,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ] == [event.type for event in events]
    text = "".join(event.delta.text for event in events if event.type == "content_block_delta")
    assert _whole(platform) == read_reply(text, "acme-3")


@on(STREAMED, "stream helper")
def test_the_stream_helper_gathers_a_message(world: World, client: Client, platform: str) -> None:
    """The helper gives the text as it comes and then the message it makes up, costs included."""
    with client.messages.stream(**asked(world, platform)) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert _whole(platform) == read_reply(text, "acme-3")
    assert (text, "end_turn", 6) == (_said(message), message.stop_reason, message.usage.output_tokens)
    assert message.usage.input_tokens > 0


@on(STREAMED, "tools")
@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool_is_called_and_its_result_answered(
    world: World,
    client: Client,
    platform: str,
    streamed: bool,  # noqa: FBT001 - drawn
) -> None:
    """A tool that the user names is called with arguments of its schema; its result brings the answer in text."""
    request = asked(world, platform, tools=[WEATHER])
    request["messages"] = [{"role": "user", "content": f"Use weather. {world.mint.value('acme', 3)}"}]
    call = _message(client, request, streamed=streamed)
    [block] = call.content
    assert ("tool_use", "tool_use", "weather") == (call.stop_reason, block.type, block.name)  # type: ignore[union-attr]
    assert {"city": "Tromsø 🦜\u2028", "days": 1} == block.input  # type: ignore[union-attr]
    result = {"type": "tool_result", "tool_use_id": block.id, "content": "rain"}  # type: ignore[union-attr]
    request["messages"] += [{"role": "assistant", "content": call.content}, {"role": "user", "content": [result]}]
    answer = _message(client, request, streamed=streamed)
    assert "end_turn" == answer.stop_reason
    assert _whole(platform) == read_reply(_said(answer), "acme-3")


@on(WHOLE, "tool_choice")
@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        ({"type": "tool", "name": "weather"}, "tool_use"),
        ({"type": "any"}, "tool_use"),
        ({"type": "auto"}, "end_turn"),
        ({"type": "none"}, "end_turn"),
    ],
)
def test_the_tool_choice_is_obeyed(
    world: World, client: Client, platform: str, choice: dict[str, str], reason: str
) -> None:
    """A tool that must be called is called, one that the user does not name is not."""
    message = client.messages.create(**asked(world, platform, tools=[WEATHER], tool_choice=choice))
    assert reason == message.stop_reason


@on(STREAMED, "stop reasons")
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("words", "changes", "reason", "sequence"),
    [
        ("", {"stop_sequences": [" nothing", " w3"]}, "stop_sequence", " w3"),
        ("((answer 40 tokens))", {"max_tokens": 5}, "max_tokens", None),
        ("((filter))", {}, "refusal", None),
    ],
    ids=["stop_sequence", "max_tokens", "refusal"],
)
def test_an_answer_says_why_it_ends(
    world: World,
    client: Client,
    platform: str,
    streamed: bool,  # noqa: FBT001 - drawn
    words: str,
    changes: dict[str, Any],
    reason: str,
    sequence: str | None,
) -> None:
    """An answer ends at the caller's sequence, at its bound, or by the provider's filter, and says which."""
    request = asked(world, platform, **changes)
    request["messages"][0]["content"] += f" {words}"
    message = _message(client, request, streamed=streamed)
    assert (reason, sequence) == (message.stop_reason, message.stop_sequence)
    assert " w3" not in _said(message) or sequence is None


def _message(client: Client, request: dict[str, Any], *, streamed: bool) -> Message:
    if not streamed:
        whole: Message = client.messages.create(**request)
        return whole
    with client.messages.stream(**request) as stream:
        return stream.get_final_message()


@pytest.mark.wire(NATIVE, "messages.count_tokens", "ok")
@pytest.mark.wire(VERTEX, "count-tokens:rawPredict", "ok")
def test_tokens_are_counted_where_the_platform_counts(world: World) -> None:
    """Anthropic and Vertex count a prompt's tokens without an answer; the same prompt counts the same in a message."""
    for platform in (NATIVE, VERTEX):
        client = client_of(world, platform)
        request = asked(world, platform)
        used = client.messages.create(**request).usage.input_tokens
        del request["max_tokens"]
        assert used == client.messages.count_tokens(**request).input_tokens
    assert [6, 0, 6, 0] == [record.tokens for record in world.seen()]


@pytest.mark.wire(NATIVE, "models.list", "ok")
@pytest.mark.wire(NATIVE, "models.retrieve", "ok")
@pytest.mark.wire(NATIVE, "models.retrieve", "not_found_error")
def test_the_model_served_is_listed(world: World) -> None:
    """The models' pages have the one model; another is not found, there or by a message, and recorded as refused."""
    client = world.claude()
    assert [CLAUDE_NATIVE] == [model.id for model in client.models.list()]
    assert "active" == client.models.retrieve(CLAUDE_NATIVE).lifecycle
    with pytest.raises(anthropic.NotFoundError, match="model: claude-unheard-of"):
        client.models.retrieve("claude-unheard-of")
    with pytest.raises(anthropic.NotFoundError, match="model: claude-unheard-of"):
        client.messages.create(**asked(world, NATIVE, model="claude-unheard-of"))
    assert ["ok", "ok", "refused", "refused"] == [record.outcome for record in world.seen()]


@pytest.mark.wire(NATIVE, "messages.create", "betas")
@pytest.mark.wire(NATIVE, "messages.create", "service_tier")
def test_betas_and_tiers_are_taken(world: World) -> None:
    """A beta's members are taken on its header; the tier asked for is taken, and the one that served is told."""
    client = world.claude()
    request = asked(world, NATIVE)
    message = client.beta.messages.create(
        **request, betas=["context-management-2025-06-27"], context_management={"edits": []}
    )
    assert "end_turn" == message.stop_reason
    assert "standard" == client.messages.create(**request, service_tier="standard_only").usage.service_tier


@on(WHOLE, "request id")
def test_every_reply_has_a_request_id(world: World, client: Client, platform: str) -> None:
    """A message and an error bear the platform's own request id."""
    mark = {NATIVE: "req_01", VERTEX: "req_vrtx_01"}.get(platform)
    message = client.messages.create(**asked(world, platform))
    with pytest.raises(anthropic.BadRequestError) as caught:
        client.messages.create(**asked(world, platform, max_tokens=-1))
    if mark is None:
        assert 36 == len(caught.value.response.headers["x-amzn-requestid"])
    else:
        assert (message._request_id or "").startswith(mark)
        assert (caught.value.request_id or "").startswith(mark)


@pytest.mark.wire(NATIVE, "messages.create", "async client")
def test_the_async_client_streams_too(world: World) -> None:
    """The asynchronous client reads the same stream."""

    async def text() -> str:
        key = world.cloud.identity.credentials("claude")["api_key"]
        async with (
            anthropic.AsyncAnthropic(base_url=world.url("claude"), api_key=key) as client,
            client.messages.stream(**asked(world, NATIVE)) as stream,
        ):
            return "".join([piece async for piece in stream.text_stream])

    assert ("claude", "whole") == read_reply(asyncio.run(text()), "acme-3")


# --- quotas ------------------------------------------------------------------------------------------------


@pytest.fixture
def _quota(world: World) -> Iterator[None]:
    """Give the native endpoint a quota of two requests a minute."""
    shell = world.cloud.endpoints["claude"]
    was = shell.capacity, shell.pump
    shell.capacity = OnDemand(provider="anthropic", requests_per_minute=2, input_tokens_per_minute=50_000).make(
        FAST, rng_for(7, "quota")
    )
    shell.pump = Pump(shell.capacity, shell.clock)
    yield
    shell.capacity, shell.pump = was


@pytest.mark.usefixtures("_quota")
@pytest.mark.wire(NATIVE, "messages.create", "rate-limit headers")
def test_quotas_stand_in_headers_and_run_out(world: World) -> None:
    """Each reply tells what is left; when nothing is, the 429 says when to come back, as its headers do."""
    client = world.claude().with_options(max_retries=0)
    left = []
    for _ in range(2):
        headers = client.messages.with_raw_response.create(**asked(world, NATIVE)).headers
        left.append(headers["anthropic-ratelimit-requests-remaining"])
    assert ["1", "0"] == left
    assert "50000" == headers["anthropic-ratelimit-input-tokens-limit"]
    with pytest.raises(anthropic.RateLimitError) as caught:
        client.messages.create(**asked(world, NATIVE))
    headers = caught.value.response.headers
    reset = dt.datetime.fromisoformat(headers["anthropic-ratelimit-requests-reset"])
    now = email.utils.parsedate_to_datetime(headers["date"])
    assert 0 < int(headers["retry-after"]) <= 30
    assert dt.timedelta(0) < reset - now <= dt.timedelta(seconds=62)
