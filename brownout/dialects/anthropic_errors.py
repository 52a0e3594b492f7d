"""Anthropic's errors: types, statuses and codes, written and read as replies and as events of a stream.

Types and statuses are those of the public page "Errors" of the Claude API, codes (``error.details.error_code``) those
for which the official Python client has a class; sentences and ``x-should-retry`` are as seen in public captures.
"""

from typing import Any

import msgspec

from brownout.dialects.anthropic_platform import Platform
from brownout.dialects.headers import (
    KIND_OF_STATUS,
    retry_after_header,
    retry_after_ms_header,
    retry_after_s,
    unknown_reply,
)
from brownout.dialects.rejections import ANTHROPIC, worded
from brownout.wire import HttpReply, Refusal, RefusalKind

_RETRY_MS = "retry-after-ms"
"""Honoured by the official clients."""


class AnthropicError(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the error table.

    Attributes:
        kind: what class of refusal it is.
        type: ``error.type``.
        status: the HTTP status.
        message: the sentence.
        error_code: ``error.details.error_code``; empty where the error has none.
        should_retry: the value of ``x-should-retry``; empty where captures have no such header.
        final: coming back does not help, so the reply never says when to.
    """

    kind: RefusalKind
    type: str
    status: int
    message: str
    error_code: str = ""
    should_retry: str = ""
    final: bool = False

    @property
    def name(self) -> str:
        """What tells the error from all others."""
        return self.error_code or self.type


_UNAVAILABLE = "Service unavailable"
_MODEL_FAILED = "The model failed to answer"
_SPENT = "You have reached your API usage threshold. You will regain access at the beginning of the next month."
_ROWS = (
    AnthropicError(
        kind="throttled",
        type="rate_limit_error",
        status=429,
        message="This request would exceed your account's rate limit. Please try again later.",
        should_retry="true",
    ),
    AnthropicError(
        kind="throttled",
        type="rate_limit_error",
        status=429,
        message="This request would exceed your organization's ramp limit. Please increase usage gradually.",
        error_code="ramp_limit_exceeded",
        should_retry="true",
    ),
    AnthropicError(
        kind="throttled",
        type="rate_limit_error",
        status=429,
        message=_SPENT,
        error_code="enforced_spend_limit_reached",
        final=True,
    ),
    AnthropicError(
        kind="throttled",
        type="rate_limit_error",
        status=429,
        message="Your organization has reached the spend limit of its contract.",
        error_code="contract_spend_limit_reached",
        final=True,
    ),
    AnthropicError(kind="overloaded", type="overloaded_error", status=529, message="Overloaded", should_retry="true"),
    AnthropicError(kind="internal", type="api_error", status=500, message="Internal server error"),
    # No type is documented for these two; the status and the sentence tell them from the one above.
    AnthropicError(kind="unavailable", type="api_error", status=503, message=_UNAVAILABLE),
    AnthropicError(kind="model-error", type="api_error", status=424, message=_MODEL_FAILED),
    AnthropicError(kind="unavailable", type="conflict_error", status=409, message="The request conflicts with another"),
    AnthropicError(kind="timeout", type="timeout_error", status=504, message="Request timed out"),
    AnthropicError(
        kind="unauthenticated",
        type="authentication_error",
        status=401,
        message="invalid x-api-key",
        should_retry="false",
    ),
    AnthropicError(
        kind="denied",
        type="permission_error",
        status=403,
        message="Your API key does not have permission to use the specified resource.",
        should_retry="false",
    ),
    AnthropicError(
        kind="denied",
        type="billing_error",
        status=402,
        message="There is a problem with your organization's billing or payment information.",
        should_retry="false",
    ),
    AnthropicError(kind="not-found", type="not_found_error", status=404, message="Not Found", should_retry="false"),
    AnthropicError(
        kind="invalid", type="invalid_request_error", status=400, message="Bad request", should_retry="false"
    ),
    AnthropicError(
        kind="too-large",
        type="request_too_large",
        status=413,
        message="Request exceeds the maximum size",
    ),
)
ERROR_NAMES = tuple(row.name for row in _ROWS if row.message not in {_UNAVAILABLE, _MODEL_FAILED})
"""Every error that Anthropic documents for its messages, by type, or by code where one type has several."""

_usual = {row.kind: row for row in reversed(_ROWS)}
_named = {row.name: row for row in reversed(_ROWS)}
_SENTENCES: dict[str, RefusalKind] = {_UNAVAILABLE: "unavailable", _MODEL_FAILED: "model-error"}

# --- the endpoint's half -----------------------------------------------------------------------------------


def is_named(code: str) -> bool:
    """Return whether a refusal's code is the name of one of Anthropic's errors."""
    return code in _named


def error_reply(refusal: Refusal, *, reply_id: str, platform: Platform) -> HttpReply:
    """Return Anthropic's error for a refusal; for kind ``unknown``, one of no service."""
    if refusal.kind == "unknown":
        return unknown_reply(refusal, reply_id=reply_id)
    refusal = worded(refusal, ANTHROPIC)
    row = _row(refusal)
    request_id = platform.identifier("req", reply_id)
    headers = {"Content-Type": "application/json", "request-id": request_id}
    if row.should_retry:
        headers["x-should-retry"] = row.should_retry
    if not row.final:
        headers |= _wait_headers(refusal.retry_after_s)
    error: dict[str, Any] = {"details": {"error_code": row.error_code}} if row.error_code else {}
    error |= {"type": row.type, "message": refusal.message or row.message}
    body = {"type": "error", "error": error, "request_id": request_id}
    return HttpReply(status=row.status, headers=headers, body=msgspec.json.encode(body))


def error_event(refusal: Refusal, *, reply_id: str, platform: Platform) -> bytes:
    """Return the payload of the ``error`` event for a refusal that comes after the 200."""
    if refusal.kind == "unknown":
        error: dict[str, Any] = {"details": None, "type": "unknown_error", "message": refusal.message or "Unknown"}
    else:
        row = _row(refusal)
        details = {"error_code": row.error_code} if row.error_code else None
        error = {"details": details, "type": row.type, "message": refusal.message or row.message}
    body = {"type": "error", "error": error, "request_id": platform.identifier("req", reply_id)}
    return msgspec.json.encode(body)


def _row(refusal: Refusal) -> AnthropicError:
    """Return the row of a refusal: that of its code, else its kind's usual one."""
    usual = _usual[refusal.kind]
    return usual if refusal.code == usual.name else _named.get(refusal.code, usual)


def _wait_headers(retry_after_s: float | None) -> dict[str, str]:
    """Return ``retry-after`` and, for a wait that whole seconds cannot say, the clients' header in milliseconds."""
    headers = retry_after_header(retry_after_s)
    if retry_after_s is not None and not float(retry_after_s).is_integer():
        headers |= retry_after_ms_header(_RETRY_MS, retry_after_s)
    return headers


# --- the caller's half -------------------------------------------------------------------------------------


class ErrorDetails(msgspec.Struct):
    """``error.details`` as it comes."""

    error_code: str | None = None


class ErrorBody(msgspec.Struct):
    """``error`` as it comes."""

    type: str = ""
    message: str = ""
    details: ErrorDetails | None = None


class _Body(msgspec.Struct):
    error: ErrorBody


_body_decoder = msgspec.json.Decoder(_Body)


def read_error(reply: HttpReply) -> Refusal:
    """Return the refusal in a reply whose status is not 200; never raises."""
    wait_s = retry_after_s(reply.headers)
    try:
        error = _body_decoder.decode(reply.body).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        error = ErrorBody()
    made = refusal_of(error, status=reply.status)
    return Refusal(made.kind, made.message, retry_after_s=wait_s, status=reply.status, code=made.code)


def refusal_of(error: ErrorBody, *, status: int | None = None) -> Refusal:
    """Return the refusal in an error, of a reply with that status or of a stream."""
    code = (error.details.error_code if error.details else None) or error.type
    row = _named.get(code) or _named.get(error.type)
    kind: RefusalKind = row.kind if row is not None else "unknown"
    if status is not None and (row is None or status != row.status):
        # A type serves for other statuses too ("may also be used for other 4XX status codes not listed").
        kind = KIND_OF_STATUS.get(status, kind)
    elif status is None and row is not None and row.type == "api_error":
        kind = next((known for start, known in _SENTENCES.items() if error.message.startswith(start)), kind)
    return Refusal(kind, error.message, code=code)
