"""On-demand capacity: quotas by the minute, held against one caller (Bedrock, OpenAI, Anthropic, Claude on Vertex).

    behind: {kind: on-demand, tokens_per_minute: 2000000, burndown: 5}

A request gets in when all of it fits at once: the request itself, its prompt, and a bound on its answer. See
`brownout.capacity.ledger` for what is charged when, and `brownout.capacity.window` for how quotas fill again.
"""

import random
from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

import msgspec

from brownout.capacity.core import Demand, Seat
from brownout.capacity.ledger import Account, Hold, Ledger
from brownout.capacity.paced import Limits, Pace
from brownout.capacity.passive import Passive, check_limits
from brownout.capacity.pool import Pool, QueuedSeat, SharedPool
from brownout.capacity.ramp import Ramp, RampQuota
from brownout.capacity.shares import Shares, Shrinkable
from brownout.capacity.tiers import Reserved, Served, Tiers, serve, words_of
from brownout.capacity.window import Refill, quota
from brownout.capacity.words import WORDS, Provider
from brownout.wire import Meter, Refusal

Limit: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
_DAY_S = 86_400.0


class OnDemand(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="on-demand"
):
    """The quotas of an on-demand endpoint.

    ``limits.concurrent`` bounds the requests open at once.

    Attributes:
        provider: whose sentences and whose way of counting.
        requests_per_minute: the quota of requests; Bedrock has none any more (AWS: "Quotas for Amazon Bedrock").
        tokens_per_minute: the quota of prompts and answers together.
        input_tokens_per_minute: that of prompts (Anthropic, bedrock-mantle).
        output_tokens_per_minute: that of answers.
        tokens_per_day: the quota of a day, counted as ``tokens_per_minute`` is.
        burndown: how often a token of an answer counts; 5 for Claude 4 on Bedrock (AWS: "How tokens are counted").
        reserve: what is held for an answer at the start: its ``max_tokens``, or nothing, with each token charged as it
            is generated (Anthropic's output tokens: "Rate limits").
        model_max_tokens: what is held for an answer that the caller did not bound; None for the provider's way
            (Bedrock 64000, OpenAI nothing).
        adjust_every_s: how often the charge of an open request is adjusted.
        window_s: the time the quotas by the minute are enforced over: 60 lets a minute's tokens go at once.
        requests_window_s: the same for requests, which OpenAI counts by the second (``1``); None for ``window_s``.
        refill: whether quotas fill all the time, or whole at the end of each window.
        says_when: whether refusals name the time to come back; None for the provider's way.
        counts_refused: whether refused requests count towards the quota of requests; None for the provider's way.
        ramp: how fast traffic may grow inside the quotas (OpenAI, Anthropic); None for no such limit.
        pool: what the quotas are taken from; short of it, requests below the quota are refused too.
        tiers: the service tiers offered.
    """

    provider: Provider = "bedrock"
    requests_per_minute: Limit | None = None
    tokens_per_minute: Limit | None = None
    input_tokens_per_minute: Limit | None = None
    output_tokens_per_minute: Limit | None = None
    tokens_per_day: Limit | None = None
    burndown: Annotated[float, msgspec.Meta(ge=1)] = 1.0
    reserve: Literal["max-tokens", "as-generated"] = "max-tokens"
    model_max_tokens: Limit | None = None
    adjust_every_s: Annotated[float, msgspec.Meta(ge=0.1)] = 1.0
    window_s: Annotated[float, msgspec.Meta(ge=0.1, le=3600)] = 60.0
    requests_window_s: Annotated[float, msgspec.Meta(ge=0.1, le=3600)] | None = None
    refill: Refill = "continuous"
    says_when: bool | None = None
    counts_refused: bool | None = None
    ramp: Ramp | None = None
    pool: Pool | None = None
    tiers: Tiers | None = None

    def __post_init__(self) -> None:
        """Refuse what no provider has."""
        if not self._stated() and self.pool is None:
            raise ValueError("no quota is set; set one of requests_per_minute, tokens_per_minute and the like, or pool")
        if self.ramp is not None and WORDS[self.provider].growth is None:
            raise ValueError(f"ramp: {self.provider} has no limit on growth; openai and anthropic do")
        if self.tiers is not None and self.tiers.reserved is not None and self.provider != "bedrock":
            raise ValueError(f"tiers.reserved: {self.provider} has no such tier; bedrock does")

    def make(self, limits: Limits, rng: random.Random) -> "OnDemandCapacity":  # noqa: TID251 - a type
        """Return the model of one endpoint, at rest.

        Args:
            limits: the pace of tokens, and the bound on requests open at once.
            rng: the endpoint's own.

        Raises:
            BadInput: ``limits`` say what this model would pass over.
        """
        check_limits(limits, "on-demand")
        return OnDemandCapacity(self, limits, rng)

    def accounts(self) -> list[Account]:
        """Return the quotas, unused, and what counts towards each."""
        window_s, refill, burndown = self.window_s, self.refill, self.burndown
        made = []
        if self.requests_per_minute is not None:
            by_s = window_s if self.requests_window_s is None else self.requests_window_s
            requests = quota(self.requests_per_minute, window_s=by_s, refill=refill)
            made.append(Account(unit="requests", quota=requests, requests=1.0))
        if self.tokens_per_minute is not None:
            tokens = quota(self.tokens_per_minute, window_s=window_s, refill=refill)
            made.append(Account(unit="tokens", quota=tokens, inputs=1.0, outputs=burndown))
        if self.input_tokens_per_minute is not None:
            prompts = quota(self.input_tokens_per_minute, window_s=window_s, refill=refill)
            made.append(Account(unit="input-tokens", quota=prompts, inputs=1.0))
        if self.output_tokens_per_minute is not None:
            answers = quota(self.output_tokens_per_minute, window_s=window_s, refill=refill)
            made.append(Account(unit="output-tokens", quota=answers, outputs=burndown))
        if self.tokens_per_day is not None:
            a_day = quota(self.tokens_per_day, per_s=_DAY_S, window_s=_DAY_S, refill=refill)
            made.append(Account(unit="tokens-per-day", quota=a_day, inputs=1.0, outputs=burndown))
        if self.ramp is not None:
            made.append(Account(unit="growth", quota=RampQuota(self.ramp), inputs=1.0))
        return made

    def _stated(self) -> bool:
        quotas = (
            self.requests_per_minute,
            self.tokens_per_minute,
            self.input_tokens_per_minute,
            self.output_tokens_per_minute,
            self.tokens_per_day,
        )
        return any(one is not None for one in quotas)


class _Open(msgspec.Struct, frozen=True):
    """An open request: what it holds, of which ledger, and what it put on the pool."""

    ledger: Ledger
    hold: Hold
    pooled: int


class OnDemandCapacity(Passive, Shrinkable):
    """Admits requests that fit the quotas, at a pace that only the tier and the pool change.

    Args:
        settings: the quotas.
        limits: the pace, and the bound on requests open at once.
        rng: draws each request's pace, and who is refused by the pool.

    Attributes:
        ledger: the quotas' state.
        pool: the shared pool; None where there is none.
    """

    def __init__(self, settings: OnDemand, limits: Limits, rng: random.Random) -> None:  # noqa: TID251 - a type
        self.shares = Shares()
        self._settings = settings
        self._limits = limits
        self._words = WORDS[settings.provider]
        self._pace = Pace(limits, rng)
        self.ledger = Ledger(settings.accounts(), adjust_every_s=settings.adjust_every_s)
        self.pool = None if settings.pool is None else SharedPool(settings.pool, rng)
        reserved = None if settings.tiers is None else settings.tiers.reserved
        self._reserved = None if reserved is None else _bought(reserved, settings)
        refused = settings.counts_refused
        self._counts_refused = self._words.counts_refused if refused is None else refused
        self._open: dict[Seat, _Open] = {}

    @property
    def in_flight(self) -> int:
        """How many requests are open."""
        return len(self._open)

    def admit(self, now_s: float, demand: Demand) -> Seat:
        """Let a request in, or not.

        Raises:
            Refusal: ``throttled`` for a quota that is used up or for traffic that grew too fast, or what the provider
                says of a shared pool that is full, and of too many requests open at once.
        """
        limits, reserve = self._limits, self._held(demand)
        if limits.concurrent is not None and self.in_flight >= limits.concurrent:
            raise self._refused(now_s, self._words.crowded.refusal())
        bought = self._reserved if "reserved" in words_of(demand.tier) else None
        if bought is not None and bought.shortage(now_s, demand.prompt_tokens, reserve) is None:
            return self._seat(now_s, demand, bought, Served("reserved", 1.0, 0.0))
        # Reserved capacity that is used up overflows to the default tier, without a word.
        served = serve(self._settings.tiers, demand.tier, self._words.tiers)
        self._check_quotas(now_s, demand.prompt_tokens, reserve)
        if self.pool is not None:
            refused = self.pool.verdict(now_s, self._words, served.ahead)
            if refused is not None:
                raise self._refused(now_s, refused.refusal())
        return self._seat(now_s, demand, self.ledger, served)

    def release(self, now_s: float, seat: Seat, output_tokens: int) -> None:
        """Settle a request: its prompt and the tokens its caller got remain charged."""
        was = self._open.pop(seat)
        was.ledger.settle(now_s, was.hold, output_tokens)
        if self.pool is not None and was.pooled > output_tokens:
            self.pool.unload(now_s, was.pooled - output_tokens, was.hold.opened_s)

    def standing(self, now_s: float) -> Mapping[str, Meter]:
        """Return what is left of the quotas; that of tokens is the day's where less of it is left."""
        return self.ledger.standing(now_s)

    def shrink(self, now_s: float, ratio: float) -> None:
        """Enforce only a share of every quota (ratio, 0 to 1) from now on, as providers do when they are short."""
        self.ledger.shrink(now_s, ratio)

    def restore(self, now_s: float) -> None:
        """Undo `shrink`."""
        self.ledger.shrink(now_s, 1.0)

    def _held(self, demand: Demand) -> int:
        if self._settings.reserve == "as-generated":
            return 0
        if demand.max_tokens is not None:
            return demand.max_tokens
        unbounded = self._settings.model_max_tokens
        return self._words.unbounded_tokens if unbounded is None else unbounded

    def _check_quotas(self, now_s: float, prompt: int, reserve: int) -> None:
        short = self.ledger.shortage(now_s, prompt, reserve)
        if short is None:
            return
        if self.ledger.fits_whole(now_s, prompt, reserve):
            self.shares.note_refused()
        if self._counts_refused:
            self.ledger.count_refused(now_s)
            short = self.ledger.shortage(now_s, prompt, reserve) or short  # which may be a longer wait now
        raise self._words.shortage(short, says_when=self._settings.says_when)

    def _refused(self, now_s: float, refusal: Refusal) -> Refusal:
        if self._counts_refused:
            self.ledger.count_refused(now_s)
        return refusal

    def _seat(self, now_s: float, demand: Demand, ledger: Ledger, served: Served) -> Seat:
        hold = ledger.reserve(now_s, demand.prompt_tokens, self._held(demand))
        seat: Seat = self._pace.seat(now_s, slower=served.slower, tier=served.name)
        pooled = 0
        if self.pool is not None and ledger is self.ledger:
            wait_s = (self.pool.queue(now_s, served.ahead) - 1.0) * self._limits.ttft_s
            seat = QueuedSeat(seat, wait_s)
            self.pool.load(now_s, demand.prompt_tokens + demand.output_tokens)
            pooled = demand.output_tokens
        ledger.follow(now_s, hold, seat, demand.output_tokens)
        self._open[seat] = _Open(ledger, hold, pooled)
        return seat


def _bought(reserved: Reserved, settings: OnDemand) -> Ledger:
    prompts = quota(reserved.input_tokens_per_minute, window_s=settings.window_s, refill=settings.refill)
    answers = quota(reserved.output_tokens_per_minute, window_s=settings.window_s, refill=settings.refill)
    accounts = (
        Account(unit="input-tokens", quota=prompts, inputs=1.0),
        Account(unit="output-tokens", quota=answers, outputs=settings.burndown),
    )
    return Ledger(accounts, adjust_every_s=settings.adjust_every_s)
