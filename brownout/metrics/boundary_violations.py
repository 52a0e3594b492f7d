"""Whether a tenant's data came where it may not be."""

from collections.abc import Iterator

from brownout.egress import EgressRecord
from brownout.evidence import ProviderRecord
from brownout.metrics.base import NoEvidence, Observation, View, metric, need_layer, some

_OUTWARD = frozenset({"plaintext", "flows", "names"})


@metric("boundary_violations", "count", stands_alone=True, graded=True)
def boundary_violations(view: View) -> Observation:
    """Attempts and sightings in which a tenant's data was seen outside that tenant's boundary."""
    attempts = [(r, how) for r in view.attempts if (how := _crossing(view, r))]
    known = {(r.canary, r.endpoint) for r, _ in attempts}
    others = list(_others(view, known))
    crossed = len(attempts) + len(others)
    looked = "" if crossed else _all_seen(view)
    told = sorted({how for _, how in attempts} | {_told(r) for r in others})
    return Observation(
        value=crossed,
        samples=len(view.attempts),
        witnesses=some([r.canary for r, _ in attempts] + [r.canary for r in others]),
        why="; ".join(told) if told else f"{len(view.attempts)} attempts, each inside its tenant's boundary; {looked}",
    )


def _crossing(view: View, record: ProviderRecord) -> str:
    """Return how an attempt crossed its tenant's boundary; empty where it did not."""
    topology, tenant = view.history.topology, record.tenant or ""
    if tenant not in topology.tenants:
        return f"{tenant or 'nobody'} at {record.endpoint}"
    if record.endpoint not in topology.tenants[tenant].allow:
        return f"{tenant} at {record.endpoint}"
    if not topology.boundary_of(tenant).lets(record.profile):
        return f"{tenant} at {record.endpoint} by an inference profile {record.profile}., which reaches wider"
    return ""


def _others(view: View, known: set[tuple[str | None, str]]) -> Iterator[EgressRecord]:
    """Yield what was seen of tenants' data at a place that is not theirs, each of it once, besides known attempts."""
    seen = set()
    for record in view.egress:
        one = record.canary, record.kind, record.place
        if record.layer not in _OUTWARD or not record.canary or record.to or one in seen or not _guarded(view, record):
            continue
        seen.add(one)
        if record.kind != "prompt" or (record.canary, record.place) not in known:
            yield record


def _guarded(view: View, record: EgressRecord) -> bool:
    """Return whether what was seen is of a kind that the tenant's boundary keeps in."""
    topology = view.history.topology
    return record.tenant not in topology.tenants or record.kind in topology.boundary_of(record.tenant).never


def _told(record: EgressRecord) -> str:
    under = "" if record.chain == "raw" else f", under {record.chain}"
    return f"{record.tenant}'s {record.kind} at {record.place} ({record.part}{under})"


def _all_seen(view: View) -> str:
    """Say that all was looked at; raises `NoEvidence` where it was not: then it may have gone anywhere."""
    senders = {r.tenant for r in view.history.client}
    silent = senders - {r.tenant for r in view.history.attempts}
    if silent or not senders or not view.attempts:
        names = ", ".join(sorted(silent)) or "any tenant in the window"
        raise NoEvidence(f"no endpoint saw a canary of {names}: where its data went is not known")
    why, seen = need_layer(view, "plaintext"), view.history.layers["plaintext"].seen
    if seen < len(view.history.attempts):
        raise NoEvidence(f"{len(view.history.attempts)} attempts came, and {seen} requests were looked at")
    return why
