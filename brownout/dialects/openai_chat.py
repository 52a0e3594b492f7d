"""``openai-chat``: OpenAI's Chat Completions, as OpenAI and the servers that imitate it speak it.

Shapes follow the public OpenAI API reference ("Chat completions", "Streaming", "Models") and the types of the official
Python client. The endpoint's half is here; what it reads is in `openai_requests`, what it refuses with in
`openai_errors`, the caller's half in `openai_client`.
"""

import datetime as dt
import functools
import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import msgspec

from brownout.dialects.absent import NoCount
from brownout.dialects.headers import header
from brownout.dialects.openai_client import ChatClient
from brownout.dialects.openai_errors import ERROR_NAMES, ChatRefusal, error_body, error_reply, request_id
from brownout.dialects.openai_requests import ChatAsk, read_chat
from brownout.wire import (
    Answer,
    Ask,
    Dialect,
    End,
    Event,
    HttpReply,
    HttpRequest,
    Meter,
    Refusal,
    StopReason,
    Token,
    ToolCall,
)

PATH = "/v1/chat/completions"
MODELS_PATH = "/v1/models"
_CREATED = 1_735_689_600
"""``created`` in every reply (2025-01-01): a codec has no clock, and no client decides anything by it."""

_FINISH: Mapping[StopReason, str] = {
    "stop": "stop",
    "length": "length",
    "stop-sequence": "stop",
    "tool": "tool_calls",
    "filtered": "content_filter",
}
_TIER_SERVED = {"auto": "default", "fast": "priority"}
"""The tier that serves a request which asks for another word (API reference, ``service_tier``)."""

_ARGUMENT_PIECE_CHARS = 16
"""How much of a call's arguments one chunk brings."""

_OF_ANY_CALL = (
    "rate_limit_exceeded",
    "slow_down",
    "service_unavailable",
    "server_is_overloaded",
    "overloaded",
    "server_error",
    "timeout",
    "request_timeout",
    "invalid_api_key",
    "ip_not_authorized",
    "missing_scope",
    "unsupported_country_region_territory",
)
OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "chat.completions.create": ERROR_NAMES,
    "models.list": _OF_ANY_CALL,
    "models.retrieve": (*_OF_ANY_CALL, "model_not_found"),
}
"""Every operation, with the errors it can answer with.

The guide "Error codes" gives one list for the whole API; who asks for models spends nothing and sends neither body nor
prompt.
"""

_encode = msgspec.json.encode
_PLAIN = ChatAsk(model="", prompt="")


class ChatServer(NoCount):
    """The endpoint's half of ``openai-chat``."""

    def owns(self, request: HttpRequest) -> bool:
        """Return whether the path is Chat Completions', or that of the models not asked for in Anthropic's version."""
        if request.path == PATH:
            return True
        # Anthropic's list of models has the same path; only its callers name a version.
        return _of_models(request.path) and header(request.headers, "anthropic-version") is None

    def read_ask(self, request: HttpRequest) -> Ask:
        """Return what is asked for; raises `Refusal` as the contract says."""
        if request.path != PATH:
            raise Refusal("not-found", f"Invalid URL ({request.method} {request.path})", code="unknown_url")
        if request.method != "POST":
            message = f"Not allowed to {request.method} on {request.path}."
            raise Refusal("not-found", message, code="method_not_supported")
        return read_chat(request.body)

    def reply(self, ask: Ask, answer: Answer, *, reply_id: str) -> HttpReply:
        """Return the whole reply."""
        headers = _headers("application/json", reply_id)
        if answer.end is not None and answer.end.latency_s:
            headers["openai-processing-ms"] = str(round(answer.end.latency_s * 1000))
        return HttpReply(status=200, headers=headers, body=_encode(completion(ask, answer, reply_id=reply_id)))

    def standing(self, meters: Mapping[str, Meter], *, utc: dt.datetime) -> Mapping[str, str]:
        """Return the ``x-ratelimit`` headers (OpenAI's guide "Rate limits")."""
        del utc  # OpenAI says how long, not until when
        headers: dict[str, str] = {}
        for name in ("requests", "tokens"):
            meter = meters.get(name)
            if meter is not None:
                headers[f"x-ratelimit-limit-{name}"] = str(meter.limit)
                headers[f"x-ratelimit-remaining-{name}"] = str(meter.remaining)
                headers[f"x-ratelimit-reset-{name}"] = span(meter.reset_s)
        return headers

    def stream_headers(self, ask: Ask, *, reply_id: str) -> Mapping[str, str]:
        """Return the headers of a streamed reply."""
        del ask
        return {**_headers("text/event-stream; charset=utf-8", reply_id), "Cache-Control": "no-cache"}

    def writer(self, ask: Ask, *, reply_id: str) -> "ChatWriter":
        """Return the encoder of one streamed reply."""
        return ChatWriter(ask, reply_id)

    def refusal(self, refusal: Refusal, *, reply_id: str, request: HttpRequest | None = None) -> HttpReply:
        """Return OpenAI's error for this refusal; `Refusal.code` chooses among several of one kind."""
        del request  # no error names anything of it
        return error_reply(refusal, reply_id=reply_id)


def span(span_s: float) -> str:
    """Return a time to wait as OpenAI writes it: ``1s``, ``6m0s``, ``120ms``, ``1h0m0s``."""
    if span_s < 1:
        return f"{max(round(span_s * 1000), 0)}ms"
    whole_s, rest = divmod(round(span_s, 3), 1)
    minutes, seconds = divmod(int(whole_s), 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{round(seconds + rest, 3):g}s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


def _headers(content_type: str, reply_id: str) -> dict[str, str]:
    return {"Content-Type": content_type, "x-request-id": request_id(reply_id), "openai-version": "2020-10-01"}


# --- whole replies -----------------------------------------------------------------------------------------


def completion(ask: Ask, answer: Answer, *, reply_id: str) -> dict[str, Any]:
    """Return the ``chat.completion`` of an answer, as plain data."""
    wanted = ask if isinstance(ask, ChatAsk) else _PLAIN
    end = answer.end or End()
    message: dict[str, Any] = {"role": "assistant", "content": _framed(wanted, answer, end), "refusal": None}
    if answer.calls:
        message["content"] = message["content"] or None
        message["tool_calls"] = [_call(call) for call in answer.calls]
    finish = _finish(ask, end)
    body = {
        "id": f"chatcmpl-{reply_id}",
        "object": "chat.completion",
        "created": _CREATED,
        "model": ask.model,
        "choices": [
            {"index": index, "message": message, "logprobs": None, "finish_reason": finish}
            for index in range(wanted.choices)
        ],
        **({"usage": _usage(end, wanted.choices)} if end.counted else {}),
        "system_fingerprint": _fingerprint(ask.model),
    }
    tier = end.tier or _tier_served(ask)
    if tier:
        body["service_tier"] = tier
    return body


def _framed(wanted: ChatAsk, answer: Answer, end: End) -> str:
    frame = wanted.frame
    if frame is None or answer.calls:
        return answer.text
    return frame.before + frame.inside(answer.text) + (frame.after if end.stop == "stop" else "")


def _call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _finish(ask: Ask, end: End) -> str:
    # A tool forced by its name ends with `stop`, streamed or not, as OpenAI's API answers; any other with `tool_calls`.
    forced = ask.tool_choice not in {"", "any", "none"}
    return "stop" if end.stop == "tool" and forced else _FINISH[end.stop]


def _tier_served(ask: Ask) -> str:
    return _TIER_SERVED.get(ask.tier, ask.tier)


def _usage(end: End, choices: int) -> dict[str, Any]:
    output_tokens = end.output_tokens * choices
    return {
        "prompt_tokens": end.prompt_tokens,
        "completion_tokens": output_tokens,
        "total_tokens": end.prompt_tokens + output_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


@functools.lru_cache(maxsize=256)
def _fingerprint(model: str) -> str:
    """Return the id of the configuration that answers: one model has one."""
    return f"fp_{hashlib.sha256(model.encode('utf-8', 'replace')).hexdigest()[:10]}"


# --- streamed replies --------------------------------------------------------------------------------------


class ChatWriter:
    """Encodes one streamed reply: role, content or calls, finish reason, usage, ``[DONE]``."""

    def __init__(self, ask: Ask, reply_id: str) -> None:
        self._ask = ask
        self._wanted = ask if isinstance(ask, ChatAsk) else _PLAIN
        self._reply_id = reply_id
        self._tier = _tier_served(ask)
        # What stands before and after a chunk's delta is the same in every chunk: encoded once.
        self._head = self._common(self._tier) + b',"choices":[{"index":0,"delta":'
        usage = b',"usage":null' if self._wanted.metered else b""
        self._tail = b',"logprobs":null,"finish_reason":null}]' + usage + b"}\n\n"
        self._content = self._head + b'{"content":'
        self._content_end = b"}" + self._tail
        self._plain = self._wanted.choices == 1 and self._wanted.frame is None
        self._begun = False
        self._calls = 0

    def start(self) -> bytes:
        """Return nothing: what the first chunk says depends on whether the answer is text or a call."""
        return b""

    def event(self, event: Event) -> bytes:
        """Return the chunk of a token, the chunks of a call, or all that ends the stream."""
        if isinstance(event, Token):
            if self._begun and self._plain:
                return self._content + _encode(event.text) + self._content_end
            return self._opening() + self._text(event.text)
        if isinstance(event, ToolCall):
            return self._called(event)
        return self._opening() + self._ended(event)

    def refusal(self, refusal: Refusal) -> bytes:
        """Return the error as an event, as OpenAI's servers send it after the 200."""
        return b"data: " + _encode(error_body(refusal)) + b"\n\n"

    def _opening(self) -> bytes:
        """Return the chunks before the first text: who speaks, and what stands before the text in its document."""
        if self._begun:
            return b""
        self._begun = True
        role = self._delta({"role": "assistant", "content": "", "refusal": None})
        frame = self._wanted.frame
        return role if frame is None else role + self._delta({"content": frame.before})

    def _text(self, text: str) -> bytes:
        frame = self._wanted.frame
        return self._delta({"content": text if frame is None else frame.inside(text)})

    def _called(self, call: ToolCall) -> bytes:
        opening = {} if self._begun else {"role": "assistant", "content": None}
        self._begun = True
        index, self._calls = self._calls, self._calls + 1
        named = {"index": index, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
        chunks = [self._delta({**opening, "tool_calls": [named]})]
        for at in range(0, len(call.arguments), _ARGUMENT_PIECE_CHARS):
            piece = {"index": index, "function": {"arguments": call.arguments[at : at + _ARGUMENT_PIECE_CHARS]}}
            chunks.append(self._delta({"tool_calls": [piece]}))
        return b"".join(chunks)

    def _ended(self, end: End) -> bytes:
        wanted = self._wanted
        closing = b""
        if wanted.frame is not None and end.stop == "stop" and not self._calls:
            closing = self._delta({"content": wanted.frame.after})
        finish = _finish(self._ask, end)
        common = self._common(end.tier or self._tier)
        null = b',"usage":null' if wanted.metered else b""
        for index in range(wanted.choices):
            choice = {"index": index, "delta": {}, "logprobs": None, "finish_reason": finish}
            closing += common + b',"choices":[' + _encode(choice) + b"]" + null + b"}\n\n"
        if wanted.metered and end.counted:
            closing += common + b',"choices":[],"usage":' + _encode(_usage(end, wanted.choices)) + b"}\n\n"
        return closing + b"data: [DONE]\n\n"

    def _delta(self, delta: Mapping[str, Any]) -> bytes:
        """Return the chunks of one delta, one for each choice."""
        encoded = _encode(delta)
        if self._wanted.choices == 1:
            return self._head + encoded + self._tail
        common = self._common(self._tier)
        return b"".join(
            common + b',"choices":[{"index":%d,"delta":' % index + encoded + self._tail
            for index in range(self._wanted.choices)
        )

    def _common(self, tier: str) -> bytes:
        head: dict[str, Any] = {
            "id": f"chatcmpl-{self._reply_id}",
            "object": "chat.completion.chunk",
            "created": _CREATED,
            "model": self._ask.model,
            **({"service_tier": tier} if tier else {}),
            "system_fingerprint": _fingerprint(self._ask.model),
        }
        return b"data: " + _encode(head)[:-1]


# --- models ------------------------------------------------------------------------------------------------


def _of_models(path: str) -> bool:
    return path == MODELS_PATH or path.startswith(f"{MODELS_PATH}/")


def models_aside(request: HttpRequest, model: str, reply_id: str) -> HttpReply | None:
    """Return the answer to ``GET /v1/models`` and ``GET /v1/models/{id}`` of an endpoint that serves one model.

    Raises:
        Refusal: ``not-found`` for a model that the endpoint does not serve.
    """
    if request.method != "GET" or not _of_models(request.path):
        return None
    entry = {"id": model, "object": "model", "created": _CREATED, "owned_by": "brownout"}
    body: dict[str, Any] = {"object": "list", "data": [entry]}
    if request.path != MODELS_PATH:
        asked = unquote(request.path.removeprefix(f"{MODELS_PATH}/"))
        if asked != model:
            raise ChatRefusal(
                f"The model '{asked}' does not exist", param="model", code="model_not_found", kind="not-found"
            )
        body = entry
    return HttpReply(status=200, headers=_headers("application/json", reply_id), body=_encode(body))


OPENAI_CHAT = Dialect(
    name="openai-chat",
    server=ChatServer(),
    client=ChatClient(PATH),
    auth="api-key",
    host="native",
    aside=models_aside,
)
