"""Whether what a target's own metrics say is what clients and providers saw.

What is true has room in it: whether a client that left was an error, or half an answer's tokens count, is the target's
to say. So a figure is compared with the least and the most that it may be, and is off by as much as it lies outside of
these, relative to the nearer one. Both ends count once, whatever an SLO's filters and window are: counters know none.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from brownout.evidence import ProviderRecord, TelemetryRecord
from brownout.exposition import Exposition, read_exposition
from brownout.history import History
from brownout.metrics.base import NoEvidence, Observation, View, metric, some
from brownout.telemetry import Says, total, totals_by
from brownout.topology import Topology

_NOTED_S = 0.05  # an endpoint notes that it has refused once that is sent: somebody else may have been asked meanwhile


class Truth(NamedTuple):
    """The least and the most that a figure may be, and requests that show it."""

    low: float
    high: float
    witnesses: Sequence[str | None] = ()

    def off(self, said: float) -> float:
        """How far a figure is outside, relative to the end that it is nearest to."""
        if said < self.low:
            return (self.low - said) / max(self.low, 1.0)
        return max(said - self.high, 0.0) / max(self.high, 1.0)

    def __str__(self) -> str:
        return f"{self.low:g}" if self.low == self.high else f"{self.low:g} to {self.high:g}"


@metric("telemetry_requests_error_ratio", "ratio", in_hindsight=True)
def telemetry_requests_error_ratio(view: View) -> Observation:
    """How far the target's count of requests is from what clients sent it, relative to that.

    A request that had no answer at all may never have come.
    """
    asked = view.history.client
    answered = [r for r in asked if r.status is not None]
    return _compared(view, "requests", lambda says: says.requests, Truth(len(answered), len(asked)))


@metric("telemetry_errors_error_ratio", "ratio", in_hindsight=True)
def telemetry_errors_error_ratio(view: View) -> Observation:
    """How far the target's count of failed requests is from what clients saw fail, relative to that.

    An answer that broke off is a failure, whether it had begun with a 200 or not.
    """
    failed = [r for r in view.history.client if r.outcome in ("refused", "error", "truncated") and r.status is not None]
    most = [r for r in view.history.client if r.outcome not in ("ok", "unsent")]
    if not most:
        raise NoEvidence("no client saw a request fail, so whether failures are counted is not known")
    truth = Truth(len(failed), len(most), [r.canary for r in failed])
    return _compared(view, "errors", lambda says: says.errors, truth)


@metric("telemetry_tokens_error_ratio", "ratio", in_hindsight=True)
def telemetry_tokens_error_ratio(view: View) -> Observation:
    """How far the target's count of output tokens is from what was put out, relative to that.

    At least those of the answers that clients got whole count, and at most all that endpoints sent, also for what was
    no client's request.
    """
    got = sum(r.tokens for r in view.history.client if r.outcome == "ok")
    sent = sum(r.tokens for r in view.history.attempts)
    if not sent:
        raise NoEvidence("no endpoint sent any token")
    aside = sum(r.tokens for r in view.history.asides)
    return _compared(view, "tokens", lambda says: says.tokens, Truth(min(got, sent), sent + aside))


@metric("telemetry_failovers_error_ratio", "ratio", in_hindsight=True)
def telemetry_failovers_error_ratio(view: View) -> Observation:
    """How far the target's count of failovers is from the requests that were seen at more than one endpoint.

    A request that went on twice may count once or twice. One that no endpoint had failed when another was asked (that
    was hung up on, or overtaken by a hedge) may count or not; nor is it known of attempts for common questions.
    """
    moved = {c: records for c, records in view.history.by_canary.items() if len({r.endpoint for r in records}) > 1}
    unknown = sum(map(len, view.history.answering.by_question.values()))
    if not moved:
        raise NoEvidence("no request was seen at more than one endpoint")
    failed = [canary for canary, records in moved.items() if _failed_first(records)]
    most = sum(len(records) - 1 for records in moved.values()) + unknown
    truth = Truth(len(failed), most, failed or list(moved))
    return _compared(view, "failovers", lambda says: says.failovers, truth)


def _failed_first(attempts: Sequence[ProviderRecord]) -> bool:
    """Return whether an endpoint had failed a request before another had it."""
    failed = [one for one in attempts if one.outcome in ("refused", "cut")]
    return any(
        one.endpoint != two.endpoint and one.end_s <= two.arrived_s + _NOTED_S for one in failed for two in attempts
    )


@metric("telemetry_attempts_error_ratio", "ratio", in_hindsight=True)
def telemetry_attempts_error_ratio(view: View) -> Observation:
    """How far the target's count of its requests to a provider is from what came there; the worst provider counts.

    An attempt whose caller left may be counted or not, and so may what the target asked for itself: health checks.
    """
    says, history = _says(view), view.history
    if not (says.attempts and says.by):
        raise NoEvidence("the target does not say how many requests it sent to each provider")
    before, after = _both(history)
    ended = totals_by(says.attempts, says.by, after)
    if ended is None:
        raise _unknown_there(says.attempts, after)
    began = totals_by(says.attempts, says.by, before) or {}
    compared = []
    for name, endpoints in _groups(history, says, ended).items():
        said = sum(ended[one] - began.get(one, 0.0) for one in endpoints.labels)
        there = [r for r in history.attempts if r.endpoint in endpoints.names]
        asides = sum(r.endpoint in endpoints.names for r in history.asides)
        compared.append((name, said, _attempted(there, asides)))
    if not history.attempts or any(said < 0 for _, said, _ in compared):
        raise NoEvidence("no endpoint was asked, or the target's counts went back: it was started again")
    _, _, worst = max(compared, key=lambda one: one[2].off(one[1]))
    lies = [f"{name}: said {said:g}, seen {truth}" for name, said, truth in compared if truth.off(said)]
    return Observation(
        value=max(truth.off(said) for _, said, truth in compared),
        samples=len(history.attempts),
        witnesses=some(worst.witnesses),
        why="; ".join(lies) or f"{len(history.attempts)} attempts, each counted where it was made",
    )


class _Group(NamedTuple):
    """Endpoints, and the values of the label that mean them."""

    names: frozenset[str]
    labels: Sequence[str]


def _groups(history: History, says: Says, labels: Iterable[str]) -> dict[str, _Group]:
    """Return what the label's values mean; endpoints that none means are a group that nothing is said of."""
    topology = history.topology
    groups: dict[str, _Group] = {}
    for label in labels:
        names = frozenset(_named(topology, says.called.get(label, label)))
        key = ", ".join(sorted(names)) or f"{says.by}={label!r} (no place of this name)"
        before = groups.get(key, _Group(names, ()))
        groups[key] = _Group(names, (*before.labels, label))
    meant = {name for group in groups.values() for name in group.names}
    silent = {r.endpoint for r in history.attempts} - meant
    return groups | {name: _Group(frozenset({name}), ()) for name in sorted(silent)}


def _named(topology: Topology, value: str) -> list[str]:
    return [e.name for e in topology.endpoints if value in (e.name, e.region, e.cloud, e.provider)]


def _attempted(there: Sequence[ProviderRecord], asides: int) -> Truth:
    sure = [r for r in there if r.outcome not in ("client-gone", "open")]
    return Truth(len(sure), len(there) + asides, [r.canary for r in there])


def _compared(view: View, what: str, of: Callable[[Says], str], truth: Truth) -> Observation:
    selector = of(_says(view))
    if not selector:
        raise NoEvidence(f"the target does not say its {what}")
    before, after = _both(view.history)
    ended = total(selector, after)
    if ended is None:
        raise _unknown_there(selector, after)
    said = ended - (total(selector, before) or 0.0)
    if said < 0:
        raise NoEvidence(f"the target's {what} went back by {-said:g}: it was started again")
    off = truth.off(said)
    return Observation(
        value=off,
        samples=len(view.history.client),
        witnesses=some(truth.witnesses),
        why=f"it said {said:g} {what}; clients and endpoints saw {truth}",
    )


def _says(view: View) -> Says:
    return view.history.plan.says or Says()


def _both(history: History) -> tuple[Exposition, Exposition]:
    before, after = history.telemetry.get("before"), history.telemetry.get("after")
    if before is None or after is None:
        when = "before load" if before is None else "after load"
        raise NoEvidence(f"the target's metrics could not be read {when}")
    return _read(before), _read(after)


def _read(record: TelemetryRecord) -> Exposition:
    try:
        return read_exposition(record.text)
    except ValueError as error:
        raise NoEvidence(f"the target's metrics are not in Prometheus's text format: {error}") from None


def _unknown_there(selector: str, said: Exposition) -> NoEvidence:
    names = sorted({one.name for one in said.series})
    return NoEvidence(f"nothing in the target's metrics is called {selector!r}; there are: {', '.join(names[:20])}")
