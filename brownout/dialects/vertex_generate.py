"""``vertex-generate``: Gemini's generateContent and streamGenerateContent on Vertex AI.

Paths and members follow Google's discovery document of ``aiplatform`` v1, errors ``google.rpc.Status`` and the
public page "API errors"; the event lines end in CRLF as the service's do, which some clients depend on.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, quote, unquote

import msgspec

from brownout.dialects.headers import KIND_OF_STATUS, retry_after_header, retry_after_s, unknown_reply
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

_PATH = re.compile(
    r"/v1(?:beta1)?/projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)"
    r"/publishers/google/models/(?P<model>[^/]+)(?::|%3A)(?P<call>generateContent|streamGenerateContent)"
)
_RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"
_JSON_TYPE = "application/json; charset=UTF-8"
_encode = msgspec.json.encode


class _Error(msgspec.Struct, frozen=True):
    """A row of Vertex's error table."""

    code: int
    status: str
    message: str


_ERRORS: Mapping[RefusalKind, _Error] = {
    "throttled": _Error(429, "RESOURCE_EXHAUSTED", "Resource exhausted, please try again later."),
    "unavailable": _Error(503, "UNAVAILABLE", "The service is currently unavailable."),
    "internal": _Error(500, "INTERNAL", "Internal error encountered."),
    "overloaded": _Error(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "timeout": _Error(504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
    "model-error": _Error(500, "UNKNOWN", "Unknown error in a dependency of the model."),
    "unauthenticated": _Error(
        401,
        "UNAUTHENTICATED",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
        "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
    ),
    "denied": _Error(
        403, "PERMISSION_DENIED", "Permission 'aiplatform.endpoints.predict' denied on resource (or it may not exist)."
    ),
    "not-found": _Error(404, "NOT_FOUND", "Publisher Model was not found or your project does not have access to it."),
    "invalid": _Error(400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "unknown": _Error(520, "DATA_LOSS", "Something went wrong."),
}
_KIND_OF_STATUS: dict[str, RefusalKind] = {
    **{error.status: kind for kind, error in _ERRORS.items() if kind not in {"overloaded", "unknown"}},
    "FAILED_PRECONDITION": "invalid",
    "OUT_OF_RANGE": "invalid",
    "CANCELLED": "timeout",
}


class ArrayAsk(Ask, frozen=True, kw_only=True):
    """A streamed ask without ``alt=sse``: its stream is one JSON array, written an element at a time."""


# --- the endpoint's half -----------------------------------------------------------------------------------


class _Part(msgspec.Struct):
    text: str | None = None


class _Content(msgspec.Struct):
    parts: list[_Part]
    role: str | None = None


class _Generation(msgspec.Struct, rename="camel"):
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    candidate_count: int | None = None


class _Body(msgspec.Struct, rename="camel"):
    contents: list[_Content]
    system_instruction: _Content | None = None
    generation_config: _Generation | None = None


_FIELDS = {
    "contents", "systemInstruction", "generationConfig", "cachedContent", "tools", "toolConfig", "labels",
    "safetySettings", "modelArmorConfig", "model",
}  # fmt: skip
"""The members of GenerateContentRequest (discovery document of aiplatform v1)."""


class GenerateServer:
    """The endpoint's half of ``vertex-generate``."""

    def read_ask(self, request: HttpRequest) -> Ask:
        """Return what is asked for; raises `Refusal` as the contract says."""
        match = _PATH.fullmatch(request.path)
        if match is None or request.method != "POST":
            raise Refusal("not-found", f"The requested URL {request.path} was not found on this server.")
        body = _read_body(request.body)
        generation = body.generation_config or _Generation()
        stream = match["call"] == "streamGenerateContent"
        as_array = stream and parse_qs(request.query).get("alt") != ["sse"]
        contents = [*([body.system_instruction] if body.system_instruction else []), *body.contents]
        return (ArrayAsk if as_array else Ask)(
            model=unquote(match["model"]),
            prompt="\n".join(part.text for content in contents for part in content.parts if part.text is not None),
            max_tokens=256 if generation.max_output_tokens is None else generation.max_output_tokens,
            stream=stream,
        )

    def reply(self, ask: Ask, text: str, end: End, *, reply_id: str) -> HttpReply:
        """Return the whole reply."""
        candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": _finish_reason(end)}
        body = {
            "candidates": [candidate],
            "usageMetadata": _usage(end),
            "modelVersion": ask.model,
            "responseId": reply_id,
        }
        return HttpReply(status=200, headers={"Content-Type": _JSON_TYPE}, body=_encode(body))

    def stream_headers(self, *, reply_id: str) -> Mapping[str, str]:
        """Return the headers of a streamed reply (of an `ArrayAsk` the writer's ``content_type`` goes before)."""
        del reply_id  # Vertex names it in the chunks
        return {"Content-Type": "text/event-stream", "Content-Disposition": "attachment"}

    def writer(self, ask: Ask, *, reply_id: str) -> "GenerateWriter":
        """Return the encoder of one streamed reply."""
        return ArrayWriter(ask, reply_id) if isinstance(ask, ArrayAsk) else GenerateWriter(ask, reply_id)

    def refusal(self, refusal: Refusal, *, reply_id: str) -> HttpReply:
        """Return Google's error for this refusal."""
        if refusal.kind == "unknown":
            return unknown_reply(refusal, reply_id=reply_id)
        headers = {"Content-Type": _JSON_TYPE, **retry_after_header(refusal.retry_after_s)}
        if refusal.kind == "unauthenticated":
            headers["WWW-Authenticate"] = 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
        return HttpReply(status=_ERRORS[refusal.kind].code, headers=headers, body=_encode(_error_body(refusal)))


class GenerateWriter:
    """Encodes one streamed reply as server-sent events; the last chunk bears the finish reason and the usage."""

    content_type = "text/event-stream"

    def __init__(self, ask: Ask, reply_id: str) -> None:
        tail = {"modelVersion": ask.model, "responseId": reply_id}
        # All but the text is the same in every chunk.
        self._rest = b'}]}}],"usageMetadata":{"trafficType":"ON_DEMAND"},' + _encode(tail)[1:]
        self._tail = b"," + _encode(tail)[1:]

    def start(self) -> bytes:
        """Return nothing: the first chunk opens the stream."""
        return b""

    def event(self, event: Event) -> bytes:
        """Return the chunk of a token, or the last one."""
        return b"data: " + self._chunk(event) + b"\r\n\r\n"

    def refusal(self, refusal: Refusal) -> bytes:
        """Return the error as an event."""
        return b"data: " + _encode(_error_body(refusal)) + b"\r\n\r\n"

    def _chunk(self, event: Event) -> bytes:
        head = b'{"candidates":[{"content":{"role":"model","parts":[{"text":'
        if isinstance(event, Token):
            return head + _encode(event.text) + self._rest
        finish = b'""}]},"finishReason":' + _encode(_finish_reason(event))
        return head + finish + b'}],"usageMetadata":' + _encode(_usage(event)) + self._tail


class ArrayWriter(GenerateWriter):
    """Encodes one streamed reply as a JSON array, an element an event."""

    content_type = _JSON_TYPE

    def __init__(self, ask: Ask, reply_id: str) -> None:
        super().__init__(ask, reply_id)
        self._separator = b""

    def start(self) -> bytes:
        """Return the opening bracket."""
        return b"["

    def event(self, event: Event) -> bytes:
        """Return the element of a token, or the last one and the closing bracket."""
        return self._element(self._chunk(event)) + (b"]" if isinstance(event, End) else b"")

    def refusal(self, refusal: Refusal) -> bytes:
        """Return the error as the last element."""
        return self._element(_encode(_error_body(refusal))) + b"]"

    def _element(self, payload: bytes) -> bytes:
        element = self._separator + payload
        self._separator = b"\r\n,\r\n"
        return element


def _read_body(raw: bytes) -> _Body:
    """Return the body, its members named in camel case or as in the proto: Google's JSON mapping takes both."""
    try:
        given = msgspec.json.decode(raw)
        if not isinstance(given, dict):
            raise Refusal("invalid", "Invalid JSON payload received. Expected an object.")
        named = {_camel(name): value for name, value in given.items()}
        stranger = next((name for name in named if name not in _FIELDS), None)
        if stranger is not None:
            raise Refusal("invalid", f'Invalid JSON payload received. Unknown name "{stranger}": Cannot find field.')
        if isinstance(named.get("generationConfig"), dict):
            named["generationConfig"] = {_camel(name): value for name, value in named["generationConfig"].items()}
        # Not strict: the mapping also takes numbers written as strings.
        body = msgspec.convert(named, _Body, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal("invalid", f"Invalid JSON payload received. {error}") from None
    _check(body)
    return body


def _check(body: _Body) -> None:
    if not body.contents:
        raise Refusal("invalid", "Unable to submit request because at least one contents field is required.")
    for index, content in enumerate(body.contents):
        if content.role is None and len(body.contents) > 1:
            raise Refusal("invalid", "Please ensure that multiturn requests alternate between user and model.")
        if content.role not in {None, "user", "model", "function"}:
            raise Refusal("invalid", "Please use a valid role: user, model.")
        if not content.parts:
            raise Refusal(
                "invalid",
                f"Unable to submit request because it must include at least one parts field, which describes the "
                f"prompt input (contents[{index}]).",
            )
    generation = body.generation_config or _Generation()
    if generation.max_output_tokens is not None and generation.max_output_tokens < 1:
        raise Refusal(
            "invalid",
            f"Unable to submit request because it has a maxOutputTokens value of {generation.max_output_tokens} but "
            f"the supported range is from 1 (inclusive) to 65537 (exclusive).",
        )
    if generation.temperature is not None and not 0 <= generation.temperature <= 2:
        raise Refusal("invalid", "Unable to submit request because its temperature is not within [0, 2].")


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def _finish_reason(end: End) -> str:
    return "MAX_TOKENS" if end.stop == "length" else "STOP"


def _usage(end: End) -> dict[str, Any]:
    return {
        "promptTokenCount": end.prompt_tokens,
        "candidatesTokenCount": end.output_tokens,
        "totalTokenCount": end.prompt_tokens + end.output_tokens,
        "trafficType": "ON_DEMAND",
    }


def _error_body(refusal: Refusal) -> dict[str, Any]:
    row = _ERRORS[refusal.kind]
    error: dict[str, Any] = {"code": row.code, "message": refusal.message or row.message, "status": row.status}
    if refusal.retry_after_s is not None:
        error["details"] = [{"@type": _RETRY_INFO, "retryDelay": f"{refusal.retry_after_s:.6f}s"}]
    return {"error": error}


# --- the caller's half -------------------------------------------------------------------------------------


class _Said(msgspec.Struct):
    parts: list[_Part] = msgspec.field(default_factory=list)


class _Candidate(msgspec.Struct, rename="camel"):
    content: _Said | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct, rename="camel"):
    prompt_token_count: int = 0
    candidates_token_count: int = 0


class _ErrorBody(msgspec.Struct):
    code: int | None = None
    message: str = ""
    status: str = ""
    details: list[dict[str, Any]] = msgspec.field(default_factory=list)


class _Chunk(msgspec.Struct, rename="camel"):
    candidates: list[_Candidate] | None = None
    usage_metadata: _Usage | None = None
    error: _ErrorBody | None = None


_chunk_decoder = msgspec.json.Decoder(_Chunk)


class GenerateClient:
    """The caller's half of ``vertex-generate``."""

    def request(self, ask: Ask, *, project: str = "", location: str = "") -> HttpRequest:
        """Return the request for an ask, in a project and a location (region)."""
        body = {
            "contents": [{"role": "user", "parts": [{"text": ask.prompt}]}],
            "generationConfig": {"maxOutputTokens": ask.max_tokens},
        }
        call = "streamGenerateContent" if ask.stream else "generateContent"
        where = f"projects/{quote(project, safe='')}/locations/{quote(location, safe='')}"
        return HttpRequest(
            method="POST",
            path=f"/v1/{where}/publishers/google/models/{quote(ask.model, safe='')}:{call}",
            query="alt=sse" if ask.stream and not isinstance(ask, ArrayAsk) else "",
            headers={"Content-Type": "application/json"},
            body=_encode(body),
        )

    def answer(self, reply: HttpReply) -> Answer:
        """Return the answer in a whole 200 reply; raises `Refusal` when it is none."""
        chunk = _decode_chunk(reply.body)
        if not chunk.candidates:
            raise Refusal("unknown", "the reply holds no candidate", status=reply.status)
        candidate = chunk.candidates[0]
        finish = candidate.finish_reason
        return Answer(text=_text(candidate), end=None if finish is None else _end(finish, chunk.usage_metadata))

    def reader(self) -> "GenerateReader":
        """Return the decoder of one streamed reply."""
        return GenerateReader()

    def refusal(self, reply: HttpReply) -> Refusal:
        """Return the refusal in a reply whose status is not 200; never raises."""
        fallback = KIND_OF_STATUS.get(reply.status, "unknown")
        wait_s = retry_after_s(reply.headers)
        try:
            error = _chunk_decoder.decode(reply.body).error
        except (msgspec.DecodeError, UnicodeDecodeError):
            error = None
        if error is None:
            return Refusal(fallback, retry_after_s=wait_s, status=reply.status)
        delay_s = _retry_delay_s(error)
        made = _refusal_of(error, fallback)
        return Refusal(
            made.kind, made.message, retry_after_s=wait_s if delay_s is None else delay_s, status=reply.status
        )


class GenerateReader:
    """Decodes one streamed reply (``alt=sse``). Whole means: a chunk bore a finish reason."""

    def __init__(self) -> None:
        self._sse = SseSplitter()

    def feed(self, data: bytes) -> list[Event]:
        """Return the events completed by these bytes; raises `Refusal` as the contract says."""
        events: list[Event] = []
        for payload in self._sse.feed(data):
            chunk = _decode_chunk(payload)
            for candidate in chunk.candidates or ():
                text = _text(candidate)
                if text:
                    events.append(Token(text))
                if candidate.finish_reason:
                    events.append(_end(candidate.finish_reason, chunk.usage_metadata))
        return events


def _decode_chunk(payload: bytes) -> _Chunk:
    try:
        chunk = _chunk_decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal("unknown", f"not a generateContent reply: {error}") from None
    if chunk.error is not None:
        raise _refusal_of(chunk.error, "unknown")
    if chunk.candidates is None and chunk.usage_metadata is None:
        raise Refusal("unknown", "not a generateContent reply")
    return chunk


def _refusal_of(error: _ErrorBody, fallback: RefusalKind) -> Refusal:
    kind = _KIND_OF_STATUS.get(error.status, fallback)
    if kind == "unavailable" and "overloaded" in error.message:
        kind = "overloaded"  # Google has one status for both and differs in the sentence only
    return Refusal(kind, error.message, retry_after_s=_retry_delay_s(error))


def _retry_delay_s(error: _ErrorBody) -> float | None:
    for detail in error.details:
        delay = detail.get("retryDelay")
        if detail.get("@type") == _RETRY_INFO and isinstance(delay, str):
            match = re.fullmatch(r"(\d+(?:\.\d+)?)s", delay)
            return float(match[1]) if match else None
    return None


def _text(candidate: _Candidate) -> str:
    return "".join(part.text or "" for part in candidate.content.parts) if candidate.content else ""


def _end(finish_reason: str, usage: _Usage | None) -> End:
    stop: StopReason = "length" if finish_reason == "MAX_TOKENS" else "stop"
    spent = usage or _Usage()
    return End(stop=stop, prompt_tokens=spent.prompt_token_count, output_tokens=spent.candidates_token_count)


VERTEX_GENERATE = Dialect(name="vertex-generate", server=GenerateServer(), client=GenerateClient(), auth="google-oauth")
