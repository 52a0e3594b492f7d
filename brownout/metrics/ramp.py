"""How traffic comes back to a healed place: in steps, never more than it had, and in the end all of it.

Windows are of so many requests and not of seconds, so that a share in one has the same noise at any load.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from brownout.evidence import ClientRecord
from brownout.history import History, Window, grouped
from brownout.intervals import Longest, Share, pooled
from brownout.metrics.base import NoEvidence, Observation, View, metric, some
from brownout.metrics.breaker import BASELINE_REQUESTS_MIN, came_share, still_used

_STEP_ATTEMPTS = 20  # that a place would formerly have got in a window between two of which a step is measured
_STEP_SHARE_MIN = 0.6  # below it, chance alone makes steps between windows of that size
_OVERSHOOT_REQUESTS, _OVERSHOOT_ATTEMPTS = 60, 30  # as many as bring a place both, as it was before
_OVERSHOOT_ATTEMPTS_MIN = 20  # where it was watched for less: of one window, and not of the most of many
_FULL_REQUESTS, _FULL_ATTEMPTS, _FULL_RATIO = 40, 10, 0.9
# A place that had every request has no share that chance could move: fewer tell the same, and all but one are to come.
_ALL, _ALL_REQUESTS, _ALL_RATIO = 0.95, 25, 0.95
_SPREAD = 0.5  # who had less shares with others, and was counted on few requests: it is held to what it had at least
_SHARE_MIN = 0.15  # of six places that share evenly, each has more
_LEFT_RATIO_MAX = 0.5  # a place that kept more than this of its share was not left, and has nothing to come back to


class _Return(msgspec.Struct, frozen=True, kw_only=True):
    """The requests that might come to a place, from the middle of its fault on, in order.

    Attributes:
        window: of the fault.
        before: how many of the requests before all faults came to it.
        due: the requests.
        usual: for each, the share of its class of traffic that came to the place before all faults.
        attempts: how many attempts each made at the place.
        each: how many a request that came there before all faults made there: who asks twice whenever it asks, say
            whether it may answer and then for the answer, floods nothing by that.
        first: the number of the first one that the place served after the fault; none, when there was none.
    """

    window: Window
    before: Share
    due: Sequence[ClientRecord]
    usual: Sequence[float]
    attempts: Sequence[int]
    each: float
    first: int | None

    @property
    def former(self) -> float:
        """Its share of the requests before all faults."""
        return self.before.value

    @property
    def least(self) -> float:
        """What it is held to: that share, or where it shared with others, what the share was at least."""
        return self.before.interval()[0] if self.former < _SPREAD else self.former

    def length(self, requests: int, attempts: int) -> int:
        """Return how many requests, of so many at least, formerly brought the place so many attempts."""
        return max(requests, math.ceil(attempts / self.former))

    def share(self, start: int, length: int) -> float:
        """Return the share of a stretch of the requests that came to the place."""
        return sum(count > 0 for count in self.attempts[start : start + length]) / length


@metric("ramp_step_ratio", "ratio", in_hindsight=True)
def ramp_step_ratio(view: View) -> Observation:
    """The largest rise of a healed place's share from one window to the next, relative to its share before the fault.

    A window is of 20 requests that it would formerly have got.
    """
    seen = [one for back in _returns(view, share_min=_STEP_SHARE_MIN, left=True) if (one := _largest_step(back))]
    return _worst(seen)


@metric("ramp_overshoot_ratio", "ratio", in_hindsight=True)
def ramp_overshoot_ratio(view: View) -> Observation:
    """The most attempts that a healed place gets over 60 requests, relative to what such brought it before.

    Over more of them, where 60 would not bring it 30; over all that came, where they were fewer and brought it 20.
    """
    seen = [one for back in _returns(view, share_min=_SHARE_MIN, left=True) if (one := _overshoot(back))]
    return _worst(seen)


@metric("time_to_full_return_s", "s", timed=True, in_hindsight=True)
def time_to_full_return_s(view: View) -> Observation:
    """Seconds from a fault's end until its place has 90 % of its former share of the requests, over 40 of them.

    Over more of them, where 40 would not bring it 10; over 25, and 95 % of them, where all came to it. Of the classes
    of traffic that came to it before: how the others mix with them would move its share by chance. A place that had
    less than half of them is held to 90 % of what its share was at least.
    """
    seen = [_full_return(back) for back in _returns(view, share_min=_SHARE_MIN, left=False, regulars=True)]
    return _worst(seen)


def _worst(seen: Sequence[Observation]) -> Observation:
    if not seen:
        raise NoEvidence(
            "no place that carried much of the traffic before its fault came back, for long enough, after it"
        )
    worst = max(seen, key=lambda one: one.value)
    samples = [one.sample for one in seen if one.sample]
    return msgspec.structs.replace(worst, sample=pooled(samples)) if samples else worst


def _returns(view: View, *, share_min: float, left: bool, regulars: bool = False) -> Iterator[_Return]:
    """Yield the return to each place that had at least such a share, after the last fault on its tenants.

    ``left``: only to those that traffic had left by the second half of their fault. ``regulars``: only of requests of a
    class that came there before.
    """
    history = view.history
    for window in view.windows:
        tenants, places = history.affected(window), set(window.injection.endpoints)
        theirs = [r for r in history.client if r.tenant in tenants]
        usual = _shares(history, theirs, places)
        if regulars:
            theirs = [r for r in theirs if usual.get(r.traffic_class)]
        before = [r for r in theirs if r.due_s < history.before_s()]
        former = came_share(history, before, places, history.before_s())
        if len(before) < BASELINE_REQUESTS_MIN or former < share_min or not history.is_last_for(window, tenants):
            continue
        if left and ((used := still_used(history, window)) is None or used.value > _LEFT_RATIO_MAX):
            continue
        due = [r for r in theirs if r.due_s >= window.half_s]
        share = Share(round(former * len(before)), len(before))
        yield _returned(view, window, share, usual, due, _attempts_each(history, before, places))


def _shares(history: History, requests: Sequence[ClientRecord], places: set[str]) -> Mapping[str, float]:
    """Return the share of each class of traffic that came to the places before all faults."""
    before_s = history.before_s()
    classes = grouped([r for r in requests if r.due_s < before_s], lambda one: one.traffic_class)
    return {name: came_share(history, theirs, places, before_s) for name, theirs in classes.items()}


def _attempts_each(history: History, requests: Sequence[ClientRecord], places: set[str]) -> float:
    """Return how many attempts those of the requests that came to the places before all faults made there, each."""
    made = [_count_before(history, r, places) for r in requests]
    came = sum(count > 0 for count in made)
    return sum(made) / came if came else 1.0


def _count_before(history: History, request: ClientRecord, places: set[str]) -> int:
    there = history.by_canary.get(request.canary, ())
    return sum(r.endpoint in places and r.arrived_s < history.before_s() for r in there)


def _returned(
    view: View,
    window: Window,
    before: Share,
    usual: Mapping[str, float],
    due: Sequence[ClientRecord],
    each: float,
) -> _Return:
    places = set(window.injection.endpoints)
    there = [[r for r in view.history.by_canary.get(one.canary, ()) if r.endpoint in places] for one in due]
    served = (
        number
        for number, records in enumerate(there)
        if due[number].due_s >= window.off_s and any(r.outcome == "ok" for r in records)
    )
    attempts = [len(records) for records in there]
    return _Return(
        window=window,
        before=before,
        due=due,
        usual=[usual.get(record.traffic_class, 0.0) for record in due],
        attempts=attempts,
        each=each,
        first=next(served, None),
    )


def _largest_step(back: _Return) -> Observation | None:
    """None where it did not serve again, or not for as long as two windows take."""
    length = math.ceil(_STEP_ATTEMPTS / back.former)
    if back.first is None or back.first < length or len(back.due) < back.first + 2 * length:
        return None
    steps = {
        start: back.share(start, length) - back.share(start - length, length)
        for start in range(back.first, len(back.due) - length + 1)
    }
    at = max(steps, key=lambda start: steps[start])
    why = (
        f"{back.window.injection.at}: from {back.share(at - length, length):.0%} of {length} requests to "
        f"{back.share(at, length):.0%} of the next {length}, {back.due[at].due_s - back.window.off_s:.1f} s after "
        f"{back.window.injection.id}; {back.former:.0%} before it"
    )
    value = max(steps[at], 0.0) / back.former
    return Observation(value=value, samples=2 * length, witnesses=_witnesses(back, at, length), why=why)


def _overshoot(back: _Return) -> Observation | None:
    """None where it did not serve again, or not for as long as a window takes."""
    if back.first is None:
        return None
    watched = len(back.due) - back.first
    if watched < back.length(_OVERSHOOT_REQUESTS, _OVERSHOOT_ATTEMPTS_MIN):
        return None
    length = min(back.length(_OVERSHOOT_REQUESTS, _OVERSHOOT_ATTEMPTS), watched)
    starts = range(back.first, len(back.due) - length + 1)
    # When many of a class that always came happen to come together, their place is not flooded by it.
    usual = {start: back.each * max(back.former * length, sum(back.usual[start : start + length])) for start in starts}
    counts = {start: sum(back.attempts[start : start + length]) for start in starts}
    at = max(starts, key=lambda start: counts[start] / usual[start])
    why = (
        f"{back.window.injection.at}: {counts[at]} attempts for {length} requests, "
        f"{back.due[at].due_s - back.window.off_s:.1f} s after {back.window.injection.id}; "
        f"{usual[at]:.1f} for as many before it"
    )
    value = counts[at] / usual[at]
    return Observation(value=value, samples=length, witnesses=_witnesses(back, at, length), why=why)


def _full_return(back: _Return) -> Observation:
    length, ratio = back.length(_FULL_REQUESTS, _FULL_ATTEMPTS), _FULL_RATIO
    if back.former >= _ALL:
        length, ratio = _ALL_REQUESTS, _ALL_RATIO
    off_s = back.window.off_s
    after = [number for number, record in enumerate(back.due) if record.due_s >= off_s]
    starts = [start for start in after if start + length <= len(back.due)]
    if not starts:
        raise NoEvidence(f"only {len(after)} requests were due after {back.window.injection.id} (at least {length})")
    least = back.least
    for start in starts:
        if back.share(start, length) >= ratio * least:
            value = back.due[start].due_s - off_s
            share = "its former share" if least == back.former else f"{least:.0%}, its share before at least,"
            why = f"{back.window.injection.at} had {ratio:.0%} of {share} again after {value:.1f} s"
            return Observation(
                value=value,
                samples=len(after),
                witnesses=_witnesses(back, start, length),
                why=why,
                sample=Longest(ended=(value,)),
            )
    most = max(back.share(start, length) for start in starts)
    watched_s = back.due[starts[-1]].due_s - off_s
    why = (
        f"{back.window.injection.at} never had {ratio:.0%} of its former share again (of {back.former:.0%}): "
        f"at most {most:.0%} of {length} requests, the last of which began {watched_s:.1f} s after"
    )
    return Observation(
        value=math.inf,
        samples=len(after),
        witnesses=some([r.canary for r in back.due[-length:]]),
        why=why,
        sample=Longest(open=(watched_s,)),
    )


def _witnesses(back: _Return, start: int, length: int) -> list[str]:
    stretch = range(start, min(start + length, len(back.due)))
    return some([back.due[number].canary for number in stretch if back.attempts[number]])
