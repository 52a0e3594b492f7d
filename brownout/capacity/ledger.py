"""Several quotas that one request is held against: reserved at the start, adjusted meanwhile, settled at the end.

The order of things is Amazon Bedrock's ("How tokens are counted in Amazon Bedrock") and fits the others: at the start
the prompt and a bound on the answer are deducted; while it generates the deduction is adjusted periodically; at the
end the prompt and the answer, each of its tokens times the burndown, remain charged and the rest is replenished.

How it is adjusted AWS does not say. Here each token generated so far, by the seat's own schedule, is charged at its
burndown, and each that may still come is held once. With a burndown of 1 nothing changes before the end; with 5 a
long answer uses more and more, and may use more than was reserved.
"""

import heapq
import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from brownout.capacity.core import Seat, made_by
from brownout.capacity.window import Quota
from brownout.wire import Meter

Unit: TypeAlias = Literal["requests", "tokens", "input-tokens", "output-tokens", "tokens-per-day", "growth"]

_METERS: Mapping[Unit, str] = {
    "requests": "requests",
    "tokens": "tokens",
    "input-tokens": "input-tokens",
    "output-tokens": "output-tokens",
    "tokens-per-day": "tokens",
}
"""What callers are told of; how fast traffic may grow is told by no provider."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One quota and what counts towards it.

    Attributes:
        unit: what it counts.
        quota: the quota.
        requests: what each request counts, whatever its length.
        inputs: what each token of the prompt counts.
        outputs: what each token of the answer counts once it is generated (the burndown); 0 for not at all.
    """

    unit: Unit
    quota: Quota
    requests: float = 0.0
    inputs: float = 0.0
    outputs: float = 0.0

    def charge(self, prompt: int, made: int, to_come: int) -> float:
        """Return what a request counts: its prompt, the tokens made, and those held for it, each once."""
        held = to_come if self.outputs else 0
        return self.requests + self.inputs * prompt + self.outputs * made + held


class Shortage(NamedTuple):
    """Why a request does not fit, and when it would; ``wait_s`` is None when it never will."""

    unit: Unit
    limit: int
    used: int
    requested: int
    wait_s: float | None


class Hold:
    """What one open request has taken of each account.

    Attributes:
        taken: by account, in the ledger's order; never negative.
    """

    __slots__ = ("opened_s", "prompt", "reserved", "seat", "settled", "taken", "total")

    def __init__(self, now_s: float, prompt: int, reserved: int, accounts: int) -> None:
        self.opened_s = now_s
        self.prompt = prompt
        self.reserved = reserved
        self.taken = [0.0] * accounts
        self.settled = False
        self.seat: Seat | None = None
        self.total = 0


class Ledger:
    """The accounts of one caller at one endpoint. Times never run backwards.

    Args:
        accounts: what requests are held against; a request gets in when it fits all.
        adjust_every_s: how often an open request's charge is adjusted; None for at its end only.
    """

    def __init__(self, accounts: Sequence[Account], *, adjust_every_s: float | None = None) -> None:
        self.accounts = tuple(accounts)
        self._every_s = adjust_every_s
        self._due: list[tuple[float, int, Hold]] = []
        self._serial = 0

    def shortage(self, now_s: float, prompt: int, reserve: int) -> Shortage | None:
        """Return what a request must wait for the longest; None when it fits.

        Args:
            now_s: the time.
            prompt: its tokens.
            reserve: the tokens held for its answer.
        """
        self._catch_up(now_s)
        worst: Shortage | None = None
        for account in self.accounts:
            # Where nothing is reserved, still nobody gets in once the quota is used up.
            amount = max(account.charge(prompt, 0, reserve), 1.0)
            wait_s = account.quota.wait_s(now_s, amount)
            if wait_s == 0.0 or (wait_s is not None and worst is not None and wait_s <= (worst.wait_s or 0.0)):
                continue
            used = math.ceil(account.quota.used(now_s))
            worst = Shortage(account.unit, math.floor(account.quota.limit), used, math.ceil(amount), wait_s)
            if wait_s is None:
                break
        return worst

    def fits_whole(self, now_s: float, prompt: int, reserve: int) -> bool:
        """Return whether a request would fit now if all of every quota were enforced."""
        self._catch_up(now_s)
        return all(
            account.quota.fits_whole(now_s, max(account.charge(prompt, 0, reserve), 1.0)) for account in self.accounts
        )

    def reserve(self, now_s: float, prompt: int, reserve: int) -> Hold:
        """Take a request's reservation, which must fit."""
        self._catch_up(now_s)
        hold = Hold(now_s, prompt, reserve, len(self.accounts))
        self._charge(now_s, hold, 0, reserve)
        return hold

    def follow(self, now_s: float, hold: Hold, seat: Seat, total: int) -> None:
        """Adjust a request while its answer of ``total`` tokens is generated, where that changes anything."""
        grows = any(account.outputs not in {0.0, 1.0} for account in self.accounts) or total > hold.reserved
        if self._every_s is not None and grows:
            hold.seat, hold.total = seat, total
            self._again(now_s + self._every_s, hold)

    def settle(self, now_s: float, hold: Hold, made: int) -> None:
        """Charge what a request cost in the end, ``made`` tokens of answer, and give back the rest."""
        self._catch_up(now_s)
        hold.settled = True
        self._charge(now_s, hold, made, 0)

    def count_refused(self, now_s: float) -> None:
        """Count a request that was refused, as far as the quota of requests goes.

        Who keeps on asking keeps the quota used up, and who waits gets in: there is no debt.
        """
        self._catch_up(now_s)
        for account in self.accounts:
            if account.requests:
                account.quota.take(now_s, min(account.requests, max(account.quota.room(now_s), 0.0)))

    def standing(self, now_s: float) -> dict[str, Meter]:
        """Return what is left, by the meter's name; of two with one name the one of which less is left."""
        self._catch_up(now_s)
        meters: dict[str, Meter] = {}
        for account in self.accounts:
            name = _METERS.get(account.unit)
            if name is None:
                continue
            meter = account.quota.meter(now_s)
            if name not in meters or meter.remaining < meters[name].remaining:
                meters[name] = meter
        return meters

    def shrink(self, now_s: float, ratio: float) -> None:
        """Enforce only a share (ratio, 0 to 1) of every quota from now on; 1 restores them."""
        self._catch_up(now_s)
        for account in self.accounts:
            account.quota.shrink(now_s, ratio)

    def _catch_up(self, now_s: float) -> None:
        while self._due and self._due[0][0] <= now_s:
            due_s, _, hold = heapq.heappop(self._due)
            if hold.settled or hold.seat is None:
                continue
            made = made_by(hold.seat, due_s, hold.total)
            self._charge(due_s, hold, made, max(hold.reserved - made, 0))
            if made < hold.total and self._every_s is not None:
                self._again(due_s + self._every_s, hold)

    def _again(self, due_s: float, hold: Hold) -> None:
        self._serial += 1  # no two entries are equal, so that holds need no order
        heapq.heappush(self._due, (due_s, self._serial, hold))

    def _charge(self, now_s: float, hold: Hold, made: int, to_come: int) -> None:
        for index, account in enumerate(self.accounts):
            amount = account.charge(hold.prompt, made, to_come)
            more = amount - hold.taken[index]
            if more > 0:
                account.quota.take(now_s, more)
            elif more < 0:
                account.quota.give(now_s, -more, hold.opened_s)
            hold.taken[index] = amount
