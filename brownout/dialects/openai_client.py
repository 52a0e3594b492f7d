"""The caller's half of Chat Completions: bodies written, answers and streams read.

Containers behind other services speak it too (vLLM, TGI, LMI), hence the body apart from the request around it.
"""

from typing import Any, NamedTuple

import msgspec

from brownout.dialects.headers import header
from brownout.dialects.openai_errors import ErrorSaid, read_error, refusal_said
from brownout.dialects.openai_requests import ChatAsk
from brownout.dialects.openai_turns import messages_of
from brownout.dialects.sse import SseSplitter
from brownout.wire import Answer, Ask, End, Event, HttpReply, HttpRequest, Refusal, StopReason, Token, ToolCall

_STOP_OF_FINISH: dict[str, StopReason] = {
    "length": "length",
    "tool_calls": "tool",
    "function_call": "tool",
    "content_filter": "filtered",
}
_CHOICE_WORDS = {"": "auto", "any": "required", "none": "none"}
_encode = msgspec.json.encode


def chat_body(ask: Ask) -> dict[str, Any]:
    """Return the body of an ask; the usage of streams is asked for too, unless the ask says otherwise."""
    body: dict[str, Any] = {"model": ask.model, "messages": _messages(ask), "stream": ask.stream}
    if ask.bounded:
        body["max_tokens"] = ask.max_tokens
    if ask.stops:
        body["stop"] = list(ask.stops)
    if ask.tools:
        body["tools"] = [
            {"type": "function", "function": {"name": tool.name, "parameters": tool.schema}} for tool in ask.tools
        ]
        named = {"type": "function", "function": {"name": ask.tool_choice}}
        body["tool_choice"] = _CHOICE_WORDS.get(ask.tool_choice, named)
    if ask.tier:
        body["service_tier"] = ask.tier
    wanted = ask if isinstance(ask, ChatAsk) else None
    if wanted is not None and wanted.choices != 1:
        body["n"] = wanted.choices
    if ask.stream and (wanted is None or wanted.metered):
        body["stream_options"] = {"include_usage": True}
    return body


def _messages(ask: Ask) -> list[dict[str, Any]]:
    """Return all turns, where they are told; else the user's, and what precedes it in the prompt as the system's."""
    if ask.turns:
        return messages_of(ask.turns)
    before = ask.prompt.removesuffix(ask.turn)
    if not ask.turn or not before.endswith("\n"):
        return [{"role": "user", "content": ask.prompt}]
    return [{"role": "system", "content": before[:-1]}, {"role": "user", "content": ask.turn}]


class ChatClient:
    """The caller's half of ``openai-chat``.

    Args:
        path: where chat completions are asked for.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def request(self, ask: Ask, *, project: str = "", location: str = "") -> HttpRequest:
        """Return the request for an ask."""
        del project, location  # Vertex's
        headers = {"Content-Type": "application/json"}
        return HttpRequest(method="POST", path=self._path, headers=headers, body=_encode(chat_body(ask)))

    def answer(self, reply: HttpReply) -> Answer:
        """Return the answer in a whole 200 reply; raises `Refusal` when it is none."""
        answer = read_completion(reply.body)
        processing = header(reply.headers, "openai-processing-ms") or ""
        if answer.end is not None and processing.isdecimal():
            end = msgspec.structs.replace(answer.end, latency_s=int(processing) / 1000)
            return msgspec.structs.replace(answer, end=end)
        return answer

    def reader(self) -> "ChatReader":
        """Return the decoder of one streamed reply."""
        return ChatReader()

    def refusal(self, reply: HttpReply) -> Refusal:
        """Return the refusal in a reply whose status is not 200; never raises."""
        return read_error(reply)


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _CallPart(msgspec.Struct):
    index: int = 0
    id: str | None = None
    function: _Function = msgspec.field(default_factory=_Function)


class _Delta(msgspec.Struct):
    content: str | None = None
    tool_calls: list[_CallPart] | None = None


class _Choice(msgspec.Struct):
    index: int = 0
    delta: _Delta = msgspec.field(default_factory=_Delta)
    message: _Delta | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    service_tier: str | None = None
    error: ErrorSaid | str | None = None
    error_type: str | None = None


_chunk_decoder = msgspec.json.Decoder(_Chunk)


def read_completion(body: bytes) -> Answer:
    """Return the answer in a ``chat.completion``, its first choice; raises `Refusal` when it is none."""
    chunk = _decode_chunk(body)
    if not chunk.choices or chunk.choices[0].message is None:
        raise Refusal("unknown", "the reply holds no message")
    choice = chunk.choices[0]
    calls = tuple(_whole_call(part) for part in chunk.choices[0].message.tool_calls or ())
    end = None
    if choice.finish_reason is not None:
        end = _end(choice.finish_reason, chunk.usage, chunk.service_tier, called=bool(calls))
    return Answer(text=chunk.choices[0].message.content or "", end=end, calls=calls)


def _whole_call(part: _CallPart) -> ToolCall:
    return ToolCall(id=part.id or "", name=part.function.name or "", arguments=part.function.arguments or "")


class _OpenCall(NamedTuple):
    """A call whose arguments are still coming."""

    id: str
    name: str
    pieces: list[str]

    @property
    def event(self) -> ToolCall:
        return ToolCall(id=self.id, name=self.name, arguments="".join(self.pieces))


class ChatReader:
    """Decodes one streamed reply. Whole means: a finish reason was seen, and ``[DONE]`` after it.

    A call is an event once the next one begins or the answer finishes: until then its arguments may go on.
    """

    def __init__(self) -> None:
        self._sse = SseSplitter()
        self._finish: str | None = None
        self._usage: _Usage | None = None
        self._tier: str | None = None
        self._calls: dict[int, _OpenCall] = {}
        self._called = False

    def feed(self, data: bytes) -> list[Event]:
        """Return the events completed by these bytes; raises `Refusal` as the contract says."""
        events: list[Event] = []
        for payload in self._sse.feed(data):
            self._read(payload, events)
        return events

    def _read(self, payload: bytes, events: list[Event]) -> None:
        if payload == b"[DONE]":
            if self._finish is not None:
                events.append(_end(self._finish, self._usage, self._tier, called=self._called))
            return
        chunk = _decode_chunk(payload)
        self._usage = chunk.usage or self._usage
        self._tier = chunk.service_tier or self._tier
        for choice in chunk.choices or ():
            if choice.index != 0:
                continue  # the other answers of one request
            if choice.delta.content:
                events.append(Token(choice.delta.content))
            for part in choice.delta.tool_calls or ():
                self._take(part, events)
            if choice.finish_reason is not None:
                self._finish = choice.finish_reason
                self._close_calls(events)

    def _take(self, part: _CallPart, events: list[Event]) -> None:
        self._called = True
        if part.index not in self._calls:
            self._close_calls(events)
            self._calls[part.index] = _OpenCall(part.id or "", part.function.name or "", [])
        self._calls[part.index].pieces.append(part.function.arguments or "")

    def _close_calls(self, events: list[Event]) -> None:
        events.extend(call.event for call in self._calls.values())
        self._calls.clear()


def _decode_chunk(payload: bytes) -> _Chunk:
    try:
        chunk = _chunk_decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal("unknown", f"not a chat completion: {error}") from None
    if chunk.error is not None:
        raise refusal_said(chunk.error, chunk.error_type)
    if chunk.choices is None:
        raise Refusal("unknown", "not a chat completion: no choices")
    return chunk


def _end(finish_reason: str, usage: _Usage | None, tier: str | None, *, called: bool) -> End:
    stop = _STOP_OF_FINISH.get(finish_reason, "tool" if called else "stop")
    spent = usage or _Usage()
    return End(
        stop=stop,
        prompt_tokens=spent.prompt_tokens,
        output_tokens=spent.completion_tokens,
        tier=tier or "",
        counted=usage is not None,
    )
