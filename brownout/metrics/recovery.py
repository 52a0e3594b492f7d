"""The way back: how soon things are as before, and whether a healed endpoint was let up gently."""

import math

from brownout.evidence import ProviderRecord
from brownout.history import Window
from brownout.intervals import Kept, Share
from brownout.metrics.base import NoEvidence, Observation, View, metric, need, some
from brownout.metrics.promptness import RUN_LENGTH, good_again_s, is_prompt

_SHARE_WINDOW = 20  # attempts over which a share of traffic is taken
_BACK_RATIO = 0.5  # an endpoint is back when it has half its former share again
_REOPEN_SHARE_MIN = 0.15  # below it, being let up takes longer than anyone watches
_REOPEN_EXPECTED = 8  # attempts that a place would formerly have got while its return is looked at
_BASELINE_ATTEMPTS_MIN = 10


@metric("time_to_recover_s", "s", timed=True, in_hindsight=True)
def time_to_recover_s(view: View) -> Observation:
    """Seconds from a fault's end until users are answered promptly and the endpoints it hit have their traffic back."""
    if not view.windows:
        raise NoEvidence("no fault was on")
    last = [w for w in view.windows if view.history.is_last_for(w, view.history.affected(w))]
    if not last:
        raise NoEvidence("another fault outlasted it")
    return max((_recovery(view, window) for window in last), key=lambda seen: seen.value)


@metric("time_to_serve_again_s", "s", timed=True, in_hindsight=True)
def time_to_serve_again_s(view: View) -> Observation:
    """Seconds from a fault's end until each tenant it touched is answered promptly (18 of 20): the last one's."""
    if not view.windows:
        raise NoEvidence("no fault was on")
    seen = [
        _served_again(view, window, tenant)
        for window in view.windows
        for tenant in sorted(view.history.affected(window))
        if view.history.is_last_for(window, {tenant})
    ]
    if not seen:
        raise NoEvidence("another fault outlasted it")
    return max(seen, key=lambda one: one.value)


@metric("reopen_share_ratio", "ratio", in_hindsight=True)
def reopen_share_ratio(view: View) -> Observation:
    """A healed place's share of the first 20 attempts after it serves again, relative to its share before the fault.

    Of more of them, where 20 would not have brought it 8.
    """
    seen = [one for window in view.windows for one in _reopenings(view, window)]
    if not seen:
        raise NoEvidence(
            "no place that carried much of the traffic before its fault served again, for long enough, after it"
        )
    return max(seen, key=lambda one: one.value)


def _served_again(view: View, window: Window, tenant: str) -> Observation:
    due = [r for r in view.client if r.due_s >= window.off_s and r.tenant == tenant]
    need(due, RUN_LENGTH, f"requests of {tenant} due after the fault")
    unhappy = [r.canary for r in due if not is_prompt(r)]
    good_s = good_again_s(due)
    why = f"{len(unhappy)} of {tenant}'s {len(due)} requests after {window.injection.id} were not answered promptly"
    value = float("inf") if good_s is None else good_s - window.off_s
    return Observation(value=value, samples=len(due), witnesses=some(unhappy), why=why)


def _recovery(view: View, window: Window) -> Observation:
    tenants = view.history.affected(window)
    due = [r for r in view.client if r.due_s >= window.off_s and r.tenant in tenants]
    need(due, RUN_LENGTH, "requests due after the fault")
    good_s = good_again_s(due)
    unhappy = [r.canary for r in due if not is_prompt(r)]
    span_s = due[-1].due_s - window.off_s
    if good_s is None:
        after = f"in the {span_s:.1f} s after {window.injection.id}"
        why = f"{len(unhappy)} of {len(due)} requests were not answered promptly {after}"
        return Observation(value=float("inf"), samples=len(due), witnesses=some(unhappy), why=why)
    back_s = _traffic_back_s(view, window)
    if back_s is None:
        places = ", ".join(window.injection.endpoints)
        why = f"{places}: traffic had not come back {span_s:.1f} s after {window.injection.id} ended"
        return Observation(value=float("inf"), samples=len(due), witnesses=some([r.canary for r in due[-3:]]), why=why)
    why = (
        f"prompt again after {good_s - window.off_s:.1f} s, traffic back after {back_s - window.off_s:.1f} s; "
        f"{len(unhappy)} of {len(due)} requests after {window.injection.id} were not answered promptly"
    )
    return Observation(value=max(good_s, back_s) - window.off_s, samples=len(due), witnesses=some(unhappy), why=why)


def _traffic_back_s(view: View, window: Window) -> float | None:
    """When the fault's endpoints together have `_BACK_RATIO` of their former share of what is served again."""
    hit = set(window.injection.endpoints)
    before = _served(view, window, 0.0, view.history.before_s())
    share = _share(before, hit)
    if len(before) < _BASELINE_ATTEMPTS_MIN or share == 0:
        return window.off_s  # they carried nothing before, so nothing has to come back
    after = _served(view, window, window.off_s, float("inf"))
    for start in range(len(after) - _SHARE_WINDOW + 1):
        stretch = after[start : start + _SHARE_WINDOW]
        if _share(stretch, hit) >= _BACK_RATIO * share:
            return max(next(r.arrived_s for r in stretch if r.endpoint in hit), window.off_s)
    return None


def _reopenings(view: View, window: Window) -> list[Observation]:
    """The fault's endpoints are taken together: of a share of a few percent, 20 attempts tell nothing."""
    hit = set(window.injection.endpoints)
    before = _served(view, window, 0.0, view.history.before_s())
    after = _served(view, window, window.off_s, float("inf"))
    share = _share(before, hit)
    first = next((i for i, r in enumerate(after) if r.endpoint in hit), None)
    if len(before) < _BASELINE_ATTEMPTS_MIN or share < _REOPEN_SHARE_MIN or first is None:
        return []
    length = max(_SHARE_WINDOW, math.ceil(_REOPEN_EXPECTED / share))
    stretch = after[first : first + length]
    if len(stretch) < length or _still_used(view, window, hit, share):
        return []
    again = [r for r in stretch if r.endpoint in hit]
    sample = Kept(Share(len(again), length), Share(sum(r.endpoint in hit for r in before), len(before)))
    why = (
        f"{window.injection.at}: {len(again) / length:.0%} of the first {length} attempts after it served again, "
        f"{share:.0%} before"
    )
    witnesses = some([r.canary for r in again])
    return [Observation(value=sample.value, samples=length, witnesses=witnesses, why=why, sample=sample)]


def _still_used(view: View, window: Window, hit: set[str], share: float) -> bool:
    """Whether traffic had not left by the second half of the fault: then there is no return to be gentle about."""
    from_s, to_s = window.half_s, window.off_s
    late = [r for r in view.client if from_s <= r.due_s < to_s and r.tenant in view.history.affected(window)]
    tried = {r.canary for r in view.history.attempts if r.endpoint in hit and from_s <= r.arrived_s < to_s}
    return sum(r.canary in tried for r in late) >= share / 2 * len(late)


def _served(view: View, window: Window, from_s: float, to_s: float) -> list[ProviderRecord]:
    tenants = view.history.affected(window)
    return [
        r for r in view.history.attempts if from_s <= r.arrived_s < to_s and r.outcome == "ok" and r.tenant in tenants
    ]


def _share(records: list[ProviderRecord], endpoints: set[str]) -> float:
    return sum(r.endpoint in endpoints for r in records) / len(records) if records else 0.0
