"""What stands behind an endpoint's wire, as the endpoint sees it: who gets in, and when each token is due.

A capacity model is pure: it is told the time and draws from the generator it is given, so that one history comes of
one seed on either clock. It is also passive. Where something happens by itself inside it (a decoding step ends, an
instance is up), it says when, and whoever holds it calls `advance` at that instant:

    seat = model.admit(now_s, demand)          Refusal: not let in
    seat.token_due_s(n)                        when token n is due; None: not known before some later `advance`
    seat.failure                               raised in place of the first token that is not due any more
    model.release(now_s, seat, output_tokens)  once for each seat, however it ended

Refusals and slowness come out of load alone; faults turn a model's own screws (`GpuPool.lose_rank`) and nothing else.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping
from typing import Protocol

import msgspec

from brownout.wire import Meter


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """One request as a capacity model sees it.

    Attributes:
        prompt_tokens: the prompt's length.
        output_tokens: how many tokens the answer will have; a model of a GPU knows it no sooner than the GPU would.
        max_tokens: the bound the caller set on the answer; None when it set none, which quotas hold against it.
        tier: the service tier or request type the caller asked for, in the provider's word; empty for none.
    """

    prompt_tokens: int
    output_tokens: int
    max_tokens: int | None = None
    tier: str = ""


class Seat(Protocol):
    """An admitted request.

    Attributes:
        tier: what serves it, in the provider's word (``default``, ``PROVISIONED_THROUGHPUT``); empty where the
            model has no tiers.
        failure: why no more tokens come (a `Refusal`, or a `Cut`: the connection breaks); None while they do.
    """

    tier: str
    failure: Exception | None

    def token_due_s(self, index: int) -> float | None:
        """Return when a token (0 is the first) is due; None when that is not known yet, or will never be."""
        ...


def made_by(seat: Seat, now_s: float, total: int) -> int:
    """Return how many of an answer's ``total`` tokens were due by now."""

    def due_s(index: int) -> float:
        due = seat.token_due_s(index)
        return math.inf if due is None else due

    return bisect_right(range(total), now_s, key=due_s)


class CapacityModel(Protocol):
    """A model of what one endpoint can carry. Times never run backwards."""

    @property
    def listening(self) -> bool:
        """Whether connections are accepted at all; a server process that died has none."""
        ...

    def admit(self, now_s: float, demand: Demand) -> Seat:
        """Let a request in, or not.

        Raises:
            Refusal: in the kind, sentence and ``code`` of the provider.
            Cut: the connection is closed without an answer.
        """
        ...

    def release(self, now_s: float, seat: Seat, output_tokens: int) -> None:
        """Give a seat back, with the number of tokens its caller got: the end, a caller who left, or a failure."""
        ...

    def wakes_at_s(self) -> float | None:
        """Return when something happens next by itself; None when nothing does."""
        ...

    def advance(self, now_s: float) -> list[Seat]:
        """Let all that is due by now happen, and return the seats that have news (tokens, or a failure)."""
        ...

    def standing(self, now_s: float) -> Mapping[str, Meter]:
        """Return what is left of the caller's quotas, by name (see `brownout.wire.Meter`); empty for none."""
        ...
