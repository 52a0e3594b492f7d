"""``openai-chat``: OpenAI's Chat Completions, as OpenAI and the servers that imitate it speak it.

Shapes follow the public OpenAI API reference ("Chat completions", "Error codes") and the chunks that the
official Python client accepts.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from brownout.dialects.headers import (
    KIND_OF_STATUS,
    retry_after_header,
    retry_after_ms_header,
    retry_after_s,
    unknown_reply,
)
from brownout.dialects.sse import SseSplitter
from brownout.wire import (
    Answer,
    Ask,
    Dialect,
    End,
    Event,
    HttpReply,
    HttpRequest,
    Refusal,
    RefusalKind,
    StopReason,
    Token,
)

PATH = "/v1/chat/completions"
MODELS_PATH = "/v1/models"
_CREATED = 1_735_689_600
"""``created`` in every reply (2025-01-01): a codec has no clock, and no client decides anything by it."""

_encode = msgspec.json.encode


class _Error(msgspec.Struct, frozen=True):
    """A row of OpenAI's error table."""

    status: int
    type: str
    code: str | None
    message: str


_ERRORS: Mapping[RefusalKind, _Error] = {
    "throttled": _Error(429, "requests", "rate_limit_exceeded", "Rate limit reached. Please try again later."),
    "unavailable": _Error(503, "server_error", "service_unavailable", "The service is temporarily unavailable."),
    "internal": _Error(500, "server_error", None, "The server had an error while processing your request."),
    "overloaded": _Error(
        503, "service_unavailable_error", "server_is_overloaded", "The engine is currently overloaded."
    ),
    "timeout": _Error(504, "server_error", "timeout", "The request timed out."),
    "model-error": _Error(424, "server_error", "model_error", "The model failed to process your request."),
    "unauthenticated": _Error(401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    "denied": _Error(403, "invalid_request_error", "permission_denied", "You are not allowed to use this model."),
    "not-found": _Error(
        404, "invalid_request_error", "model_not_found", "The model does not exist or you do not have access to it."
    ),
    "invalid": _Error(400, "invalid_request_error", None, "The request is invalid."),
    "unknown": _Error(520, "unknown_error", "unknown_error", "Something went wrong."),
}
_KIND_OF_CODE: dict[str, RefusalKind] = {
    **{error.code: kind for kind, error in _ERRORS.items() if error.code is not None},
    "slow_down": "throttled",
    "insufficient_quota": "throttled",
    "context_length_exceeded": "invalid",
}
_KIND_OF_TYPE: dict[str, RefusalKind] = {
    "requests": "throttled",
    "tokens": "throttled",
    "rate_limit_error": "throttled",
    "service_unavailable_error": "overloaded",
    "server_error": "internal",
    "invalid_request_error": "invalid",
}


class UnmeteredAsk(Ask, frozen=True, kw_only=True):
    """A streamed ask without ``stream_options.include_usage``: its stream ends without the usage chunk."""


# --- the endpoint's half -----------------------------------------------------------------------------------


class _TextPart(msgspec.Struct):
    type: str
    text: str | None = None


class _Message(msgspec.Struct):
    role: Literal["developer", "system", "user", "assistant", "tool", "function"]
    content: str | list[_TextPart] | None = None


class _StreamOptions(msgspec.Struct):
    include_usage: bool = False


class _Body(msgspec.Struct):
    model: str
    messages: list[_Message]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    n: int | None = None


_body_decoder = msgspec.json.Decoder(_Body)


class ChatServer:
    """The endpoint's half of ``openai-chat``."""

    def read_ask(self, request: HttpRequest) -> Ask:
        """Return what is asked for; raises `Refusal` as the contract says."""
        if request.path != PATH or request.method != "POST":
            raise Refusal("not-found", f"Invalid URL ({request.method} {request.path})")
        try:
            body = _body_decoder.decode(request.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refusal("invalid", f"We could not parse the JSON body of your request. {error}") from None
        self._check(body)
        max_tokens = body.max_completion_tokens if body.max_completion_tokens is not None else body.max_tokens
        metered = not body.stream or (body.stream_options is not None and body.stream_options.include_usage)
        return (Ask if metered else UnmeteredAsk)(
            model=body.model,
            prompt="\n".join(text for message in body.messages for text in _texts(message)),
            max_tokens=256 if max_tokens is None else max_tokens,
            stream=bool(body.stream),
        )

    def _check(self, body: _Body) -> None:
        if not body.messages:
            raise Refusal("invalid", "Invalid 'messages': empty array. Expected an array with minimum length 1.")
        for name in ("max_tokens", "max_completion_tokens"):
            value = getattr(body, name)
            if value is not None and value < 1:
                raise Refusal("invalid", f"Invalid '{name}': integer below minimum value. Expected a value >= 1.")
        if body.temperature is not None and not 0 <= body.temperature <= 2:
            raise Refusal("invalid", "Invalid 'temperature': decimal out of range. Expected a value from 0 to 2.")
        if body.stream_options is not None and not body.stream:
            raise Refusal("invalid", "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
        if body.n is not None and body.n != 1:
            raise Refusal("invalid", "Invalid 'n': this endpoint makes one choice only.")
        for index, message in enumerate(body.messages):
            if message.content is None and message.role != "assistant":
                raise Refusal("invalid", f"Invalid value for 'messages[{index}].content': expected a string, got null.")

    def reply(self, ask: Ask, text: str, end: End, *, reply_id: str) -> HttpReply:
        """Return the whole reply."""
        body = {
            "id": f"chatcmpl-{reply_id}",
            "object": "chat.completion",
            "created": _CREATED,
            "model": ask.model,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text, "refusal": None},
                    "logprobs": None,
                    "finish_reason": end.stop,
                }
            ],
            "usage": _usage(end),
        }
        headers = {"Content-Type": "application/json", "x-request-id": reply_id}
        return HttpReply(status=200, headers=headers, body=_encode(body))

    def stream_headers(self, *, reply_id: str) -> Mapping[str, str]:
        """Return the headers of a streamed reply."""
        return {
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-cache",
            "x-request-id": reply_id,
        }

    def writer(self, ask: Ask, *, reply_id: str) -> "ChatWriter":
        """Return the encoder of one streamed reply."""
        return ChatWriter(ask, reply_id)

    def refusal(self, refusal: Refusal, *, reply_id: str) -> HttpReply:
        """Return OpenAI's error for this refusal."""
        if refusal.kind == "unknown":
            return unknown_reply(refusal, reply_id=reply_id)
        headers = {
            "Content-Type": "application/json",
            "x-request-id": reply_id,
            **retry_after_header(refusal.retry_after_s),
            **retry_after_ms_header("retry-after-ms", refusal.retry_after_s),
        }
        return HttpReply(status=_ERRORS[refusal.kind].status, headers=headers, body=_encode(_error_body(refusal)))


class ChatWriter:
    """Encodes one streamed reply: role, content, finish reason, usage, ``[DONE]``."""

    def __init__(self, ask: Ask, reply_id: str) -> None:
        head = {
            "id": f"chatcmpl-{reply_id}",
            "object": "chat.completion.chunk",
            "created": _CREATED,
            "model": ask.model,
        }
        # The head is the same in every chunk: encoded once, closed by each event.
        self._head = b"data: " + _encode(head)[:-1] + b',"choices":['
        self._metered = not isinstance(ask, UnmeteredAsk)

    def start(self) -> bytes:
        """Return the chunk that names the role."""
        delta = b'{"role":"assistant","content":"","refusal":null}'
        return self._head + b'{"index":0,"delta":' + delta + b',"finish_reason":null}]}\n\n'

    def event(self, event: Event) -> bytes:
        """Return the chunk of a token, or all that ends the stream."""
        if isinstance(event, Token):
            text = _encode(event.text)
            return self._head + b'{"index":0,"delta":{"content":' + text + b'},"finish_reason":null}]}\n\n'
        stop = _encode(event.stop)
        last = self._head + b'{"index":0,"delta":{},"finish_reason":' + stop + b"}]}\n\n"
        usage = self._head + b'],"usage":' + _encode(_usage(event)) + b"}\n\n" if self._metered else b""
        return last + usage + b"data: [DONE]\n\n"

    def refusal(self, refusal: Refusal) -> bytes:
        """Return the error as an event, as OpenAI's servers send it after the 200."""
        return b"data: " + _encode(_error_body(refusal)) + b"\n\n"


def models_reply(model: str, *, reply_id: str) -> HttpReply:
    """Return the answer to ``GET /v1/models`` of an endpoint that serves one model."""
    entry = {"id": model, "object": "model", "created": _CREATED, "owned_by": "brownout"}
    headers = {"Content-Type": "application/json", "x-request-id": reply_id}
    return HttpReply(status=200, headers=headers, body=_encode({"object": "list", "data": [entry]}))


def _texts(message: _Message) -> list[str]:
    if isinstance(message.content, str):
        return [message.content]
    return [part.text for part in message.content or [] if part.type == "text" and part.text is not None]


def _usage(end: End) -> dict[str, int]:
    return {
        "prompt_tokens": end.prompt_tokens,
        "completion_tokens": end.output_tokens,
        "total_tokens": end.prompt_tokens + end.output_tokens,
    }


def _error_body(refusal: Refusal) -> dict[str, Any]:
    error = _ERRORS[refusal.kind]
    message = refusal.message or error.message
    return {"error": {"message": message, "type": error.type, "param": None, "code": error.code}}


# --- the caller's half -------------------------------------------------------------------------------------


class _Delta(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta = msgspec.field(default_factory=_Delta)
    message: _Delta | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _ErrorBody(msgspec.Struct):
    message: str | None = None
    type: str | None = None
    code: str | int | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: _ErrorBody | str | None = None


_chunk_decoder = msgspec.json.Decoder(_Chunk)


class ChatClient:
    """The caller's half of ``openai-chat``."""

    def request(self, ask: Ask, *, project: str = "", location: str = "") -> HttpRequest:
        """Return the request for an ask; the usage of streams is asked for too."""
        del project, location  # Vertex's
        body: dict[str, Any] = {
            "model": ask.model,
            "messages": [{"role": "user", "content": ask.prompt}],
            "max_tokens": ask.max_tokens,
            "stream": ask.stream,
        }
        if ask.stream and not isinstance(ask, UnmeteredAsk):
            body["stream_options"] = {"include_usage": True}
        return HttpRequest(method="POST", path=PATH, headers={"Content-Type": "application/json"}, body=_encode(body))

    def answer(self, reply: HttpReply) -> Answer:
        """Return the answer in a whole 200 reply; raises `Refusal` when it is none."""
        chunk = _decode_chunk(reply.body)
        if not chunk.choices or chunk.choices[0].message is None:
            raise Refusal("unknown", "the reply holds no message", status=reply.status)
        choice = chunk.choices[0]
        text = chunk.choices[0].message.content or ""
        return Answer(text=text, end=None if choice.finish_reason is None else _end(choice.finish_reason, chunk.usage))

    def reader(self) -> "ChatReader":
        """Return the decoder of one streamed reply."""
        return ChatReader()

    def refusal(self, reply: HttpReply) -> Refusal:
        """Return the refusal in a reply whose status is not 200; never raises."""
        wait_s = retry_after_s(reply.headers, ms_header="retry-after-ms")
        try:
            error = _chunk_decoder.decode(reply.body).error
        except (msgspec.DecodeError, UnicodeDecodeError):
            error = None
        kind, message = _kind_of_error(error, KIND_OF_STATUS.get(reply.status, "unknown"))
        return Refusal(kind, message, retry_after_s=wait_s, status=reply.status)


class ChatReader:
    """Decodes one streamed reply. Whole means: a finish reason was seen, and ``[DONE]`` after it."""

    def __init__(self) -> None:
        self._sse = SseSplitter()
        self._finish: str | None = None
        self._usage: _Usage | None = None

    def feed(self, data: bytes) -> list[Event]:
        """Return the events completed by these bytes; raises `Refusal` as the contract says."""
        events: list[Event] = []
        for payload in self._sse.feed(data):
            if payload == b"[DONE]":
                if self._finish is not None:
                    events.append(_end(self._finish, self._usage))
                continue
            chunk = _decode_chunk(payload)
            self._usage = chunk.usage or self._usage
            for choice in chunk.choices or ():
                if choice.delta.content:
                    events.append(Token(choice.delta.content))
                self._finish = choice.finish_reason or self._finish
        return events


def _decode_chunk(payload: bytes) -> _Chunk:
    try:
        chunk = _chunk_decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal("unknown", f"not a chat completion: {error}") from None
    if chunk.error is not None:
        raise Refusal(*_kind_of_error(chunk.error, "unknown"))
    if chunk.choices is None:
        raise Refusal("unknown", "not a chat completion: no choices")
    return chunk


def _kind_of_error(error: _ErrorBody | str | None, fallback: RefusalKind) -> tuple[RefusalKind, str]:
    if not isinstance(error, _ErrorBody):
        return fallback, error or ""
    by_type = _KIND_OF_TYPE.get(error.type or "")
    by_name = _KIND_OF_CODE.get(str(error.code), by_type if fallback == "unknown" else None)
    return by_name or fallback, error.message or ""


def _end(finish_reason: str, usage: _Usage | None) -> End:
    stop: StopReason = "length" if finish_reason == "length" else "stop"
    spent = usage or _Usage()
    return End(stop=stop, prompt_tokens=spent.prompt_tokens, output_tokens=spent.completion_tokens)


OPENAI_CHAT = Dialect(name="openai-chat", server=ChatServer(), client=ChatClient(), auth="api-key")
