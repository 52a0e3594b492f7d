"""Whether traffic is shaped as the target's file says: an experiment's shares, its rollback, shadow traffic."""

import math
from collections.abc import Sequence

from brownout.evidence import ClientRecord, ProviderRecord
from brownout.history import Window
from brownout.intervals import Split
from brownout.metrics.base import NoEvidence, Observation, View, metric, need, some
from brownout.shaping import Experiment, Rollback, Shadow, Shaping

_REQUESTS_MIN = 30
_BY_CHANCE = 0.01  # as unlikely must it be that an arm which still has its share was not met


@metric("ab_deviation_ratio", "ratio", in_hindsight=True)
def ab_deviation_ratio(view: View) -> Observation:
    """How far the worst arm's part of an experiment's requests is from the share that it was given.

    A request belongs to the arm that its first attempt went to. Tenants who may not use every arm are left out.
    """
    experiment = _experiment(view)
    firsts = _firsts(view, _tenants_of(view, list(experiment.shares)))
    need(firsts, _REQUESTS_MIN, f"requests for {experiment.model} that reached an endpoint")
    arms = list(experiment.shares)
    hits = tuple(sum(attempt.endpoint == arm for _, attempt in firsts) for arm in arms)
    sample = Split(hits, tuple(experiment.shares.values()), len(firsts))
    parts = ", ".join(
        f"{arm} {count / len(firsts):.1%} (meant {experiment.shares[arm]:.0%})"
        for arm, count in zip(arms, hits, strict=True)
    )
    strays = [request.canary for request, attempt in firsts if attempt.endpoint not in experiment.shares]
    return Observation(
        value=sample.value,
        samples=len(firsts),
        witnesses=some(strays or [request.canary for request, _ in firsts[:5]]),
        why=f"of {len(firsts)} requests: {parts}; {len(strays)} went first to no arm",
        sample=sample,
    )


@metric("rollback_s", "s", timed=True, in_hindsight=True)
def rollback_s(view: View) -> Observation:
    """Seconds from an experiment's rollback until no request for its model goes to the withdrawn arm any more.

    Requests that were sent before the rollback do not count.
    """
    experiment, rollback = _experiment(view), _shaping(view).rollback
    windows = [window for window in view.windows if window.injection.fault == "flag-rollback"]
    if rollback is None or not windows:
        raise NoEvidence("no flag was rolled back")
    return max((_rolled_back(view, window, experiment, rollback) for window in windows), key=lambda one: one.value)


@metric("shadow_answers", "count", stands_alone=True)
def shadow_answers(view: View) -> Observation:
    """Requests for the shadowed model whose client was given the answer of its copy at the shadow endpoint.

    One that was sent there alone, or after it had failed elsewhere, was routed there, and no copy.
    """
    shadow = _shadow(view)
    need(view.client, 1, "requests in the window")
    copied = [r for r in view.client if _endpoints(view, r) > {shadow.to}]
    if not copied:
        raise NoEvidence(f"no request for {shadow.model} was copied to {shadow.to}: there was no answer to keep back")
    given = [r.canary for r in copied if r.served_by == shadow.to and _is_copy(view, r, shadow.to)]
    return Observation(
        value=len(given),
        samples=len(copied),
        witnesses=some(given),
        why=f"{len(copied)} requests were copied to {shadow.to}; {len(given)} clients were given its answer",
    )


@metric("shadow_deviation_ratio", "ratio", in_hindsight=True)
def shadow_deviation_ratio(view: View) -> Observation:
    """How far the part of requests that were also sent to the shadow endpoint is from the share that was meant.

    Tenants who may not use that endpoint are left out: theirs must not be copied.
    """
    shadow = _shadow(view)
    tenants = _tenants_of(view, [shadow.to])
    sent = [r for r in view.client if r.tenant in tenants and _endpoints(view, r) - {shadow.to}]
    need(sent, _REQUESTS_MIN, f"requests for {shadow.model} that reached an endpoint")
    copied = [r for r in sent if shadow.to in _endpoints(view, r)]
    sample = Split((len(copied),), (shadow.share,), len(sent))
    return Observation(
        value=sample.value,
        samples=len(sent),
        witnesses=some([r.canary for r in copied or sent]),
        why=f"{len(copied)} of {len(sent)} requests were copied to {shadow.to} (meant {shadow.share:.0%})",
        sample=sample,
    )


def _rolled_back(view: View, window: Window, experiment: Experiment, rollback: Rollback) -> Observation:
    firsts = _firsts(view, _tenants_of(view, list(experiment.shares)))
    before = [attempt for request, attempt in firsts if request.sent_s < window.on_s]
    need(before, _REQUESTS_MIN, "requests before the rollback")
    share = sum(attempt.endpoint == rollback.withdraws for attempt in before) / len(before)
    if share == 0:
        raise NoEvidence(f"{rollback.withdraws} carried nothing before the rollback, so nothing had to end")
    due = [(request, attempt) for request, attempt in firsts if window.on_s <= request.sent_s < window.off_s]
    places = [place for place, (_, attempt) in enumerate(due) if attempt.endpoint == rollback.withdraws]
    late = [due[place][0].canary for place in places]
    quiet = len(due) - (places[-1] + 1 if places else 0)
    needed = 1 if share == 1 else math.ceil(math.log(_BY_CHANCE) / math.log(1 - share))
    after = f"of {len(due)} requests after the rollback"
    why = f"{len(places)} {after} still went to {rollback.withdraws} ({share:.0%} before)"
    if quiet < needed:
        if not places:
            raise NoEvidence(f"{len(due)} requests after the rollback (at least {needed} needed)")
        return Observation(value=math.inf, samples=len(due), witnesses=some(late[-3:]), why=f"{why}, to the end")
    value = due[places[-1]][0].sent_s - window.on_s if places else 0.0
    return Observation(value=value, samples=len(due), witnesses=some(late), why=why)


def _shaping(view: View) -> Shaping:
    return view.history.plan.shaping or Shaping()


def _experiment(view: View) -> Experiment:
    experiment = _shaping(view).experiment
    if experiment is None or view.history.plan.workload.model != experiment.model:
        raise NoEvidence("no request was for an experiment's model")
    return experiment


def _shadow(view: View) -> Shadow:
    shadow = _shaping(view).shadow
    if shadow is None or view.history.plan.workload.model != shadow.model:
        raise NoEvidence("no request was for a shadowed model")
    return shadow


def _is_copy(view: View, request: ClientRecord, endpoint: str) -> bool:
    """Whether the one attempt there was made while another was under way elsewhere."""
    attempts = view.history.by_canary[request.canary]
    there = [attempt for attempt in attempts if attempt.endpoint == endpoint]
    elsewhere = [attempt for attempt in attempts if attempt.endpoint != endpoint]
    return len(there) == 1 and any(one.end_s > there[0].arrived_s for one in elsewhere)


def _tenants_of(view: View, endpoints: Sequence[str]) -> set[str]:
    """The tenants who may use all of these."""
    return {name for name, one in view.history.topology.tenants.items() if set(endpoints) <= set(one.allow)}


def _firsts(view: View, tenants: set[str]) -> list[tuple[ClientRecord, ProviderRecord]]:
    """Each request of these tenants with its first attempt, in order of time."""
    found = view.history.by_canary
    return [(r, found[r.canary][0]) for r in view.client if r.tenant in tenants and found.get(r.canary)]


def _endpoints(view: View, request: ClientRecord) -> set[str]:
    return {attempt.endpoint for attempt in view.history.by_canary.get(request.canary, ())}
