"""Who asks, and by which of its names a policy's ``Principal`` knows it."""

import re
from dataclasses import dataclass
from enum import IntEnum

from brownout.iam.arns import Arn, parse_arn
from brownout.iam.policy import Principals
from brownout.iam.truth import NO, YES, Truth, known, some, unsure

_ACCOUNT = re.compile(r"^\d{12}$")
_UNIQUE_ID = re.compile(r"^A[A-Z]{3}[A-Z0-9]{8,}$")


class Level(IntEnum):
    """By which of its names a principal is meant. It decides which other policies limit what it is granted."""

    ACCOUNT = 1
    """The account: its own policies of identities have the last word."""
    ROLE = 2
    """The role: a permissions boundary and a session policy must allow it, too."""
    DIRECT = 3
    """The session, the user, or everybody (``*``): an implicit deny elsewhere in the same account does not matter."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A role in a session, a user, or nobody that AWS knows.

    Attributes:
        arn: of the role or the user; empty for a caller without credentials.
        unique_id: such as ``AROAEXAMPLE``; empty where it is not known.
        session: the session's name; None where the caller may choose it.
        bounded: a permissions boundary is attached.
    """

    arn: str
    unique_id: str = ""
    session: str | None = None
    bounded: bool = False

    @property
    def account(self) -> str:
        """The account's number; empty for a caller without credentials."""
        parsed = parse_arn(self.arn)
        return parsed.account if parsed else ""

    @property
    def is_role(self) -> bool:
        """Whether it is a role's session."""
        return ":role/" in self.arn

    @property
    def is_service_linked(self) -> bool:
        """Whether it is a role of an AWS service's own. Organizations' policies do not limit those."""
        return ":role/aws-service-role/" in self.arn

    @property
    def name(self) -> str:
        """The role's or the user's name, without its path."""
        return self.arn.rpartition("/")[2]


NOBODY = Principal(arn="")
"""A caller without credentials."""


def means(principals: Principals, principal: Principal, *, denies: bool, least: Level = Level.ACCOUNT) -> Truth:
    """Return whether a statement's principals mean this one.

    Args:
        principals: the statement's.
        principal: who asks.
        denies: the statement is a Deny.
        least: by a name at least as close as this.
    """
    if principals.negated:
        return _all_but(principals, principal, denies=denies)
    each = [_named(kind, name, principal) for kind, name in principals.values]
    return some(one if isinstance(one, Truth) else known(one is not None and one >= least) for one in each)


def _named(kind: str, name: str, principal: Principal) -> Level | Truth | None:
    """Return by which name one entry means the principal, None where it does not, or why that is not known."""
    if kind == "CanonicalUser":
        return unsure(f"whose canonical user id {name} is")
    if kind != "AWS":
        return None  # services and federations, which are not who asks here
    if name == "*":
        return Level.DIRECT
    return _named_by_aws(name, principal) if principal.arn else None


def _named_by_aws(name: str, principal: Principal) -> Level | Truth | None:
    if _ACCOUNT.match(name):
        return Level.ACCOUNT if name == principal.account else None
    if _UNIQUE_ID.match(name) and not principal.unique_id:
        return unsure(f"whose unique id {name} is")
    if _UNIQUE_ID.match(name):
        return _own_level(principal) if name == principal.unique_id else None
    parsed = parse_arn(name)
    if parsed is None or "*" in name or "?" in name:
        return unsure(f"what the principal {name!r} means (IAM takes no wildcard within one)")
    return _named_by_arn(parsed, name, principal)


def _named_by_arn(parsed: Arn, name: str, principal: Principal) -> Level | None:
    if parsed.account != principal.account:
        return None
    if parsed.service == "iam" and parsed.resource == "root":
        return Level.ACCOUNT
    if name == principal.arn:
        return _own_level(principal)
    kind, _, rest = parsed.resource.partition("/")
    if parsed.service == "sts" and kind == "assumed-role" and principal.is_role:
        role, _, session = rest.partition("/")
        if role == principal.name and principal.session in (None, session):
            return Level.DIRECT
    return None


def _own_level(principal: Principal) -> Level:
    return Level.ROLE if principal.is_role else Level.DIRECT


def _all_but(principals: Principals, principal: Principal, *, denies: bool) -> Truth:
    """``NotPrincipal``. Certainly spared is only who is named in full: account, role and session, or account and user.

    Source: IAM User Guide, "JSON policy elements: NotPrincipal".
    """
    if denies and principal.bounded:
        return YES  # such a Deny always meets who has a permissions boundary, whoever is named
    each = [_named(kind, name, principal) for kind, name in principals.values]
    doubts = [one for one in each if isinstance(one, Truth)]
    found = {one for one in each if isinstance(one, Level)}
    if not found:
        return unsure(*(why for one in doubts for why in one.why)) if doubts else YES
    in_full = set(Level) if principal.is_role else {Level.ACCOUNT, Level.DIRECT}
    if found >= in_full or not principal.arn:
        return NO
    return unsure(f"whether NotPrincipal spares {principal.arn}, which it does not name in full")
