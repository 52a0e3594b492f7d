"""How a router asks again: how often for one request, in what rhythm, and what it had better not have asked again."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from brownout.evidence import ProviderRecord
from brownout.intervals import Share
from brownout.metrics.base import NoEvidence, Observation, View, metric, need, some

REJECTED = ("invalid", "too-large")
"""Refusals that are about what the request says: whoever is asked says the same, however often."""

_FAILURES_MIN = 5
_WAITED_S = 0.1  # what comes sooner was not waited for: it is the way there and back, or an SDK's first retry
_EQUAL = 0.02
_STEP = 0.2  # with any jitter worth the name, far fewer waits are all but equal by chance
_HERD_MIN = 3


@metric("attempts_per_request_max", "count")
def attempts_per_request_max(view: View) -> Observation:
    """The most attempts that endpoints received for one request, whoever made them: the router, or its SDKs unasked."""
    need(view.client, 1, "requests in the window")
    attempts = {r.canary: len(view.history.by_canary.get(r.canary, ())) for r in view.client}
    failed = [r for canary in attempts for r in view.history.by_canary.get(canary, ()) if r.outcome != "ok"]
    if not failed:
        raise NoEvidence("no attempt of these requests failed at an endpoint, so there was nothing to try again")
    most = max(attempts.values())
    worst = [canary for canary, count in attempts.items() if count == most]
    return Observation(
        value=most,
        samples=len(attempts),
        witnesses=some(worst),
        why=f"{len(worst)} of {len(attempts)} requests had {most} attempts each, the others fewer",
    )


@metric("retries_in_step_ratio", "ratio")
def retries_in_step_ratio(view: View) -> Observation:
    """Of the retries that waited before they asked the same endpoint again, the share whose waits are all but equal.

    Callers that fail together and wait equally long come back together, and bring the endpoint down again (Brooker,
    "Exponential Backoff and Jitter", AWS Architecture Blog, 2015). A wait is in step if at least a fifth of all waits,
    and three of them, are within 2 % of one another. What an endpoint's own Retry-After asked for does not count, nor
    what was asked again at once.
    """
    asked = {r.canary for r in view.client}
    failed = [r for r in view.attempts if r.canary in asked and r.outcome != "ok"]
    need(failed, _FAILURES_MIN, "failed attempts in the window that could have been made again")
    waits = sorted(
        (again.arrived_s - before.end_s, again.canary or "")
        for canary in asked
        for before, again in _again(view.history.by_canary.get(canary, ()))
        if before.retry_after_s is None and again.arrived_s - before.end_s >= _WAITED_S
    )
    if len(waits) < _HERD_MIN:
        why = (
            f"of {len(failed)} failed attempts, {len(waits)} were made again at the same endpoint after a wait: no herd"
        )
        return Observation(value=0.0, samples=len(failed), why=why)
    crowd = max(_STEP * len(waits), _HERD_MIN)
    in_step = _in_step(waits, crowd)
    return Observation(
        value=len(in_step) / len(waits),
        samples=len(waits),
        sample=Share(len(in_step), len(waits)),
        witnesses=some(in_step),
        why=f"{len(waits)} retries waited {waits[0][0]:.2f} to {waits[-1][0]:.2f} s before they asked the same "
        f"endpoint again; {len(in_step)} of them in step, in bands of {crowd:.0f} or more",
    )


@metric("nonretryable_retries", "count", stands_alone=True)
def nonretryable_retries(view: View) -> Observation:
    """Attempts made after an endpoint had rejected the same request for what it says, at whichever endpoint."""
    asked = dict.fromkeys(r.canary or "" for r in view.attempts)
    made = {canary: view.history.by_canary[canary] for canary in asked if canary in view.history.by_canary}
    rejected = {canary: place for canary, tries in made.items() if (place := _first_rejected(tries)) is not None}
    if not rejected:
        raise NoEvidence("no endpoint rejected a request for what it says")
    again = [
        canary
        for canary, place in rejected.items()
        for later in made[canary][place + 1 :]
        if later.arrived_s >= made[canary][place].end_s  # what had left before the rejection came is no retry
    ]
    return Observation(
        value=len(again),
        samples=len(rejected),
        witnesses=some(again),
        why=f"{len(rejected)} requests were rejected for what they say; {len(again)} attempts followed",
    )


@metric("retried_streams", "count", stands_alone=True)
def retried_streams(view: View) -> Observation:
    """Attempts made for a stream that had broken when its client had its first token already.

    What the client has cannot be taken back: another attempt can only be joined to it, or wasted.
    """
    broken, again = 0, []
    for record in view.client:
        if record.stream and record.first_token_s is not None:
            made = view.history.by_canary.get(record.canary, ())
            broken += any(r.first_token_s is not None and r.outcome in ("cut", "refused") for r in made)
            given_up_s = min(
                (r.end_s for r in made if r.first_token_s is not None and r.outcome != "ok"), default=math.inf
            )
            again += [r.canary for r in made if r.arrived_s >= max(given_up_s, record.first_token_s)]
    if not broken and not again:
        raise NoEvidence("no stream broke at an endpoint after its client had begun to read")
    return Observation(
        value=len(again),
        samples=broken,
        witnesses=some(again),
        why=f"{broken} streams broke after their clients had begun to read; {len(again)} attempts were made then",
    )


def _first_rejected(attempts: Sequence[ProviderRecord]) -> int | None:
    rejected = (place for place, r in enumerate(attempts) if r.outcome == "refused" and r.refusal in REJECTED)
    return next(rejected, None)


def _again(attempts: Sequence[ProviderRecord]) -> Iterator[tuple[ProviderRecord, ProviderRecord]]:
    """Yield each failed attempt with the next, where that came after it had failed and to the same endpoint.

    Who has asked elsewhere meanwhile has not waited, but was kept waiting there.
    """
    for before, again in pairwise(attempts):
        if before.endpoint == again.endpoint and before.outcome != "ok" and again.arrived_s >= before.end_s:
            yield before, again


def _in_step(waits: Sequence[tuple[float, str]], crowd: float) -> list[str]:
    """Return whose waits, in order of length, lie in a band that is as narrow as `_EQUAL` and holds a crowd."""
    held = [False] * len(waits)
    end = 0
    for start, (shortest_s, _) in enumerate(waits):
        while end < len(waits) and waits[end][0] <= shortest_s * (1 + _EQUAL):
            end += 1
        if end - start >= crowd:
            held[start:end] = [True] * (end - start)
    return [canary for (_, canary), in_band in zip(waits, held, strict=True) if in_band]
