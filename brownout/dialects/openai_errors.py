"""OpenAI's errors: one table, from which the endpoint's half writes and by which the caller's half reads.

Statuses, types and codes are those of OpenAI's guide "Error codes" and of public reports of the service's answers. Rows
marked as imitators' are not OpenAI's own: servers that speak its dialect send them, and clients meet them there.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from brownout.dialects.headers import (
    KIND_OF_STATUS,
    retry_after_header,
    retry_after_ms_header,
    retry_after_s,
    unknown_reply,
)
from brownout.wire import HttpReply, Refusal, RefusalKind

_RETRY_MS = "retry-after-ms"
_encode = msgspec.json.encode


class ChatRefusal(Refusal):
    """A refusal that names the parameter at fault, as OpenAI's do.

    Args:
        message: the sentence.
        param: the parameter, as a path (``messages[0].content``); None where no one parameter is at fault.
        code: OpenAI's code; empty for none.
        kind: what class of refusal.
    """

    def __init__(
        self, message: str, *, param: str | None = None, code: str = "", kind: RefusalKind = "invalid"
    ) -> None:
        super().__init__(kind, message, code=code)
        self.param = param


class OpenAiError(msgspec.Struct, frozen=True):
    """A row of the table. ``code`` is what stands in the body: null for some errors, a number for none of OpenAI's."""

    kind: RefusalKind
    status: int
    type: str
    code: str | None
    message: str


_NO_KEY = "You didn't provide an API key."
_HOW_TO_SHOW_A_KEY = (
    "You need to provide your API key in an Authorization header using Bearer auth "
    "(i.e. Authorization: Bearer YOUR_KEY)."
)
_QUOTA = "You exceeded your current quota, please check your plan and billing details."
_SCOPES = "You have insufficient permissions for this operation. Missing scopes: model.request."

_ROWS = (
    OpenAiError("throttled", 429, "requests", "rate_limit_exceeded", "Rate limit reached for requests."),
    OpenAiError("throttled", 429, "tokens", "rate_limit_exceeded", "Rate limit reached for tokens."),
    OpenAiError(
        "throttled",
        429,
        "rate_limit_error",
        "slow_down",
        "Your request rate increased too fast. Slow down, keep a steady rate, then raise it gradually.",
    ),
    OpenAiError("throttled", 429, "insufficient_quota", "insufficient_quota", _QUOTA),
    OpenAiError("throttled", 429, "insufficient_quota", "credit_balance_exhausted", _QUOTA),
    OpenAiError(
        "unavailable", 503, "server_error", "service_unavailable", "The service is temporarily unable to answer."
    ),
    OpenAiError(
        "overloaded",
        503,
        "service_unavailable_error",
        "server_is_overloaded",
        "Our servers are currently overloaded. Please try again later.",
    ),
    # An imitator's, under Anthropic's status.
    OpenAiError("overloaded", 529, "overloaded_error", "overloaded", "The engine is currently overloaded."),
    OpenAiError(
        "internal",
        500,
        "server_error",
        None,
        "The server had an error while processing your request. Sorry about that!",
    ),
    OpenAiError("timeout", 504, "server_error", "timeout", "The request timed out."),
    OpenAiError(
        "timeout", 408, "invalid_request_error", "request_timeout", "The request's body did not arrive in time."
    ),
    OpenAiError(
        "model-error",
        500,
        "model_error",
        None,
        "The model produced invalid content. Consider modifying your prompt if you are seeing this error persistently.",
    ),
    OpenAiError("unauthenticated", 401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    OpenAiError(
        "unauthenticated",
        401,
        "invalid_request_error",
        "ip_not_authorized",
        "Your request's IP address is not authorized for this project.",
    ),
    OpenAiError("denied", 403, "invalid_request_error", "missing_scope", _SCOPES),
    OpenAiError(
        "denied",
        403,
        "request_forbidden",
        "unsupported_country_region_territory",
        "Country, region, or territory not supported",
    ),
    OpenAiError(
        "not-found",
        404,
        "invalid_request_error",
        "model_not_found",
        "The model does not exist or you do not have access to it.",
    ),
    OpenAiError("not-found", 404, "invalid_request_error", "unknown_url", "Unknown request URL."),
    OpenAiError(
        "not-found", 405, "invalid_request_error", "method_not_supported", "The method is not allowed on this URL."
    ),
    OpenAiError("invalid", 400, "invalid_request_error", None, "The request is invalid."),
    OpenAiError(
        "invalid",
        400,
        "invalid_request_error",
        "context_length_exceeded",
        "Your input exceeds the context window of this model. Please adjust your input and try again.",
    ),
    OpenAiError(
        "invalid",
        400,
        "invalid_request_error",
        "content_filter",
        "The response was filtered due to the prompt triggering the content management policy.",
    ),
    OpenAiError(
        "invalid",
        400,
        "invalid_request_error",
        "invalid_prompt",
        "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
    ),
    OpenAiError("invalid", 409, "invalid_request_error", "conflict", "The resource was updated by another request."),
    OpenAiError("invalid", 422, "invalid_request_error", "unprocessable_entity", "The request could not be processed."),
    OpenAiError(
        "too-large", 413, "invalid_request_error", "request_too_large", "The request's body is larger than allowed."
    ),
    OpenAiError("unknown", 520, "unknown_error", "unknown_error", "Something went wrong."),
)
_USUAL: Mapping[RefusalKind, OpenAiError] = {row.kind: row for row in reversed(_ROWS)}
_BY_CODE: Mapping[str, OpenAiError] = {row.code: row for row in reversed(_ROWS) if row.code is not None}
_BY_TYPE: Mapping[str, OpenAiError] = {
    **{row.type: row for row in reversed(_ROWS) if row.type != "invalid_request_error"},
    "server_error": _USUAL["internal"],
    "rate_limit_error": _USUAL["throttled"],
    "invalid_request_error": _USUAL["invalid"],
    "overloaded": _USUAL["throttled"],
    "generation": _USUAL["model-error"],
    "validation": _USUAL["invalid"],
}
"""What a type says when there is no code; some rows are chosen by it (``tokens``), for want of a code of their own."""


_TGI_STATUS = {("throttled", "overloaded"): 429, ("model-error", "generation"): 424, ("invalid", "validation"): 422}
"""TGI's own errors, of one shape: ``{"error": ..., "error_type": ...}`` (``router/src/server.rs``)."""

_ENGINE_DEAD = "EngineDeadError"
"""What vLLM's engine took with it: whole requests get a 500 without a body, streams the sentence as an event of vLLM's
shape (vllm-project/vllm issues 20170 and 12233)."""

ERROR_NAMES = tuple(dict.fromkeys(row.code or row.type for row in _ROWS if row.kind != "unknown"))
"""Every error by the name a caller knows it by: its code, or its type where it has none."""


def error_reply(refusal: Refusal, *, reply_id: str) -> HttpReply:
    """Return OpenAI's error for a refusal; for kind ``unknown``, one of no provider.

    `Refusal.code` chooses among the errors of one kind, by code or by type, those of vLLM and TGI too; a code that is
    in no row goes out as it is, under the kind's usual status.
    """
    if refusal.kind == "unknown":
        return unknown_reply(refusal, reply_id=reply_id)
    headers = {
        "Content-Type": "application/json",
        "x-request-id": request_id(reply_id),
        **retry_after_header(refusal.retry_after_s),
        **retry_after_ms_header(_RETRY_MS, refusal.retry_after_s),
    }
    if refusal.code == _ENGINE_DEAD:
        return HttpReply(status=500, headers=headers)
    status = _TGI_STATUS.get((refusal.kind, refusal.code)) or _row(refusal).status
    return HttpReply(status=status, headers=headers, body=_encode(error_body(refusal)))


def error_body(refusal: Refusal) -> dict[str, Any]:
    """Return the body of the error, which is the same before the 200 and after it."""
    row = _row(refusal)
    message = refusal.message or row.message
    if (refusal.kind, refusal.code) in _TGI_STATUS:
        return {"error": message, "error_type": refusal.code}
    if refusal.code == _ENGINE_DEAD:
        return {"error": {"message": message, "type": "InternalServerError", "param": None, "code": 500}}
    code = row.code
    if message.startswith(_NO_KEY):
        code = None  # nothing was shown that could be invalid
        message = message if len(message) > len(_NO_KEY) else f"{_NO_KEY} {_HOW_TO_SHOW_A_KEY}"
    elif not refusal.message and row.kind == "throttled" and refusal.retry_after_s is not None:
        message = f"{row.message} Please try again in {round(refusal.retry_after_s, 3):g}s."
    param = refusal.param if isinstance(refusal, ChatRefusal) else None
    return {"error": {"message": message, "type": row.type, "param": param, "code": code}}


def request_id(reply_id: str) -> str:
    """Return a reply's id in the form of OpenAI's request ids."""
    return f"req_{reply_id}"


def _row(refusal: Refusal) -> OpenAiError:
    usual = _USUAL[refusal.kind]
    if not refusal.code:
        return usual
    named = _BY_CODE.get(refusal.code) or _BY_TYPE.get(refusal.code)
    if named is not None and named.kind == refusal.kind:
        return named
    return OpenAiError(usual.kind, usual.status, usual.type, refusal.code, usual.message)


# --- the caller's half -------------------------------------------------------------------------------------


class ErrorSaid(msgspec.Struct):
    """An error as it came. vLLM's codes are numbers: HTTP statuses."""

    message: str | None = None
    type: str | None = None
    code: str | int | None = None


class _Body(msgspec.Struct):
    error: ErrorSaid | str | None = None
    error_type: str | None = None


_body_decoder = msgspec.json.Decoder(_Body)


def read_error(reply: HttpReply) -> Refusal:
    """Return the refusal in a reply whose status is not 200; never raises."""
    try:
        body = _body_decoder.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        body = _Body()
    wait_s = retry_after_s(reply.headers)
    return refusal_said(body.error, body.error_type, status=reply.status, retry_after_s=wait_s)


def refusal_said(
    error: ErrorSaid | str | None,
    error_type: str | None = None,
    *,
    status: int | None = None,
    retry_after_s: float | None = None,
) -> Refusal:
    """Return the refusal that an error means. Its code tells most, then the status, then its type.

    Args:
        error: the error as it came; None where none could be read.
        error_type: what TGI says beside the error of what class it is.
        status: the HTTP status; None for an error that came after the 200.
        retry_after_s: when the reply says to come back.
    """
    said = error if isinstance(error, ErrorSaid) else ErrorSaid(message=error, type=error_type)
    code = said.code if said.code is not None else said.type
    return Refusal(
        _kind(said, status),
        said.message or "",
        retry_after_s=retry_after_s,
        status=status,
        code="" if code is None else str(code),
    )


def _kind(said: ErrorSaid, status: int | None) -> RefusalKind:
    named = _BY_CODE.get(str(said.code))
    # One code serves 403 and 404 (`model_not_found`); where they disagree, the status knows which.
    of_status = KIND_OF_STATUS.get(status or 0)
    if named is not None and (status is None or status == named.status or of_status is None):
        return named.kind
    of_type = _BY_TYPE.get(said.type or "")
    if of_type is not None and of_type.kind == "model-error":
        return of_type.kind
    if status is not None:
        return of_status or (named.kind if named is not None else "unknown")
    if isinstance(said.code, int):
        return KIND_OF_STATUS.get(said.code, "unknown")
    if said.code is not None and str(said.code).isdigit():
        return KIND_OF_STATUS.get(int(said.code), "unknown")
    return of_type.kind if of_type is not None else "unknown"
