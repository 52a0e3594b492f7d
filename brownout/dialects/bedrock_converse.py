"""``bedrock-converse``: Amazon Bedrock's Converse and ConverseStream, and the CountTokens that goes with them.

Operations, members, event names and error statuses are those of botocore's ``bedrock-runtime`` service model
(2023-09-30).
"""

import base64
import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from brownout.dialects.absent import NoStanding
from brownout.dialects.aws_errors import request_id
from brownout.dialects.bedrock_errors import BEDROCK_ERRORS, CONVERSE_STREAM_EXCEPTIONS, refused
from brownout.dialects.bedrock_padding import padded
from brownout.dialects.converse_client import ConverseClient
from brownout.dialects.converse_request import PATH, ConverseAsk, read_request
from brownout.dialects.documents import Documented, documented
from brownout.dialects.eventstream import encode_frame, encode_headers
from brownout.dialects.structured import Frame
from brownout.wire import (
    Answer,
    Ask,
    Dialect,
    End,
    Event,
    HttpReply,
    HttpRequest,
    Refusal,
    StopReason,
    Token,
    ToolCall,
)

_BEFORE_GENERATION = (
    "AccessDeniedException",
    "ThrottlingException",
    "ResourceNotFoundException",
    "InternalServerException",
    "ServiceUnavailableException",
    "ValidationException",
)
_IN_GENERATION = ("ModelTimeoutException", "ModelNotReadyException", "ModelErrorException")

OPERATIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Converse": (*_BEFORE_GENERATION, *_IN_GENERATION),
        "ConverseStream": (*_BEFORE_GENERATION, *_IN_GENERATION, *sorted(set(CONVERSE_STREAM_EXCEPTIONS.values()))),
        "CountTokens": _BEFORE_GENERATION,
    }
)
"""Every error that the service model gives an operation; those in lower case come within its stream."""

_MAX_BODY_BYTES = 25_000_000
_TIERS = frozenset({"priority", "default", "flex", "reserved"})
_STOP_REASONS: Mapping[StopReason, str] = MappingProxyType(
    {
        "stop": "end_turn",
        "length": "max_tokens",
        "stop-sequence": "stop_sequence",
        "tool": "tool_use",
        "filtered": "content_filtered",
    }
)
_encode = msgspec.json.encode


class ConverseServer(NoStanding):
    """The endpoint's half of ``bedrock-converse``."""

    def owns(self, request: HttpRequest) -> bool:
        """Return whether the path is Converse's, ConverseStream's or CountTokens'."""
        return PATH.fullmatch(request.path) is not None

    def read_ask(self, request: HttpRequest) -> Ask:
        """Return what is asked for; raises `Refusal` as the contract says."""
        return read_request(request)

    def reply(self, ask: Ask, answer: Answer, *, reply_id: str) -> HttpReply:
        """Return the whole reply."""
        answer = documented(_document(ask), answer)
        end = answer.end or End()
        content: list[dict[str, Any]] = [{"text": answer.text}] if answer.text else []
        content += [{"toolUse": {**_tool_use(call), "input": msgspec.Raw(call.arguments)}} for call in answer.calls]
        body = {
            "output": {"message": {"role": "assistant", "content": content}},
            **_message_stop(ask, end),
            **_spent(ask, end, traced=_trace(ask, end, whole=answer.text)),
        }
        return HttpReply(status=200, headers=_headers(reply_id), body=_encode(body))

    def counted(self, ask: Ask, prompt_tokens: int, *, reply_id: str) -> HttpReply:
        """Return CountTokens' reply."""
        del ask  # it names no model
        return HttpReply(status=200, headers=_headers(reply_id), body=_encode({"inputTokens": prompt_tokens}))

    def stream_headers(self, ask: Ask, *, reply_id: str) -> Mapping[str, str]:
        """Return the headers of a streamed reply."""
        del ask
        return {"Content-Type": "application/vnd.amazon.eventstream", "x-amzn-RequestId": request_id(reply_id)}

    def writer(self, ask: Ask, *, reply_id: str) -> "ConverseWriter":
        """Return the encoder of one streamed reply."""
        del reply_id  # no frame bears it
        document = _document(ask)
        return ConverseWriter(ask) if document is None else DocumentWriter(ask, document)

    def refusal(self, refusal: Refusal, *, reply_id: str, request: HttpRequest | None = None) -> HttpReply:
        """Return Bedrock's error for this refusal; a ``code`` chooses among several of one kind."""
        return refused(refusal, reply_id=reply_id, request=request)


def _event_headers(name: str) -> bytes:
    return encode_headers({":event-type": name, ":content-type": "application/json", ":message-type": "event"})


_MESSAGE_START = encode_frame(_event_headers("messageStart"), padded(b'{"role":"assistant"}'))
_BLOCK_START = _event_headers("contentBlockStart")
_DELTA = _event_headers("contentBlockDelta")
_BLOCK_STOP = _event_headers("contentBlockStop")
_MESSAGE_STOP = _event_headers("messageStop")
_METADATA = _event_headers("metadata")
_ARGUMENT_PIECES = 8


class ConverseWriter:
    """Encodes one streamed reply: messageStart, blocks of deltas, messageStop, metadata.

    A block of text begins with its first delta; a tool's has a contentBlockStart of its own.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._block = 0
        self._text_head = b""

    def start(self) -> bytes:
        """Return the messageStart frame."""
        return _MESSAGE_START

    def event(self, event: Event) -> bytes:
        """Return the frame of a token, those of a tool's block, or all that ends the stream."""
        if isinstance(event, Token):
            if not self._text_head:
                self._text_head = b'{"contentBlockIndex":%d,"delta":{"text":' % self._block
            return encode_frame(_DELTA, padded(b"".join((self._text_head, _encode(event.text), b"}}"))))
        closed = self._close_text()
        if isinstance(event, ToolCall):
            return closed + self._tool(event)
        stop = _frame(_MESSAGE_STOP, _message_stop(self._ask, event))
        return closed + stop + _frame(_METADATA, _spent(self._ask, event, traced=_trace(self._ask, event)))

    def refusal(self, refusal: Refusal) -> bytes:
        """Return the exception frame, or the error frame of what has no exception."""
        return BEDROCK_ERRORS.frame(refusal, CONVERSE_STREAM_EXCEPTIONS)

    def _close_text(self) -> bytes:
        if not self._text_head:
            return b""
        self._text_head = b""
        return self._stop_block()

    def _stop_block(self) -> bytes:
        frame = _frame(_BLOCK_STOP, {"contentBlockIndex": self._block})
        self._block += 1
        return frame

    def _tool(self, call: ToolCall) -> bytes:
        index = self._block
        frames = [_frame(_BLOCK_START, {"contentBlockIndex": index, "start": {"toolUse": _tool_use(call)}})]
        size = max(1, -(-len(call.arguments) // _ARGUMENT_PIECES))
        # The first piece of a tool's input is empty, as the service's is.
        pieces = ["", *(call.arguments[at : at + size] for at in range(0, len(call.arguments), size))]
        frames += [
            _frame(_DELTA, {"contentBlockIndex": index, "delta": {"toolUse": {"input": piece}}}) for piece in pieces
        ]
        return b"".join(frames) + self._stop_block()


class DocumentWriter(ConverseWriter):
    """Encodes one streamed reply whose text is a JSON document."""

    def __init__(self, ask: Ask, document: Frame) -> None:
        super().__init__(ask)
        self._inside = Documented(document)

    def event(self, event: Event) -> bytes:
        """Return the frames of what the event becomes in its document."""
        return b"".join([super(DocumentWriter, self).event(made) for made in self._inside.events(event)])


def _document(ask: Ask) -> Frame | None:
    return ask.document if isinstance(ask, ConverseAsk) else None


def _frame(header_block: bytes, payload: Mapping[str, Any]) -> bytes:
    return encode_frame(header_block, padded(_encode(payload)))


def _headers(reply_id: str) -> dict[str, str]:
    return {"Content-Type": "application/json", "x-amzn-RequestId": request_id(reply_id)}


def _tool_use(call: ToolCall) -> dict[str, Any]:
    """Return a call's name and id, the id in the form that Bedrock gives its own."""
    if not call.id.startswith("call_"):
        return {"toolUseId": call.id, "name": call.name}
    digest = hashlib.sha256(call.id.encode()).digest()[:16]
    return {"toolUseId": f"tooluse_{base64.urlsafe_b64encode(digest).decode().rstrip('=')}", "name": call.name}


def _message_stop(ask: Ask, end: End) -> dict[str, Any]:
    by_guardrail = end.stop == "filtered" and isinstance(ask, ConverseAsk) and ask.guardrail
    stop: dict[str, Any] = {"stopReason": "guardrail_intervened" if by_guardrail else _STOP_REASONS[end.stop]}
    if isinstance(ask, ConverseAsk) and ask.response_fields:
        # Pointers into the model's own reply; those to fields that it does not have are passed over.
        said = {"stop_reason": _STOP_REASONS[end.stop], "stop_sequence": end.stop_sequence or None}
        asked = {name: said[name] for name in said if f"/{name}" in ask.response_fields}
        stop["additionalModelResponseFields"] = asked
    return stop


def _spent(ask: Ask, end: End, *, traced: dict[str, Any]) -> dict[str, Any]:
    usage = {
        "inputTokens": end.prompt_tokens,
        "outputTokens": end.output_tokens,
        "totalTokens": end.prompt_tokens + end.output_tokens,
    }
    spent: dict[str, Any] = {
        **({"usage": usage} if end.counted else {}),
        "metrics": {"latencyMs": round(end.latency_s * 1000)},
        "serviceTier": {"type": end.tier if end.tier in _TIERS else "default"},
        **traced,
    }
    if isinstance(ask, ConverseAsk) and ask.latency:
        spent["performanceConfig"] = {"latency": ask.latency}
    return spent


def _trace(ask: Ask, end: End, *, whole: str = "") -> dict[str, Any]:
    """Return what the guardrail says it did, where the request asks for it."""
    if not isinstance(ask, ConverseAsk) or not ask.guardrail_trace:
        return {}
    if end.stop != "filtered":
        return {"trace": {"guardrail": {"actionReason": "No action."}}}
    found = {"type": "MISCONDUCT", "confidence": "HIGH", "action": "BLOCKED"}
    assessments = {ask.guardrail: [{"contentPolicy": {"filters": [found]}}]}
    guardrail: dict[str, Any] = {"outputAssessments": assessments, "actionReason": "Guardrail blocked."}
    if whole:
        guardrail["modelOutput"] = [whole]
    return {"trace": {"guardrail": guardrail}}


BEDROCK_CONVERSE = Dialect(
    name="bedrock-converse",
    server=ConverseServer(),
    client=ConverseClient(),
    auth="sigv4",
    host="bedrock",
    max_body_bytes=_MAX_BODY_BYTES,
)
