"""``sagemaker-invoke``: Amazon SageMaker Runtime's InvokeEndpoint and InvokeEndpointWithResponseStream.

Operations, headers, limits and frames are those of botocore's ``sagemaker-runtime`` service model (2017-05-13). The
bodies are the container's (`sagemaker_containers`): SageMaker passes them through, in a stream as the bytes of
PayloadParts, which need not end where the container's events do (developer guide, "Invoke models for real-time
inference"). An `Ask`'s model is the endpoint's name, with ``/`` and the inference component's where one is named.
"""

import datetime as dt
import re
import uuid
import zlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from brownout.dialects.absent import NoCount, NoStanding
from brownout.dialects.aws_errors import request_id
from brownout.dialects.eventstream import FrameDecoder, encode_frame, encode_headers
from brownout.dialects.headers import header
from brownout.dialects.models import objections
from brownout.dialects.models.words import aws_words
from brownout.dialects.sagemaker_containers import (
    BodyReader,
    InvocationAsk,
    body_writer,
    read_body,
    read_whole,
    request_body,
    whole_body,
)
from brownout.dialects.sagemaker_errors import (
    ACCOUNT_ID,
    STREAM_CODES,
    Logs,
    error_frame,
    error_reply,
    read_error,
    read_frame,
)
from brownout.wire import Answer, Ask, Dialect, Event, HttpReply, HttpRequest, Refusal

INVOCATION_LIMIT_S = 60.0
"""How long a container may take over an invocation (API reference, "InvokeEndpoint")."""

MAX_BODY_BYTES = 6_291_456
"""The longest request, and the longest whole reply (``BodyBlob``)."""

VARIANT = "AllTraffic"
"""The one production variant of every emulated endpoint, under the name that SageMaker's SDK gives it."""

_EXPLAINED = ("InternalFailure", "ServiceUnavailable", "ValidationError", "ModelError")
_COMMON = (
    "ThrottlingException",
    "AccessDeniedException",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "IncompleteSignatureException",
    "MissingAuthenticationTokenException",
    "ExpiredTokenException",
)
OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "InvokeEndpoint": (*_EXPLAINED, "InternalDependencyException", "ModelNotReadyException", "413", *_COMMON),
    "InvokeEndpointWithResponseStream": (*_EXPLAINED, "ModelStreamError", "InternalStreamFailure", "413", *_COMMON),
}
"""Every operation, with the errors it can answer with: the service model's and AWS's common ones."""

_PATH = re.compile(r"/endpoints/(?P<name>[^/]+)/(?P<operation>invocations|invocations-response-stream)")
_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/(?P<region>[a-z0-9-]+)/sagemaker/")
_PREFIX = "X-Amzn-SageMaker-"
_SESSION_LIFE = dt.timedelta(minutes=20)
"""How long a stateful session lives (LMI's default, ``SESSIONS_EXPIRATION``)."""

_encode = msgspec.json.encode


def why_not_served(model: str, asked: str) -> Refusal | None:
    """Return SageMaker's refusal of an endpoint, or an inference component, that is not there; None where it is.

    Args:
        model: what is served: the endpoint's name, with ``/`` and its inference component's where it has one.
        asked: what is asked for, in the same form (`Ask.model`).
    """
    if asked == model:
        return None
    endpoint, _, component = asked.partition("/")
    served, _, of_components = model.partition("/")
    if endpoint != served:
        return Refusal("not-found", f"Endpoint {endpoint} of account {ACCOUNT_ID} not found.")
    if of_components and not component:
        return Refusal(
            "not-found",
            "Inference Component Name header is required for endpoints to which you plan to deploy inference "
            "components. Please include Inference Component Name header or consider using SageMaker models.",
        )
    return Refusal("not-found", f"Inference Component {component} not found for Endpoint {endpoint}.")


class InvokeServer(NoCount, NoStanding):
    """The endpoint's half of ``sagemaker-invoke``."""

    def owns(self, request: HttpRequest) -> bool:
        """Return whether the path is one of the two operations'."""
        return _PATH.fullmatch(request.path) is not None

    def read_ask(self, request: HttpRequest) -> Ask:
        """Return what is asked for; raises `Refusal` as the contract says."""
        match = _PATH.fullmatch(request.path)
        if match is None or request.method != "POST":
            raise Refusal("not-found", "The requested operation is not recognized.", code="UnknownOperationException")
        streams = match["operation"] == "invocations-response-stream"
        operation = "InvokeEndpointWithResponseStream" if streams else "InvokeEndpoint"
        endpoint = unquote(match["name"])
        parameters = _parameters(request, endpoint)
        _check(operation, parameters)
        component = parameters.get("X-Amzn-SageMaker-Inference-Component")
        ask = read_body(request.body, endpoint)
        ask = msgspec.structs.replace(
            ask,
            model=f"{endpoint}/{component}" if component else endpoint,
            stream=ask.stream and streams,
            as_events=ask.stream and not streams,
            framed=streams and not ask.stream,
            echoed=_echoed(parameters, request),
        )
        return _plainest(ask)

    def reply(self, ask: Ask, answer: Answer, *, reply_id: str) -> HttpReply:
        """Return the whole reply; raises `Refusal` where it is longer than SageMaker passes on."""
        wanted = _invocation(ask)
        body = whole_body(wanted, answer, reply_id=reply_id)
        if len(body) > MAX_BODY_BYTES:
            raise Refusal("model-error", "The response body is larger than 6291456 bytes.", original_status=500)
        content_type = "text/event-stream" if wanted.as_events else "application/json"
        if not wanted.framed:
            headers = {"Content-Type": content_type, **_headers(wanted, reply_id)}
            return HttpReply(status=200, headers=headers, body=body)
        headers = {**self.stream_headers(wanted, reply_id=reply_id), f"{_PREFIX}Content-Type": content_type}
        return HttpReply(status=200, headers=headers, body=encode_frame(_PAYLOAD_PART, body))

    def stream_headers(self, ask: Ask, *, reply_id: str) -> Mapping[str, str]:
        """Return the headers of a streamed reply."""
        return {
            "Content-Type": "application/vnd.amazon.eventstream",
            f"{_PREFIX}Content-Type": "text/event-stream",
            **_headers(_invocation(ask), reply_id),
        }

    def writer(self, ask: Ask, *, reply_id: str) -> "PartWriter":
        """Return the encoder of one streamed reply."""
        return PartWriter(_invocation(ask), reply_id)

    def refusal(self, refusal: Refusal, *, reply_id: str, request: HttpRequest | None = None) -> HttpReply:
        """Return SageMaker's error for this refusal; the table is in `sagemaker_errors`.

        Args:
            refusal: what is refused.
            reply_id: the reply's id.
            request: what was sent; from it a container's failure knows the region and the endpoint whose logs it
                points to. None: it points to no logs.
        """
        return error_reply(refusal, reply_id=reply_id, logs=None if request is None else _logs(request))


def _logs(request: HttpRequest) -> Logs | None:
    endpoint = _PATH.fullmatch(request.path)
    scope = _SCOPE.search(header(request.headers, "authorization") or "")
    return Logs(scope["region"], unquote(endpoint["name"])) if endpoint and scope else None


_HEADERS_READ = (
    "Custom-Attributes",
    "Target-Model",
    "Target-Variant",
    "Target-Container-Hostname",
    "Inference-Id",
    "Enable-Explanations",
    "Inference-Component",
    "Session-Id",
    "Prefix-Aware-Id",
    "Accept",
)


def _parameters(request: HttpRequest, endpoint: str) -> dict[str, str]:
    """Return the members of the request that do not stand in its body, by their names on the wire."""
    parameters = {"EndpointName": endpoint}
    for name in _HEADERS_READ:
        value = header(request.headers, f"{_PREFIX}{name}".lower())
        if value is not None:
            parameters[f"{_PREFIX}{name}"] = value
    return parameters


def _check(operation: str, parameters: Mapping[str, str]) -> None:
    found = objections(f"sagemaker-runtime/{operation}:parameters", parameters)
    if found:
        raise Refusal("invalid", aws_words(*found))
    variant = parameters.get("X-Amzn-SageMaker-Target-Variant", VARIANT)
    if variant != VARIANT:
        raise Refusal("invalid", f"Variant {variant} not found for Endpoint {parameters['EndpointName']}.")


def _echoed(parameters: Mapping[str, str], request: HttpRequest) -> tuple[tuple[str, str], ...]:
    """Return the headers of the reply that follow from the request's."""
    echoed: list[tuple[str, str]] = []
    attributes = parameters.get("X-Amzn-SageMaker-Custom-Attributes")
    if attributes:
        echoed.append((f"{_PREFIX}Custom-Attributes", attributes))
    if parameters.get("X-Amzn-SageMaker-Session-Id") == "NEW_SESSION":
        # The id is the reply's own; when it ends counts from the request's date, the only clock on the wire.
        echoed.append((f"{_PREFIX}New-Session-Id", _session_end(header(request.headers, "x-amz-date") or "")))
    return tuple(echoed)


def _session_end(stamp: str) -> str:
    try:
        begin = dt.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    except ValueError:
        begin = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    return (begin + _SESSION_LIFE).strftime("%Y-%m-%dT%H:%M:%SZ")


def _headers(ask: InvocationAsk, reply_id: str) -> dict[str, str]:
    headers = {"x-amzn-RequestId": request_id(reply_id), "x-Amzn-Invoked-Production-Variant": VARIANT}
    for name, value in ask.echoed:
        session = uuid.uuid5(uuid.NAMESPACE_OID, f"session {reply_id}")
        headers[name] = f"{session}; Expires={value}" if name.endswith("New-Session-Id") else value
    return headers


def _invocation(ask: Ask) -> InvocationAsk:
    return ask if isinstance(ask, InvocationAsk) else InvocationAsk(**msgspec.structs.asdict(ask))


def _plainest(ask: InvocationAsk) -> Ask:
    """Return a plain `Ask` where nothing but an answer is wanted."""
    neutral = {name: getattr(ask, name) for name in Ask.__struct_fields__}
    return Ask(**neutral) if ask == InvocationAsk(**neutral) else ask


# --- streamed replies --------------------------------------------------------------------------------------

_PAYLOAD_PART = encode_headers(
    {":event-type": "PayloadPart", ":content-type": "application/octet-stream", ":message-type": "event"}
)
_SPLIT_ONE_IN = 8


class PartWriter:
    """Encodes one streamed reply: the container's bytes, in PayloadParts.

    Mostly a part holds one of the container's events; about one in eight is split between two parts, inside its JSON,
    at a place that follows from the reply's id.
    """

    def __init__(self, ask: InvocationAsk, reply_id: str) -> None:
        self._writer = body_writer(ask, reply_id=reply_id)
        self._draw = zlib.crc32(reply_id.encode())

    def start(self) -> bytes:
        """Return the parts before the first token."""
        return self._parts(self._writer.start())

    def event(self, event: Event) -> bytes:
        """Return the parts of one event."""
        return self._parts(self._writer.event(event))

    def refusal(self, refusal: Refusal) -> bytes:
        """Return the container's own error in a part, or the frame of an error that is SageMaker's."""
        if refusal.kind in {"overloaded", "model-error"} and refusal.code not in STREAM_CODES:
            return self._parts(self._writer.refusal(refusal))
        return error_frame(refusal)

    def _parts(self, data: bytes) -> bytes:
        # A container writes an event at a time, and nothing within its JSON is an empty line.
        events = data.split(b"\n\n")
        return b"".join(self._part(event + b"\n\n") for event in events[:-1])

    def _part(self, event: bytes) -> bytes:
        self._draw = (self._draw * 1_103_515_245 + 12_345) & 0x7FFFFFFF
        inside = event.find(b"{") + 1
        if (self._draw >> 16) % _SPLIT_ONE_IN or not inside:
            return encode_frame(_PAYLOAD_PART, event)
        at = inside + self._draw % (len(event) - inside)
        return encode_frame(_PAYLOAD_PART, event[:at]) + encode_frame(_PAYLOAD_PART, event[at:])


# --- the caller's half -------------------------------------------------------------------------------------


class InvokeClient:
    """The caller's half of ``sagemaker-invoke``."""

    def request(self, ask: Ask, *, project: str = "", location: str = "") -> HttpRequest:
        """Return the request for an ask: chat completions, or the shape that an `InvocationAsk` names."""
        del project, location  # Vertex's
        endpoint, _, component = ask.model.partition("/")
        body: dict[str, Any] = request_body(ask)
        headers = {"Content-Type": "application/json"}
        if component:
            headers[f"{_PREFIX}Inference-Component"] = component
        operation = "invocations-response-stream" if ask.stream else "invocations"
        path = f"/endpoints/{quote(endpoint, safe='-_.~')}/{operation}"
        return HttpRequest(method="POST", path=path, headers=headers, body=_encode(body))

    def answer(self, reply: HttpReply) -> Answer:
        """Return the answer in a whole 200 reply; raises `Refusal` when it is none."""
        return read_whole(reply.body)

    def reader(self) -> "PartReader":
        """Return the decoder of one streamed reply."""
        return PartReader()

    def refusal(self, reply: HttpReply) -> Refusal:
        """Return the refusal in a reply whose status is not 200; never raises."""
        return read_error(reply)


class PartReader:
    """Decodes one streamed reply. Whole means: the container's stream has its terminator; the frames have none."""

    def __init__(self) -> None:
        self._frames = FrameDecoder()
        self._body = BodyReader()

    def feed(self, data: bytes) -> list[Event]:
        """Return the events completed by these bytes; raises `Refusal` as the contract says."""
        events: list[Event] = []
        for frame in self._frames.feed(data):
            refusal = read_frame(frame)
            if refusal is not None:
                raise refusal
            if frame.headers.get(":event-type") == "PayloadPart":
                events += self._body.feed(frame.payload)
        return events


SAGEMAKER_INVOKE = Dialect(
    name="sagemaker-invoke",
    server=InvokeServer(),
    client=InvokeClient(),
    auth="sigv4",
    host="sagemaker",
    signing_name="sagemaker",
    max_body_bytes=MAX_BODY_BYTES,
    reply_within_s=INVOCATION_LIMIT_S,
)
