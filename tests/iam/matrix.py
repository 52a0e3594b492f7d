"""Cases whose true answer AWS's documentation gives, as data: for our evaluator and for an emulator alike."""

from dataclasses import dataclass, field
from typing import Any, Literal

from brownout.iam.context import Context
from brownout.iam.evaluate import Decision, Policies, evaluate
from brownout.iam.policy import Policy, parse_policy
from brownout.iam.principals import Principal
from brownout.iam.request import Request

PROVIDER, CUSTOMER = "111111111111", "222222222222"
BUCKET, KEY = "weights", "70b/part-1"
OBJECT = f"arn:aws:s3:::{BUCKET}/{KEY}"
HOME, AWAY = "us-east-1", "eu-west-1"
Document = dict[str, Any]


def allow(action: str, resource: str, principal: Any = None, condition: Any = None, effect: str = "Allow") -> Document:
    """Return a statement."""
    made: Document = {"Effect": effect, "Action": action}
    made |= {"Resource": resource} if resource else {}
    made |= {"Principal": principal} if principal else {}
    return made | ({"Condition": condition} if condition else {})


def deny(action: str, resource: str, principal: Any = None, condition: Any = None) -> Document:
    """Return a statement that denies."""
    return allow(action, resource, principal, condition, effect="Deny")


@dataclass(frozen=True)
class Case:
    """One.

    Attributes:
        answer: AWS's.
        caller: the account of the role ``caller`` that asks.
        owner: the account of the bucket, or of the role ``target``.
        identity: statements of the caller's role.
        bucket: statements of the bucket's policy.
        trust: statements of the target's trust policy; then the question is whether it may be assumed.
        region: where it asks.
        keys: condition keys of the request. An emulator that has no VPC endpoints cannot be asked where there are any.
    """

    answer: Literal["allowed", "denied"]
    caller: str = CUSTOMER
    owner: str = PROVIDER
    identity: tuple[Document, ...] = (allow("s3:*", "*"),)
    bucket: tuple[Document, ...] = ()
    trust: tuple[Document, ...] = ()
    region: str = HOME
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def role(self) -> str:
        """The caller's ARN."""
        return f"arn:aws:iam::{self.caller}:role/caller"

    @property
    def target(self) -> str:
        """The ARN of the role that it may want to assume."""
        return f"arn:aws:iam::{self.owner}:role/target"


def _role(account: str, name: str = "caller") -> Document:
    return {"AWS": f"arn:aws:iam::{account}:role/{name}"}


_ASSUME = (allow("sts:AssumeRole", "*"),)
_TRUST = "sts:AssumeRole"
_OUTSIDE = {"StringNotEquals": {"aws:SourceVpce": "vpce-escrow"}}
_AT_HOME = {"StringNotEquals": {"aws:RequestedRegion": HOME}}
_OWN = {"caller": PROVIDER, "owner": PROVIDER}

CASES: dict[str, Case] = {
    "same account, role assumed": Case(
        "allowed", **_OWN, identity=_ASSUME, trust=(allow(_TRUST, "", _role(PROVIDER)),)
    ),
    "same account, trust in the account and no policy of its own": Case(
        "denied", **_OWN, identity=(), trust=(allow(_TRUST, "", {"AWS": f"arn:aws:iam::{PROVIDER}:root"}),)
    ),
    "customer assumes the provider's reader, trust forbids": Case(
        "denied", identity=_ASSUME, trust=(allow(_TRUST, "", _role(PROVIDER)),)
    ),
    "provider assumes the customer's reader, trust forbids": Case(
        "denied", caller=PROVIDER, owner=CUSTOMER, identity=_ASSUME, trust=(allow(_TRUST, "", _role(CUSTOMER)),)
    ),
    "across accounts, trusted and allowed": Case(
        "allowed", identity=_ASSUME, trust=(allow(_TRUST, "", _role(CUSTOMER)),)
    ),
    "across accounts, trusted and not allowed": Case(
        "denied", identity=(), trust=(allow(_TRUST, "", _role(CUSTOMER)),)
    ),
    "across accounts, no bucket policy": Case("denied"),
    "across accounts, bucket allows": Case("allowed", bucket=(allow("s3:GetObject", OBJECT, _role(CUSTOMER)),)),
    "across accounts, bucket allows the account": Case(
        "allowed", bucket=(allow("s3:GetObject", OBJECT, {"AWS": f"arn:aws:iam::{CUSTOMER}:root"}),)
    ),
    "across accounts, bucket allows and the role does not": Case(
        "denied", identity=(), bucket=(allow("s3:GetObject", OBJECT, _role(CUSTOMER)),)
    ),
    "same account, no bucket policy": Case("allowed", **_OWN),
    "same account, another bucket's grant": Case(
        "denied", **_OWN, identity=(allow("s3:GetObject", "arn:aws:s3:::other/*"),)
    ),
    "same account, bucket denies another role": Case(
        "allowed", **_OWN, bucket=(deny("s3:*", OBJECT, _role(PROVIDER, "wide")),)
    ),
    "same account, bucket denies it": Case("denied", **_OWN, bucket=(deny("s3:*", OBJECT, _role(PROVIDER)),)),
    "same account, bucket grants it alone": Case(
        "allowed", **_OWN, identity=(), bucket=(allow("s3:GetObject", OBJECT, _role(PROVIDER)),)
    ),
    "same account, bucket grants the account alone": Case(
        "denied", **_OWN, identity=(), bucket=(allow("s3:GetObject", OBJECT, {"AWS": PROVIDER}),)
    ),
    "deny unless at home, asked at home": Case(
        "allowed", **_OWN, identity=(allow("s3:*", "*"), deny("s3:*", "*", None, _AT_HOME))
    ),
    "deny unless at home, asked elsewhere": Case(
        "denied", **_OWN, region=AWAY, identity=(allow("s3:*", "*"), deny("s3:*", "*", None, _AT_HOME))
    ),
    "deny unless through the endpoint, asked outside": Case(
        "denied", **_OWN, bucket=(deny("s3:*", OBJECT, "*", _OUTSIDE),)
    ),
    "deny unless through the endpoint, asked through it": Case(
        "allowed", **_OWN, bucket=(deny("s3:*", OBJECT, "*", _OUTSIDE),), keys={"aws:SourceVpce": "vpce-escrow"}
    ),
    "deny unless through the endpoint, asked through another": Case(
        "denied", **_OWN, bucket=(deny("s3:*", OBJECT, "*", _OUTSIDE),), keys={"aws:SourceVpce": "vpce-else"}
    ),
}


def ours(case: Case) -> Decision:
    """Return what our evaluator says."""
    assumes = bool(case.trust)
    shared = _policy("trust", case.trust, "trust") if assumes else _policy("bucket", case.bucket, "resource")
    keys = {"aws:PrincipalArn": case.role, "aws:PrincipalAccount": case.caller, "aws:RequestedRegion": case.region}
    request = Request(
        principal=Principal(case.role, session="session"),
        action="sts:AssumeRole" if assumes else "s3:GetObject",
        resource=case.target if assumes else OBJECT,
        owner=case.owner,
        context=Context({**keys, **case.keys}, closed=("",)),
    )
    identity = _policy("identity", case.identity, "identity")
    return evaluate(request, Policies(identity=(identity,), resource=(shared,)))


def _policy(name: str, listed: tuple[Document, ...], attached: Literal["identity", "resource", "trust"]) -> Policy:
    return parse_policy({"Version": "2012-10-17", "Statement": list(listed)}, name=name, attached=attached)
