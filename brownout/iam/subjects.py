"""Who is judged: the roles and users of the exports, those that an administrator could make, and strangers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from brownout.iam.arns import parse_arn
from brownout.iam.authorization import Identity
from brownout.iam.context import Many, NotKnown, Value
from brownout.iam.escrow import NONE, Account, Escrow
from brownout.iam.evaluate import Missing
from brownout.iam.exports import Exports
from brownout.iam.made_up import ANY_ROLE, ANY_USER, could_be_named, names_told_apart
from brownout.iam.policy import FULL_ACCESS, Policy
from brownout.iam.principals import NOBODY, Principal
from brownout.iam.wildcards import glob, pattern

ELSEWHERE = "o-elsewhere"
_TAG = "aws:PrincipalTag/"
_NEW_ID = "AROANEWLYMADE0000000"
_STRANGERS = ("999999999999", "888888888888", "777777777777")


@dataclass(frozen=True)
class Subject:
    """A principal with all that is attached to it.

    Attributes:
        label: what a reader calls it.
        account: by its name in ``escrow.yaml``; empty of a stranger.
        keys: condition keys that come from who it is.
        closed: beginnings of keys of which ``keys`` says all that there is.
        identity: its entry in the exports; None where it is made up.
    """

    label: str
    principal: Principal
    account: str
    policies: tuple[Policy | Missing, ...]
    boundary: Policy | Missing | None
    scps: tuple[tuple[Policy, ...], ...]
    keys: Mapping[str, Value]
    closed: tuple[str, ...] = ()
    identity: Identity | None = None


class Subjects:
    """Makes them.

    Args:
        escrow: the parties.
        exports: their accounts.
    """

    def __init__(self, escrow: Escrow, exports: Exports) -> None:
        self._escrow = escrow
        self._exports = exports
        self._told_apart = names_told_apart(_every_policy(exports))
        arn = parse_arn(escrow.weights[0].arn)
        self._partition = arn.partition if arn else "aws"
        self._scps = {
            name: tuple(tuple(exports.controls[one] for one in level) for level in account.scps)
            for name, account in escrow.accounts.items()
        }
        self.real = [self._real(one) for one in exports.identities.values()]

    def of_sides(self, *sides: str) -> Iterator[Subject]:
        """Return every principal of these sides' accounts: those exported, and those that could be made there."""
        names = [name for name, account in self._escrow.accounts.items() if account.side in sides]
        yield from (one for one in self.real if one.account in names)
        for name in names:
            yield from self._possible(name, self._escrow.accounts[name])

    def strangers(self) -> Iterator[Subject]:
        """Return principals of an account that nobody named, and a caller without credentials."""
        number = next(one for one in _STRANGERS if self._escrow.account_of(one) is None)
        keys: dict[str, Value] = {
            "aws:PrincipalOrgID": ELSEWHERE,
            "aws:PrincipalOrgPaths": Many((f"{ELSEWHERE}/r-else/ou-else-where/",)),
        }
        for arn in self._names(number):
            principal = Principal(arn, unique_id=_NEW_ID)
            keys |= _keys_of(principal)
            kind = "role" if principal.is_role else "user"
            yield Subject(f"a stranger's {kind}", principal, "", (FULL_ACCESS,), None, (), dict(keys))
        absent: dict[str, Value] = dict.fromkeys(keys)
        yield Subject("a caller without credentials", NOBODY, "", (), None, (), absent | _keys_of(NOBODY))

    def _real(self, identity: Identity) -> Subject:
        arn = parse_arn(identity.principal.arn)
        number = arn.account if arn else ""
        name = next(name for name, one in self._escrow.accounts.items() if one.id == number)
        account = self._escrow.accounts[name]
        # Where sessions may bring tags of their own, of none anything is known.
        tags = {} if _sessions_bring_tags(identity) else {f"{_TAG}{key}": tag for key, tag in identity.tags.items()}
        return Subject(
            label=identity.principal.arn,
            principal=identity.principal,
            account=name,
            policies=identity.policies,
            boundary=identity.boundary,
            scps=() if identity.principal.is_service_linked else self._scps[name],
            keys={**_keys_of(identity.principal), **_organization(account), **tags},
            closed=() if _sessions_bring_tags(identity) else (_TAG,),
            identity=identity,
        )

    def _possible(self, name: str, account: Account) -> Iterator[Subject]:
        """Return the most that an administrator could make in an account: full access, under its SCPs."""
        for arn in self._names(account.id):
            principal = Principal(arn, unique_id=_NEW_ID)
            yield Subject(
                label=_label(arn, name),
                principal=principal,
                account=name,
                policies=(FULL_ACCESS,),
                boundary=None,
                scps=self._scps[name],
                keys={**_keys_of(principal), **_organization(account)},
            )

    def _names(self, number: str) -> list[str]:
        """Return the ARNs of principals that an account has not, but could have, and that would matter to a policy."""
        made = could_be_named(self._told_apart, number, self._partition)
        return [arn for arn in made if arn not in self._exports.identities]


def _label(arn: str, account: str) -> str:
    if arn.endswith((ANY_ROLE, ANY_USER)):
        return f"any {'role' if arn.endswith(ANY_ROLE) else 'user'} that {account}'s administrator could make"
    return f"{arn} (not in the exports; {account}'s administrator could make it)"


def _every_policy(exports: Exports) -> Iterator[Policy]:
    yield from exports.controls.values()
    yield from (endpoint.policy for endpoint in exports.endpoints.values())
    yield from exports.policies.values()
    for one in exports.identities.values():
        for policy in (*one.policies, one.boundary, one.trust):
            if isinstance(policy, Policy):
                yield policy


def _keys_of(principal: Principal) -> dict[str, Value]:
    role = principal.is_role
    made_up = principal.unique_id == _NEW_ID
    user_id: Value = NotKnown("the value of aws:userid") if role or not principal.unique_id else principal.unique_id
    return {
        "aws:PrincipalArn": principal.arn or None,
        "aws:PrincipalAccount": principal.account or None,
        "kms:CallerAccount": principal.account or None,
        "aws:PrincipalType": "AssumedRole" if role else "User" if principal.arn else "Anonymous",
        "aws:userid": user_id if principal.arn else "anonymous",
        # Whose user is made up can have any name.
        "aws:username": None if role or not principal.arn else NotKnown("its name") if made_up else principal.name,
        "aws:PrincipalIsAWSService": "false",
        "aws:PrincipalServiceName": None,
        "aws:PrincipalServiceNamesList": None,
    }


def _organization(account: Account) -> dict[str, Value]:
    if account.organization == NONE:
        return {"aws:PrincipalOrgID": None, "aws:PrincipalOrgPaths": None}
    return {"aws:PrincipalOrgID": account.organization} if account.organization else {}


def _sessions_bring_tags(identity: Identity) -> bool:
    """Return whether a session of it may have tags that are not its own."""
    trust = identity.trust.statements if identity.trust else ()
    actions = [name for statement in trust for name in statement.actions.values if not statement.denies]
    return any(glob(pattern(name), "sts:TagSession", fold=True) for name in actions)


def resources_named(exports: Exports) -> list[str]:
    """Return every ``Resource`` of every policy, each once."""
    named: dict[str, None] = {}
    for policy in _every_policy(exports):
        for statement in policy.statements:
            if statement.resources:
                named |= dict.fromkeys(statement.resources.values)
    return list(named)
