"""What the dialects share about HTTP: headers in any case, when to come back, what a bare status means."""

import email.utils
import math
from collections.abc import Mapping

from brownout.wire import HttpReply, Refusal, RefusalKind

UNKNOWN_STATUS = 520
"""The status under which an endpoint sends a refusal of kind ``unknown``: no provider documents it."""

KIND_OF_STATUS: Mapping[int, RefusalKind] = {
    400: "invalid",
    401: "unauthenticated",
    403: "denied",
    404: "not-found",
    405: "not-found",
    408: "timeout",
    413: "too-large",
    422: "invalid",
    424: "model-error",
    429: "throttled",
    500: "internal",
    502: "unavailable",
    503: "unavailable",
    504: "timeout",
    529: "overloaded",
}
"""What a status says when the body does not (RFC 9110; 424 is SageMaker's and Bedrock's, 529 Anthropic's)."""


_IN_MS = ("retry-after-ms", "x-amz-retry-after")
"""When to come back, in milliseconds: as OpenAI, Azure and Anthropic say it, and as AWS does."""


def header(headers: Mapping[str, str], name: str) -> str | None:
    """Return a header's value whatever the case of its name; None when it is absent.

    Args:
        headers: the headers as they came.
        name: the header's name in lower case.
    """
    value = headers.get(name)
    if value is not None:
        return value
    for key, candidate in headers.items():
        if key.lower() == name:
            return candidate
    return None


def retry_after_header(retry_after_s: float | None) -> dict[str, str]:
    """Return ``Retry-After`` in whole seconds, rounded up so that nobody comes back too early (RFC 9110, 10.2.3)."""
    return {} if retry_after_s is None else {"Retry-After": str(math.ceil(round(retry_after_s, 6)))}


def retry_after_ms_header(name: str, retry_after_s: float | None) -> dict[str, str]:
    """Return a vendor's header that says the same in whole milliseconds, rounded up."""
    return {} if retry_after_s is None else {name: str(math.ceil(round(retry_after_s * 1000, 3)))}


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return when a reply says to come back, in seconds; None when it does not, or says it illegibly.

    Every vendor's header is understood, whoever sends it: gateways pass on what they got. One in milliseconds wins,
    because it is the more precise.

    Args:
        headers: the reply's headers.
    """
    for name in _IN_MS:
        in_ms = _amount(header(headers, name))
        if in_ms is not None:
            return in_ms / 1000
    plain = header(headers, "retry-after")
    in_s = _amount(plain)
    return _until(plain, header(headers, "date")) if in_s is None else in_s


def _amount(text: str | None) -> float | None:
    try:
        amount = float(text or "")
    except ValueError:
        return None
    return amount if math.isfinite(amount) and amount >= 0 else None


def _until(when: str | None, now: str | None) -> float | None:
    """Return the seconds between two HTTP dates: the server's own clock settles what its date means."""
    if not when or not now:
        return None
    try:
        span = email.utils.parsedate_to_datetime(when) - email.utils.parsedate_to_datetime(now)
    except (TypeError, ValueError):
        return None
    return max(span.total_seconds(), 0.0)


class StrangeRefusal(Refusal):
    """A refusal of kind ``unknown`` that looks like this and no other.

    Args:
        status: the HTTP status.
        content_type: what the body says it is.
        body: the whole of it.
    """

    def __init__(self, status: int, content_type: str, body: str) -> None:
        super().__init__("unknown", status=status)
        self.content_type = content_type
        self.body = body


def unknown_reply(refusal: Refusal, *, reply_id: str) -> HttpReply:
    """Return the error of no dialect: what a broken middlebox sends, and what a caller must not guess at."""
    if isinstance(refusal, StrangeRefusal):
        headers = {"Content-Type": refusal.content_type, "X-Request-Id": reply_id}
        return HttpReply(status=refusal.status or UNKNOWN_STATUS, headers=headers, body=refusal.body.encode())
    text = refusal.message or "The origin sent something unexpected."
    body = f"<html><head><title>520</title></head><body>{text}</body></html>".encode()
    return HttpReply(
        status=UNKNOWN_STATUS,
        headers={"Content-Type": "text/html", "X-Request-Id": reply_id, **retry_after_header(refusal.retry_after_s)},
        body=body,
    )
