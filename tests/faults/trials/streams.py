"""Trials of the faults in streamed replies."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from aiohttp import ClientError, ClientPayloadError, ServerDisconnectedError

from brownout.answer import read_reply
from brownout.wire import Ask, Refusal
from tests.faults.trial import Meets, Scene, trial, trial_endpoint
from tests.faults.trials.names import calling
from tests.live import Seen

_REST = [" w1", " w2", " w3", " w4", " w5", " w6", " fin"]
_DIALECTS = (
    "anthropic-messages",
    "bedrock-converse",
    "bedrock-invoke",
    "openai-chat",
    "sagemaker-invoke",
    "vertex-generate",
    "vertex-rawpredict",
)
_FRAMED = ("bedrock-converse", "bedrock-invoke", "sagemaker-invoke")


def in_dialects(
    kind: str, *dialects: str, settings: Mapping[str, Any] | None = None, **changes: Any
) -> Callable[[Meets], Meets]:
    """Register a trial for each of these dialects, or for all; see `trial`."""

    def register(meets: Meets) -> Meets:
        for dialect in dialects or _DIALECTS:

            async def here(scene: Scene) -> None:
                await meets(scene)

            here.__name__ = f"{getattr(meets, '__name__', kind)}-{dialect}"
            own = (trial_endpoint("e", dialect),)
            trial(kind, settings=settings or {}, at="e", endpoints=own, **changes)(here)
        return meets

    return register


def _said(at: str) -> list[str]:
    return [f"[{at} none of 8]", *_REST]


def _text(seen: Seen) -> str:
    return "".join(seen.tokens)


def _integrity(seen: Seen) -> str:
    return read_reply(_text(seen), "none").integrity


# --- cut ---------------------------------------------------------------------------------------------------


@trial("stream-cut", settings={"after_tokens": 0})
async def nothing_comes_and_the_connection_closes(scene: Scene) -> None:
    """Before the first token there is no reply at all."""
    seen = await scene.ask()
    assert (0, ServerDisconnectedError) == (seen.status, type(seen.broken))


@trial("stream-cut", settings={"how": "abort"}, at="bedrock")
async def no_reply_where_none_is_streamed(scene: Scene) -> None:
    """A whole answer that is cut is none."""
    seen = await scene.ask(stream=False)
    assert (0, ServerDisconnectedError) == (seen.status, type(seen.broken))


@in_dialects("stream-cut", settings={"how": "clean"})
async def a_proper_end_without_the_terminator(scene: Scene) -> None:
    """The transfer is in order; only who knows the dialect sees that the answer is not."""
    seen = await scene.ask()
    assert (200, None, None, _said("e")[:3]) == (seen.status, seen.broken, seen.end, seen.tokens)
    assert (seen.refusal, "cut") == (None, scene.live.records[-1].outcome)


@trial("stream-cut", settings={"how": "clean", "after_tokens": 0}, at="vertex")
async def a_proper_end_of_nothing(scene: Scene) -> None:
    """Before the first token the transfer is an empty one."""
    seen = await scene.ask()
    assert (200, b"", None, None) == (seen.status, seen.body, seen.broken, seen.end)


@in_dialects("stream-cut", settings={"how": "clean"})
async def an_empty_reply_where_none_is_streamed(scene: Scene) -> None:
    """A whole answer that ends early is a head alone, which no client takes for an answer."""
    seen = await scene.ask(stream=False)
    assert (200, b"", "0") == (seen.status, seen.body, seen.headers["Content-Length"])
    assert (None, "unknown") == (seen.broken, seen.refusal and seen.refusal.kind)


async def _half_closed(scene: Scene) -> None:
    """A client that reads to the end finds the transfer unfinished; the endpoint waits for it to go."""
    seen = await scene.ask()
    assert (_said(scene.at)[:3], None, ClientPayloadError) == (seen.tokens, seen.end, type(seen.broken))
    await scene.live.until(lambda: [one.outcome for one in scene.live.records[-1:]] == ["cut"])


async def _half_closed_until_the_caller_goes(scene: Scene) -> None:
    """After the endpoint's end the connection is open for as long as its caller likes, through the fault plane."""
    said = await _spoken_by_hand(scene, stream=True)
    head, _, body = said.partition(b"\r\n\r\n")
    assert (True, 3) == (head.startswith(b"HTTP/1.1 200 "), body.count(b'"content":') - 1)  # one says who speaks
    assert (False, False) == (b"[DONE]" in body, body.endswith(b"0\r\n\r\n"))


async def _nothing_but_the_end(scene: Scene) -> None:
    """Where nothing is streamed the endpoint sends its end, and no reply."""
    assert b"" == await _spoken_by_hand(scene, stream=False)


async def _spoken_by_hand(scene: Scene, *, stream: bool) -> bytes:
    link, shell = scene.world.links[scene.at], scene.live.shell(scene.at)
    reader, writer = await asyncio.open_connection(link.host, link.port)
    writer.write(_request(scene.world.cloud.identity.credentials(scene.at)["api_key"], stream=stream))
    said = await reader.read()  # to the end of what the endpoint sends
    await scene.wait(0.2)
    assert (False, 1) == (writer.is_closing(), shell.in_flight)
    writer.close()
    await scene.live.until(lambda: shell.in_flight == 0)
    await scene.live.until(lambda: [one.outcome for one in scene.live.records[-1:]] == ["cut"])
    return said


def _request(key: str, *, stream: bool) -> bytes:
    body = b'{"model":"llama","messages":[{"role":"user","content":"hello"}],"max_tokens":8,"stream":%s}'
    body %= b"true" if stream else b"false"
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


for _meets in (_half_closed, _half_closed_until_the_caller_goes, _nothing_but_the_end):
    for _real in (False, True):
        trial("stream-cut", settings={"how": "half-close"}, real=_real)(_meets)


@trial("stream-cut", settings={"how": "half-close"}, real=True)
async def closed_where_there_are_no_halves(scene: Scene) -> None:
    """Over TLS the connection ends whole, in the middle of the transfer."""
    async with calling(scene, tls=True) as upstream:
        with pytest.raises(Refusal, match="connection: ") as refused:
            [event async for event in upstream.events(Ask(model="", prompt="hello", max_tokens=8))]
        assert isinstance(refused.value.__cause__, ClientError)
        await scene.live.until(lambda: [one.outcome for one in scene.live.records[-1:]] == ["cut"])


# --- stalls and errors -------------------------------------------------------------------------------------


@in_dialects("stream-stall", settings={"after_tokens": 3, "for_s": 20.0})
async def a_reply_stands_still_and_goes_on(scene: Scene) -> None:
    """Three tokens as ever, twenty seconds of silence, and all the rest."""
    seen = await scene.ask()
    assert (True, _said("e")) == (seen.whole, seen.tokens)
    assert (True, True) == (seen.tokens_s[2] < 1, 20 <= seen.tokens_s[3] < 21)


@trial("stream-stall", settings={"for_s": None}, at="sagemaker")
async def a_reply_stands_still_for_good(scene: Scene) -> None:
    """Silence to the end of the injection's time, and then the end of the connection."""
    seen = await scene.ask()
    assert (3, None, ClientPayloadError) == (len(seen.tokens), seen.end, type(seen.broken))
    assert (True, 60) == (seen.tokens_s[-1] < 1, round(seen.ended_s))


@trial("stream-stall", settings={"for_s": 5.0}, at="bedrock")
async def a_whole_reply_is_late(scene: Scene) -> None:
    """Who waits for the whole answer waits longer."""
    seen = await scene.ask(stream=False)
    assert (True, True) == (seen.whole, 5 <= seen.ended_s - seen.asked_s < 6)


@in_dialects("late-error", settings={"after_tokens": 3, "refusal": "internal"})
async def an_error_in_the_middle(scene: Scene) -> None:
    """A 200, three tokens, and the dialect's own error event."""
    seen = await scene.ask()
    assert (200, _said("e")[:3], None, None) == (seen.status, seen.tokens, seen.end, seen.broken)
    assert seen.refusal is not None
    assert True is (seen.refusal.kind in {"internal", "model-error"}), seen.refusal.kind


@trial("late-error", settings={"refusal": "overloaded"}, at="anthropic")
async def an_error_in_place_of_a_whole_reply(scene: Scene) -> None:
    """Where nothing was sent before, the error has its status."""
    seen = await scene.ask(stream=False)
    assert seen.refusal is not None
    assert (529, "overloaded") == (seen.status, seen.refusal.kind)


# --- chunks ------------------------------------------------------------------------------------------------


@in_dialects("duplicated-chunk", settings={"after_tokens": 3, "copies": 2})
async def a_word_comes_three_times(scene: Scene) -> None:
    """The text stammers; the protocol is in order."""
    seen = await scene.ask()
    said = _said("e")
    assert (True, [*said[:4], said[3], said[3], *said[4:]]) == (seen.whole, seen.tokens)
    assert "duplicated" == _integrity(seen)


@in_dialects("reordered-chunk", settings={"after_tokens": 3})
async def two_words_change_places(scene: Scene) -> None:
    """The text is scrambled; the protocol is in order."""
    seen = await scene.ask()
    said = _said("e")
    assert (True, [*said[:3], said[4], said[3], *said[5:]]) == (seen.whole, seen.tokens)
    assert "garbled" == _integrity(seen)


async def _cannot_be_read(scene: Scene) -> None:
    """What came before is in order; then what is no event of the dialect comes, or never ends."""
    seen = await scene.ask()
    assert (200, _said("e")[:3]) == (seen.status, seen.tokens[:3])
    assert (False, True) == (seen.whole, seen.refusal is None or seen.refusal.kind == "unknown")
    assert "unknown" == (seen.refusal.kind if seen.refusal else "unknown")


async def _cannot_be_read_at_once(scene: Scene) -> None:
    """A body that is none, of the length that is said."""
    seen = await scene.ask(stream=False)
    assert (200, "unknown") == (seen.status, seen.refusal and seen.refusal.kind)
    assert int(seen.headers["Content-Length"]) == len(seen.body)


for _how in ("garbage", "truncated-json"):
    in_dialects("malformed-chunk", settings={"how": _how})(_cannot_be_read)
    in_dialects("malformed-chunk", settings={"how": _how})(_cannot_be_read_at_once)
in_dialects("malformed-chunk", *_FRAMED, settings={"how": "bad-crc"})(_cannot_be_read)


# --- what replies say of themselves ------------------------------------------------------------------------


@in_dialects("missing-usage")
async def nothing_says_what_it_cost(scene: Scene) -> None:
    """Whole, streamed or not, and no final count."""
    for stream in (True, False):
        seen = await scene.ask(stream=stream)
        assert seen.end is not None
        assert (True, False, 0) == (seen.whole, seen.end.counted, seen.end.output_tokens)


@in_dialects("wrong-content-type")
async def a_reply_that_calls_itself_html(scene: Scene) -> None:
    """The body is right, streamed or not; its label is not."""
    for stream in (True, False):
        seen = await scene.ask(stream=stream)
        assert (True, "text/html", "".join(_said("e"))) == (seen.whole, seen.headers["Content-Type"], _text(seen))


# --- drip --------------------------------------------------------------------------------------------------


@in_dialects("drip", settings={"piece_bytes": 16, "delay_ms": 20.0})
async def a_few_bytes_at_a_time(scene: Scene) -> None:
    """All of it comes, split anywhere, and takes as long as its pieces need."""
    seen = await scene.ask()
    assert (True, _said("e")) == (seen.whole, seen.tokens)
    assert seen.ended_s - seen.asked_s > len(seen.body) / 16 * 0.02 * 0.7
