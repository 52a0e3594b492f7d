"""Whether what others received depends on a tenant's secret: `brownout.interference`, from `brownout.tape`."""

from collections.abc import Hashable, Sequence

import msgspec

from brownout.doubts import incomplete
from brownout.history import History
from brownout.interference import (
    Compared,
    Difference,
    differences,
    likely_differences,
    out_of_step,
    outside,
    was_changed,
)
from brownout.metrics.base import NoEvidence, Observation, View, metric, need, some
from brownout.plan import Play
from brownout.tape import TapeRecord

_COMPARED_MIN = 20
_TOLD = 3
_METRICS_PAGE = "the target's own metrics"


@metric("interference", "count", stands_alone=True, in_hindsight=True)
def interference(view: View) -> Observation:
    """Differences that another secret of one tenant's makes in what is received outside its boundary, or for others."""
    history = view.history
    again, twin = _other(history, "again"), _other(history, "twin")
    tenant = history.plan.twin
    allow = set(history.topology.tenants[tenant].allow)
    if not was_changed(history.tape, twin.tape, tenant, allow):
        raise NoEvidence(f"no request of {tenant}'s was received that says another thing with the other secret")
    first, same, other = (outside(one.tape, tenant, allow) for one in (history, again, twin))
    need(first, _COMPARED_MIN, f"messages outside {tenant}'s boundary")
    own = [*differences(first, same), *_of_metrics(history, again)] if history.virtual else []
    exact = history.virtual and not own
    if exact:
        found = Compared(
            compared=len(first), left=0, differences=[*differences(first, other), *_of_metrics(history, twin)]
        )
    else:
        found = likely_differences(first, same, other, [_kinds(one) for one in (history, again, twin)])
        if history.virtual:
            found = _with_steps(found, history, again, twin, (first, same, other))
        _check_enough(found, virtual=history.virtual)
    return Observation(
        value=len(found.differences),
        samples=found.compared,
        witnesses=some([one.canary or one.place for one in found.differences]),
        why=_why(found, tenant, exact=exact, own=own),
    )


def _other(history: History, play: Play) -> History:
    other = history.others.get(play)
    if other is None:
        raise NoEvidence("the test was not played again with another secret (its scenario names no twin)")
    if doubt := incomplete(other):
        raise NoEvidence(f"of the play {other.plan.test}: {doubt}")
    if not other.tape:
        raise NoEvidence(f"of the play {other.plan.test} there is no tape")
    return other


def _with_steps(
    found: Compared, history: History, again: History, twin: History, tapes: Sequence[Sequence[TapeRecord]]
) -> Compared:
    """Add, of a target that draws by chance in virtual time, what it did alike twice, and else with the other secret.

    What it draws may have changed that as well, a pause now and then, say: nobody knows.
    """
    first, same, other = tapes
    doubtful = [*found.doubtful]
    if not out_of_step(first, same):
        doubtful += out_of_step(first, other)
    if not _of_metrics(history, again):
        doubtful += _of_metrics(history, twin)
    return msgspec.structs.replace(found, doubtful=doubtful)


def _of_metrics(one: History, other: History) -> list[Difference]:
    """Compare what the target says of itself, which is no tenant's."""
    texts = [{when: record.text.splitlines() for when, record in each.telemetry.items()} for each in (one, other)]
    differing = sum(
        len(set(texts[0].get(when, [])) ^ set(texts[1].get(when, []))) for when in texts[0].keys() | texts[1].keys()
    )
    return [Difference(_METRICS_PAGE, "", f"{differing} lines")] if differing else []


def _kinds(history: History) -> dict[str, Hashable]:
    """Return of what kind each request's reply was: only those of one kind can be compared."""
    return {one.canary: (one.outcome, one.status, one.served_by, one.integrity) for one in history.client}


def _check_enough(found: Compared, *, virtual: bool) -> None:
    if found.differences:
        return
    if found.compared < _COMPARED_MIN or found.compared < found.left:
        raise NoEvidence(f"only {found.compared} messages could be compared, {found.left} could not")
    if found.doubtful:
        raise NoEvidence(
            f"{len(found.doubtful)} messages differ with the other secret alone ({_listed(found.doubtful)}): "
            "so few, or so much alike, may by chance; "
            + ("a target that draws from its seed would tell" if virtual else "virtual time would tell, or another run")
        )


def _why(found: Compared, tenant: str, *, exact: bool, own: Sequence[Difference]) -> str:
    if found.differences:
        said = [f"with another secret of {tenant}'s: {_listed(found.differences)}"]
    else:
        how = "to the byte and the microsecond" if exact else "in all that is compared"
        said = [f"{found.compared} messages that are not {tenant}'s, the same with another secret {how}"]
    if own:
        said.append(f"the same secret twice makes {len(own)} differences ({_listed(own)}), so chance was allowed for")
    if found.left:
        said.append(f"{found.left} could not be compared")
    if found.loose and not own:
        more = f" and {len(found.loose) - _TOLD} more" if len(found.loose) > _TOLD else ""
        said.append(f"differs with the same secret, too, here and there: {', '.join(found.loose[:_TOLD])}{more}")
    return "; ".join(said)


def _listed(found: Sequence[Difference]) -> str:
    """Say what differs, what differs most often first, each with a request to look at."""
    groups: dict[tuple[str, str], list[Difference]] = {}
    for one in found:
        groups.setdefault((one.what, one.place), []).append(one)
    most = sorted(groups.values(), key=len, reverse=True)
    more = f", and {len(most) - _TOLD} kinds more" if len(most) > _TOLD else ""
    return ", ".join(map(_counted, most[:_TOLD])) + more


def _counted(alike: Sequence[Difference]) -> str:
    first = alike[0]
    times = f"{len(alike)} times " if len(alike) > 1 else ""
    whose = f", as of {first.canary}" if first.canary else ""
    return f"{first.what} {times}at {first.place}{whose}"
