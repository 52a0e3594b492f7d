"""``vertex-generate``: Gemini's generateContent, streamGenerateContent, countTokens and computeTokens on Vertex AI.

Paths and members follow Google's discovery documents of ``aiplatform`` v1 and v1beta1; the event lines end in CRLF as
the service's do, which some clients depend on.
"""

import base64
import zlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from brownout.dialects.absent import NoStanding
from brownout.dialects.documents import Documented, documented
from brownout.dialects.google_errors import JSON_TYPE, error_reply, status_body
from brownout.dialects.structured import Frame
from brownout.dialects.vertex_client import GenerateClient
from brownout.dialects.vertex_request import ComputeAsk, GenerateAsk, is_array, own_place, read_request
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

_STATUSES = (
    "INVALID_ARGUMENT",
    "FAILED_PRECONDITION",
    "UNAUTHENTICATED",
    "PERMISSION_DENIED",
    "NOT_FOUND",
    "RESOURCE_EXHAUSTED",
    "CANCELLED",
    "UNKNOWN",
    "INTERNAL",
    "UNAVAILABLE",
    "DEADLINE_EXCEEDED",
)

OPERATIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    dict.fromkeys(("generateContent", "streamGenerateContent", "countTokens", "computeTokens"), _STATUSES)
)
"""Every status that Google's page "API errors" lists for the generative models' calls."""

_CREATED = "2025-01-01T00:00:00.000000Z"
"""``createTime`` in every reply: a codec has no clock, and no client decides anything by it."""

_FINISH_REASONS: Mapping[StopReason, str] = MappingProxyType(
    # A function call and a stop sequence are ends like any other here.
    {"stop": "STOP", "length": "MAX_TOKENS", "stop-sequence": "STOP", "tool": "STOP", "filtered": "SAFETY"}
)
_TRAFFIC_TYPES = frozenset(
    {"ON_DEMAND", "ON_DEMAND_PRIORITY", "ON_DEMAND_FLEX", "ON_DEMAND_OFFPEAK", "PROVISIONED_THROUGHPUT"}
)
_BLOCKED = (
    {
        "category": "HARM_CATEGORY_DANGEROUS_CONTENT",
        "probability": "HIGH",
        "severity": "HARM_SEVERITY_HIGH",
        "blocked": True,
    },
)
_CHARS_PER_TOKEN = 4
_encode = msgspec.json.encode


class GenerateServer(NoStanding):
    """The endpoint's half of ``vertex-generate``."""

    def owns(self, request: HttpRequest) -> bool:
        """Return whether the path is one of Gemini's calls."""
        return own_place(request.path) is not None

    def read_ask(self, request: HttpRequest) -> Ask:
        """Return what is asked for; raises `Refusal` as the contract says."""
        return read_request(request)

    def reply(self, ask: Ask, answer: Answer, *, reply_id: str) -> HttpReply:
        """Return the whole reply. What was filtered before its first token has a prompt feedback and no candidate."""
        answer = documented(_document(ask), answer)
        end = answer.end or End()
        parts: list[dict[str, Any]] = [{"text": answer.text}] if answer.text or not answer.calls else []
        parts += [_function_call(call) for call in answer.calls]
        said = bool(answer.text or answer.calls)
        body = {**_last(end, parts if said or end.stop != "filtered" else [], said=said), **_about(ask, reply_id)}
        return HttpReply(status=200, headers={"Content-Type": JSON_TYPE}, body=_encode(body))

    def counted(self, ask: Ask, prompt_tokens: int, *, reply_id: str) -> HttpReply:
        """Return countTokens' reply, or computeTokens', which lists the tokens."""
        del reply_id  # neither bears one
        body: dict[str, Any]
        if isinstance(ask, ComputeAsk):
            body = {"tokensInfo": [_tokens_info(role, text) for role, text in ask.contents]}
        else:
            body = {
                "totalTokens": prompt_tokens,
                "totalBillableCharacters": sum(not character.isspace() for character in ask.prompt),
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt_tokens}],
            }
        return HttpReply(status=200, headers={"Content-Type": JSON_TYPE}, body=_encode(body))

    def stream_headers(self, ask: Ask, *, reply_id: str) -> Mapping[str, str]:
        """Return the headers of a streamed reply."""
        del reply_id  # Vertex names it in the chunks
        content_type = JSON_TYPE if _as_array(ask) else "text/event-stream"
        return {"Content-Type": content_type, "Content-Disposition": "attachment"}

    def writer(self, ask: Ask, *, reply_id: str) -> "GenerateWriter":
        """Return the encoder of one streamed reply."""
        return ArrayWriter(ask, reply_id) if _as_array(ask) else GenerateWriter(ask, reply_id)

    def refusal(self, refusal: Refusal, *, reply_id: str, request: HttpRequest | None = None) -> HttpReply:
        """Return Google's error for this refusal; a ``code`` names the status, or the reason of an ``ErrorInfo``.

        Where the stream would have been a JSON array, the error is its one element.
        """
        reply = error_reply(refusal, reply_id=reply_id)
        if request is None or not is_array(request) or reply.headers["Content-Type"] != JSON_TYPE:
            return reply
        return msgspec.structs.replace(reply, body=b"[" + reply.body + b"\n]")


class GenerateWriter:
    """Encodes one streamed reply as server-sent events; the last chunk bears the finish reason and the usage."""

    def __init__(self, ask: Ask, reply_id: str) -> None:
        # All but the text is the same in every chunk.
        self._about = b"," + _encode(_about(ask, reply_id))[1:]
        self._rest = b'}]}}],"usageMetadata":' + _encode({"trafficType": _traffic_type(ask.tier)}) + self._about
        self._said = False
        document = _document(ask)
        self._inside = None if document is None else Documented(document)

    def start(self) -> bytes:
        """Return nothing: the first chunk opens the stream."""
        return b""

    def event(self, event: Event) -> bytes:
        """Return the chunk of a token or of a function call, or the last one."""
        if self._inside is None:
            return self._sent(self._chunk(event))
        return b"".join([self._sent(self._chunk(made)) for made in self._inside.events(event)])

    def refusal(self, refusal: Refusal) -> bytes:
        """Return the error as an event."""
        return self._sent(_encode(status_body(refusal)))

    def _sent(self, payload: bytes) -> bytes:
        return b"data: " + payload + b"\r\n\r\n"

    def _chunk(self, event: Event) -> bytes:
        if isinstance(event, Token):
            self._said = True
            return b'{"candidates":[{"content":{"role":"model","parts":[{"text":' + _encode(event.text) + self._rest
        if isinstance(event, ToolCall):
            self._said = True
            content = {"role": "model", "parts": [_function_call(event)]}
            body: dict[str, Any] = {"candidates": [{"content": content}]}
        else:
            parts = [] if event.stop == "filtered" else [{"text": ""}]
            body = _last(event, parts, said=self._said)
        return _encode(body)[:-1] + self._about


class ArrayWriter(GenerateWriter):
    """Encodes one streamed reply as a JSON array, an element an event."""

    def __init__(self, ask: Ask, reply_id: str) -> None:
        super().__init__(ask, reply_id)
        self._separator = b""

    def start(self) -> bytes:
        """Return the opening bracket."""
        return b"["

    def event(self, event: Event) -> bytes:
        """Return the element of a token or of a function call, or the last one and the closing bracket."""
        return super().event(event) + (b"]" if isinstance(event, End) else b"")

    def refusal(self, refusal: Refusal) -> bytes:
        """Return the error as the last element."""
        return super().refusal(refusal) + b"]"

    def _sent(self, payload: bytes) -> bytes:
        element = self._separator + payload
        self._separator = b"\r\n,\r\n"
        return element


def _as_array(ask: Ask) -> bool:
    return isinstance(ask, GenerateAsk) and ask.as_array


def _document(ask: Ask) -> Frame | None:
    return ask.document if isinstance(ask, GenerateAsk) else None


def _about(ask: Ask, reply_id: str) -> dict[str, str]:
    return {"modelVersion": ask.model, "createTime": _CREATED, "responseId": reply_id}


def _last(end: End, parts: list[dict[str, Any]], *, said: bool) -> dict[str, Any]:
    """Return what ends an answer: a candidate with its finish reason, or the feedback on a prompt that was blocked."""
    if end.stop == "filtered" and not said:
        feedback = {"blockReason": "SAFETY", "safetyRatings": _BLOCKED}
        return {"promptFeedback": feedback, **_usage(end)}
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}} if parts else {}
    candidate["finishReason"] = _FINISH_REASONS[end.stop]
    if end.stop == "filtered":
        candidate["safetyRatings"] = _BLOCKED
    return {"candidates": [candidate], **_usage(end)}


def _function_call(call: ToolCall) -> dict[str, Any]:
    return {"functionCall": {"id": call.id, "name": call.name, "args": msgspec.Raw(call.arguments)}}


def _usage(end: End) -> dict[str, Any]:
    if not end.counted:
        return {}
    usage: dict[str, Any] = {
        "promptTokenCount": end.prompt_tokens,
        "totalTokenCount": end.prompt_tokens + end.output_tokens,
        "trafficType": _traffic_type(end.tier),
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": end.prompt_tokens}],
    }
    if end.output_tokens:
        usage["candidatesTokenCount"] = end.output_tokens
        usage["candidatesTokensDetails"] = [{"modality": "TEXT", "tokenCount": end.output_tokens}]
    return {"usageMetadata": usage}


def _traffic_type(tier: str) -> str:
    return tier if tier in _TRAFFIC_TYPES else "ON_DEMAND"


def _tokens_info(role: str, text: str) -> dict[str, Any]:
    """Return a content's tokens: here each is as many characters as an English token has on the average."""
    pieces = [text[at : at + _CHARS_PER_TOKEN].encode() for at in range(0, len(text), _CHARS_PER_TOKEN)]
    return {
        "role": role,
        "tokens": [base64.b64encode(piece).decode() for piece in pieces],
        "tokenIds": [str(zlib.crc32(piece)) for piece in pieces],
    }


VERTEX_GENERATE = Dialect(
    name="vertex-generate",
    server=GenerateServer(),
    client=GenerateClient(),
    auth="google-oauth",
    host="vertex",
)
