"""What a fault costs before the router has moved users elsewhere: how long, and how much of the error budget."""

import math
from collections.abc import Sequence

from brownout.evidence import ClientRecord, ProviderRecord
from brownout.history import Window
from brownout.metrics.base import NoEvidence, Observation, View, metric, need, some
from brownout.metrics.promptness import RUN_LENGTH, good_again_s, is_prompt

# A run is so long that, as before the fault, so many of it would go to the faulted place, and so many of these may be
# probes: whether it has healed can only be asked by asking it. The shorter one is for who spreads over many places: of
# those that never leave one, fewer than one in a hundred makes such a run by chance.
_RUNS = ((20, 6), (12, 3))
_RUNS_MIN = 1.2  # as many runs long is the shortest fault that tells when a place was left
# Whoever leaves so late that no whole run fits in is told by what is left of the fault: at least so many expected, so
# many of them probes. With these, too, at most two in a hundred of those that stay seem to have left.
_ENDS = ((12, 3), (8, 1), (5, 0))
_END_EXPECTED, _END_HITS = 8, 3  # of so many that a stayer would send there at the end of the fault, it sends so many
_SHARE_MIN = 0.15  # below it a run takes most of a fault
_BASELINE_MIN = 20


@metric("time_to_failover_s", "s", timed=True, in_hindsight=True)
def time_to_failover_s(view: View) -> Observation:
    """Seconds from a fault's start until affected users are answered promptly again, 18 of 20.

    The worst fault counts. Where that does not happen while the fault is on, the figure is infinite: it is at least so
    long, and nobody knows how much longer.
    """
    if not view.windows:
        raise NoEvidence("no fault was on")
    return max((_failed_over(view, window) for window in view.windows), key=lambda seen: seen.value)


@metric("time_to_detect_s", "s", timed=True, in_hindsight=True)
def time_to_detect_s(view: View) -> Observation:
    """Seconds from a fault's start until requests no longer go to the faulted place first, but for a trickle of probes.

    What a request's first attempt was is told from the endpoints' own records. A trickle is at most 30 % of what went
    there first before the fault, over a run so long that 20 of it would have (or a quarter, of 12, where the fault has
    too few requests for that), so that a router which spreads its load is measured by what it used to send there; at
    the fault's end less will do, of fewer. The worst fault counts; it is infinite where that does not happen while the
    fault is on, and unknown where what came to the place at its end is too little for one that stays and too much for
    one that left. A fault that lets no attempt be seen (refused connections) tells nothing.
    """
    if not view.windows:
        raise NoEvidence("no fault was on")
    seen, missing = [], []
    for window in view.windows:
        try:
            seen.append(_detected(view, window))
        except NoEvidence as reason:
            missing.append(str(reason))
    if not seen:
        raise NoEvidence("; ".join(missing))
    return max(seen, key=lambda one: one.value)


@metric("error_budget_spent_s", "s", in_hindsight=True)
def error_budget_spent_s(view: View) -> Observation:
    """Lost requests, from the fault's start to the test's end, as seconds of total outage at the rate they were due.

    Of tenants that could be served meanwhile. Lost is whatever was not answered whole and right, by whatever failure.
    """
    tenants = {tenant for window in view.windows for tenant in view.history.servable(window)}
    since_s = min((window.on_s for window in view.windows), default=math.inf)
    due = [r for r in view.client if r.due_s >= since_s and r.tenant in tenants]
    need(due, RUN_LENGTH, "requests of tenants that could be served, due from the fault's start on")
    lost = [r for r in due if r.outcome != "ok"]
    span_s = due[-1].due_s - since_s
    return Observation(
        value=len(lost) / len(due) * span_s,
        samples=len(due),
        witnesses=some([r.canary for r in lost]),
        why=f"{len(lost)} of {len(due)} requests were lost in the {span_s:.1f} s from the fault's start on",
    )


def _failed_over(view: View, window: Window) -> Observation:
    tenants = view.history.servable(window)
    due = [r for r in view.client if r.due_s in window and r.tenant in tenants]
    need(due, RUN_LENGTH, "requests of servable tenants due during the fault")
    good_s = good_again_s(due)
    lost = [r.canary for r in due if not is_prompt(r)]
    if good_s is None:
        return Observation(
            value=math.inf,
            samples=len(due),
            witnesses=some(lost),
            why=f"never in the {window.off_s - window.on_s:.1f} s that {window.injection.id} was on: "
            f"{len(lost)} of {len(due)} requests were not answered promptly",
        )
    why = f"{len(lost)} of {len(due)} requests due during {window.injection.id} were not answered promptly"
    return Observation(value=good_s - window.on_s if lost else 0.0, samples=len(due), witnesses=some(lost), why=why)


def _detected(view: View, window: Window) -> Observation:
    place, share = window.injection.at, _first_share(view, window)
    firsts = _firsts(view, [r for r in view.client if r.due_s in window and r.tenant in view.history.servable(window)])
    hit = [first.endpoint in window.injection.endpoints for first in firsts]
    length, trickle = _run_of(share, len(firsts))
    # A run that takes nearly all of the fault must begin with it: whoever leaves later, if in time, could not be seen.
    need(firsts, math.ceil(_RUNS_MIN * length), f"requests with an attempt on record during {window.injection.id}")
    if not _was_seen(view, window):
        raise NoEvidence(f"no attempt was seen at {place} while {window.injection.id} was on: refused ones leave none")
    start = _left_at(hit, share, length, trickle)
    if start is None and sum(hit[-math.ceil(_END_EXPECTED / share) :]) < _END_HITS:
        raise NoEvidence(f"whether {place} was left at the end of {window.injection.id}, too few requests tell")
    late = [first.canary for first, at_it in zip(firsts, hit, strict=True) if at_it]
    why = (
        f"{share:.0%} of first attempts went to {place} before {window.injection.id}; {len(late)} of {len(firsts)} then"
    )
    value = math.inf if start is None else max(firsts[start].arrived_s - window.on_s, 0.0) if any(hit[:start]) else 0.0
    return Observation(value=value, samples=len(firsts), witnesses=some(late), why=why)


def _left_at(hit: Sequence[bool], share: float, length: int, trickle: int) -> int | None:
    """Return the number of the first request from which on no more than probes came to the place; none, where none."""
    for start in range(len(hit)):
        rest = len(hit) - start
        enough = [(length, trickle)] if rest >= length else [(end / share, probes) for end, probes in _ENDS]
        came = sum(hit[start : start + length])
        if not hit[start] and any(rest >= least and came <= most for least, most in enough):
            return start
    return None


def _run_of(share: float, count: int) -> tuple[int, int]:
    """Return the longest run that so many requests tell of, or the shortest, and how many of it make a trickle."""
    runs = [(math.ceil(round(expected / share, 6)), trickle) for expected, trickle in _RUNS]
    return next((run for run in runs if count >= math.ceil(_RUNS_MIN * run[0])), runs[-1])


def _first_share(view: View, window: Window) -> float:
    """Return which part of the first attempts went to the faulted place before any fault was on."""
    tenants, before_s = view.history.servable(window), view.history.before_s()
    firsts = _firsts(view, [r for r in view.client if r.due_s < before_s and r.tenant in tenants])
    need(firsts, _BASELINE_MIN, "requests of servable tenants with an attempt on record before the faults")
    share = sum(first.endpoint in window.injection.endpoints for first in firsts) / len(firsts)
    if share < _SHARE_MIN:
        raise NoEvidence(
            f"only {share:.0%} of first attempts went to {window.injection.at} before the faults (at least "
            f"{_SHARE_MIN:.0%} needed)"
        )
    return share


def _firsts(view: View, records: Sequence[ClientRecord]) -> list[ProviderRecord]:
    """Return the requests' first attempts, in the order in which these arrived."""
    tried = [attempts[0] for r in records if (attempts := view.history.by_canary.get(r.canary))]
    return sorted(tried, key=lambda first: first.arrived_s)


def _was_seen(view: View, window: Window) -> bool:
    """Whether what goes there leaves a trace: one attempt may have been under way before the door was shut."""
    there = [r for r in view.history.attempts if r.endpoint in window.injection.endpoints and r.arrived_s in window]
    return len(there) > 1 or any(window.injection.id in r.faults for r in there)
