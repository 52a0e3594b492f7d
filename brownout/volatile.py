"""What differs from one play to the next though nothing was leaked: the fields that the two-run check leaves out.

Each is a channel that the check does not watch in real time, so each has its reason. In virtual time one seed makes one
history, and nothing is left out but the machine's own date.
"""

import re
from typing import Literal, NamedTuple, TypeAlias

Where: TypeAlias = Literal["request header", "request query", "request form", "reply header", "reply member"]


class Volatile(NamedTuple):
    """A field of a message, by where it stands and its name (in lower case), and why it is left out.

    ``ever``: in virtual time, too.
    """

    where: Where
    name: str
    why: str
    ever: bool = False


_DATED = "a signature's date, and what was signed with it"
_GRANTED = "a credential as it was given out: another one each time"
_SIGNED = "a token of the caller's own, with its date"
_COUNTED = "follows from the body, where it is looked at"
_TRACED = "names the trace or span, drawn by chance"
_NUMBERED = "names the request, drawn by chance or counted"

VOLATILE: tuple[Volatile, ...] = (
    Volatile("request header", "host", "bears a port, which each world has its own of"),
    Volatile("request header", "authorization", f"{_DATED} (SigV4); {_GRANTED} (OAuth)"),
    Volatile("request header", "x-amz-date", _DATED),
    Volatile("request header", "x-amz-security-token", _GRANTED),
    Volatile("request header", "x-amz-user-agent", "may hold the SDK's retry state"),
    Volatile("request header", "amz-sdk-invocation-id", _NUMBERED),
    Volatile("request header", "amz-sdk-request", "holds the attempt's number, its time to live and the clock's skew"),
    Volatile("request header", "x-aws-ec2-metadata-token", _GRANTED),
    Volatile("request header", "x-goog-api-client", "holds how and when the token was had"),
    Volatile("request header", "date", "the machine's date"),
    Volatile("request header", "traceparent", _TRACED),
    Volatile("request header", "tracestate", _TRACED),
    Volatile("request header", "baggage", _TRACED),
    Volatile("request header", "x-amzn-trace-id", _TRACED),
    Volatile("request header", "x-cloud-trace-context", _TRACED),
    Volatile("request header", "x-b3-traceid", _TRACED),
    Volatile("request header", "x-b3-spanid", _TRACED),
    Volatile("request header", "x-request-id", _NUMBERED),
    Volatile("request header", "x-correlation-id", _NUMBERED),
    Volatile("request header", "idempotency-key", _NUMBERED),
    Volatile("request header", "x-envoy-expected-rq-timeout-ms", "what is left of the time allowed"),
    Volatile("request header", "x-stainless-retry-count", "the attempt's number"),
    Volatile("request header", "content-length", _COUNTED),
    Volatile("request query", "x-amz-date", _DATED),
    Volatile("request query", "x-amz-signature", _DATED),
    Volatile("request query", "x-amz-credential", _GRANTED),
    Volatile("request query", "x-amz-security-token", _GRANTED),
    Volatile("request form", "subject_token", f"{_GRANTED}, or a signed request, with its date"),
    Volatile("request form", "assertion", _SIGNED),
    Volatile("request form", "client_assertion", _SIGNED),
    Volatile("request form", "webidentitytoken", _GRANTED),
    Volatile("request form", "rolesessionname", "SDKs name sessions by the machine's date"),
    Volatile("reply header", "content-length", _COUNTED),
    Volatile("reply header", "date", "the machine's date, which the HTTP server writes itself", ever=True),
    Volatile("reply header", "x-request-id", _NUMBERED),
    Volatile("reply header", "request-id", _NUMBERED),
    Volatile("reply header", "openai-processing-ms", "a duration"),
    Volatile("reply header", "x-envoy-upstream-service-time", "a duration"),
    Volatile("reply header", "retry-after", "counts down"),
    Volatile("reply member", "id", _NUMBERED),
    Volatile("reply member", "created", "the machine's date"),
    Volatile("reply member", "request_id", _NUMBERED),
    Volatile("reply member", "system_fingerprint", "names the process that answered"),
)
"""The allow-list. `docs/interference.md` has it as a table."""


def _names(where: Where) -> bytes:
    return "|".join(re.escape(one.name) for one in VOLATILE if one.where == where).encode()


_MEMBER = re.compile(rb'("(?:%b)"\s*:\s*)("(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*)' % _names("reply member"))
_FORM = re.compile(rb"[\w.~%+*-]+=[\w.~%+*-]*(?:&[\w.~%+*-]+=[\w.~%+*-]*)*")
_FIELD = re.compile(rb"((?:^|&)(?:%b)=)[^&]*" % _names("request form"), re.IGNORECASE)
_PARTS = {
    (kind, f"{word} {one.name}"): one
    for one in VOLATILE
    for kind, _, word in [one.where.partition(" ")]
    if word in ("header", "query")
}


def is_volatile(kind: str, part: str, *, virtual: bool) -> bool:
    """Return whether a part of a request or reply (``header date``) is left out; in virtual time hardly any is."""
    known = _PARTS.get((kind, part))
    return known is not None and (known.ever or not virtual)


def without_volatile_members(kind: str, body: bytes) -> bytes:
    """Return a body with the values of its volatile members emptied: of a reply, or of a request that is a form.

    JSON is not parsed: a stream has it in pieces, and a pattern finds the members of both.
    """
    if kind == "reply":
        return _MEMBER.sub(rb"\1", body)
    return _FIELD.sub(rb"\1", body) if _FORM.fullmatch(body) else body
