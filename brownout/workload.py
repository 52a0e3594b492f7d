"""Workload: who asks for what, and when it is due. Pure data and arithmetic; open loop."""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

import msgspec

TrafficClass: TypeAlias = Literal["interactive", "background"]

PLANTED_DIALECT = "openai-chat"
"""The dialect that a planted load speaks."""

COMMON_QUESTIONS = 4
"""So many questions are asked by several: few enough that each is asked again within a test."""


class Burst(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For ``for_s`` from ``at_s`` (counted from the start of load) the rate is ``rate_rps``, whatever it is else.

    ``tenants`` and ``classes`` are the shares of what falls due meanwhile; empty for the workload's usual ones.
    """

    at_s: float
    for_s: float
    rate_rps: Annotated[float, msgspec.Meta(le=10_000.0)]
    tenants: Mapping[str, float] = msgspec.field(default_factory=dict)
    classes: Mapping[TrafficClass, float] = msgspec.field(default_factory=dict)

    @property
    def ends_s(self) -> float:
        """When it is over."""
        return self.at_s + self.for_s


class Arrival(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When requests are due: ``constant`` or ``poisson`` at ``rate_rps``, or ``trace`` (a replay of a file).

    A trace file has the columns ``TIMESTAMP,ContextTokens,GeneratedTokens``; it is replayed ``speed`` times as
    fast as it happened, from its ``from_row``-th row, and brings its own lengths. ``bursts`` are in order of time and
    do not overlap; a trace has none but its own.
    """

    process: Literal["constant", "poisson", "trace"] = "poisson"
    rate_rps: float = 10.0
    trace: str = ""
    speed: float = 1.0
    from_row: int = 0
    bursts: tuple[Burst, ...] = ()


class Batches(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Files of requests, by OpenAI's Batch API, besides those that are asked one by one.

    Every ``every_s`` a tenant hands in a file of ``lines`` requests (0: nobody does); tenants take turns by their
    shares. A batch is asked for until ``patience_s`` after it was due: nobody waits for one as for an answer.
    """

    lines: int = 0
    every_s: float = 2.5
    patience_s: float = 30.0


class Workload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Open-loop traffic: arrivals, and the mix of tenants, classes and lengths.

    ``tenants`` and ``classes`` are shares (any positive numbers); ``stream_share`` is the ratio of streamed requests;
    ``prompt_tokens`` and ``output_tokens`` are inclusive ranges, drawn uniformly. ``patience_s``: a client gives up
    (and calls the request hung) that long after it was due. ``model`` is what it asks for; empty for the target's own.
    ``planted``: requests bear canaries of every kind and not only in the prompt, and so do answers, and
    the credentials that emulated clouds give out. ``common_share`` is the ratio, below 1, of requests of a planted load
    that ask one of `COMMON_QUESTIONS` questions, word for word the same whoever asks: what a cache may know already.
    Each of these has a length of its own, in a trace, too. ``batches`` come on top, and change nothing of the rest.
    ``leavers_min``: a test that is about clients who hang up tells nothing where fewer did (0: it is about no such).
    """

    arrival: Arrival = Arrival()
    duration_s: float = 30.0
    tenants: Mapping[str, float] = msgspec.field(default_factory=dict)
    classes: Mapping[TrafficClass, float] = msgspec.field(
        default_factory=lambda: {"interactive": 0.75, "background": 0.25}
    )
    stream_share: float = 0.85
    prompt_tokens: tuple[int, int] = (20, 60)
    output_tokens: tuple[int, int] = (8, 16)
    patience_s: float = 10.0
    leavers_min: int = 0
    model: str = ""
    planted: bool = False
    common_share: float = 0.0
    batches: Batches = Batches()


class DueRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request of the plan: due ``due_s`` after load starts. ``common`` is which common question it asks, from 0."""

    number: int
    due_s: float
    tenant: str
    traffic_class: TrafficClass
    stream: bool
    prompt_tokens: int
    output_tokens: int
    common: int | None = None
