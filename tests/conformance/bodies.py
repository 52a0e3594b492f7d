"""Where things stand in each vendor's replies, and how a streamed one is taken apart and put together again."""

import base64
import json
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from brownout.dialects.eventstream import encode_frame, encode_headers
from fixtures.conform.forms import FORMS
from fixtures.conform.forms.frames import DONE, StreamEvent

Path: TypeAlias = tuple[str | int, ...]
Edit: TypeAlias = Callable[[list[StreamEvent]], list[StreamEvent]]


class Places(NamedTuple):
    """Where a vendor's whole reply has what."""

    required: Path
    text: Path
    stop: Path
    stop_word: str
    usage: Path
    prompt_tokens: Path
    output_tokens: Path


_CHAT = Places(
    required=("choices",),
    text=("choices", 0, "message", "content"),
    stop=("choices", 0, "finish_reason"),
    stop_word="stop",
    usage=("usage",),
    prompt_tokens=("usage", "prompt_tokens"),
    output_tokens=("usage", "completion_tokens"),
)
_CLAUDE = Places(
    required=("role",),
    text=("content", 0, "text"),
    stop=("stop_reason",),
    stop_word="end_turn",
    usage=("usage",),
    prompt_tokens=("usage", "input_tokens"),
    output_tokens=("usage", "output_tokens"),
)
_CONVERSE = Places(
    required=("output",),
    text=("output", "message", "content", 0, "text"),
    stop=("stopReason",),
    stop_word="end_turn",
    usage=("usage",),
    prompt_tokens=("usage", "inputTokens"),
    output_tokens=("usage", "outputTokens"),
)
_GEMINI = Places(
    required=("candidates",),
    text=("candidates", 0, "content", "parts", 0, "text"),
    stop=("candidates", 0, "finishReason"),
    stop_word="STOP",
    usage=("usageMetadata",),
    prompt_tokens=("usageMetadata", "promptTokenCount"),
    output_tokens=("usageMetadata", "candidatesTokenCount"),
)
PLACES = {
    "openai/ChatCompletion": _CHAT,
    "anthropic/Message": _CLAUDE,
    "bedrock-runtime/Converse:output": _CONVERSE,
    "vertex/v1/GenerateContentResponse": _GEMINI,
}


def places_of(dialect: str) -> Places:
    """Return where a dialect's whole reply has what."""
    return PLACES[FORMS[dialect].reply_model]


def without(body: Any, path: Path) -> Any:
    """Return a decoded body without what stands at a path."""
    step, *rest = path
    if rest:
        inside = without(body[step], tuple(rest))
        return (
            [inside if i == step else one for i, one in enumerate(body)]
            if isinstance(body, list)
            else {**body, str(step): inside}
        )
    return {name: value for name, value in body.items() if name != step}


def is_delta(dialect: str, event: StreamEvent) -> bool:
    """Return whether an event brings text."""
    return bool(delta_text(dialect, event))


def delta_text(dialect: str, event: StreamEvent) -> str:
    """Return the text that an event brings."""
    body = event.body or {}
    match FORMS[dialect].reply_model:
        case "openai/ChatCompletion":
            choices = body.get("choices") or [{}]
            return str((choices[0].get("delta") or {}).get("content") or "")
        case "anthropic/Message":
            return str((body.get("delta") or {}).get("text") or "")
        case "bedrock-runtime/Converse:output":
            return str((body.get("delta") or {}).get("text") or "")
        case _:
            parts = (body.get("candidates") or [{}])[0].get("content", {}).get("parts") or [{}]
            return str(parts[0].get("text") or "")


def with_text(dialect: str, event: StreamEvent, text: str) -> StreamEvent:
    """Return an event that brings another text."""
    body = json.loads(json.dumps(event.body))
    match FORMS[dialect].reply_model:
        case "openai/ChatCompletion":
            body["choices"][0]["delta"]["content"] = text
        case "anthropic/Message" | "bedrock-runtime/Converse:output":
            body["delta"]["text"] = text
        case _:
            body["candidates"][0]["content"]["parts"][0]["text"] = text
    return StreamEvent(event.name, body)


def restreamed(dialect: str, body: bytes, edit: Edit) -> bytes:
    """Return a streamed body whose events an edit has changed, in the dialect's framing."""
    return encoded(dialect, edit(list(FORMS[dialect].events(body))))


def encoded(dialect: str, events: list[StreamEvent]) -> bytes:
    """Return a streamed body of these events, in the dialect's framing."""
    match dialect:
        case "bedrock-converse":
            return b"".join(_frame(event.name, _json(event.body)) for event in events)
        case "bedrock-invoke":
            inner = (base64.b64encode(_json(event.body)).decode() for event in events)
            return b"".join(_frame("chunk", _json({"bytes": data})) for data in inner)
        case "sagemaker-invoke":
            return b"".join(_frame("PayloadPart", _sse(event)) for event in events)
    return b"".join(map(_sse, events))


def _frame(name: str, payload: bytes) -> bytes:
    headers = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    return encode_frame(encode_headers(headers), payload)


def _sse(event: StreamEvent) -> bytes:
    if event.name == DONE:
        return b"data: [DONE]\n\n"
    name = f"event: {event.name}\n" if event.name else ""
    return f"{name}data: ".encode() + _json(event.body) + b"\n\n"


def _json(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
