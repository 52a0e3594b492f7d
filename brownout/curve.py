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


class Knee(msgspec.Struct, frozen=True, kw_only=True):
    """Where an endpoint is full: between two of the loads offered, and no closer than that.

    Attributes:
        holds: the heaviest load at which, as at all lighter ones, all is well; None where none was light enough.
        beyond: the lightest load above it, at which it is not; None where no load was heavy enough.
        slow: whether ``beyond`` is too slow (and not only failing).
        failing: whether too many requests fail there.
    """

    holds: Point | None
    beyond: Point | None
    slow: bool
    failing: bool


FAILING_RATIO = 0.05
"""More errors than these and all is not well; a shared pool refuses one request in a hundred on any day."""

SLOW_TIMES = 5.0
"""All is not well where the 99th percentile of TTFT is this many times that of the lightest load."""


def knee(points: Sequence[Point]) -> Knee:
    """Return where an endpoint is full, by `FAILING_RATIO` and `SLOW_TIMES`.

    Args:
        points: at least one, lightest load first.
    """
    holds: Point | None = None
    for one in points:
        failing, slow = one.error_share > FAILING_RATIO, _slow(one, points[0])
        if failing or slow:
            return Knee(holds=holds, beyond=one, slow=slow, failing=failing)
        holds = one
    return Knee(holds=holds, beyond=None, slow=False, failing=False)


def _slow(one: Point, lightest: Point) -> bool:
    now_s, rest_s = one.ttft_p99_s, lightest.ttft_p99_s
    return now_s is not None and rest_s is not None and now_s > SLOW_TIMES * rest_s


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
