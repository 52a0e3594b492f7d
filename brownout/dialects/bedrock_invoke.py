"""``bedrock-invoke``: Claude's own body through Bedrock's InvokeModel and InvokeModelWithResponseStream.

Operations, headers, errors and limits are those of botocore's ``bedrock-runtime`` service model (2023-09-30), the body
that of Anthropic's Messages API as AWS's "Anthropic Claude Messages API" describes it. The headers that count tokens
and the metrics in the last chunk are in no model: they are as public captures of the service show them.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from brownout.dialects.absent import NoCount, NoStanding
from brownout.dialects.anthropic_body import ask_of, body_of, check, forbid, read_object
from brownout.dialects.anthropic_events import MessageReader, MessageWriter, Said, message, read_message
from brownout.dialects.anthropic_platform import BEDROCK
from brownout.dialects.aws_errors import request_id
from brownout.dialects.bedrock_errors import BEDROCK_ERRORS, INVOKE_STREAM_EXCEPTIONS, no_operation, refused
from brownout.dialects.bedrock_padding import padded
from brownout.dialects.eventstream import FrameDecoder, encode_frame, encode_headers
from brownout.dialects.headers import header
from brownout.dialects.models import objection
from brownout.dialects.models.words import aws_words
from brownout.wire import Answer, Ask, Dialect, End, Event, HttpReply, HttpRequest, Refusal

VERSIONS = ("bedrock-2023-05-31", "2023-06-01", "2026-10-21")
"""Values of ``anthropic_version``: AWS's, and what Anthropic's official clients send through Bedrock."""

_VERSION = VERSIONS[0]
_PATH = re.compile(r"/model/(?P<model>[^/]+)/(?P<call>invoke|invoke-with-response-stream)")
_MAX_BODY_BYTES = 25_000_000
_ERRORS = (
    "AccessDeniedException",
    "ResourceNotFoundException",
    "ThrottlingException",
    "ModelTimeoutException",
    "InternalServerException",
    "ServiceUnavailableException",
    "ValidationException",
    "ModelNotReadyException",
    "ServiceQuotaExceededException",
    "ModelErrorException",
)
OPERATIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "InvokeModel": _ERRORS,
        "InvokeModelWithResponseStream": (
            *_ERRORS,
            "ModelStreamErrorException",
            *sorted(set(INVOKE_STREAM_EXCEPTIONS.values())),
        ),
    }
)
"""Every error that the service model gives an operation; those in lower case come within its stream."""

_OPERATIONS = {"invoke": "InvokeModel", "invoke-with-response-stream": "InvokeModelWithResponseStream"}
_APART = frozenset({"anthropic_version", "anthropic_beta", "amazon-bedrock-guardrailConfig"})
_TIER = "X-Amzn-Bedrock-Service-Tier"
_PERFORMANCE = "X-Amzn-Bedrock-PerformanceConfig-Latency"
_INPUT_TOKENS = "X-Amzn-Bedrock-Input-Token-Count"
_OUTPUT_TOKENS = "X-Amzn-Bedrock-Output-Token-Count"
_LATENCY = "X-Amzn-Bedrock-Invocation-Latency"
_PARAMETERS = (
    _TIER,
    _PERFORMANCE,
    "X-Amzn-Bedrock-Trace",
    "X-Amzn-Bedrock-GuardrailIdentifier",
    "X-Amzn-Bedrock-GuardrailVersion",
    "X-Amzn-Bedrock-Request-Metadata",
)
_TIERS = frozenset({"priority", "default", "flex", "reserved"})
_encode = msgspec.json.encode


class InvokeAsk(Ask, frozen=True, kw_only=True):
    """An ask with ``X-Amzn-Bedrock-PerformanceConfig-Latency``, which its reply repeats."""

    performance: str


# --- the endpoint's half -----------------------------------------------------------------------------------


class InvokeServer(NoCount, NoStanding):
    """The endpoint's half of ``bedrock-invoke``."""

    def owns(self, request: HttpRequest) -> bool:
        """Return whether the path is InvokeModel's or InvokeModelWithResponseStream's."""
        return _PATH.fullmatch(request.path) is not None

    def read_ask(self, request: HttpRequest) -> Ask:
        """Return what is asked for; raises `Refusal` as the contract says."""
        match = _PATH.fullmatch(request.path)
        if match is None or request.method != "POST":
            raise no_operation(request)
        model, call = unquote(match["model"]), match["call"]
        given = _parameters(request, model, _OPERATIONS[call])
        body = _checked_body(model, request.body)
        ask = ask_of(body, model=model, stream=call != "invoke", tier=given.get(_TIER, ""))
        if _PERFORMANCE not in given:
            return ask
        return InvokeAsk(**msgspec.structs.asdict(ask), performance=given[_PERFORMANCE])

    def reply(self, ask: Ask, answer: Answer, *, reply_id: str) -> HttpReply:
        """Return the whole reply, its cost in headers."""
        end = answer.end or End()
        headers = {
            "Content-Type": "application/json",
            **_reply_headers(ask, reply_id, end.tier if end.tier in _TIERS else ask.tier and "default"),
            **({_INPUT_TOKENS: str(end.prompt_tokens), _OUTPUT_TOKENS: str(end.output_tokens)} if end.counted else {}),
            _LATENCY: str(round(end.latency_s * 1000)),
        }
        body = message(ask, answer, reply_id=reply_id, platform=BEDROCK)
        return HttpReply(status=200, headers=headers, body=body)

    def stream_headers(self, ask: Ask, *, reply_id: str) -> Mapping[str, str]:
        """Return the headers of a streamed reply. They go out before the `End`, so the tier is the one asked for."""
        return {
            "Content-Type": "application/vnd.amazon.eventstream",
            "X-Amzn-Bedrock-Content-Type": "application/json",
            **_reply_headers(ask, reply_id, ask.tier),
        }

    def writer(self, ask: Ask, *, reply_id: str) -> "InvokeWriter":
        """Return the encoder of one streamed reply."""
        return InvokeWriter(ask, reply_id)

    def refusal(self, refusal: Refusal, *, reply_id: str, request: HttpRequest | None = None) -> HttpReply:
        """Return Bedrock's error for this refusal; a ``code`` names the exact exception."""
        return refused(refusal, reply_id=reply_id, request=request)


_CHUNK = encode_headers({":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"})


class InvokeWriter:
    """Encodes one streamed reply: a ``chunk`` frame for every event of the message, base64 in JSON."""

    def __init__(self, ask: Ask, reply_id: str) -> None:
        self._message = MessageWriter(ask, reply_id, BEDROCK)

    def start(self) -> bytes:
        """Return the chunk of message_start."""
        return _chunks(self._message.start())

    def event(self, event: Event) -> bytes:
        """Return the chunks of a token or a tool's call, or all that ends the stream."""
        said = self._message.event(event)
        if isinstance(event, End):
            said[-1] = Said(said[-1].name, said[-1].data[:-1] + _metrics(event))
        return _chunks(said)

    def refusal(self, refusal: Refusal) -> bytes:
        """Return the exception frame, or the error frame of what has no exception."""
        return BEDROCK_ERRORS.frame(refusal, INVOKE_STREAM_EXCEPTIONS)


def counted_ask(model: str, body: bytes) -> Ask:
    """Return what CountTokens asks for in ``input.invokeModel.body``.

    Args:
        model: the model's id, from the path.
        body: the body that InvokeModel would be sent, decoded from base64.

    Raises:
        Refusal: ``invalid`` for a body that InvokeModel would reject.
    """
    return ask_of(_checked_body(model, body), model=model, stream=False, count=True)


def _parameters(request: HttpRequest, model: str, operation: str) -> dict[str, str]:
    """Return what the request's headers say, once the service model has nothing against it."""
    sent = ((name, header(request.headers, name.lower())) for name in _PARAMETERS)
    given = {name: value for name, value in sent if value is not None}
    found = objection(f"bedrock-runtime/{operation}:parameters", {"modelId": model, **given})
    if found is not None:
        raise Refusal("invalid", aws_words(found))
    return given


def _checked_body(model: str, raw: bytes) -> dict[str, Any]:
    """Return Claude's body, once neither the platform nor the model has anything against it."""
    body = read_object(raw)
    forbid(body, ("model", "stream"))
    version = body.get("anthropic_version")
    if version is None:
        raise Refusal("invalid", "anthropic_version: Field required")
    if version not in VERSIONS:
        raise Refusal("invalid", f"Invalid API version: {version}")
    check({**body, "model": model}, apart=_APART, betas=bool(body.get("anthropic_beta")))
    return body


def _reply_headers(ask: Ask, reply_id: str, tier: str) -> dict[str, str]:
    headers = {"x-amzn-RequestId": request_id(reply_id)}
    if tier in _TIERS:
        headers[_TIER] = tier
    if isinstance(ask, InvokeAsk):
        headers[_PERFORMANCE] = ask.performance
    return headers


def _chunks(said: list[Said]) -> bytes:
    chunks = [padded(b'{"bytes":"' + base64.b64encode(data) + b'"}') for _, data in said]
    return b"".join([encode_frame(_CHUNK, chunk) for chunk in chunks])


def _metrics(end: End) -> bytes:
    """Return what the last chunk says besides: the service's own figures, in tokens and milliseconds."""
    counts = {"inputTokenCount": end.prompt_tokens, "outputTokenCount": end.output_tokens}
    metrics = {
        **(counts if end.counted else {}),
        "invocationLatency": round(end.latency_s * 1000),
        "firstByteLatency": round(end.first_token_s * 1000),
    }
    return b',"amazon-bedrock-invocationMetrics":' + _encode(metrics) + b"}"


# --- the caller's half -------------------------------------------------------------------------------------


class _Chunk(msgspec.Struct):
    bytes: str = ""


_chunk_decoder = msgspec.json.Decoder(_Chunk)


class InvokeClient:
    """The caller's half of ``bedrock-invoke``."""

    def request(self, ask: Ask, *, project: str = "", location: str = "") -> HttpRequest:
        """Return the request for an ask. The model's id is percent-encoded whole, as boto3 does."""
        del project, location  # Vertex's
        headers = {"Content-Type": "application/json"}
        if ask.tier:
            headers[_TIER] = ask.tier
        if isinstance(ask, InvokeAsk):
            headers[_PERFORMANCE] = ask.performance
        call = "invoke-with-response-stream" if ask.stream else "invoke"
        return HttpRequest(
            method="POST",
            path=f"/model/{quote(ask.model, safe='-_.~')}/{call}",
            headers=headers,
            body=_encode({"anthropic_version": _VERSION, **body_of(ask)}),
        )

    def answer(self, reply: HttpReply) -> Answer:
        """Return the answer in a whole 200 reply; raises `Refusal` when it is none."""
        answer = read_message(reply.body)
        if answer.end is None:
            return answer
        latency_ms = header(reply.headers, _LATENCY.lower()) or ""
        end = msgspec.structs.replace(
            answer.end,
            tier=header(reply.headers, _TIER.lower()) or "",
            latency_s=int(latency_ms) / 1000 if latency_ms.isdecimal() else 0.0,
        )
        return msgspec.structs.replace(answer, end=end)

    def reader(self) -> "InvokeReader":
        """Return the decoder of one streamed reply."""
        return InvokeReader()

    def refusal(self, reply: HttpReply) -> Refusal:
        """Return the refusal in a reply whose status is not 200; never raises."""
        return BEDROCK_ERRORS.read(reply)


class InvokeReader:
    """Decodes one streamed reply of ``chunk`` frames."""

    def __init__(self) -> None:
        self._frames = FrameDecoder()
        self._message = MessageReader()

    def feed(self, data: bytes) -> list[Event]:
        """Return the events completed by these bytes; raises `Refusal` as the contract says."""
        events: list[Event] = []
        for frame in self._frames.feed(data):
            refusal = BEDROCK_ERRORS.read_frame(frame)
            if refusal is not None:
                raise refusal
            if frame.headers.get(":event-type") == "chunk":
                event = self._message.read(_data(frame.payload))
                if event is not None:
                    events.append(event)
        return events


def _data(payload: bytes) -> bytes:
    try:
        return base64.b64decode(_chunk_decoder.decode(payload).bytes, validate=True)
    except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error, ValueError) as error:
        raise Refusal("unknown", f"not a chunk of a response stream: {error}") from None


BEDROCK_INVOKE = Dialect(
    name="bedrock-invoke",
    server=InvokeServer(),
    client=InvokeClient(),
    auth="sigv4",
    host="bedrock",
    max_body_bytes=_MAX_BODY_BYTES,
)
