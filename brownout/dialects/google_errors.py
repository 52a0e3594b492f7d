"""Google's errors: ``google.rpc.Status`` in JSON, its details, and what Vertex AI says for each row.

Codes and statuses follow ``google.rpc.Code`` and the public page "API errors" of the generative models on Vertex AI;
reasons of ``ErrorInfo`` are those that Google's front end gives about credentials.
"""

import html
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from brownout.dialects.headers import KIND_OF_STATUS, retry_after_header, retry_after_s, unknown_reply
from brownout.dialects.rejections import GOOGLE, worded
from brownout.wire import HttpReply, Refusal, RefusalKind

JSON_TYPE = "application/json; charset=UTF-8"
"""The content type of every reply that is not an event stream."""

_NO_SUCH_URL = "no-such-url"
_TYPE = "type.googleapis.com/google.rpc."
_SERVICE = "aiplatform.googleapis.com"
_TOO_LARGE = "Request payload size exceeds the limit"
_MISSING = "Request is missing required authentication credential."
_DENIED = re.compile(r"Permission '(?P<permission>[^']+)' denied on resource(?: '(?P<resource>[^']+)')?")
_CREDENTIAL_ADVICE = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)


class GoogleError(msgspec.Struct, frozen=True):
    """A row of the error table. ``reason`` is an ``ErrorInfo``'s, for errors that have one."""

    kind: RefusalKind
    status: str
    code: int
    message: str
    reason: str = ""


_ROWS = (
    GoogleError("throttled", "RESOURCE_EXHAUSTED", 429, "Resource exhausted, please try again later."),
    GoogleError("unavailable", "UNAVAILABLE", 503, "The service is currently unavailable."),
    GoogleError("overloaded", "UNAVAILABLE", 503, "The model is overloaded. Please try again later."),
    GoogleError("internal", "INTERNAL", 500, "Internal error encountered."),
    GoogleError("model-error", "UNKNOWN", 500, "Unknown error in a dependency of the model."),
    GoogleError("timeout", "DEADLINE_EXCEEDED", 504, "Deadline expired before operation could complete."),
    GoogleError("timeout", "CANCELLED", 499, "The operation was cancelled."),
    GoogleError(
        "unauthenticated",
        "UNAUTHENTICATED",
        401,
        f"Request had invalid authentication credentials. {_CREDENTIAL_ADVICE}",
        "ACCESS_TOKEN_TYPE_UNSUPPORTED",
    ),
    GoogleError(
        "denied",
        "PERMISSION_DENIED",
        403,
        "Permission 'aiplatform.endpoints.predict' denied on resource (or it may not exist).",
        "IAM_PERMISSION_DENIED",
    ),
    GoogleError(
        "not-found", "NOT_FOUND", 404, "Publisher Model was not found or your project does not have access to it."
    ),
    GoogleError("invalid", "INVALID_ARGUMENT", 400, "Request contains an invalid argument."),
    GoogleError("invalid", "FAILED_PRECONDITION", 400, "The request cannot be executed in the current system state."),
    GoogleError("invalid", "OUT_OF_RANGE", 400, "The request is out of range."),
    GoogleError("too-large", "INVALID_ARGUMENT", 400, f"{_TOO_LARGE}: 33554432 bytes."),
    GoogleError("unknown", "DATA_LOSS", 520, "Something went wrong."),
)
_REASONS = (
    GoogleError(
        "unauthenticated",
        "UNAUTHENTICATED",
        401,
        f"Request had invalid authentication credentials. {_CREDENTIAL_ADVICE}",
        "ACCESS_TOKEN_EXPIRED",
    ),
    GoogleError(
        "unauthenticated",
        "UNAUTHENTICATED",
        401,
        f"{_MISSING} {_CREDENTIAL_ADVICE}",
        "CREDENTIALS_MISSING",
    ),
    GoogleError(
        "denied",
        "PERMISSION_DENIED",
        403,
        "Vertex AI API has not been used in this project before or it is disabled.",
        "SERVICE_DISABLED",
    ),
    GoogleError(
        "denied",
        "PERMISSION_DENIED",
        403,
        "Request had insufficient authentication scopes.",
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
    ),
)
_usual: dict[RefusalKind, GoogleError] = {row.kind: row for row in reversed(_ROWS)}
_coded = {row.status: row for row in reversed(_ROWS)} | {row.reason: row for row in _REASONS}
_coded["generation"] = _coded["FAILED_PRECONDITION"]
"""Where others have a 424 for a model that fails (TGI's word for it), Google has this one's 400."""

# --- the endpoint's half -----------------------------------------------------------------------------------


def no_such_url(path: str) -> Refusal:
    """Return the refusal of what is no call at all: Google's front end knows no API there, and answers with a page.

    Status, headers and sentences are those of public captures of it.
    """
    page = (
        "<!DOCTYPE html>\n<html lang=en>\n  <meta charset=utf-8>\n  <title>Error 404 (Not Found)!!1</title>\n"
        "  <p><b>404.</b> <ins>That\u2019s an error.</ins>\n"
        f"  <p>The requested URL <code>{html.escape(path)}</code> was not found on this server.  "
        "<ins>That\u2019s all we know.</ins>\n"
    )
    return Refusal("not-found", page, code=_NO_SUCH_URL)


def row_of(refusal: Refusal) -> GoogleError:
    """Return the row of a refusal: its code names a status or a reason, else it is its kind's usual one."""
    usual = _usual[refusal.kind]
    if refusal.kind == "unauthenticated" and refusal.message.startswith(_MISSING):
        return _coded["CREDENTIALS_MISSING"]
    return usual if refusal.code in {"", usual.status, usual.reason} else _coded.get(refusal.code, usual)


def status_body(refusal: Refusal) -> dict[str, Any]:
    """Return ``{"error": Status}`` for a refusal, with the details that Google gives for it."""
    row = row_of(refusal)
    message = refusal.message or row.message
    error: dict[str, Any] = {"code": row.code, "message": message, "status": row.status}
    details = _details(row, refusal, message)
    if details:
        error["details"] = details
    return {"error": error}


def error_reply(refusal: Refusal, *, reply_id: str) -> HttpReply:
    """Return Google's error for a refusal; for kind ``unknown``, one of no service."""
    if refusal.kind == "unknown":
        return unknown_reply(refusal, reply_id=reply_id)
    if refusal.code == _NO_SUCH_URL:
        headers = {"Content-Type": "text/html; charset=UTF-8", "Referrer-Policy": "no-referrer"}
        return HttpReply(status=404, headers=headers, body=refusal.message.encode())
    headers = {"Content-Type": JSON_TYPE, **retry_after_header(refusal.retry_after_s)}
    refusal = worded(refusal, GOOGLE)
    row = row_of(refusal)
    if row.code == 401:
        hint = "" if row.reason == "CREDENTIALS_MISSING" else ', error="invalid_token"'
        headers["WWW-Authenticate"] = f'Bearer realm="https://accounts.google.com/"{hint}'
    return HttpReply(status=row.code, headers=headers, body=msgspec.json.encode(status_body(refusal)))


def _details(row: GoogleError, refusal: Refusal, message: str) -> list[dict[str, Any]]:
    details: list[dict[str, Any]] = []
    if row.reason:
        details.append(
            {
                "@type": f"{_TYPE}ErrorInfo",
                "reason": row.reason,
                "domain": _SERVICE if row.code == 403 else "googleapis.com",
                "metadata": _metadata(row, message),
            }
        )
    if row.status == "INVALID_ARGUMENT":
        violations = _violations(message)
        if violations:
            details.append({"@type": f"{_TYPE}BadRequest", "fieldViolations": violations})
    if refusal.retry_after_s is not None and refusal.headers is None:  # else it is said in some other way
        details.append({"@type": f"{_TYPE}RetryInfo", "retryDelay": f"{refusal.retry_after_s:.6f}s"})
    return details


def _metadata(row: GoogleError, message: str) -> dict[str, str]:
    denied = _DENIED.match(message)
    if row.reason != "IAM_PERMISSION_DENIED" or denied is None:
        return {"service": _SERVICE}
    return {name: value for name, value in denied.groupdict().items() if value}


def _violations(message: str) -> list[dict[str, str]]:
    """Return the fields that a message of Google's front end is about, with what it says of each."""
    listed = re.findall(r"\t[0-9]+\.Field: ([^;]+); Message: ([^\t]+)", message)
    if listed:
        return [{"field": field, "description": found} for field, found in listed]
    # The JSON parser's sentences stand in a line each; the field stands after "at".
    lines = [line for line in message.split("\n") if line.startswith("Invalid ")]
    places = [re.search(r" at '([^']+)'", line) for line in lines]
    return [
        {**({"field": place[1]} if place else {}), "description": line}
        for line, place in zip(lines, places, strict=True)
    ]


# --- the caller's half -------------------------------------------------------------------------------------


class Status(msgspec.Struct):
    """``google.rpc.Status`` as it comes; members of another type make it no status."""

    code: int | None = None
    message: str = ""
    status: str = ""
    details: list[dict[str, Any]] = msgspec.field(default_factory=list)


class _Body(msgspec.Struct):
    error: Status


_body_decoder = msgspec.json.Decoder(_Body | list[_Body])


def read_error(reply: HttpReply) -> Refusal:
    """Return the refusal in a reply whose status is not 200; never raises.

    A stream that is a JSON array begins with its error where it has nothing else, so an array is read too.
    """
    wait_s = retry_after_s(reply.headers)
    fallback = KIND_OF_STATUS.get(reply.status, "unknown")
    try:
        body = _body_decoder.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Refusal(fallback, retry_after_s=wait_s, status=reply.status)
    if isinstance(body, list):
        if not body:
            return Refusal(fallback, retry_after_s=wait_s, status=reply.status)
        body = body[0]
    made = refusal_of(body.error, fallback)
    wait_s = wait_s if made.retry_after_s is None else made.retry_after_s
    return Refusal(made.kind, made.message, retry_after_s=wait_s, status=reply.status, code=made.code)


def refusal_of(error: Status, fallback: RefusalKind = "unknown") -> Refusal:
    """Return the refusal in a status, wherever it came; ``fallback`` is the kind of a status with no known name."""
    row = _coded.get(error.status)
    kind = fallback if row is None else row.kind
    # Google has one status for each of these pairs, and differs in the sentence only.
    if kind == "unavailable" and "overloaded" in error.message:
        kind = "overloaded"
    elif kind == "invalid" and error.message.startswith(_TOO_LARGE):
        kind = "too-large"
    return Refusal(kind, error.message, retry_after_s=_retry_delay_s(error.details), code=error.status)


def _retry_delay_s(details: Iterable[Mapping[str, Any]]) -> float | None:
    for detail in details:
        delay = detail.get("retryDelay")
        if detail.get("@type") == f"{_TYPE}RetryInfo" and isinstance(delay, str):
            match = re.fullmatch(r"(\d+(?:\.\d+)?)s", delay)
            return float(match[1]) if match else None
    return None
