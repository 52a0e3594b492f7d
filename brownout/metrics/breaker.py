"""Whether a sick endpoint is left, it alone, and asked now and then and by few whether it has healed.

All of it is read off where requests arrived, so that any router can be held to it: what its breaker thinks is not
asked. A router is given the first half of a fault to see what is wrong; the second half is judged.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

from brownout.evidence import ClientRecord, ProviderRecord
from brownout.history import History, Window
from brownout.intervals import Kept, Share
from brownout.metrics import places
from brownout.metrics.base import NoEvidence, Observation, View, metric, some

BASELINE_REQUESTS_MIN = 20
_FORMER_SHARE_MIN = 0.1
_EXPECTED_MIN = 10
_FORMER_MIN = 3  # requests at a place before, without which nothing can be said to be left of them
_TAKEN_OVER_RATIO = 0.9
_ALIKE_RATIO = 0.5  # of the most that any place carried: from there on it is one of those that share


@metric("share_left_ratio", "ratio", in_hindsight=True)
def share_left_ratio(view: View) -> Observation:
    """How much of its former share of requests a faulted place still gets in the second half of its fault."""
    seen = _measured(view, still_used)
    if not seen:
        raise NoEvidence("no faulted place had a share of the requests before, and was seen to be asked while faulted")
    return max(seen, key=lambda one: one.value)


@metric("ramp_relapse_ratio", "ratio", in_hindsight=True)
def ramp_relapse_ratio(view: View) -> Observation:
    """How much of its former share a place still gets in the second half of a fault that came back after it had served.

    To have been asked again, and to have answered, is what makes it a relapse: a router that had not come back yet had
    nothing to take back.
    """
    relapses = [window for window in view.windows if _had_served_between(view, window)]
    seen = [one for window in relapses if (one := still_used(view.history, window))]
    if not seen:
        raise NoEvidence("no fault came back to a place that had served again since")
    return max(seen, key=lambda one: one.value)


@metric("share_kept_ratio", "ratio", in_hindsight=True, lacks=places.neighbours)
def share_kept_ratio(view: View) -> Observation:
    """How much of its former share of requests a place keeps in the second half of a fault that is not its own.

    Beside a fault for all, these are the other places in the region; beside a fault for some tenants, the places it is
    at, for the others. Of several, the first is looked at that carried about as much as any. Where none carried
    anything, because they stand behind the faulted one in order, what they get of the requests that leave it is looked
    at: who goes there has not left the region. (Who goes elsewhere may have, or may have another order: that tells
    nothing.)
    """
    seen = _measured(view, _kept)
    if not seen:
        raise NoEvidence("no place beside the fault had enough of the requests before")
    return min(seen, key=lambda one: one.value)


@metric("probe_rate_rps", "rps", in_hindsight=True)
def probe_rate_rps(view: View) -> Observation:
    """Attempts a second that came to a faulted endpoint in the second half of its fault: the one that got most."""
    seen = []
    for window, endpoint in _asked(view):
        came = [r for r in view.history.attempts if r.endpoint == endpoint and _late(r.arrived_s, window)]
        span_s = window.off_s - window.half_s
        why = f"{len(came)} attempts at {endpoint} in the last {span_s:.1f} s of {window.injection.id}"
        witnesses = some([r.canary for r in came])
        seen.append(Observation(value=len(came) / span_s, samples=len(came), witnesses=witnesses, why=why))
    return max(seen, key=lambda one: one.value)


@metric("probes_in_flight", "count", in_hindsight=True)
def probes_in_flight(view: View) -> Observation:
    """Attempts under way at once at a faulted endpoint that came in the second half of its fault: the most."""
    seen = []
    for window, endpoint in _asked(view):
        came = [r for r in view.history.attempts if r.endpoint == endpoint and _late(r.arrived_s, window)]
        most = max((_beside(came, r.arrived_s) for r in came), key=len, default=[])
        why = f"of {len(came)} attempts at {endpoint} late in {window.injection.id}, at most {len(most)} at once"
        seen.append(Observation(value=len(most), samples=len(came), witnesses=some([r.canary for r in most]), why=why))
    return max(seen, key=lambda one: one.value)


def still_used(history: History, window: Window, *, small: bool = False) -> Observation | None:
    """Return how much of its former share a faulted place gets in the second half of its fault.

    None where it had no share worth the name (``small``: where it had next to none), and where the fault lets no
    attempt be seen: who is not let in leaves no trace, and would look like one who stayed away.
    """
    hit = set(window.injection.endpoints)
    if not any(r.endpoint in hit and r.arrived_s in window for r in history.attempts):
        return None
    tenants = history.affected(window)
    return _compared(history, window, hit, tenants, "still came to", small=small)


def _measured(view: View, measure: "_Measure") -> list[Observation]:
    """Measure each fault's places that had a share worth the name; where none had, those that had a small one.

    Of a small share a short fault tells little, and the interval says so; repeats tell more.
    """
    for small in (False, True):
        if seen := [one for window in view.windows if (one := measure(view.history, window, small=small))]:
            return seen
    return []


class _Measure(Protocol):
    def __call__(self, history: History, window: Window, *, small: bool) -> Observation | None: ...


def _kept(history: History, window: Window, *, small: bool) -> Observation | None:
    hit = set(window.injection.endpoints)
    if window.injection.tenants:
        spared = history.senders - set(window.injection.tenants)
        candidates, tenants = hit, spared
    else:
        regions = {one.region for one in history.topology.endpoints if one.name in hit}
        touched = {name for other in history.windows if _overlap(other, window) for name in other.injection.endpoints}
        candidates = {one.name for one in history.topology.endpoints if one.region in regions} - touched
        tenants = {name for name in history.senders if candidates & set(history.topology.tenants[name].allow)}
    before = _due(history, tenants, 0.0, history.before_s())
    shares = {place: came_share(history, before, {place}, history.before_s()) for place in sorted(candidates)}
    if not shares:
        return None
    # The most of several alike is so by chance, and less of it comes afterwards: the first of them is as good as any.
    main = next(one for one in history.topology.names if shares.get(one, -1.0) >= _ALIKE_RATIO * max(shares.values()))
    if shares[main] < _FORMER_SHARE_MIN and not window.injection.tenants and not small:
        return _took_over(history, window, candidates, tenants)
    return _compared(history, window, {main}, tenants, "came to", small=small)


def _took_over(history: History, window: Window, idle: Collection[str], tenants: Collection[str]) -> Observation | None:
    hit = set(window.injection.endpoints)
    elsewhere = set(history.topology.names) - hit
    late = _due(history, tenants, window.half_s, window.off_s)
    left = _at(history, late, elsewhere, window.off_s)
    came = _at(history, left, idle, window.off_s)
    if len(left) < _EXPECTED_MIN or len(came) < _TAKEN_OVER_RATIO * len(left):
        return None
    why = (
        f"{', '.join(sorted(idle))}: {len(came)} of {len(left)} requests that left {window.injection.at} in the second "
        f"half of {window.injection.id} came to it, which had hardly any before"
    )
    sample = Kept(Share(len(came), len(left)), Share(len(left), len(left)))  # of all that left: repeats are pooled
    return Observation(value=sample.value, samples=len(left), why=why, sample=sample)


def _compared(
    history: History,
    window: Window,
    endpoints: Collection[str],
    tenants: Collection[str],
    what: str,
    *,
    small: bool,
) -> Observation | None:
    """Compare the second half of a fault with the time before all faults."""
    before = _due(history, tenants, 0.0, history.before_s())
    formerly = _at(history, before, endpoints, history.before_s())
    late = _due(history, tenants, window.half_s, window.off_s)
    former = len(formerly) / len(before) if before else 0.0
    expected = round(former * len(late))
    enough = former >= _FORMER_SHARE_MIN and expected >= _EXPECTED_MIN
    if len(before) < BASELINE_REQUESTS_MIN or not (enough or (small and late and len(formerly) >= _FORMER_MIN)):
        return None
    came = _at(history, late, endpoints, window.off_s)
    names = ", ".join(sorted(endpoints))
    why = (
        f"{names}: {len(came)} of {len(late)} requests {what} it in the second half of {window.injection.id}, "
        f"where {expected} would have by its share before ({former:.0%})"
    )
    sample = Kept(Share(len(came), len(late)), Share(len(formerly), len(before)))
    return Observation(
        value=sample.value, samples=len(late), witnesses=some([r.canary for r in came]), why=why, sample=sample
    )


def came_to(history: History, record: ClientRecord, endpoints: Collection[str], before_s: float) -> bool:
    """Return whether a request was at one of the endpoints, at any of its attempts before an instant."""
    return any(r.endpoint in endpoints and r.arrived_s < before_s for r in history.by_canary.get(record.canary, ()))


def came_share(history: History, due: Sequence[ClientRecord], endpoints: Collection[str], before_s: float) -> float:
    """Return the share of the requests that were at one of the endpoints (0 of none)."""
    return len(_at(history, due, endpoints, before_s)) / len(due) if due else 0.0


def _at(
    history: History, due: Sequence[ClientRecord], endpoints: Collection[str], before_s: float
) -> list[ClientRecord]:
    return [r for r in due if came_to(history, r, endpoints, before_s)]


def _asked(view: View) -> Iterator[tuple[Window, str]]:
    """Yield each faulted endpoint that had traffic before, and that an attempt was seen at while it was faulted.

    Raises:
        NoEvidence: there is none.
    """
    attempts, before_s = view.history.attempts, view.history.before_s()
    found = [
        (window, endpoint)
        for window in view.windows
        for endpoint in window.injection.endpoints
        if sum(r.endpoint == endpoint and r.arrived_s < before_s for r in attempts) >= _EXPECTED_MIN
        and any(r.endpoint == endpoint and r.arrived_s in window for r in attempts)
    ]
    if not found:
        raise NoEvidence("no faulted endpoint had traffic before, and was seen to be asked while faulted")
    yield from found


def _had_served_between(view: View, window: Window) -> bool:
    hit = set(window.injection.endpoints)
    earlier = [w for w in view.history.windows if w.off_s <= window.on_s and hit & set(w.injection.endpoints)]
    return any(
        r.endpoint in hit and r.outcome == "ok" and max(w.off_s for w in earlier) <= r.arrived_s < window.on_s
        for r in view.history.attempts
        if earlier
    )


def _beside(attempts: Sequence[ProviderRecord], at_s: float) -> list[ProviderRecord]:
    """Return those under way at an instant; one that was answered at once is, at its own."""
    return [r for r in attempts if r.arrived_s <= at_s and (r.end_s > at_s or r.arrived_s == at_s)]


def _due(history: History, tenants: Collection[str], from_s: float, to_s: float) -> list[ClientRecord]:
    return [r for r in history.client if from_s <= r.due_s < to_s and r.tenant in tenants]


def _late(at_s: float, window: Window) -> bool:
    return window.half_s <= at_s < window.off_s


def _overlap(one: Window, other: Window) -> bool:
    return one.on_s < other.off_s and other.on_s < one.off_s
