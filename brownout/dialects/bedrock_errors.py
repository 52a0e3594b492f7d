"""Bedrock's errors: names, statuses and members of botocore's ``bedrock-runtime`` service model (2023-09-30).

Sentences are those seen in public captures of the service, or its user guide's ("Troubleshooting Amazon Bedrock API
error codes"), which also lists the codes outside the model.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

import msgspec

from brownout.dialects.aws_errors import AwsError, ErrorTable, request_id
from brownout.dialects.rejections import BEDROCK, worded
from brownout.wire import HttpReply, HttpRequest, Refusal, RefusalKind

CORAL = "http://internal.amazon.com/coral/com.amazon.bedrock/"
"""What the service appends to the error's name after a colon; a client cuts it off there."""

INVALID_IDENTIFIER = "The provided model identifier is invalid."
"""Bedrock's sentence (a ValidationException) for an identifier that its region does not know."""

_TOO_LONG = (
    "1 validation error detected: Value at 'body' failed to satisfy constraint: Member must have length less than or "
    "equal to 25000000"
)
_TOO_MANY_CONNECTIONS = "Too many connections, please wait before trying again."
_USUAL_ORIGINAL_STATUS = 500
_MODEL = re.compile(r"/model/(?P<model>[^/]+)/")


def _members(name: str, refusal: Refusal, message: str) -> Mapping[str, Any]:
    """Return what the service model gives two errors besides the message."""
    if name not in {"ModelErrorException", "ModelStreamErrorException"}:
        return {}
    status = refusal.original_status or _USUAL_ORIGINAL_STATUS
    original = {"originalStatusCode": status}
    return original if name == "ModelErrorException" else {**original, "originalMessage": message}


BEDROCK_ERRORS = ErrorTable(
    (
        AwsError("throttled", "ThrottlingException", 429, "Too many requests, please wait before trying again."),
        AwsError(
            "throttled",
            "ServiceQuotaExceededException",
            400,
            "Your request exceeds the service quota for your account.",
        ),
        AwsError("unavailable", "ServiceUnavailableException", 503, "Bedrock is unable to process your request."),
        AwsError("overloaded", "ServiceUnavailableException", 503, _TOO_MANY_CONNECTIONS),
        AwsError(
            "overloaded", "ModelNotReadyException", 429, "The model is not ready for inference. Wait and try again."
        ),
        AwsError(
            "internal",
            "InternalServerException",
            500,
            "The system encountered an unexpected error during processing. Try your request again.",
        ),
        AwsError("timeout", "ModelTimeoutException", 408, "Model has timed out in processing the request. Try again."),
        AwsError("model-error", "ModelErrorException", 424, "The model failed to process the request. Try again."),
        AwsError(
            "model-error",
            "ModelStreamErrorException",
            424,
            "The system encountered an unexpected error during processing. Try your request again.",
        ),
        AwsError(
            "denied", "AccessDeniedException", 403, "You don't have access to the model with the specified model ID."
        ),
        AwsError("denied", "FTUFormNotFilled", 404, "Model use case details have not been submitted for this account."),
        AwsError(
            "not-found",
            "ResourceNotFoundException",
            404,
            "Could not resolve the foundation model from the provided model identifier.",
        ),
        AwsError("invalid", "ValidationException", 400, "The provided request is not valid."),
        AwsError(
            "invalid", "ConflictException", 400, "Error occurred because of a conflict while performing an operation."
        ),
        AwsError("too-large", "ValidationException", 400, _TOO_LONG),
    ),
    namespace=CORAL,
    sentences={_TOO_MANY_CONNECTIONS[:20]: "overloaded", _TOO_LONG: "too-large", INVALID_IDENTIFIER: "not-found"},
    members=_members,
)
"""Every error of the runtime's operations, written and read."""

_NOT_EMULATED = re.compile(
    r"/guardrail/[^/]+/version/[^/]+/apply|/guardrail-checks/invoke|/async-invoke(?:/[^/]+)?"
    r"|/model/[^/]+/invoke-with-bidirectional-stream"
)
_UNKNOWN_OPERATION = "UnknownOperationException"


class NoSuchOperation(Refusal):
    """A path and method that are no operation's.

    Bedrock answers such a POST with 200 and a fault in the body, and any other method with 404 and no JSON. Both are as
    public captures show them; the usual way there is an ARN in the path whose slash is not percent-encoded, which
    makes two segments of one.

    Args:
        method: the request's.
    """

    def __init__(self, method: str) -> None:
        super().__init__("not-found", code=_UNKNOWN_OPERATION)
        self.method = method


def no_operation(request: HttpRequest) -> Refusal:
    """Return the refusal of a request that is no operation of the runtime served here.

    What is an operation of the real runtime is refused as an error that every SDK raises: nobody shall take it for
    done.
    """
    if _NOT_EMULATED.fullmatch(request.path):
        return Refusal("not-found", "This operation is not emulated.", code=_UNKNOWN_OPERATION)
    return NoSuchOperation(request.method)


def refused(refusal: Refusal, *, reply_id: str, request: HttpRequest | None = None) -> HttpReply:
    """Return Bedrock's error for a refusal; a ``code`` chooses among several of one kind.

    A model's failure names its model, where the request is known.
    """
    if not isinstance(refusal, NoSuchOperation):
        reply = BEDROCK_ERRORS.reply(worded(refusal, BEDROCK), reply_id=reply_id)
        model = _MODEL.match(request.path) if request is not None else None
        if model is None or refusal.kind == "unknown" or BEDROCK_ERRORS.row(refusal).name != "ModelErrorException":
            return reply
        body = {**msgspec.json.decode(reply.body), "resourceName": unquote(model["model"])}
        return msgspec.structs.replace(reply, body=msgspec.json.encode(body))
    headers = {"x-amzn-RequestId": request_id(reply_id)}
    if refusal.method != "POST":
        return HttpReply(status=404, headers=headers, body=f"<{_UNKNOWN_OPERATION}/>\n".encode())
    fault = f'{{"Output":{{"__type":"com.amazon.coral.service#{_UNKNOWN_OPERATION}"}},"Version":"1.0"}}'
    return HttpReply(status=200, headers={"Content-Type": "application/json", **headers}, body=fault.encode())


CONVERSE_STREAM_EXCEPTIONS: Mapping[RefusalKind, str] = MappingProxyType(
    {
        "throttled": "throttlingException",
        "unavailable": "serviceUnavailableException",
        "overloaded": "serviceUnavailableException",
        "internal": "internalServerException",
        "model-error": "modelStreamErrorException",
        "invalid": "validationException",
    }
)
"""The exceptions that ``ConverseStreamOutput`` allows in its stream."""

INVOKE_STREAM_EXCEPTIONS: Mapping[RefusalKind, str] = MappingProxyType(
    {**CONVERSE_STREAM_EXCEPTIONS, "timeout": "modelTimeoutException"}
)
"""The exceptions that ``ResponseStream``, InvokeModelWithResponseStream's, allows in its stream."""
