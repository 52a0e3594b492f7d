"""Which roles a principal can become, one ``AssumeRole`` after another."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from brownout.iam.authorization import Identity
from brownout.iam.evaluate import Decision
from brownout.iam.inquiry import Inquiry
from brownout.iam.policy import Policy
from brownout.iam.principals import means
from brownout.iam.subjects import Subject
from brownout.iam.vantage import Vantage


@dataclass(frozen=True)
class Step:
    """One role assumed.

    Attributes:
        role: its ARN.
        by: where the statements are that allowed it.
    """

    role: str
    by: tuple[str, ...]


@dataclass(frozen=True)
class Entered:
    """Somebody, and how it became what it is.

    Attributes:
        subject: what it is now.
        first: the label of who began.
        steps: the roles assumed, in order.
        doubts: why the way is not certain; empty where it is.
    """

    subject: Subject
    first: str
    steps: tuple[Step, ...] = ()
    doubts: tuple[str, ...] = ()


Ways = Sequence[tuple[Vantage, str]]
"""From where a role may be assumed, and of STS in which region (empty: any)."""


def reach(
    start: Iterable[Subject], roles: Sequence[Subject], inquiry: Inquiry, ways: Ways, *, trusted: Iterable[str] = ()
) -> list[Entered]:
    """Return the principals to start with, and every role that one of them can become.

    A way that is certain is preferred to one that is not; of several, a shortest is told. Whoever a federation lets in
    is one who may be anybody.

    Args:
        start: who begins.
        roles: all that there are.
        inquiry: asks.
        ways: from where they may be assumed.
        trusted: identity providers that let nobody in who is not the owner's.
    """
    entered = {one.principal.arn: Entered(one, one.label) for one in start}
    left = [role for role in roles if role.principal.arn not in entered and role.identity and role.identity.trust]
    waiting = list(entered.values())
    unsure = _federated(left, set(trusted))
    while waiting:
        at = waiting.pop(0)
        for role in [one for one in left if one.principal.arn not in entered]:
            found = _step(at, role, inquiry, ways)
            if found is None:
                continue
            if found.doubts:
                unsure.setdefault(role.principal.arn, found)
            else:
                entered[role.principal.arn] = found
                waiting.append(found)
        if not waiting:
            # Only then the ways that are not certain: from there on, nothing is.
            waiting = [one for arn, one in unsure.items() if arn not in entered]
            entered |= {one.subject.principal.arn: one for one in waiting}
            unsure.clear()
    return list(entered.values())


def _step(at: Entered, role: Subject, inquiry: Inquiry, ways: Ways) -> Entered | None:
    identity = role.identity
    assert identity is not None
    if not may_mean(identity.trust, at.subject):
        return None
    decision = best(lambda way: inquiry.assume(at.subject, identity, way[0], way[1], {}), ways)
    if decision.answer == "denied":
        return None
    doubts = decision.why if decision.answer == "unknown" else ()
    steps = (*at.steps, Step(role.principal.arn, decision.by))
    return Entered(role, at.first, steps, (*at.doubts, *doubts))


def best(ask: Callable[[tuple[Vantage, str]], Decision], ways: Ways) -> Decision:
    """Return the answer of the way that allows most."""
    found: Decision | None = None
    for way in ways:
        decision = ask(way)
        if decision.answer == "allowed":
            return decision
        if found is None or (decision.answer, found.answer) == ("unknown", "denied"):
            found = decision
    return found or Decision("denied", (), ("there is no way to ask from",))


def may_mean(trust: Policy | None, subject: Subject) -> bool:
    """Return whether a trust policy may mean a principal at all; only then it is worth asking."""
    return trust is not None and any(
        statement.principals is not None
        and not statement.denies
        and means(statement.principals, subject.principal, denies=False).value is not False
        for statement in trust.statements
    )


def _federated(roles: Iterable[Subject], trusted: set[str]) -> dict[str, Entered]:
    """Return, by ARN, the roles that a federation opens to people whom no export names."""
    found = {}
    for role in roles:
        names = ", ".join(sorted(_federations(role.identity) - trusted))
        if names:
            arn = role.principal.arn
            found[arn] = Entered(role, f"whoever {names} lets in", (Step(arn, ()),), (f"whom {names} lets into {arn}",))
    return found


def _federations(identity: Identity | None) -> set[str]:
    trust = identity.trust if identity else None
    return {
        name
        for statement in (trust.statements if trust else ())
        if not statement.denies and statement.principals is not None
        for kind, name in statement.principals.values
        if kind == "Federated"
    }
