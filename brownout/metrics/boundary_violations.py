"""Whether a tenant's data came where it may not be."""

from brownout.metrics.base import NoEvidence, Observation, View, metric, some


@metric("boundary_violations", "count", stands_alone=True)
def boundary_violations(view: View) -> Observation:
    """Attempts in which a tenant's canary was seen at an endpoint outside that tenant's boundary."""
    allow = {name: set(tenant.allow) for name, tenant in view.history.topology.tenants.items()}
    crossed = [r for r in view.attempts if r.endpoint not in allow.get(r.tenant or "", set())]
    senders = {r.tenant for r in view.history.client}
    silent = senders - {r.tenant for r in view.history.attempts}
    if not crossed and (silent or not senders or not view.attempts):
        names = ", ".join(sorted(silent)) or "any tenant in the window"
        raise NoEvidence(f"no endpoint saw a canary of {names}: where its data went is not known")
    places = sorted({f"{r.tenant} at {r.endpoint}" for r in crossed})
    return Observation(
        value=len(crossed),
        samples=len(view.attempts),
        witnesses=some([r.canary for r in crossed]),
        why="; ".join(places) if places else f"{len(view.attempts)} attempts, each inside its tenant's boundary",
    )
