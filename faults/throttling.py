"""throttling: the provider turns requests away by quota."""

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Annotated, Literal, TypeAlias

import msgspec

from brownout.fault import Entry, Exchange, fault
from brownout.wire import Refusal
from faults._refusing import Refusing

Says: TypeAlias = Literal[
    "usual",
    "retry-after",
    "retry-after-date",
    "retry-after-ms",
    "x-amz-retry-after",
    "a-day",
    "negative",
    "nan",
    "garbage",
    "nothing",
]
_TO_NOBODY: Mapping[Says, Mapping[str, str]] = {
    "a-day": {"Retry-After": "86400"},
    "negative": {"Retry-After": "-30"},
    "nan": {"Retry-After": "NaN"},
    "garbage": {"Retry-After": "soon"},
    "nothing": {},
}
"""What nobody can be held to: the evidence has it that no time was said."""


@fault(
    "throttling",
    Entry(
        family="throttling",
        colour="#e67e22",
        sees='Requests are answered by the dialect\'s "too many requests" (429), at once and without any work done.',
        seen=(
            "every on-demand LLM quota, every day",
            (
                "Vertex AI's global Gemini endpoint, 2026-02-27: 429 and 503 as the face of an outage "
                "(https://status.cloud.google.com)"
            ),
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class Throttling(Refusing):
    """Requests are turned away, steadily.

    Attributes:
        retry_after_s: when the provider says to come back, in seconds; null when it does not say.
        says: in which form. ``usual``: the provider's own. ``retry-after``: in whole seconds (RFC 9110, 10.2.3).
            ``retry-after-date``: as a date, by the clock of the reply's own ``Date``. ``retry-after-ms``: in the
            header of milliseconds that OpenAI's and Anthropic's clients read. ``x-amz-retry-after``: in AWS's, which
            botocore reads (it passes over ``Retry-After``). No caller is held to the rest, whatever ``retry_after_s``
            is: ``a-day``: 86400 seconds, which Anthropic's client would wait for and OpenAI's would not; ``negative``,
            ``nan`` and ``garbage``: no time at all; ``nothing``.
    """

    retry_after_s: Annotated[float, msgspec.Meta(ge=0.0)] | None = 2.0
    says: Says = "usual"

    def said(self, exchange: Exchange) -> Refusal:
        """Return the 429."""
        message = "Too many requests, please wait before trying again."
        nonsense = _TO_NOBODY.get(self.says)
        if nonsense is not None:
            return Refusal("throttled", message, headers=nonsense)
        headers = None if self.retry_after_s is None else headers_of(self.says, self.retry_after_s, exchange.utc)
        return Refusal("throttled", message, retry_after_s=self.retry_after_s, headers=headers)


def headers_of(says: Says, retry_after_s: float, utc: dt.datetime) -> Mapping[str, str] | None:
    """Return the headers that say when to come back, rounded so that nobody comes too early; None for the usual ones.

    Args:
        says: one of the forms that a caller can be held to.
        retry_after_s: how long from now.
        utc: the date and time of day.
    """
    if says == "usual":
        return None
    if says == "retry-after":
        return {"Retry-After": str(math.ceil(retry_after_s))}
    if says != "retry-after-date":
        return {says: str(math.ceil(retry_after_s * 1000))}
    until = utc + dt.timedelta(seconds=retry_after_s)
    if until.microsecond:
        until = until.replace(microsecond=0) + dt.timedelta(seconds=1)
    return {"Date": _http_date(utc), "Retry-After": _http_date(until)}


def _http_date(utc: dt.datetime) -> str:
    return format_datetime(utc.replace(microsecond=0), usegmt=True)
