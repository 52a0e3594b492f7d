"""What a fault costs before the router has moved users elsewhere: how long, and how much of the error budget."""

import math
from collections.abc import Sequence

import msgspec

from brownout.evidence import ClientRecord, ProviderRecord
from brownout.history import Window
from brownout.intervals import Share
from brownout.leaving import Leaving, Leavings
from brownout.metrics.base import NoEvidence, Observation, View, metric, need, some
from brownout.metrics.promptness import RUN_LENGTH, good_again_s, is_prompt

_EXPECTED_MIN = 8  # requests that would go to a faulted place while it is faulted, if nobody left it
_SHARE_MIN = 0.15  # below it, being left looks like chance for most of a fault
_BASELINE_MIN, _BASELINE_MIN_OF_A_PART = 12, 20  # what went to a place before: half and more is told from fewer


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

    What a request's first attempt was is told from the endpoints' own records. It was left where so few came first as
    one that stays would hardly ever send, and at most a trickle of 35 % of what it used to (`brownout.leaving`). The
    worst fault counts; the figure is infinite where that does not happen while the fault is on, and unknown where it
    may have, by chance: more of the same would tell. A fault that lets no attempt be seen (refused connections) tells
    nothing.
    """
    if not view.windows:
        raise NoEvidence("no fault was on")
    seen: dict[str, tuple[Observation, Leaving]] = {}
    missing = []
    for window in view.windows:
        try:
            seen[window.injection.id] = _detected(view, window)
        except NoEvidence as reason:
            missing.append(str(reason))
    if not seen:
        raise NoEvidence("; ".join(missing))
    worst = max((one for one, _ in seen.values()), key=lambda one: one.value)
    return msgspec.structs.replace(worst, sample=Leavings({name: left for name, (_, left) in seen.items()}))


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


def _detected(view: View, window: Window) -> tuple[Observation, Leaving]:
    place, before = window.injection.at, _first_share(view, window)
    firsts = _firsts(view, [r for r in view.client if r.due_s in window and r.tenant in view.history.servable(window)])
    need(firsts, math.ceil(_EXPECTED_MIN / before.value), f"requests with an attempt during {window.injection.id}")
    if not _was_seen(view, window):
        raise NoEvidence(f"no attempt was seen at {place} while {window.injection.id} was on: refused ones leave none")
    there = [first.endpoint in window.injection.endpoints for first in firsts]
    left = Leaving(before, tuple(zip((first.arrived_s - window.on_s for first in firsts), there, strict=True)))
    late = [first.canary for first, at_it in zip(firsts, there, strict=True) if at_it]
    why = (
        f"{before.value:.0%} of first attempts went to {place} before {window.injection.id}; "
        f"{len(late)} of {len(firsts)} then"
    )
    return Observation(value=left.value, samples=len(firsts), witnesses=some(late), why=why), left


def _first_share(view: View, window: Window) -> Share:
    """Return which part of the first attempts went to the faulted place before any fault was on."""
    tenants, before_s = view.history.servable(window), view.history.before_s()
    firsts = _firsts(view, [r for r in view.client if r.due_s < before_s and r.tenant in tenants])
    there = sum(first.endpoint in window.injection.endpoints for first in firsts)
    at_least = _BASELINE_MIN if 2 * there >= len(firsts) else _BASELINE_MIN_OF_A_PART
    need(firsts, at_least, "requests of servable tenants with an attempt on record before the faults")
    share = Share(there, len(firsts))
    if share.value < _SHARE_MIN:
        raise NoEvidence(
            f"only {share.value:.0%} of first attempts went to {window.injection.at} before the faults (at least "
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
