"""``bedrock-converse``: Amazon Bedrock's Converse and ConverseStream.

Operations, members, event names and error statuses are those of botocore's ``bedrock-runtime`` service model
(2023-09-30); ``x-amzn-ErrorType`` and the sentences are as seen in public captures of the service.
"""

import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from brownout.dialects.bedrock_model import why_rejected
from brownout.dialects.eventstream import Frame, FrameDecoder, encode_frame, encode_headers
from brownout.dialects.headers import (
    KIND_OF_STATUS,
    header,
    retry_after_header,
    retry_after_ms_header,
    retry_after_s,
    unknown_reply,
)
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

CORAL = "http://internal.amazon.com/coral/com.amazon.bedrock/"
"""What the service appends to the error's name after a colon; a client cuts it off there."""

_RETRY_MS = "x-amz-retry-after"
"""Honoured, in milliseconds, by botocore's standard retry mode."""

_PATH = re.compile(r"/model/(?P<model>[^/]+)/(?P<operation>converse|converse-stream)")
_encode = msgspec.json.encode
_decode = msgspec.json.Decoder().decode


class _Error(msgspec.Struct, frozen=True):
    """A row of Bedrock's error table."""

    status: int
    name: str
    message: str


_ERRORS: Mapping[RefusalKind, _Error] = {
    "throttled": _Error(429, "ThrottlingException", "Too many requests, please wait before trying again."),
    "unavailable": _Error(503, "ServiceUnavailableException", "Bedrock is unable to process your request."),
    "internal": _Error(
        500, "InternalServerException", "The system encountered an unexpected error during processing. Try again."
    ),
    "overloaded": _Error(503, "ServiceUnavailableException", "Too many connections, please wait before trying again."),
    "timeout": _Error(408, "ModelTimeoutException", "Model has timed out in processing the request. Try again."),
    "model-error": _Error(424, "ModelErrorException", "The model failed to process the request. Try again."),
    "unauthenticated": _Error(
        403, "UnrecognizedClientException", "The security token included in the request is invalid."
    ),
    "denied": _Error(403, "AccessDeniedException", "You don't have access to the model with the specified model ID."),
    "not-found": _Error(
        404, "ResourceNotFoundException", "Could not resolve the foundation model from the provided model identifier."
    ),
    "invalid": _Error(400, "ValidationException", "The provided request is not valid."),
    "unknown": _Error(520, "UnknownError", "Something went wrong."),
}
_KIND_OF_NAME: dict[str, RefusalKind] = {
    **{error.name: kind for kind, error in _ERRORS.items() if kind not in {"overloaded", "unknown"}},
    "ModelNotReadyException": "overloaded",
    "ModelStreamErrorException": "model-error",
    "ServiceQuotaExceededException": "throttled",
    "InvalidSignatureException": "unauthenticated",
    "IncompleteSignatureException": "unauthenticated",
    "IncompleteSignature": "unauthenticated",
    "MissingAuthenticationTokenException": "unauthenticated",
    "ExpiredTokenException": "unauthenticated",
    "InternalFailure": "internal",
    "SerializationException": "invalid",
    "UnknownOperationException": "not-found",
}

# --- the endpoint's half -----------------------------------------------------------------------------------


class ConverseServer:
    """The endpoint's half of ``bedrock-converse``."""

    def read_ask(self, request: HttpRequest) -> Ask:
        """Return what is asked for; raises `Refusal` as the contract says."""
        match = _PATH.fullmatch(request.path)
        if match is None or request.method != "POST":
            raise Refusal("not-found", f"Unable to determine service/operation name to be authorized: {request.path}")
        model = unquote(match["model"])
        try:
            body = _decode(request.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refusal("invalid", f"The request body is not valid JSON: {error}") from None
        if not isinstance(body, dict):
            raise Refusal("invalid", "The request body must be a JSON object.")
        why = why_rejected(model, body)
        if why:
            raise Refusal("invalid", why)
        blocks = [*(body.get("system") or []), *(block for m in body["messages"] for block in m["content"])]
        max_tokens = (body.get("inferenceConfig") or {}).get("maxTokens", 256)
        prompt = "\n".join(block["text"] for block in blocks if "text" in block)
        return Ask(model=model, prompt=prompt, max_tokens=max_tokens, stream=match["operation"] == "converse-stream")

    def reply(self, ask: Ask, text: str, end: End, *, reply_id: str) -> HttpReply:
        """Return the whole reply."""
        del ask  # Converse does not name its model
        body = {
            "metrics": {"latencyMs": _latency_ms(end)},
            "output": {"message": {"content": [{"text": text}], "role": "assistant"}},
            "stopReason": _stop_reason(end),
            "usage": _usage(end),
        }
        headers = {"Content-Type": "application/json", "x-amzn-RequestId": _request_id(reply_id)}
        return HttpReply(status=200, headers=headers, body=_encode(body))

    def stream_headers(self, *, reply_id: str) -> Mapping[str, str]:
        """Return the headers of a streamed reply."""
        return {"Content-Type": "application/vnd.amazon.eventstream", "x-amzn-RequestId": _request_id(reply_id)}

    def writer(self, ask: Ask, *, reply_id: str) -> "ConverseWriter":
        """Return the encoder of one streamed reply."""
        del ask, reply_id  # no frame names either
        return ConverseWriter()

    def refusal(self, refusal: Refusal, *, reply_id: str) -> HttpReply:
        """Return Bedrock's error for this refusal.

        A refusal with a ``code`` (see `brownout.identity`) names the exact exception, where AWS has several
        for one kind.
        """
        if refusal.kind == "unknown":
            return unknown_reply(refusal, reply_id=reply_id)
        error = _ERRORS[refusal.kind]
        headers = {
            "Content-Type": "application/json",
            "x-amzn-RequestId": _request_id(reply_id),
            "x-amzn-ErrorType": f"{getattr(refusal, 'code', '') or error.name}:{CORAL}",
            **retry_after_header(refusal.retry_after_s),
            **retry_after_ms_header(_RETRY_MS, refusal.retry_after_s),
        }
        body: dict[str, Any] = {"message": refusal.message or error.message}
        if refusal.kind == "model-error":
            body["originalStatusCode"] = 500
        return HttpReply(status=error.status, headers=headers, body=_encode(body))


def _event_headers(name: str) -> bytes:
    return encode_headers({":event-type": name, ":content-type": "application/json", ":message-type": "event"})


_MESSAGE_START = encode_frame(_event_headers("messageStart"), b'{"role":"assistant"}')
_DELTA = _event_headers("contentBlockDelta")
_BLOCK_STOP = encode_frame(_event_headers("contentBlockStop"), b'{"contentBlockIndex":0}')
_MESSAGE_STOP = _event_headers("messageStop")
_METADATA = _event_headers("metadata")
_IN_STREAM: Mapping[RefusalKind, str] = {
    "throttled": "throttlingException",
    "unavailable": "serviceUnavailableException",
    "overloaded": "serviceUnavailableException",
    "internal": "internalServerException",
    "model-error": "modelStreamErrorException",
    "invalid": "validationException",
}
"""The exceptions the service model allows within a stream; all else is an error frame with a code."""


class ConverseWriter:
    """Encodes one streamed reply: messageStart, deltas, contentBlockStop, messageStop, metadata."""

    def start(self) -> bytes:
        """Return the messageStart frame."""
        return _MESSAGE_START

    def event(self, event: Event) -> bytes:
        """Return the frame of a token, or all that ends the stream."""
        if isinstance(event, Token):
            text = _encode(event.text)
            return encode_frame(_DELTA, b'{"contentBlockIndex":0,"delta":{"text":' + text + b"}}")
        stop = encode_frame(_MESSAGE_STOP, _encode({"stopReason": _stop_reason(event)}))
        metadata = {"metrics": {"latencyMs": _latency_ms(event)}, "usage": _usage(event)}
        return _BLOCK_STOP + stop + encode_frame(_METADATA, _encode(metadata))

    def refusal(self, refusal: Refusal) -> bytes:
        """Return the exception frame, or the error frame of what has no exception."""
        error = _ERRORS[refusal.kind]
        message = refusal.message or error.message
        name = _IN_STREAM.get(refusal.kind)
        if name is None:
            # A string header holds 64 KiB at most; sentences are shorter, tests need not be.
            headers = {":message-type": "error", ":error-code": error.name, ":error-message": message[:4096]}
            return encode_frame(encode_headers(headers), b"")
        headers = {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}
        return encode_frame(encode_headers(headers), _encode({"message": message}))


def _stop_reason(end: End) -> str:
    return "max_tokens" if end.stop == "length" else "end_turn"


def _usage(end: End) -> dict[str, int]:
    return {
        "inputTokens": end.prompt_tokens,
        "outputTokens": end.output_tokens,
        "totalTokens": end.prompt_tokens + end.output_tokens,
    }


def _latency_ms(end: End) -> int:
    """Return the service's own latency; 0 where the `End` does not carry it."""
    return round(getattr(end, "latency_s", 0.0) * 1000)


def _request_id(reply_id: str) -> str:
    """Return the reply's id in AWS's form, a UUID."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, reply_id))


# --- the caller's half -------------------------------------------------------------------------------------


class _Block(msgspec.Struct):
    text: str | None = None


class _Message(msgspec.Struct):
    content: list[_Block]


class _Output(msgspec.Struct):
    message: _Message


class _Usage(msgspec.Struct, rename="camel"):
    input_tokens: int = 0
    output_tokens: int = 0


class _Reply(msgspec.Struct, rename="camel"):
    output: _Output
    stop_reason: str | None = None
    usage: _Usage = msgspec.field(default_factory=_Usage)


class _Delta(msgspec.Struct):
    delta: _Block


class _Stop(msgspec.Struct, rename="camel"):
    stop_reason: str


class _Metadata(msgspec.Struct):
    usage: _Usage


class _Said(msgspec.Struct):
    message: str | None = None


_reply_decoder = msgspec.json.Decoder(_Reply)
_delta_decoder = msgspec.json.Decoder(_Delta)
_stop_decoder = msgspec.json.Decoder(_Stop)
_metadata_decoder = msgspec.json.Decoder(_Metadata)
_said_decoder = msgspec.json.Decoder(_Said)


class ConverseClient:
    """The caller's half of ``bedrock-converse``."""

    def request(self, ask: Ask, *, project: str = "", location: str = "") -> HttpRequest:
        """Return the request for an ask. The model's id is percent-encoded whole, as boto3 does."""
        del project, location  # Vertex's
        body = {
            "messages": [{"role": "user", "content": [{"text": ask.prompt}]}],
            "inferenceConfig": {"maxTokens": ask.max_tokens},
        }
        operation = "converse-stream" if ask.stream else "converse"
        return HttpRequest(
            method="POST",
            path=f"/model/{quote(ask.model, safe='-_.~')}/{operation}",
            headers={"Content-Type": "application/json"},
            body=_encode(body),
        )

    def answer(self, reply: HttpReply) -> Answer:
        """Return the answer in a whole 200 reply; raises `Refusal` when it is none."""
        try:
            said = _reply_decoder.decode(reply.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refusal("unknown", f"not a Converse reply: {error}", status=reply.status) from None
        text = "".join(block.text or "" for block in said.output.message.content)
        return Answer(text=text, end=None if said.stop_reason is None else _end(said.stop_reason, said.usage))

    def reader(self) -> "ConverseReader":
        """Return the decoder of one streamed reply."""
        return ConverseReader()

    def refusal(self, reply: HttpReply) -> Refusal:
        """Return the refusal in a reply whose status is not 200; never raises."""
        name = (header(reply.headers, "x-amzn-errortype") or "").partition(":")[0]
        wait_s = retry_after_s(reply.headers, ms_header=_RETRY_MS)
        kind = _KIND_OF_NAME.get(name, KIND_OF_STATUS.get(reply.status, "unknown"))
        message = _said(reply.body)
        return Refusal(_refined(kind, message), message, retry_after_s=wait_s, status=reply.status)


class ConverseReader:
    """Decodes one streamed reply.

    Whole means: messageStop, and the metadata after it. A stream that ends between the two was cut: the SDKs
    end their iteration there without a word, and the usage is lost.
    """

    def __init__(self) -> None:
        self._frames = FrameDecoder()
        self._stop_reason: str | None = None

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
        if frame.headers.get(":message-type", "event") != "event":
            raise _refusal_in(frame)
        name = frame.headers.get(":event-type")
        if name == "contentBlockDelta":
            text = _delta_decoder.decode(frame.payload).delta.text
            return Token(text) if text else None
        if name == "messageStop":
            self._stop_reason = _stop_decoder.decode(frame.payload).stop_reason
        elif name == "metadata" and self._stop_reason is not None:
            return _end(self._stop_reason, _metadata_decoder.decode(frame.payload).usage)
        return None


def _refusal_in(frame: Frame) -> Refusal:
    """Return the refusal in an exception frame (``throttlingException``) or an error frame."""
    if frame.headers[":message-type"] == "exception":
        name = frame.headers.get(":exception-type", "")
        message = _said(frame.payload)
    else:
        name = frame.headers.get(":error-code", "")
        message = frame.headers.get(":error-message", "")
    # The exceptions' names begin in lower case within a stream and in upper case without.
    kind = _KIND_OF_NAME.get(name[:1].upper() + name[1:], "unknown")
    return Refusal(_refined(kind, message), message)


def _refined(kind: RefusalKind, message: str) -> RefusalKind:
    """Tell full servers from absent ones: Bedrock has one exception for both and differs in the sentence only."""
    return "overloaded" if kind == "unavailable" and message.startswith("Too many connections") else kind


def _said(body: bytes) -> str:
    try:
        return _said_decoder.decode(body).message or ""
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def _end(stop_reason: str, usage: _Usage) -> End:
    stop: StopReason = "length" if stop_reason in {"max_tokens", "model_context_window_exceeded"} else "stop"
    return End(stop=stop, prompt_tokens=usage.input_tokens, output_tokens=usage.output_tokens)


BEDROCK_CONVERSE = Dialect(name="bedrock-converse", server=ConverseServer(), client=ConverseClient(), auth="sigv4")
