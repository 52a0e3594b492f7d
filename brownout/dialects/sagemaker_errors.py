"""SageMaker Runtime's errors: what botocore's ``sagemaker-runtime`` service model (2017-05-13) says of them.

What a refusal becomes:

    kind            code                        error                       status  of the container
    throttled                                   ThrottlingException         400     (AWS: "Common Errors")
    throttled       TooManyRequestsException    ThrottlingException         429     (some front ends)
    unavailable                                 ServiceUnavailable          503
    internal                                    InternalFailure             500
    internal        InternalDependencyException InternalDependencyException 530
    overloaded                                  ModelError                  424     429 TGI, or `original_status` (503)
    overloaded      ModelNotReadyException      ModelNotReadyException      429
    timeout                                     ModelError                  424     0: no answer within the limit
    model-error                                 ModelError                  424     500, or `original_status`
    invalid                                     ValidationError             400
    invalid         ModelError                  ModelError                  424     400 vLLM, or `original_status` (422)
    too-large                                   (no name: bare status)      413
    not-found                                   ValidationError             400
    denied                                      AccessDeniedException       403
    unauthenticated                             UnrecognizedClientException 403     or the code that identity gives

So a container out of memory (500) is a 424, and a client that counts 5xx only does not see it. Whoever reads a
ModelError takes its kind from ``OriginalStatusCode``: 0 is ``timeout``, 429 and 503 are ``overloaded``, other 4xx
``invalid``, all else ``model-error``.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from brownout.dialects.aws_errors import AwsError, ErrorTable
from brownout.dialects.eventstream import Frame, encode_frame, encode_headers
from brownout.dialects.headers import header
from brownout.dialects.rejections import VLLM, worded
from brownout.dialects.sagemaker_containers import REFUSALS, kind_of_status
from brownout.wire import HttpReply, Refusal, RefusalKind

ACCOUNT_ID = "123456789012"
"""The account that owns every emulated endpoint: the one of AWS's own examples."""

NAMESPACE = "http://internal.amazon.com/coral/com.amazon.sagemaker/"
_MAX_MESSAGE_CHARS = 2048
"""The bound of the service model's ``Message``."""

_TOO_LARGE = "HTTP content length exceeded 6291456 bytes."
_USUAL_ORIGINAL: Mapping[RefusalKind, int] = {"overloaded": 429, "timeout": 0, "model-error": 500, "invalid": 400}
_encode = msgspec.json.encode


class Logs(NamedTuple):
    """Whose logs a container's failure points to."""

    region: str
    endpoint: str


def _original(refusal: Refusal) -> int:
    return _USUAL_ORIGINAL.get(refusal.kind, 500) if refusal.original_status is None else refusal.original_status


def _members(name: str, refusal: Refusal, message: str) -> Mapping[str, Any]:
    """Return what the service model gives its errors besides the message, and a ModelError's own message."""
    return _model_error(refusal, None) if name == "ModelError" else {"Message": message[:_MAX_MESSAGE_CHARS]}


def _model_error(refusal: Refusal, logs: Logs | None) -> dict[str, Any]:
    """Return the body of a ModelError: the container's answer, wrapped in SageMaker's sentence."""
    status = _original(refusal)
    said = refusal.message or REFUSALS.get(status, REFUSALS[500])
    client = 400 <= status < 500
    sentence = f'Received {"client" if client else "server"} error ({status}) from primary with message "{said}".'
    body: dict[str, Any] = {
        "ErrorCode": "CLIENT_ERROR_FROM_MODEL" if client else "INTERNAL_FAILURE_FROM_MODEL",
        "OriginalMessage": said[:_MAX_MESSAGE_CHARS],
        "OriginalStatusCode": status,
    }
    more = ""
    if logs is not None:
        group = f"/aws/sagemaker/Endpoints/{logs.endpoint}"
        console = f"https://{logs.region}.console.aws.amazon.com/cloudwatch/home?region={logs.region}"
        more = f" See {console}#logEventViewer:group={group} in account {ACCOUNT_ID} for more information."
        body["LogStreamArn"] = f"arn:aws:logs:{logs.region}:{ACCOUNT_ID}:log-group:{group}"
    body["Message"] = sentence[: _MAX_MESSAGE_CHARS - len(more)] + more
    return body


_TABLE = ErrorTable(
    (
        AwsError("throttled", "ThrottlingException", 400, "Rate exceeded"),
        AwsError("unavailable", "ServiceUnavailable", 503, "The service is currently unavailable."),
        AwsError("internal", "InternalFailure", 500, "An internal failure occurred. Try your request again."),
        AwsError(
            "internal",
            "InternalDependencyException",
            530,
            "Your request caused an exception with an internal dependency. Contact customer support.",
        ),
        AwsError("internal", "InternalStreamFailure", 500, "The stream processing failed because of an unknown error."),
        AwsError("model-error", "ModelError", 424, "Model returned 400 or 500 response."),
        AwsError("model-error", "ModelStreamError", 424, ""),
        AwsError("overloaded", "ModelError", 424, ""),
        AwsError(
            "overloaded",
            "ModelNotReadyException",
            429,
            "The model is not ready: its container is still being provisioned. Wait and try your request again.",
        ),
        AwsError("timeout", "ModelError", 424, ""),
        AwsError("invalid", "ValidationError", 400, "The request is not valid."),
        AwsError("not-found", "ValidationError", 400, f"Endpoint of account {ACCOUNT_ID} not found."),
        AwsError(
            "denied", "AccessDeniedException", 403, "User is not authorized to perform: sagemaker:InvokeEndpoint."
        ),
        AwsError("too-large", "RequestEntityTooLargeException", 413, _TOO_LARGE),
    ),
    namespace=NAMESPACE,
    message_member="Message",
    sentences=dict.fromkeys(("Endpoint ", "Inference Component "), "not-found"),
    members=_members,
)

STREAM_CODES = ("ModelStreamError", "StreamBroken", "ModelInvocationTimeExceeded")
"""Codes that choose a ModelStreamError, by its name or by its ``ErrorCode``."""


def error_reply(refusal: Refusal, *, reply_id: str, logs: Logs | None = None) -> HttpReply:
    """Return SageMaker's error for a refusal; for kind ``unknown``, one of no service.

    Args:
        refusal: what is refused.
        reply_id: the reply's id.
        logs: whose logs a container's failure points to; None: it points to none.
    """
    if refusal.code == "TooManyRequestsException" and refusal.kind == "throttled":
        usual = Refusal("throttled", refusal.message, retry_after_s=refusal.retry_after_s)
        return msgspec.structs.replace(error_reply(usual, reply_id=reply_id), status=429)
    if refusal.code in STREAM_CODES or refusal.code == "generation":
        # Before the 200 there is no stream that could break, and the container's own name is not SageMaker's.
        refusal = _renamed(refusal, "ModelError")
    if refusal.kind == "invalid" and refusal.code in VLLM:
        # The container reads the prompt, not SageMaker.
        refusal = _renamed(worded(refusal, VLLM), "ModelError")
    reply = _TABLE.reply(refusal, reply_id=reply_id)
    if reply.status == 424 and logs is not None:
        return msgspec.structs.replace(reply, body=_encode(_model_error(refusal, logs)))
    if reply.status == 413:
        # The front end refuses it before the service knows of it: there is a sentence, and no name.
        headers = {name: value for name, value in reply.headers.items() if name != "x-amzn-ErrorType"}
        body = _encode({"message": refusal.message or _TOO_LARGE})
        return msgspec.structs.replace(reply, headers=headers, body=body)
    if refusal.kind == "throttled":
        # It comes from outside the service's model: in lower case, and with no sentence.
        return msgspec.structs.replace(reply, body=_encode({"message": refusal.message or None}))
    return reply


def _renamed(refusal: Refusal, code: str) -> Refusal:
    return Refusal(
        refusal.kind,
        refusal.message,
        retry_after_s=refusal.retry_after_s,
        code=code,
        original_status=refusal.original_status,
    )


_BROKEN_STREAMS = {
    "ModelInvocationTimeExceeded": "The model failed to finish sending the response within the timeout period allowed "
    "by Amazon SageMaker AI.",
    "StreamBroken": "The TCP connection between the client and the model was reset or closed.",
}
"""The error codes of a ModelStreamError, with the service model's words for each."""


def error_frame(refusal: Refusal) -> bytes:
    """Return the frame of an error that comes after the 200 and is SageMaker's own."""
    if refusal.code not in STREAM_CODES and refusal.kind != "timeout":
        return _TABLE.frame(refusal, {"internal": "InternalStreamFailure"})
    late = refusal.kind == "timeout" or refusal.code == "ModelInvocationTimeExceeded"
    word = "ModelInvocationTimeExceeded" if late else "StreamBroken"
    message = (refusal.message or _BROKEN_STREAMS[word])[:_MAX_MESSAGE_CHARS]
    headers = {":exception-type": "ModelStreamError", ":content-type": "application/json"}
    body = _encode({"Message": message, "ErrorCode": word})
    return encode_frame(encode_headers({**headers, ":message-type": "exception"}), body)


# --- the caller's half -------------------------------------------------------------------------------------


class _Said(msgspec.Struct, rename="pascal"):
    original_status_code: int | None = None
    original_message: str | None = None
    error_code: str | None = None


_said_decoder = msgspec.json.Decoder(_Said)


def _said(body: bytes) -> _Said:
    try:
        return _said_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Said()


def read_error(reply: HttpReply) -> Refusal:
    """Return the refusal in a reply whose status is not 200; never raises. Of a ModelError, the container's words."""
    refusal = _TABLE.read(reply)
    if (header(reply.headers, "x-amzn-errortype") or "").startswith("ModelError"):
        said = _said(reply.body)
        refusal.kind = kind_of_status(said.original_status_code)
        refusal.message = said.original_message or refusal.message
    return refusal


def read_frame(frame: Frame) -> Refusal | None:
    """Return the refusal in a frame that is SageMaker's own error; None for any other."""
    refusal = _TABLE.read_frame(frame)
    if refusal is None or refusal.code != "ModelStreamError":
        return refusal
    word = _said(frame.payload).error_code or ""
    refusal.kind = "timeout" if word == "ModelInvocationTimeExceeded" else "model-error"
    refusal.code = word or refusal.code
    return refusal
