"""Capacity bought beforehand: Bedrock's model units, Vertex's scale units (GSU), Azure's throughput units (PTU).

    behind: {kind: provisioned, gsus: 1, tokens_per_s: 3360, spill: {kind: shared-quota, pool: {tokens_per_s: 500000}}}

Whether a request fits is decided at its start, on an estimate of its answer; the difference is reconciled when it ends
(Google: "Use Provisioned Throughput"). What does not fit depends on the provider and on the request's header:

============  =========================  ==========================  =========================
asked for     Vertex (``gsus``)          Bedrock (``model_units``)   Azure (``ptus``)
============  =========================  ==========================  =========================
nothing       spills to pay-as-you-go    429 ThrottlingException     spills where enabled, 429
dedicated     429                        no such header              no such header
shared        never on what was bought   no such header              no such header
priority      spills to Priority PayGo   no such header              no such header
============  =========================  ==========================  =========================

AWS says nowhere that model units overflow, nor what a provisioned ARN answers beyond them: the 429 is assumed.
Errors for want of capacity below what was bought come back as 5xx, which count in Vertex's service level agreement.
"""

import random
from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

import msgspec

from brownout.capacity.core import Demand, Seat
from brownout.capacity.ledger import Account, Hold, Ledger, Shortage
from brownout.capacity.on_demand import OnDemand, OnDemandCapacity
from brownout.capacity.paced import Limits, Pace
from brownout.capacity.passive import Passive, check_limits
from brownout.capacity.shared_quota import SharedQuota, SharedQuotaCapacity
from brownout.capacity.shares import Shares, Shrinkable
from brownout.capacity.tiers import words_of
from brownout.capacity.window import Refill, quota
from brownout.capacity.words import EXCEEDED, WORDS, Sentence
from brownout.wire import Meter, Refusal

Amount: TypeAlias = Annotated[float, msgspec.Meta(gt=0)]
Spill: TypeAlias = OnDemand | SharedQuota
Seller: TypeAlias = Literal["bedrock", "vertex", "azure"]

_SELLERS: Mapping[str, Seller] = {"model_units": "bedrock", "gsus": "vertex", "ptus": "azure"}
_RATES = ("tokens_per_minute", "input_tokens_per_minute", "output_tokens_per_minute", "tokens_per_s")
_WINDOWS_S: Mapping[Seller, float] = {"bedrock": 60.0, "vertex": 30.0, "azure": 60.0}
_CAPACITY_GONE = Sentence("unavailable")
_VERTEX = WORDS["vertex"]


class Provisioned(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="provisioned"
):
    """What was bought, and what happens beyond it.

    Exactly one of ``model_units``, ``gsus`` and ``ptus`` says how many units were bought and of whom; the rates are
    those of one unit. ``limits.concurrent`` bounds the requests open at once.

    Attributes:
        model_units: units of Bedrock.
        gsus: units of Vertex AI.
        ptus: units of Azure OpenAI.
        tokens_per_minute: what a unit carries, prompts and answers together.
        input_tokens_per_minute: what it carries of prompts; with ``output_tokens_per_minute`` (Bedrock's model units).
        output_tokens_per_minute: what it carries of answers.
        tokens_per_s: what a GSU carries, for ``gemini-2.0-flash-001`` 3360.
        burndown: how often a token of an answer counts (Vertex has such a rate for each model).
        window_s: the time it is enforced over; None for 60, and for 30 at Vertex: the longest that Google named for
            text models, before it made the window depend on the model and on the number of units.
        refill: whether it fills all the time, or whole at the end of each window; None for ``fixed`` at Vertex and
            ``continuous`` elsewhere.
        estimate_output_tokens: what an answer is taken for at its start, if the caller's bound is not below that.
        says_when: whether refusals name the time to come back; None for the provider's way (Azure does).
        spill: what serves that which does not fit (Vertex, Azure).
    """

    model_units: Amount | None = None
    gsus: Amount | None = None
    ptus: Amount | None = None
    tokens_per_minute: Amount | None = None
    input_tokens_per_minute: Amount | None = None
    output_tokens_per_minute: Amount | None = None
    tokens_per_s: Amount | None = None
    burndown: Annotated[float, msgspec.Meta(ge=1)] = 1.0
    window_s: Annotated[float, msgspec.Meta(ge=0.1, le=3600)] | None = None
    refill: Refill | None = None
    estimate_output_tokens: Annotated[int, msgspec.Meta(ge=0)] = 256
    says_when: bool | None = None
    spill: Spill | None = None

    def __post_init__(self) -> None:
        """Refuse what nobody sells."""
        if sum(getattr(self, name) is not None for name in _SELLERS) != 1:
            raise ValueError(f"set exactly one of {', '.join(_SELLERS)}")
        rates = {name for name in _RATES if getattr(self, name) is not None}
        if rates not in ({"tokens_per_minute"}, {"tokens_per_s"}, set(_RATES[1:3])):
            raise ValueError(
                "set one rate: tokens_per_minute, or tokens_per_s, or both input_ and output_tokens_per_minute"
            )
        self._check_spill()

    @property
    def seller(self) -> Seller:
        """Whose units were bought."""
        return next(seller for name, seller in _SELLERS.items() if getattr(self, name) is not None)

    def make(self, limits: Limits, rng: random.Random) -> "ProvisionedCapacity":  # noqa: TID251 - a type
        """Return the model of one endpoint, at rest.

        Args:
            limits: the pace of tokens, and the bound on requests open at once, spilled ones included.
            rng: the endpoint's own.

        Raises:
            BadInput: ``limits`` say what this model would pass over.
        """
        check_limits(limits, "provisioned")
        return ProvisionedCapacity(self, limits, rng)

    def ledger(self) -> Ledger:
        """Return what was bought, unused."""
        units = self.model_units or self.gsus or self.ptus or 0.0
        seller = self.seller
        window_s = _WINDOWS_S[seller] if self.window_s is None else self.window_s
        refill: Refill = self.refill or ("fixed" if seller == "vertex" else "continuous")
        if self.input_tokens_per_minute is not None and self.output_tokens_per_minute is not None:
            prompts = quota(units * self.input_tokens_per_minute, window_s=window_s, refill=refill)
            answers = quota(units * self.output_tokens_per_minute, window_s=window_s, refill=refill)
            return Ledger(
                (
                    Account(unit="input-tokens", quota=prompts, inputs=1.0),
                    Account(unit="output-tokens", quota=answers, outputs=self.burndown),
                )
            )
        per_s = (self.tokens_per_s or 0.0) + (self.tokens_per_minute or 0.0) / 60.0
        bought = quota(units * per_s * window_s, per_s=window_s, window_s=window_s, refill=refill)
        return Ledger((Account(unit="tokens", quota=bought, inputs=1.0, outputs=self.burndown),))

    def _check_spill(self) -> None:
        spill, seller = self.spill, self.seller
        if spill is None:
            return
        if seller == "bedrock":
            raise ValueError("spill: Bedrock's model units do not overflow; a router must do it")
        speaks = spill.provider if isinstance(spill, OnDemand) else "vertex"
        wanted = "vertex" if seller == "vertex" else "openai"
        if speaks != wanted:
            raise ValueError(f"spill: it answers as {speaks}; beside {seller}'s units it must be of provider {wanted}")


class ProvisionedCapacity(Passive, Shrinkable):
    """Admits what fits into the purchase, and hands the rest to what it spills to, or refuses it.

    Args:
        settings: the purchase.
        limits: the pace, and the bound on requests open at once.
        rng: draws each request's pace.

    Attributes:
        ledger: the purchase's state.
        spill: what serves the rest; None where nothing does.
    """

    def __init__(self, settings: Provisioned, limits: Limits, rng: random.Random) -> None:  # noqa: TID251 - a type
        self.shares = Shares()
        self._settings = settings
        self._seller = settings.seller
        self._limits = limits
        self._pace = Pace(limits, rng)
        self.ledger = settings.ledger()
        self.spill: OnDemandCapacity | SharedQuotaCapacity | None = None
        if settings.spill is not None:
            self.spill = settings.spill.make(limits, rng)
        self._left: Ledger | None = None
        self._open: dict[Seat, tuple[Hold, Ledger | None, Hold | None]] = {}

    @property
    def in_flight(self) -> int:
        """How many requests are open, spilled ones included."""
        return len(self._open) + (0 if self.spill is None else self.spill.in_flight)

    def admit(self, now_s: float, demand: Demand) -> Seat:
        """Let a request in, or not.

        Raises:
            Refusal: ``throttled`` beyond the purchase, ``unavailable`` below it where capacity was lost, and whatever
                what it spills to says.
        """
        limits = self._limits
        if limits.concurrent is not None and self.in_flight >= limits.concurrent:
            raise WORDS["openai" if self._seller == "azure" else self._seller].crowded.refusal()
        words = words_of(demand.tier) if self._seller == "vertex" else []
        if "shared" in words:
            return self._beyond(now_s, demand, _VERTEX.full.refusal())
        estimate = self._estimate(demand)
        short = self.ledger.shortage(now_s, demand.prompt_tokens, estimate)
        if short is not None:
            if self.ledger.fits_whole(now_s, demand.prompt_tokens, estimate):
                self.shares.note_refused()
            over = self._over(short)
            if "dedicated" in words:
                raise over
            return self._beyond(now_s, demand, over)
        if self._left is not None and self._left.shortage(now_s, demand.prompt_tokens, estimate) is not None:
            if self._seller == "azure":
                return self._beyond(now_s, demand, _CAPACITY_GONE.refusal())  # its spillover takes over from any error
            raise _CAPACITY_GONE.refusal()
        return self._seat(now_s, demand, estimate)

    def release(self, now_s: float, seat: Seat, output_tokens: int) -> None:
        """Reconcile a request: its prompt and the tokens its caller got remain charged."""
        if seat not in self._open and self.spill is not None:
            self.spill.release(now_s, seat, output_tokens)
            return
        hold, left, left_hold = self._open.pop(seat)
        self.ledger.settle(now_s, hold, output_tokens)
        if left is not None and left_hold is not None:
            left.settle(now_s, left_hold, output_tokens)

    def standing(self, now_s: float) -> Mapping[str, Meter]:
        """Return what is left of the purchase."""
        return self.ledger.standing(now_s)

    def lose_share(self, now_s: float, ratio: float) -> None:
        """Lose a share of the capacity behind the purchase (ratio, 0 to 1): what it could not carry fails with 5xx."""
        self._left = self._settings.ledger()
        self._left.shrink(now_s, 1.0 - ratio)

    def shrink(self, now_s: float, ratio: float) -> None:
        """Enforce only a share of the purchase (ratio, 0 to 1) from now on: the rest is refused as beyond it."""
        self.ledger.shrink(now_s, ratio)

    def restore(self, now_s: float) -> None:
        """Undo `lose_share` and `shrink`."""
        self._left = None
        self.ledger.shrink(now_s, 1.0)

    def _estimate(self, demand: Demand) -> int:
        estimate = self._settings.estimate_output_tokens
        return estimate if demand.max_tokens is None else min(demand.max_tokens, estimate)

    def _over(self, short: Shortage) -> Refusal:
        told = self._settings.says_when
        if self._seller == "bedrock":
            return WORDS["bedrock"].shortage(short, says_when=told)
        if self._seller == "vertex":
            return EXCEEDED.refusal(short.wait_s if told else None)
        return Refusal("throttled", retry_after_s=None if told is False else short.wait_s, code="tokens")

    def _beyond(self, now_s: float, demand: Demand, otherwise: Refusal) -> Seat:
        if self.spill is None:
            raise otherwise
        return self.spill.admit(now_s, demand)

    def _seat(self, now_s: float, demand: Demand, estimate: int) -> Seat:
        hold = self.ledger.reserve(now_s, demand.prompt_tokens, estimate)
        left = self._left
        left_hold = None if left is None else left.reserve(now_s, demand.prompt_tokens, estimate)
        seat = self._pace.seat(now_s, tier=_VERTEX.tiers["provisioned"] if self._seller == "vertex" else "")
        self._open[seat] = (hold, left, left_hold)
        return seat
