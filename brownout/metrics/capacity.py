"""Finite capacity: what was bought is used first and by whom it is for, and what there is too little of is shared."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from brownout.evidence import ClientRecord, ProviderRecord
from brownout.history import History, grouped
from brownout.intervals import Mean, Share
from brownout.metrics import places
from brownout.metrics.base import NoEvidence, Observation, View, metric, need, some
from brownout.metrics.promptness import is_prompt
from brownout.topology import Endpoint

_LOST_MIN = 10  # fewer tell nothing of an order
_BASELINE_PROMPT_MIN = 15
_AROUND_S = 1.0  # before a request and after its refusal: what was so for that long was no matter of an instant
_ROOM_RATIO = 0.5  # of an endpoint's size; fuller than that, a router may have good reasons to leave it alone
_COME_BACK = (429, 503, 529)  # too many requests; full (529: Anthropic's word for it)

_Records: TypeAlias = Sequence[ClientRecord] | Sequence[ProviderRecord]


@metric("on_provisioned_ratio", "ratio", lacks=places.provisioned)
def on_provisioned_ratio(view: View) -> Observation:
    """Share served on provisioned capacity, of the attempts served for tenants that may use it."""
    bought = _provisioned(view.history)
    entitled = {name for name, one in view.history.topology.tenants.items() if bought & set(one.allow)}
    served = [r for r in view.attempts if r.outcome == "ok" and r.tenant in entitled]
    need(served, 1, "attempts served for tenants that may use provisioned capacity")
    elsewhere = [r for r in served if r.endpoint not in bought]
    where = _counted(Counter(r.endpoint for r in elsewhere)) or "none"
    return _all_but(elsewhere, served, f"of {len(served)} served, {where} elsewhere than on provisioned capacity")


@metric("background_on_provisioned", "count", stands_alone=True, lacks=places.provisioned)
def background_on_provisioned(view: View) -> Observation:
    """Attempts of background requests at provisioned capacity."""
    history = view.history
    bought = _provisioned(history)
    tempted = {name for name, one in history.topology.tenants.items() if bought & set(one.allow)}
    background = [r for r in view.client if r.traffic_class == "background" and r.tenant in tempted]
    need(background, 1, "background requests of tenants that may use provisioned capacity")
    wrong = [r for r in view.attempts if r.endpoint in bought and history.class_of(r.canary) == "background"]
    return Observation(
        value=len(wrong),
        samples=len(background),
        witnesses=some([r.canary for r in wrong]),
        why=f"{len(wrong)} attempts at provisioned capacity were background work, of {len(background)} such requests",
    )


@metric("dropped_with_capacity", "ratio")
def dropped_with_capacity(view: View) -> Observation:
    """Share of requests given up while an endpoint allowed for them, at most half full, was serving others.

    Such an endpoint has no fault on it, and from a second before the request until a second after its end it served
    somebody, refused nobody, and had at most half the requests open, and half the arrivals, that its limits allow.
    Endpoints with another model than limits behind them are left out: what they still have is not known from outside.
    """
    need(view.client, 1, "requests in the window")
    knocked = grouped(view.history.attempts, lambda one: one.endpoint)
    dropped = {}
    for record in view.client:
        if record.outcome in ("refused", "hung") and record.first_token_s is None:
            room = _with_room(view.history, knocked, record)
            if room:
                dropped[record.canary] = room[0]
    return Observation(
        value=len(dropped) / len(view.client),
        samples=len(view.client),
        witnesses=some(list(dropped)),
        sample=Share(len(dropped), len(view.client)),
        why=f"{len(dropped)} of {len(view.client)} were given up while others had room"
        + (f": {_counted(Counter(dropped.values()))}" if dropped else ""),
    )


@metric("fairness_ratio", "ratio")
def fairness_ratio(view: View) -> Observation:
    """The worst-off tenant's requests served, of those that a max-min fair division of all that was served gives it.

    Who asks for no more than an equal part is entitled to all it asks for, and the rest is divided among the others
    (max-min fairness: Bertsekas and Gallager, Data Networks, 2nd ed., 6.5.2). Only tenants that have endpoints in
    common share anything; a tenant alone is not compared.
    """
    groups = [group for group in _sharing(view) if len(group) > 1]
    if not groups:
        raise NoEvidence("no two tenants with requests in the window have an endpoint in common")
    seen = [_fairness(view.client, group) for group in groups]
    return min(seen, key=lambda one: one.value)


@metric("shed_in_order_ratio", "ratio")
def shed_in_order_ratio(view: View) -> Observation:
    """Of the requests that were not served, the share that were background work."""
    classes = {record.traffic_class for record in view.client}
    if len(classes) < 2:
        raise NoEvidence("the requests in the window are all of one class")
    lost = [record for record in view.client if record.outcome != "ok"]
    need(lost, _LOST_MIN, "requests not served in the window")
    wrong = [record for record in lost if record.traffic_class != "background"]
    return _all_but(wrong, lost, f"of {len(lost)} not served, {len(wrong)} were interactive")


@metric("clean_refusal_ratio", "ratio")
def clean_refusal_ratio(view: View) -> Observation:
    """Of the requests refused, the share told to come back, and when: 429, 503 or 529 with a Retry-After."""
    refused = [record for record in view.client if record.outcome == "refused"]
    need(refused, _LOST_MIN, "requests refused in the window")
    unclean = [record for record in refused if record.status not in _COME_BACK or record.retry_after_s is None]
    said = Counter(f"{r.status} {'without' if r.retry_after_s is None else 'with'} a Retry-After" for r in refused)
    return _all_but(unclean, refused, f"of {len(refused)} refused: {_counted(said)}")


@metric("goodput_ratio", "ratio")
def goodput_ratio(view: View) -> Observation:
    """Prompt whole answers per second in the window over those before any fault or burst.

    Before, only the tenants and classes count that have requests in the window. Above 1 more was served than before.
    """
    kinds = {(record.tenant, record.traffic_class) for record in view.client}
    before_s = view.history.before_s()
    before = [r for r in view.history.client if r.due_s < before_s and (r.tenant, r.traffic_class) in kinds]
    prompt = sum(is_prompt(record) for record in before)
    if prompt < _BASELINE_PROMPT_MIN:
        raise NoEvidence(f"{prompt} prompt answers before the window (at least {_BASELINE_PROMPT_MIN} needed)")
    length_s = sum(window.off_s - window.on_s for window in view.windows)
    due = [record for record in view.client if any(record.due_s in window for window in view.windows)]
    need(due, _BASELINE_PROMPT_MIN, "requests in the window")
    base_rps, due_rps = prompt / (before_s - view.history.began_s), len(due) / length_s
    late = [record.canary for record in due if not is_prompt(record)]
    # Of each request that is due, what its being answered adds to the ratio.
    sample = Mean(tuple(is_prompt(record) * due_rps / base_rps for record in due))
    return Observation(
        value=sample.value,
        samples=len(due),
        witnesses=some(late),
        sample=sample,
        why=f"{(len(due) - len(late)) / length_s:.1f} prompt answers a second of {due_rps:.1f} due; "
        f"{base_rps:.1f} before",
    )


def max_min(demands: Mapping[str, float], capacity: float) -> dict[str, float]:
    """Return what each gets of a capacity: nobody more than asked for, and nobody less so that one who has more can."""
    given: dict[str, float] = {}
    for position, name in enumerate(sorted(demands, key=lambda name: demands[name])):
        given[name] = min(demands[name], max(capacity, 0.0) / (len(demands) - position))
        capacity -= given[name]
    return given


def _all_but(wrong: _Records, records: _Records, why: str) -> Observation:
    """Return the share of the records that are not wrong; the wrong ones are its witnesses."""
    share = Share(len(records) - len(wrong), len(records))
    witnesses = some([record.canary for record in wrong])
    return Observation(value=share.value, samples=len(records), witnesses=witnesses, sample=share, why=why)


def _fairness(client: Sequence[ClientRecord], group: set[str]) -> Observation:
    due = [record for record in client if record.tenant in group]
    demands = Counter(record.tenant for record in due)
    served = Counter(record.tenant for record in due if record.outcome == "ok")
    if not served:
        raise NoEvidence(f"nobody of {', '.join(sorted(group))} was served: there was nothing to share")
    entitled = max_min(demands, served.total())
    parts = {}
    for name in sorted(group):
        of = max(round(entitled[name]), 1)
        parts[name] = Share(min(served[name], of), of)
    worst = min(parts, key=lambda name: parts[name].value)
    lost = [record.canary for record in due if record.tenant == worst and record.outcome != "ok"]
    what = "; ".join(f"{name}: {served[name]} of {demands[name]}, entitled to {entitled[name]:.0f}" for name in parts)
    return Observation(
        value=parts[worst].value, samples=len(due), witnesses=some(lost), sample=parts[worst], why=f"served {what}"
    )


def _sharing(view: View) -> list[set[str]]:
    """Return the tenants of the window's requests in groups that have endpoints in common, by however many steps."""
    tenants = view.history.topology.tenants
    groups: list[tuple[set[str], set[str]]] = []
    for name in sorted({record.tenant for record in view.client}):
        names, allowed = {name}, set(tenants[name].allow)
        for group in [group for group in groups if group[1] & allowed]:
            groups.remove(group)
            names, allowed = names | group[0], allowed | group[1]
        groups.append((names, allowed))
    return [names for names, _ in groups]


def _with_room(history: History, knocked: Mapping[str, Sequence[ProviderRecord]], lost: ClientRecord) -> list[str]:
    from_s, to_s = lost.due_s - _AROUND_S, lost.end_s + _AROUND_S
    hit = {name for w in history.windows if w.on_s < to_s and from_s < w.off_s for name in w.injection.endpoints}
    allowed = set(history.topology.tenants[lost.tenant].allow) - hit
    return [
        one.name
        for one in history.topology.endpoints
        if one.name in allowed
        and not (lost.traffic_class == "background" and one.capacity == "provisioned")
        and _has_room(one, knocked.get(one.name, ()), from_s, to_s)
    ]


def _has_room(endpoint: Endpoint, attempts: Sequence[ProviderRecord], from_s: float, to_s: float) -> bool:
    first = bisect_left(attempts, from_s, key=lambda record: record.arrived_s)
    arrived = attempts[first : bisect_left(attempts, to_s, key=lambda record: record.arrived_s)]
    limits = endpoint.limits
    if endpoint.behind is not None or any(record.outcome in ("refused", "cut") for record in arrived):
        return False
    if limits.rate_rps is not None and len(arrived) > _ROOM_RATIO * limits.rate_rps * (to_s - from_s):
        return False
    if limits.concurrent is not None and _most_open(attempts, from_s, to_s) > _ROOM_RATIO * limits.concurrent:
        return False
    return any(record.outcome == "ok" for record in arrived)


def _most_open(attempts: Sequence[ProviderRecord], from_s: float, to_s: float) -> int:
    marks = sorted(
        mark
        for record in attempts
        if record.arrived_s < to_s and record.end_s > from_s
        for mark in ((record.arrived_s, 1), (record.end_s, -1))
    )
    most = open_now = 0
    for _, step in marks:
        open_now += step
        most = max(most, open_now)
    return most


def _provisioned(history: History) -> set[str]:
    bought = {one.name for one in history.topology.endpoints if one.capacity == "provisioned"}
    if not bought:
        raise NoEvidence("the topology has no provisioned capacity")
    return bought


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts.most_common())
