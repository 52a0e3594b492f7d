"""What each provider says when it refuses for want of capacity, and how it counts. One row for each.

The sentences are those seen on the wire: in public issues (Bedrock, Vertex, OpenAI, Anthropic), and in Google's
"Error code 429". Where they name an organisation or a model, a made-up one stands.
"""

import math
from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import msgspec

from brownout.capacity.ledger import Shortage, Unit
from brownout.wire import Refusal, RefusalKind

Provider: TypeAlias = Literal["bedrock", "openai", "anthropic", "vertex"]


class Sentence(msgspec.Struct, frozen=True):
    """One refusal: its kind, the provider's sentence (empty for the usual one), and its code where it has one."""

    kind: RefusalKind
    message: str = ""
    code: str = ""

    def refusal(self, retry_after_s: float | None = None) -> Refusal:
        """Return it as a refusal of one request."""
        return Refusal(self.kind, self.message, retry_after_s=retry_after_s, code=self.code)


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's row.

    Attributes:
        short: the sentence when a quota is used up.
        codes: the code that goes with it, by what is short, where there is another than the usual one.
        full: when the pool shared with everybody is.
        broken: when that pool is far beyond what it can carry.
        crowded: when too many requests are open at once.
        growth: when traffic grew too fast; None where that is not limited.
        says_when: whether a refusal names the time to come back.
        counts_refused: whether a refused request counts towards the quota of requests.
        unbounded_tokens: what is held for an answer that the caller did not bound.
        tiers: the provider's names of the tiers that served, where they are not those asked for.
    """

    short: Callable[[Shortage], str]
    codes: Mapping[Unit, str] = msgspec.field(default_factory=dict)
    full: Sentence
    broken: Sentence
    crowded: Sentence
    growth: Sentence | None = None
    says_when: bool
    counts_refused: bool = False
    unbounded_tokens: int
    tiers: Mapping[str, str] = msgspec.field(default_factory=dict)

    def shortage(self, short: Shortage, *, says_when: bool | None = None) -> Refusal:
        """Return the refusal for want of quota.

        Args:
            short: what there is too little of.
            says_when: whether to name the time to come back; None for the provider's way.
        """
        told = self.says_when if says_when is None else says_when
        retry_after_s = short.wait_s if told else None
        if short.unit == "growth" and self.growth is not None:
            return self.growth.refusal(retry_after_s)
        code = self.codes.get(short.unit, "")
        return Refusal("throttled", self.short(short), retry_after_s=retry_after_s, code=code)


def _bedrock(short: Shortage) -> str:
    what = {"requests": "requests", "tokens-per-day": "tokens per day"}.get(short.unit, "tokens")
    return f"Too many {what}, please wait before trying again."


_OPENAI_UNITS: Mapping[Unit, str] = {
    "requests": "requests per min (RPM)",
    "tokens-per-day": "tokens per day (TPD)",
}


def _openai(short: Shortage) -> str:
    unit = _OPENAI_UNITS.get(short.unit, "tokens per min (TPM)")
    where = f"for this model in organization org-brownout on {unit}: Limit {short.limit}"
    more = "Visit https://platform.openai.com/account/rate-limits to learn more."
    if short.wait_s is None:
        # Seen where one request is greater than the whole quota: no waiting helps.
        rest = f"Requested {short.requested}. The input or output tokens must be reduced in order to run successfully."
        return f"Request too large {where}, {rest} {more}"
    wait = _in_words(short.wait_s)
    used = f"Used {short.used}, Requested {short.requested}. Please try again in {wait}."
    return f"Rate limit reached {where}, {used} {more}"


def _in_words(wait_s: float) -> str:
    """Return a wait as OpenAI writes it: ``174ms``, ``9.816s``, ``1m12.5s``; never less than the wait."""
    wait_ms = math.ceil(round(wait_s * 1000.0, 3))
    if wait_ms < 1000:
        return f"{wait_ms}ms"
    minutes, rest_ms = divmod(wait_ms, 60_000)
    seconds = f"{rest_ms / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{seconds}" if hours else f"{minutes}m{seconds}" if minutes else seconds


_ORGANISATION = "00000000-0000-4000-8000-000000000000"


def _anthropic(short: Shortage) -> str:
    unit = short.unit.replace("tokens-per-day", "tokens").replace("-", " ")
    per = "day" if short.unit == "tokens-per-day" else "minute"
    return (
        f"This request would exceed the rate limit for your organization ({_ORGANISATION}) of "
        f"{short.limit:,} {unit} per {per}. For details, refer to: https://docs.claude.com/en/api/rate-limits. You can "
        "see the response headers for current usage. Please reduce the prompt length or the maximum tokens requested, "
        "or try again later. You may also contact sales at https://www.anthropic.com/contact-sales to discuss your "
        "options for a rate limit increase."
    )


_VERTEX_UNITS: Mapping[Unit, str] = {
    "requests": "requests",
    "tokens": "tokens_per_minute",
    "input-tokens": "input_tokens_per_minute",
    "output-tokens": "output_tokens_per_minute",
    "tokens-per-day": "tokens_per_day",
}


def _vertex(short: Shortage) -> str:
    quota = f"aiplatform.googleapis.com/online_prediction_{_VERTEX_UNITS[short.unit]}_per_base_model"
    return (
        f"Quota exceeded for {quota} with base model: anthropic-claude. Please submit a quota increase request. "
        "https://cloud.google.com/vertex-ai/docs/generative-ai/quotas-genai."
    )


WORDS: Mapping[Provider, Words] = {
    "bedrock": Words(
        short=_bedrock,
        full=Sentence("throttled", "Too many requests, please wait before trying again."),
        broken=Sentence("unavailable", "Bedrock is unable to process your request."),
        crowded=Sentence("overloaded", "Too many connections, please wait before trying again."),
        says_when=False,  # captures of its 429 hold no Retry-After
        unbounded_tokens=64_000,  # AWS: the model's maximum is deducted; this is Claude Sonnet's
    ),
    "openai": Words(
        short=_openai,
        # Both are rate_limit_exceeded; their type tells them apart, which is what this names.
        codes={"tokens": "tokens", "input-tokens": "tokens", "output-tokens": "tokens", "tokens-per-day": "tokens"},
        full=Sentence("overloaded"),
        broken=Sentence("overloaded"),
        crowded=Sentence("overloaded"),
        growth=Sentence(
            "throttled",
            code="slow_down",
        ),
        says_when=True,
        counts_refused=True,  # OpenAI's help: unsuccessful requests contribute to the limit
        unbounded_tokens=0,  # OpenAI's "Rate limits": the caller's max_tokens counts, a model's does not
    ),
    "anthropic": Words(
        short=_anthropic,
        full=Sentence("overloaded", "Overloaded"),
        broken=Sentence("overloaded", "Overloaded"),
        crowded=Sentence("overloaded", "Overloaded"),
        growth=Sentence(
            "throttled",
            f"This request would exceed your organization's ({_ORGANISATION}) maximum usage increase rate for input "
            "tokens per minute. Please scale up your input tokens usage more gradually to stay within the acceleration "
            "limit. For details, refer to: https://docs.claude.com/en/api/rate-limits.",
        ),
        says_when=True,
        unbounded_tokens=64_000,  # cannot happen: the Messages API requires max_tokens
    ),
    "vertex": Words(
        short=_vertex,
        full=Sentence("throttled", "Resource exhausted, please try again later."),
        broken=Sentence("overloaded", "The model is overloaded. Please try again later."),
        crowded=Sentence("throttled", "Resource exhausted, please try again later."),
        says_when=False,
        unbounded_tokens=8_192,
        tiers={
            "default": "ON_DEMAND",
            "priority": "ON_DEMAND_PRIORITY",
            "flex": "ON_DEMAND_FLEX",
            "provisioned": "PROVISIONED_THROUGHPUT",
        },
    ),
}

EXCEEDED = Sentence("throttled", "Too many requests. Exceeded the Provisioned Throughput.")
"""Vertex's answer to a request that must run on Provisioned Throughput and does not fit."""
