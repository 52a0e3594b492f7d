"""Load curves: what one endpoint's callers get when so many requests a second are offered. Plain data."""

import math
from collections import Counter
from collections.abc import Sequence

import msgspec


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a load curve: what its caller got.

    ``error`` is empty for a whole answer, and else the provider's own name for what came instead (its ``code``), or
    brownout's kind of refusal. ``ttft_s`` is None where no token came.
    """

    due_s: float
    end_s: float
    ttft_s: float | None = None
    tokens: int = 0
    error: str = ""


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One offered load and what came of it.

    Shares and TTFT are of the requests that were due in the window judged; ``served_rps`` and ``output_tokens_per_s``
    count the answers that ended in it.
    """

    offered_rps: float
    requests: int
    served_rps: float
    output_tokens_per_s: float
    ttft_p50_s: float | None
    ttft_p99_s: float | None
    error_share: float
    errors: dict[str, int]


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint under rising load. ``capacity`` is the kind of its capacity model."""

    endpoint: str
    capacity: str
    dialect: str
    points: list[Point]


def point(offered_rps: float, replies: Sequence[Reply], *, from_s: float, until_s: float) -> Point:
    """Return what the requests due within a window say of an offered load.

    Args:
        offered_rps: the arrival rate.
        replies: every request's outcome.
        from_s: the window's beginning: what came before found the endpoint not yet in its stride.
        until_s: the window's end.
    """
    judged = [reply for reply in replies if from_s <= reply.due_s < until_s]
    served = [reply for reply in judged if not reply.error]
    span_s = until_s - from_s
    ended = [reply for reply in replies if from_s <= reply.end_s < until_s and not reply.error]
    ttfts_s = sorted(reply.ttft_s for reply in served if reply.ttft_s is not None)
    return Point(
        offered_rps=offered_rps,
        requests=len(judged),
        served_rps=len(ended) / span_s,
        output_tokens_per_s=sum(reply.tokens for reply in ended) / span_s,
        ttft_p50_s=_quantile(ttfts_s, 0.5),
        ttft_p99_s=_quantile(ttfts_s, 0.99),
        error_share=1 - len(served) / len(judged) if judged else 0.0,
        errors=dict(sorted(Counter(reply.error for reply in judged if reply.error).items())),
    )


def _quantile(ranked: Sequence[float], share: float) -> float | None:
    """Return the smallest value that at least this share of them do not exceed."""
    return ranked[max(math.ceil(share * len(ranked)) - 1, 0)] if ranked else None
