"""What Claude answers, free of the platform's envelope: a whole message, or the events of a stream, both ways.

Members, stop reasons and the order of events are those of the public reference of the Messages API ("Messages",
"Streaming messages") and of the official client's types.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from brownout.answer import estimated_tokens
from brownout.dialects.anthropic_errors import ErrorBody, refusal_of
from brownout.dialects.anthropic_platform import Platform, claude
from brownout.wire import Answer, Ask, End, Event, Refusal, StopReason, Token, ToolCall

_STANDARD = "standard"
"""The tier that serves whoever has no other; `End.tier` leaves it out."""

_TIERS = frozenset({_STANDARD, "priority", "batch"})
"""What may have served a request. What is asked for has other names: ``auto``, ``standard_only``."""

_JSON_PIECE = 24
"""Characters of a tool's arguments in one ``input_json_delta``."""

_STOP_REASON: Mapping[StopReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "stop-sequence": "stop_sequence",
    "tool": "tool_use",
    "filtered": "refusal",
}
_STOP: Mapping[str, StopReason] = {
    **{word: stop for stop, word in _STOP_REASON.items()},
    "model_context_window_exceeded": "length",
}
_encode = msgspec.json.encode

# --- the endpoint's half -----------------------------------------------------------------------------------


class Said(NamedTuple):
    """One event of a stream: its name, and its data in JSON."""

    name: bytes
    data: bytes


PING = Said(b"ping", b'{"type": "ping"}')
_BLOCK_START = b"content_block_start"
_BLOCK_DELTA = b"content_block_delta"
_BLOCK_STOP = b"content_block_stop"


def message(ask: Ask, answer: Answer, *, reply_id: str, platform: Platform) -> bytes:
    """Return a whole reply. The answer has its `End`."""
    end = answer.end or End()
    content: list[dict[str, Any]] = [{"type": "text", "text": answer.text}] if answer.text else []
    content += [
        {
            "type": "tool_use",
            "id": platform.tool_id(call.id),
            "name": call.name,
            "input": msgspec.Raw(call.arguments.encode()),
        }
        for call in answer.calls
    ]
    body = _message_head(ask, reply_id, platform) | {"content": content, **_stop(end)}
    if end.counted:
        body["usage"] = _usage(end.prompt_tokens, end.output_tokens) | _tier(end.tier, platform)
    return _encode(body)


def token_count(tokens: int) -> bytes:
    """Return the reply to a request that counts tokens."""
    return _encode({"input_tokens": tokens})


class MessageWriter:
    """Encodes one streamed reply: message_start, the content's blocks, message_delta, message_stop.

    Args:
        ask: what is asked for.
        reply_id: the reply's id.
        platform: on whose servers it is made.
    """

    def __init__(self, ask: Ask, reply_id: str, platform: Platform) -> None:
        self._ask = ask
        self._reply_id = reply_id
        self._platform = platform
        self._index = 0
        self._text_head = b""  # of a token's delta; empty while no block of text is open

    def start(self) -> list[Said]:
        """Return message_start, which counts the prompt's tokens."""
        usage = _usage(estimated_tokens(self._ask.prompt), 1) | _tier(self._ask.tier, self._platform)
        head = _message_head(self._ask, self._reply_id, self._platform)
        start = head | {"content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
        return [Said(b"message_start", _encode({"type": "message_start", "message": start}))]

    def event(self, event: Event) -> list[Said]:
        """Return the events of a token or a tool's call, or all that ends the stream."""
        if isinstance(event, Token):
            opened = [] if self._text_head else self._open(b'{"type":"text","text":""}')
            if opened:
                self._text_head = self._delta(b'{"type":"text_delta","text":')
            return [*opened, Said(_BLOCK_DELTA, self._text_head + _encode(event.text) + b"}}")]
        if isinstance(event, ToolCall):
            return [*self._close(), *self._called(event)]
        return [*self._close(), *self._ended(event)]

    def _open(self, block: bytes) -> list[Said]:
        head = b'{"type":"content_block_start","index":%d,"content_block":' % self._index
        opened = [Said(_BLOCK_START, head + block + b"}")]
        return [*opened, PING] if self._platform.pings and self._index == 0 else opened

    def _delta(self, head: bytes) -> bytes:
        return b'{"type":"content_block_delta","index":%d,"delta":' % self._index + head

    def _close(self) -> list[Said]:
        if not self._text_head:
            return []
        self._text_head = b""
        return [self._stopped()]

    def _stopped(self) -> Said:
        index, self._index = self._index, self._index + 1
        return Said(_BLOCK_STOP, b'{"type":"content_block_stop","index":%d}' % index)

    def _called(self, call: ToolCall) -> list[Said]:
        block = {"type": "tool_use", "id": self._platform.tool_id(call.id), "name": call.name, "input": {}}
        opened = self._open(_encode(block))
        head = self._delta(b'{"type":"input_json_delta","partial_json":')
        # The first piece is empty, as the service's is.
        pieces = ["", *(call.arguments[at : at + _JSON_PIECE] for at in range(0, len(call.arguments), _JSON_PIECE))]
        deltas = [Said(_BLOCK_DELTA, head + _encode(piece) + b"}}") for piece in pieces]
        return [*opened, *deltas, self._stopped()]

    def _ended(self, end: End) -> list[Said]:
        delta: dict[str, Any] = {"type": "message_delta", "delta": _stop(end)}
        if end.counted:
            delta["usage"] = _usage(end.prompt_tokens, end.output_tokens)
            del delta["usage"]["cache_creation"]  # the last count is without it
        return [Said(b"message_delta", _encode(delta)), Said(b"message_stop", b'{"type":"message_stop"}')]


def sse(said: list[Said]) -> bytes:
    """Return events as server-sent ones."""
    return b"".join([b"event: " + name + b"\ndata: " + data + b"\n\n" for name, data in said])


def _message_head(ask: Ask, reply_id: str, platform: Platform) -> dict[str, Any]:
    return {
        "model": claude(ask.model),
        "id": platform.identifier("msg", reply_id),
        "type": "message",
        "role": "assistant",
    }


def _stop(end: End) -> dict[str, Any]:
    stop: dict[str, Any] = {"stop_reason": _STOP_REASON[end.stop], "stop_sequence": end.stop_sequence or None}
    if end.stop == "filtered":
        stop["stop_details"] = {"type": "refusal", "category": None, "explanation": None}
    return stop


def _usage(input_tokens: int, output_tokens: int) -> dict[str, Any]:
    return {
        "input_tokens": input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output_tokens,
    }


def _tier(tier: str, platform: Platform) -> dict[str, str]:
    return {"service_tier": tier if tier in _TIERS else _STANDARD} if platform.names_tier else {}


# --- the caller's half -------------------------------------------------------------------------------------


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    service_tier: str | None = None


class _Block(msgspec.Struct):
    type: str = ""
    text: str = ""
    id: str = ""
    name: str = ""
    input: msgspec.Raw = msgspec.Raw(b"{}")


class _Message(msgspec.Struct):
    content: list[_Block]
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: _Usage | None = None


class _Delta(msgspec.Struct):
    type: str = ""
    text: str = ""
    partial_json: str = ""
    stop_reason: str | None = None
    stop_sequence: str | None = None


class _Metrics(msgspec.Struct, rename="camel"):
    """Bedrock's, in the last event of a stream; milliseconds."""

    invocation_latency: float = 0
    first_byte_latency: float = 0


class _Data(msgspec.Struct):
    type: str
    message: _Message | None = None
    content_block: _Block | None = None
    delta: _Delta | None = None
    usage: _Usage | None = None
    error: ErrorBody | None = None
    metrics: _Metrics | None = msgspec.field(default=None, name="amazon-bedrock-invocationMetrics")


_message_decoder = msgspec.json.Decoder(_Message)
_data_decoder = msgspec.json.Decoder(_Data)


def read_message(body: bytes) -> Answer:
    """Return the answer in a whole reply; raises ``Refusal("unknown")`` when it is none."""
    try:
        said = _message_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal("unknown", f"not a message: {error}") from None
    text = "".join(block.text for block in said.content if block.type == "text")
    calls = tuple(
        ToolCall(id=block.id, name=block.name, arguments=bytes(block.input).decode())
        for block in said.content
        if block.type == "tool_use"
    )
    if said.stop_reason is None:
        return Answer(text=text, end=None, calls=calls)
    return Answer(text=text, end=_end(said.stop_reason, said.stop_sequence, said.usage), calls=calls)


class MessageReader:
    """Decodes the events of one streamed reply, given the data of each.

    Whole means: a stop reason was seen, and message_stop after it.
    """

    def __init__(self) -> None:
        self._usage = _Usage()
        self._counted = False
        self._stop_reason: str | None = None
        self._stop_sequence: str | None = None
        self._call: _Block | None = None
        self._arguments: list[str] = []

    def read(self, data: bytes) -> Event | None:
        """Return what an event says; None where it says nothing by itself.

        Raises:
            Refusal: for an ``error`` event; ``unknown`` for what is no event of this stream.
        """
        try:
            said = _data_decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refusal("unknown", f"not an event of a message: {error}") from None
        match said.type:
            case "content_block_delta" if said.delta is not None:
                self._arguments.append(said.delta.partial_json)
                return Token(said.delta.text) if said.delta.text else None
            case "content_block_start":
                block = said.content_block
                self._call, self._arguments = block if block and block.type == "tool_use" else None, []
            case "content_block_stop" if self._call is not None:
                call, self._call = self._call, None
                return ToolCall(id=call.id, name=call.name, arguments="".join(self._arguments) or "{}")
            case "message_start" if said.message is not None:
                self._usage = said.message.usage or _Usage()
            case "message_delta" if said.delta is not None:
                self._counted = said.usage is not None  # what message_start says of the output is no count of it
                self._note_end(said.delta, said.usage or _Usage())
            case "message_stop" if self._stop_reason is not None:
                return self._end(self._stop_reason, said.metrics)
            case "error":
                raise refusal_of(said.error or ErrorBody())
        return None

    def _end(self, reason: str, metrics: _Metrics | None) -> End:
        end = _end(reason, self._stop_sequence, self._usage, metrics)
        return end if self._counted else msgspec.structs.replace(end, output_tokens=0, counted=False)

    def _note_end(self, delta: _Delta, usage: _Usage) -> None:
        self._stop_reason, self._stop_sequence = delta.stop_reason, delta.stop_sequence
        known = self._usage
        self._usage = _Usage(
            known.input_tokens if usage.input_tokens is None else usage.input_tokens,
            known.output_tokens if usage.output_tokens is None else usage.output_tokens,
            usage.service_tier or known.service_tier,
        )


def _end(reason: str, sequence: str | None, said: _Usage | None, metrics: _Metrics | None = None) -> End:
    took, usage = metrics or _Metrics(), said or _Usage()
    tier = usage.service_tier or ""
    return End(
        stop=_STOP.get(reason, "stop"),
        prompt_tokens=usage.input_tokens or 0,
        output_tokens=usage.output_tokens or 0,
        stop_sequence=sequence or "",
        tier="" if tier == _STANDARD else tier,
        latency_s=took.invocation_latency / 1000,
        first_token_s=took.first_byte_latency / 1000,
        counted=said is not None,
    )
