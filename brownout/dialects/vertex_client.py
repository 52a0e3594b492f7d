"""The caller's half of ``vertex-generate``: requests written, replies and streams of either form read."""

from typing import Any

import msgspec

from brownout.dialects.google_errors import Status, read_error, refusal_of
from brownout.dialects.json_array import JsonArraySplitter
from brownout.dialects.sse import SseSplitter
from brownout.dialects.vertex_places import Place, path_of
from brownout.dialects.vertex_request import ComputeAsk, GenerateAsk
from brownout.dialects.vertex_tiers import tier_headers
from brownout.dialects.vertex_turns import members_of
from brownout.wire import Answer, Ask, End, Event, HttpReply, HttpRequest, Refusal, StopReason, Token, Tool, ToolCall

_FILTERS = frozenset(
    {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"}
    | {"IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"}
)
"""The finish reasons by which Google's own filters end an answer."""

_encode = msgspec.json.encode


class _FunctionCall(msgspec.Struct):
    name: str = ""
    id: str = ""
    args: msgspec.Raw = msgspec.Raw(b"{}")


class _Part(msgspec.Struct, rename="camel"):
    text: str | None = None
    thought: bool = False
    function_call: _FunctionCall | None = None


class _Content(msgspec.Struct):
    parts: list[_Part] = msgspec.field(default_factory=list)


class _Candidate(msgspec.Struct, rename="camel"):
    content: _Content | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct, rename="camel"):
    prompt_token_count: int = 0
    candidates_token_count: int = 0
    traffic_type: str = ""


class _Feedback(msgspec.Struct, rename="camel"):
    block_reason: str | None = None


class _TokensInfo(msgspec.Struct):
    tokens: list[str] = msgspec.field(default_factory=list)


class _Chunk(msgspec.Struct, rename="camel"):
    candidates: list[_Candidate] | None = None
    usage_metadata: _Usage | None = None
    prompt_feedback: _Feedback | None = None
    error: Status | None = None
    total_tokens: int | None = None
    tokens_info: list[_TokensInfo] | None = None


_chunk_decoder = msgspec.json.Decoder(_Chunk)


class GenerateClient:
    """The caller's half of ``vertex-generate``."""

    def request(self, ask: Ask, *, project: str = "", location: str = "") -> HttpRequest:
        """Return the request for an ask, in a project and a location.

        What precedes the user's turn in the prompt is the system's; without a turn, all of the prompt is the user's.
        """
        own = ask.model.startswith("endpoints/")
        place = Place(
            version="v1",
            project=project,
            location=location,
            publisher="" if own else "google",
            model=ask.model,
            call=_call_of(ask),
        )
        as_array = isinstance(ask, GenerateAsk) and ask.as_array
        return HttpRequest(
            method="POST",
            path=path_of(place),
            query="alt=sse" if place.call == "streamGenerateContent" and not as_array else "",
            headers={"Content-Type": "application/json", **tier_headers(ask.tier)},
            body=_encode(_body(ask)),
        )

    def answer(self, reply: HttpReply) -> Answer:
        """Return the answer in a whole 200 reply; raises `Refusal` when it is none.

        A count of tokens is an answer without text: its `End` bears the count.
        """
        chunk = _decode_chunk(reply.body)
        counted = _counted(chunk)
        if counted is not None:
            return Answer(text="", end=End(prompt_tokens=counted))
        events = _events(chunk, called=False)
        if not chunk.candidates and not events:
            raise Refusal("unknown", "the reply holds no candidate", status=reply.status)
        return Answer(
            text="".join(event.text for event in events if isinstance(event, Token)),
            end=next((event for event in events if isinstance(event, End)), None),
            calls=tuple(event for event in events if isinstance(event, ToolCall)),
        )

    def reader(self) -> "GenerateReader":
        """Return the decoder of one streamed reply."""
        return GenerateReader()

    def refusal(self, reply: HttpReply) -> Refusal:
        """Return the refusal in a reply whose status is not 200; never raises."""
        return read_error(reply)


class GenerateReader:
    """Decodes one streamed reply, whichever of its two forms comes.

    Whole means: a chunk bore a finish reason, and where the stream is a JSON array, the array has closed too.
    """

    def __init__(self) -> None:
        self._splitter: SseSplitter | JsonArraySplitter | None = None
        self._called = False
        self._held: list[Event] = []

    def feed(self, data: bytes) -> list[Event]:
        """Return the events completed by these bytes; raises `Refusal` as the contract says."""
        if self._splitter is None:
            if not data.strip():
                return []
            self._splitter = JsonArraySplitter() if data.lstrip().startswith(b"[") else SseSplitter()
        events: list[Event] = []
        for payload in self._splitter.feed(data):
            made = _events(_decode_chunk(payload), called=self._called)
            self._called |= any(isinstance(event, ToolCall) for event in made)
            events += made
        if isinstance(self._splitter, JsonArraySplitter):
            return self._until_closed(events, closed=self._splitter.closed)
        return events

    def _until_closed(self, events: list[Event], *, closed: bool) -> list[Event]:
        """Hold an end back until its array has closed."""
        self._held += [event for event in events if isinstance(event, End)]
        before: list[Event] = [event for event in events if not isinstance(event, End)]
        if not closed:
            return before
        ends, self._held = self._held, []
        return [*before, *ends]


def _decode_chunk(payload: bytes) -> _Chunk:
    try:
        chunk = _chunk_decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal("unknown", f"not a generateContent reply: {error}") from None
    if chunk.error is not None:
        raise refusal_of(chunk.error)
    if chunk == _Chunk():
        raise Refusal("unknown", "not a generateContent reply")
    return chunk


def _counted(chunk: _Chunk) -> int | None:
    if chunk.tokens_info is not None:
        return sum(len(info.tokens) for info in chunk.tokens_info)
    return chunk.total_tokens


def _events(chunk: _Chunk, *, called: bool) -> list[Event]:
    """Return what a chunk says; ``called`` tells that an earlier one called a function, as no finish reason does."""
    events: list[Event] = []
    for candidate in chunk.candidates or ():
        for part in candidate.content.parts if candidate.content else ():
            if part.function_call is not None:
                called = True
                made = part.function_call
                events.append(ToolCall(id=made.id, name=made.name, arguments=bytes(made.args).decode()))
            elif part.text and not part.thought:
                events.append(Token(part.text))
        if candidate.finish_reason:
            events.append(_end(_stop(candidate.finish_reason, called=called), chunk.usage_metadata))
    if not chunk.candidates and chunk.prompt_feedback is not None and chunk.prompt_feedback.block_reason:
        events.append(_end("filtered", chunk.usage_metadata))
    return events


def _stop(finish_reason: str, *, called: bool) -> StopReason:
    if finish_reason == "MAX_TOKENS":
        return "length"
    if finish_reason in _FILTERS:
        return "filtered"
    return "tool" if called and finish_reason == "STOP" else "stop"


def _end(stop: StopReason, usage: _Usage | None) -> End:
    spent = usage or _Usage()
    return End(
        stop=stop,
        prompt_tokens=spent.prompt_token_count,
        output_tokens=spent.candidates_token_count,
        tier=spent.traffic_type,
        counted=usage is not None,
    )


def _call_of(ask: Ask) -> str:
    if ask.count:
        return "computeTokens" if isinstance(ask, ComputeAsk) else "countTokens"
    return "streamGenerateContent" if ask.stream else "generateContent"


def _body(ask: Ask) -> dict[str, Any]:
    if isinstance(ask, ComputeAsk):
        return {"contents": [{"role": role, "parts": [{"text": text}]} for role, text in ask.contents]}
    body = members_of(ask.turns) if ask.turns else _said(ask)
    if ask.tools:
        body["tools"] = [{"functionDeclarations": [_declaration(tool) for tool in ask.tools]}]
    if ask.count:
        return body
    if ask.tool_choice:
        body["toolConfig"] = {"functionCallingConfig": _calling(ask.tool_choice)}
    generation: dict[str, Any] = {"maxOutputTokens": ask.max_tokens} if ask.bounded else {}
    if ask.stops:
        generation["stopSequences"] = ask.stops
    return {**body, "generationConfig": generation} if generation else body


def _said(ask: Ask) -> dict[str, Any]:
    before = ask.prompt.removesuffix(f"\n{ask.turn}") if ask.turn else ask.prompt
    split = bool(ask.turn) and before not in {ask.prompt, ""}
    said: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": ask.turn if split else ask.prompt}]}]}
    return {**said, "systemInstruction": {"parts": [{"text": before}]}} if split else said


def _declaration(tool: Tool) -> dict[str, Any]:
    return {"name": tool.name, **({"parametersJsonSchema": tool.schema} if tool.schema else {})}


def _calling(choice: str) -> dict[str, Any]:
    if choice in {"any", "none"}:
        return {"mode": choice.upper()}
    return {"mode": "ANY", "allowedFunctionNames": [choice]}
