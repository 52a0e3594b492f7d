"""The caller's half of ``bedrock-converse``: requests written, replies and streams read."""

from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from brownout.dialects.bedrock_errors import BEDROCK_ERRORS
from brownout.dialects.converse_request import ConverseAsk
from brownout.dialects.converse_turns import members_of
from brownout.dialects.eventstream import Frame, FrameDecoder
from brownout.wire import Answer, Ask, End, Event, HttpReply, HttpRequest, Refusal, StopReason, Token, Tool, ToolCall

_STOPS: dict[str, StopReason] = {
    "end_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "stop_sequence": "stop-sequence",
    "tool_use": "tool",
    "content_filtered": "filtered",
    "guardrail_intervened": "filtered",
}
"""``malformed_model_output`` and ``malformed_tool_use`` are answers that came to an end all the same."""

_encode = msgspec.json.encode


class _ToolUse(msgspec.Struct, rename="camel"):
    tool_use_id: str = ""
    name: str = ""
    input: msgspec.Raw = msgspec.Raw(b"{}")


class _Block(msgspec.Struct, rename="camel"):
    text: str | None = None
    tool_use: _ToolUse | None = None


class _Message(msgspec.Struct):
    content: list[_Block]


class _Output(msgspec.Struct):
    message: _Message


class _Usage(msgspec.Struct, rename="camel"):
    input_tokens: int = 0
    output_tokens: int = 0


class _Metrics(msgspec.Struct, rename="camel"):
    latency_ms: float = 0


class _Tier(msgspec.Struct):
    type: str = ""


class _Fields(msgspec.Struct):
    stop_sequence: str | None = None


class _Spent(msgspec.Struct, rename="camel"):
    """What a reply and a stream's last event say alike."""

    usage: _Usage | None = None
    metrics: _Metrics = msgspec.field(default_factory=_Metrics)
    service_tier: _Tier = msgspec.field(default_factory=_Tier)


class _Reply(_Spent, rename="camel"):
    output: _Output | None = None
    stop_reason: str | None = None
    additional_model_response_fields: _Fields = msgspec.field(default_factory=_Fields)
    input_tokens: int | None = None


class _ToolInput(msgspec.Struct):
    input: str = ""


class _Delta(msgspec.Struct, rename="camel"):
    text: str | None = None
    tool_use: _ToolInput | None = None


class _BlockDelta(msgspec.Struct, rename="camel"):
    delta: _Delta
    content_block_index: int = 0


class _Start(msgspec.Struct, rename="camel"):
    tool_use: _ToolUse | None = None


class _BlockStart(msgspec.Struct, rename="camel"):
    start: _Start
    content_block_index: int = 0


class _BlockStop(msgspec.Struct, rename="camel"):
    content_block_index: int = 0


class _MessageStop(msgspec.Struct, rename="camel"):
    stop_reason: str
    additional_model_response_fields: _Fields = msgspec.field(default_factory=_Fields)


_reply_decoder = msgspec.json.Decoder(_Reply)
_start_decoder = msgspec.json.Decoder(_BlockStart)
_delta_decoder = msgspec.json.Decoder(_BlockDelta)
_block_stop_decoder = msgspec.json.Decoder(_BlockStop)
_message_stop_decoder = msgspec.json.Decoder(_MessageStop)
_spent_decoder = msgspec.json.Decoder(_Spent)


class ConverseClient:
    """The caller's half of ``bedrock-converse``."""

    def request(self, ask: Ask, *, project: str = "", location: str = "") -> HttpRequest:
        """Return the request for an ask. The model's id is percent-encoded whole, as boto3 does.

        What precedes the user's turn in the prompt is the system's; without a turn, all of the prompt is the user's.
        """
        del project, location  # Vertex's
        conversation = _conversation(ask)
        if ask.count:
            call, body = "count-tokens", {"input": {"converse": conversation}}
        else:
            call, body = "converse-stream" if ask.stream else "converse", {**conversation, **_settings(ask)}
        return HttpRequest(
            method="POST",
            path=f"/model/{quote(ask.model, safe='-_.~')}/{call}",
            headers={"Content-Type": "application/json"},
            body=_encode(body),
        )

    def answer(self, reply: HttpReply) -> Answer:
        """Return the answer in a whole 200 reply; raises `Refusal` when it is none.

        A count of tokens is an answer without text: its `End` bears the count.
        """
        try:
            said = _reply_decoder.decode(reply.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refusal("unknown", f"not a Converse reply: {error}", status=reply.status) from None
        if said.output is None:
            if said.input_tokens is None:
                raise Refusal("unknown", "not a Converse reply: no output", status=reply.status)
            return Answer(text="", end=End(prompt_tokens=said.input_tokens))
        blocks = said.output.message.content
        stop = said.stop_reason
        return Answer(
            text="".join(block.text or "" for block in blocks),
            end=None if stop is None else _end(stop, said.additional_model_response_fields, said),
            calls=tuple(_call(block.tool_use, bytes(block.tool_use.input)) for block in blocks if block.tool_use),
        )

    def reader(self) -> "ConverseReader":
        """Return the decoder of one streamed reply."""
        return ConverseReader()

    def refusal(self, reply: HttpReply) -> Refusal:
        """Return the refusal in a reply whose status is not 200; never raises."""
        return BEDROCK_ERRORS.read(reply)


class _OpenTool(NamedTuple):
    """A tool's block of a stream, before it has stopped."""

    use: _ToolUse
    pieces: list[str]


class ConverseReader:
    """Decodes one streamed reply.

    Whole means: messageStop, and the metadata after it. A stream that ends between the two was cut: the SDKs
    end their iteration there without a word, and the usage is lost.
    """

    def __init__(self) -> None:
        self._frames = FrameDecoder()
        self._tools: dict[int, _OpenTool] = {}
        self._stopped: _MessageStop | None = None

    def feed(self, data: bytes) -> list[Event]:
        """Return the events completed by these bytes; raises `Refusal` as the contract says."""
        events: list[Event] = []
        for frame in self._frames.feed(data):
            try:
                event = self._read(frame)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise Refusal("unknown", f"not a ConverseStream event: {error}") from None
            if event is not None:
                events.append(event)
        return events

    def _read(self, frame: Frame) -> Event | None:
        refusal = BEDROCK_ERRORS.read_frame(frame)
        if refusal is not None:
            raise refusal
        name = frame.headers.get(":event-type")
        if name == "contentBlockDelta":
            return self._delta(_delta_decoder.decode(frame.payload))
        if name == "contentBlockStart":
            block = _start_decoder.decode(frame.payload)
            if block.start.tool_use is not None:
                self._tools[block.content_block_index] = _OpenTool(block.start.tool_use, [])
        elif name == "contentBlockStop":
            opened = self._tools.pop(_block_stop_decoder.decode(frame.payload).content_block_index, None)
            return opened and _call(opened.use, "".join(opened.pieces).encode())
        elif name == "messageStop":
            self._stopped = _message_stop_decoder.decode(frame.payload)
        elif name == "metadata" and self._stopped is not None:
            spent = _spent_decoder.decode(frame.payload)
            return _end(self._stopped.stop_reason, self._stopped.additional_model_response_fields, spent)
        return None

    def _delta(self, block: _BlockDelta) -> Event | None:
        opened = self._tools.get(block.content_block_index)
        if block.delta.tool_use is not None and opened is not None:
            opened.pieces.append(block.delta.tool_use.input)
        return Token(block.delta.text) if block.delta.text else None


def _conversation(ask: Ask) -> dict[str, Any]:
    conversation = members_of(ask.turns) if ask.turns else _said(ask)
    if ask.tools:
        conversation["toolConfig"] = {"tools": [_tool(tool) for tool in ask.tools], **_choice(ask.tool_choice)}
    return conversation


def _said(ask: Ask) -> dict[str, Any]:
    before = ask.prompt.removesuffix(f"\n{ask.turn}") if ask.turn else ask.prompt
    split = ask.turn and before != ask.prompt and before.strip()
    said = ask.turn if split else ask.prompt
    conversation: dict[str, Any] = {"messages": [{"role": "user", "content": [{"text": said}]}]}
    if split:
        conversation["system"] = [{"text": before}]
    return conversation


def _tool(tool: Tool) -> dict[str, Any]:
    return {"toolSpec": {"name": tool.name, "inputSchema": {"json": tool.schema}}}


def _choice(choice: str) -> dict[str, Any]:
    if not choice:
        return {}
    return {"toolChoice": {"any": {}} if choice == "any" else {"tool": {"name": choice}}}


def _settings(ask: Ask) -> dict[str, Any]:
    inference: dict[str, Any] = {"maxTokens": ask.max_tokens} if ask.bounded else {}
    if ask.stops:
        inference["stopSequences"] = ask.stops
    settings: dict[str, Any] = {"inferenceConfig": inference} if inference else {}
    if ask.tier:
        settings["serviceTier"] = {"type": ask.tier}
    if isinstance(ask, ConverseAsk):
        if ask.latency:
            settings["performanceConfig"] = {"latency": ask.latency}
        if ask.guardrail:
            trace = "enabled" if ask.guardrail_trace else "disabled"
            guardrail = {"guardrailIdentifier": ask.guardrail, "guardrailVersion": "1", "trace": trace}
            settings["guardrailConfig"] = guardrail
        if ask.response_fields:
            settings["additionalModelResponseFieldPaths"] = ask.response_fields
    return settings


def _call(use: _ToolUse, arguments: bytes) -> ToolCall:
    return ToolCall(id=use.tool_use_id, name=use.name, arguments=arguments.decode() or "{}")


def _end(stop_reason: str, fields: _Fields, spent: _Spent) -> End:
    usage = spent.usage or _Usage()
    return End(
        stop=_STOPS.get(stop_reason, "stop"),
        prompt_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        stop_sequence=fields.stop_sequence or "",
        tier=spent.service_tier.type,
        latency_s=spent.metrics.latency_ms / 1000,
        counted=spent.usage is not None,
    )
