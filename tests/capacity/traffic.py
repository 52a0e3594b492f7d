"""Traffic for capacity models: calls that come, stay and go, and what became of each."""

import heapq
from collections.abc import Callable
from typing import NamedTuple

from hypothesis import strategies as st

from brownout.capacity import CapacityModel, Demand, Seat
from brownout.wire import Refusal


class Call(NamedTuple):
    """One call: when it comes after the one before, what it asks for, how long it stays, how much of it it gets."""

    gap_s: float
    prompt: int
    bound: int | None
    output: int
    stay_s: float
    got: int

    @property
    def demand(self) -> Demand:
        """The call as a model sees it."""
        return Demand(prompt_tokens=self.prompt, output_tokens=self.output, max_tokens=self.bound)


class Visit:
    """What became of a call. ``ended_s`` is None while it is open, and for one that was refused."""

    def __init__(self, call: Call, at_s: float) -> None:
        self.call = call
        self.at_s = at_s
        self.seat: Seat | None = None
        self.refusal: Refusal | None = None
        self.ended_s: float | None = None


def visit(model: CapacityModel, now_s: float, demand: Demand) -> Seat | Refusal:
    """Ask once; return the seat, or the refusal."""
    try:
        return model.admit(now_s, demand)
    except Refusal as refusal:
        return refusal


def play(model: CapacityModel, calls: list[Call], *, finish: bool = True) -> list[Visit]:
    """Let all calls come in their order; with ``finish`` those still open when the last has come end too."""
    visits: list[Visit] = []
    ends: list[tuple[float, int]] = []
    now_s = 0.0
    for number, call in enumerate(calls):
        now_s += call.gap_s
        _end(model, visits, ends, now_s)
        came = Visit(call, now_s)
        visits.append(came)
        try:
            came.seat = model.admit(now_s, call.demand)
        except Refusal as refusal:
            came.refusal = refusal
        else:
            heapq.heappush(ends, (now_s + call.stay_s, number))
    if finish:
        _end(model, visits, ends, float("inf"))
    return visits


def _end(model: CapacityModel, visits: list[Visit], ends: list[tuple[float, int]], until_s: float) -> None:
    while ends and ends[0][0] <= until_s:
        end_s, number = heapq.heappop(ends)
        one = visits[number]
        assert one.seat is not None
        one.ended_s = end_s
        model.release(end_s, one.seat, one.call.got)


def last_s(visits: list[Visit]) -> float:
    """Return when the last thing happened."""
    return max((max(one.at_s, one.ended_s or 0.0) for one in visits), default=0.0)


def per_window(visits: list[Visit], window_s: float, held: Callable[[Call], int]) -> dict[int, int]:
    """Return what the requests let in within each window took of it: what they held, or cost if they ended in it."""
    taken: dict[int, int] = {}
    for one in visits:
        if one.seat is not None:
            window = int(one.at_s // window_s)
            ended = one.ended_s is not None and int(one.ended_s // window_s) == window
            amount = one.call.prompt + one.call.got if ended else held(one.call)
            taken[window] = taken.get(window, 0) + amount
    return taken


@st.composite
def _calls(draw: st.DrawFn, *, bounded: bool) -> Call:
    bounds = st.integers(1, 4000) if bounded else st.one_of(st.none(), st.integers(1, 4000))
    bound = draw(bounds)
    output = draw(st.integers(0, 4000 if bound is None else bound))
    return Call(
        gap_s=draw(st.floats(0, 8)),
        prompt=draw(st.integers(1, 4000)),
        bound=bound,
        output=output,
        stay_s=draw(st.floats(0, 40)),
        got=draw(st.integers(0, output)),
    )


BOUNDED = st.lists(_calls(bounded=True), max_size=30)
CALLS = st.lists(_calls(bounded=False), max_size=30)
