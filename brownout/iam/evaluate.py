"""Is a request allowed? AWS's evaluation logic, with a third answer: not known, and why.

Sources: IAM User Guide, "Policy evaluation logic", "Policy evaluation for requests within a single account" and
"Cross-account policy evaluation logic"; KMS Developer Guide, "Key policies"; Organizations User Guide on SCPs and RCPs;
VPC User Guide, "Control access to VPC endpoints using endpoint policies".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from brownout.iam.matching import about
from brownout.iam.policy import Policy
from brownout.iam.principals import Level
from brownout.iam.request import Request
from brownout.iam.truth import Truth, every, some, unsure

Answer: TypeAlias = Literal["allowed", "denied", "unknown"]
_OWN_WORD_NEEDED = ("kms:", "sts:assumerole")
"""A key's policy and a role's trust policy must allow what is done, in their own account too."""
_UNDER_RCPS = frozenset({"s3", "sts", "kms", "sqs", "secretsmanager", "ecr", "dynamodb", "aoss", "cognito-idp", "logs"})


@dataclass(frozen=True, slots=True)
class Missing:
    """A policy that there is or may be, and that is not at hand.

    Attributes:
        why: which.
        denies: it may deny; a key's grants do not.
    """

    why: str
    denies: bool = True


@dataclass(frozen=True, slots=True)
class Policies:
    """All that has a say in one request.

    Attributes:
        identity: what is attached to the caller, its groups included.
        boundary: its permissions boundary; None: it has none.
        session: session policies; none: the session has none.
        scps: service control policies of the caller's account, by level (root, units, account): each must allow.
        resource: of the bucket, the key (its grants, too), the role (its trust policy); none: it has none.
        rcps: resource control policies of the resource's account.
        endpoint: of the VPC endpoint that it comes through; None: it comes through none.
    """

    identity: Sequence[Policy | Missing] = ()
    boundary: Policy | Missing | None = None
    session: Sequence[Policy | Missing] = ()
    scps: Sequence[Sequence[Policy | Missing]] = ()
    resource: Sequence[Policy | Missing] = ()
    rcps: Sequence[Policy | Missing] = ()
    endpoint: Policy | Missing | None = None

    def all(self, service: str) -> list[Policy | Missing]:
        """Return every one that has a say in a request to a service."""
        single = [one for one in (self.boundary, self.endpoint) if one is not None]
        rcps = self.rcps if service in _UNDER_RCPS else ()
        scps = [one for level in self.scps for one in level]
        return [*self.identity, *self.session, *scps, *self.resource, *rcps, *single]


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a request.

    Attributes:
        answer: allowed, denied, or unknown.
        by: where the statements are that decided it: that denied it, or that together allowed it. Empty where nothing
            allowed it.
        why: in words: which kind of policy refused, or what is not known.
    """

    answer: Answer
    by: tuple[str, ...] = ()
    why: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class _Said:
    """What policies of one kind say: whether they do, and the statements that do for certain."""

    truth: Truth
    by: tuple[str, ...] = ()


def evaluate(request: Request, policies: Policies) -> Decision:
    """Return whether a request is allowed."""
    denied = _say(policies.all(request.service), request, "Deny")
    if denied.truth.value is True:
        return Decision("denied", denied.by, ("an explicit deny",))
    gates = _gates(request, policies)
    for name, said in gates:
        if said.truth.value is False:
            return Decision("denied", (), (f"{name} does not allow {request.action}",))
    granted = _granted(request, policies)
    if granted.truth.value is False:
        return Decision("denied", (), (_refusal(request, policies),))
    allowed = every([granted.truth, ~denied.truth, *(said.truth for _, said in gates)])
    if allowed.value is None:
        return Decision("unknown", granted.by, allowed.why)
    return Decision("allowed", granted.by)


def _gates(request: Request, policies: Policies) -> list[tuple[str, _Said]]:
    """Return what can only take away, and must allow: each level of SCPs, the endpoint's policy."""
    gates: list[tuple[str, Sequence[Policy | Missing]]] = []
    if request.principal.arn:
        gates += [(f"level {place} of the caller's SCPs", level) for place, level in enumerate(policies.scps, 1)]
    if policies.endpoint is not None:
        gates.append(("the VPC endpoint's policy", (policies.endpoint,)))
    return [(name, _say(given, request, "Allow")) for name, given in gates]


def _granted(request: Request, policies: Policies) -> _Said:
    """Return whether anybody gave it to the caller."""
    if not request.principal.arn:
        return _of_resource(request, policies, Level.DIRECT)
    own = _both(_say(policies.identity, request, "Allow"), _limits(request, policies))
    named = _of_resource(request, policies, Level.ACCOUNT)
    if request.crosses:
        return _both(own, named)
    return _either(
        _of_resource(request, policies, Level.DIRECT),
        _both(_of_resource(request, policies, Level.ROLE), _limits(request, policies)),
        _both(own, named) if _needs_own_word(request) else own,
    )


def _limits(request: Request, policies: Policies) -> _Said:
    """Return whether the permissions boundary and the session policies, where there are any, allow it."""
    given = [(one,) for one in (policies.boundary,) if one is not None]
    limits = [_say(one, request, "Allow") for one in given]
    if policies.session:
        limits.append(_say(policies.session, request, "Allow"))
    return _both(*limits)


def _refusal(request: Request, policies: Policies) -> str:
    """Return which kind of policy did not allow what nothing denied."""
    asks = request.principal.arn or "a caller without credentials"
    named = _of_resource(request, policies, Level.ACCOUNT)
    if named.truth.value is False and (request.crosses or _needs_own_word(request)):
        return f"no policy of the resource allows {request.action} to {asks}"
    if _say(policies.identity, request, "Allow").truth.value is False:
        return f"no policy of {asks} allows {request.action}"
    return f"a permissions boundary or a session policy does not allow {request.action}"


def _needs_own_word(request: Request) -> bool:
    return request.action.lower().startswith(_OWN_WORD_NEEDED)


def _of_resource(request: Request, policies: Policies, least: Level) -> _Said:
    """Return whether the resource's policy grants it by this name of the caller's, or a closer one."""
    return _say(policies.resource, request, "Allow", least=least)


def _both(*said: _Said) -> _Said:
    return _Said(every(one.truth for one in said), tuple(where for one in said for where in one.by))


def _either(*said: _Said) -> _Said:
    """Return whether any way leads there; the first that does for certain is the one that is told."""
    sure = next((one for one in said if one.truth.value is True), None)
    return sure or _Said(some(one.truth for one in said), tuple(where for one in said for where in one.by))


def _say(
    given: Iterable[Policy | Missing],
    request: Request,
    effect: Literal["Allow", "Deny"],
    *,
    least: Level = Level.ACCOUNT,
) -> _Said:
    """Return whether any statement with this effect is about the request."""
    truths: list[Truth] = []
    by: list[str] = []
    for policy in given:
        if isinstance(policy, Missing):
            truths += [unsure(policy.why)] if policy.denies or effect == "Allow" else []
            continue
        for statement in policy.statements:
            if statement.effect == effect:
                truth = about(statement, request, least=least)
                truths.append(truth)
                by += [statement.where] if truth.value is True else []
    return _Said(some(truths), tuple(by))
