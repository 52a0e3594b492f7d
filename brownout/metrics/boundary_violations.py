"""Whether a tenant's data came where it may not be."""

from collections.abc import Iterator

from brownout.canary import tenant_of
from brownout.crossing import crossing, left, made_abroad
from brownout.egress import EgressRecord
from brownout.metrics.base import NoEvidence, Observation, View, metric, need_layer, some
from brownout.owners import is_public, whose


@metric("boundary_violations", "count", stands_alone=True, graded=True)
def boundary_violations(view: View) -> Observation:
    """Attempts and sightings of tenants' data outside their boundary, and of the target's credentials out of place."""
    attempts = [(r, how) for r in view.attempts if (how := crossing(view.history.topology, r))]
    known = {(r.canary, r.endpoint) for r, _ in attempts}
    others = list(_others(view, known))
    crossed = len(attempts) + len(others)
    looked = "" if crossed else _all_seen(view)
    told = sorted({how for _, how in attempts} | {_told(r) for r in others})
    return Observation(
        value=crossed,
        samples=len(view.attempts),
        witnesses=some([r.canary for r, _ in attempts] + [r.canary for r in others]),
        why="; ".join(told) if told else f"{_inside(view)}; {looked}",
    )


def _others(view: View, known: set[tuple[str | None, str]]) -> Iterator[EgressRecord]:
    """Yield what was seen of tenants' data at a place that is not theirs, each of it once, besides known attempts."""
    history, seen = view.history, set()
    for record in (*view.egress, *made_abroad(history.topology, view.client, history.answering)):
        one = record.canary, record.kind, record.place
        if one in seen or not left(history.topology, record):
            continue
        seen.add(one)
        if record.kind != "prompt" or (record.canary, record.place) not in known:
            yield record


def _inside(view: View) -> str:
    """Say what was inside; of attempts for common questions, the answers that were given tell it."""
    own = sum(not is_public(tenant_of(r.canary or "")) for r in view.attempts)
    answered = sum(bool(r.question and r.served_by) for r in view.client)
    common = f"; {answered} answers to common questions, each made inside" if answered else ""
    return f"{own} attempts, each inside its tenant's boundary{common}"


def _told(record: EgressRecord) -> str:
    under = "" if record.chain == "raw" else f", under {record.chain}"
    return f"{whose(record.tenant, record.kind)} at {record.place} ({record.part}{under})"


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
