"""Asks whether a principal may do something from somewhere, with all the policies that have a say in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from brownout.iam.arns import parse_arn
from brownout.iam.authorization import Identity
from brownout.iam.context import Value
from brownout.iam.doors import Door
from brownout.iam.escrow import KINDS, NONE, Account, Escrow, Held
from brownout.iam.evaluate import Decision, Missing, Policies
from brownout.iam.exports import Exports
from brownout.iam.free import Free, context_of, decide, times
from brownout.iam.policy import Policy
from brownout.iam.request import Request
from brownout.iam.subjects import Subject
from brownout.iam.vantage import Vantage

ASSUME = "sts:AssumeRole"


@dataclass(frozen=True)
class _Owned:
    """What is called, with the policies that come with it."""

    arn: str
    action: str
    account: Account
    region: str
    policies: tuple[Policy | Missing, ...]
    keys: Mapping[str, Value]


class Inquiry:
    """Asks of one escrow's exports.

    Args:
        escrow: the parties.
        exports: their policies.
        now: the time of all requests.
    """

    def __init__(self, escrow: Escrow, exports: Exports, now: datetime) -> None:
        self._escrow = escrow
        self._times = times(now.timestamp(), now.strftime("%Y-%m-%dT%H:%M:%SZ"))
        self._rcps = {
            account.id: tuple(exports.controls[one] for one in account.rcps) for account in escrow.accounts.values()
        }
        everything = [held for kind in KINDS for held in getattr(escrow, kind)]
        self._policies = {held.arn: _policies_of(held, exports) for held in everything}
        self.questions = 0

    def read(self, subject: Subject, door: Door, vantage: Vantage, *, anyhow: bool = False) -> Decision:
        """Return whether a principal may do what a door is.

        Args:
            subject: who wants to.
            door: what.
            vantage: from where.
            anyhow: through another service, too: what can be read so counts for who is meant to read.
        """
        owner = self._escrow.accounts[door.held.account]
        owned = _Owned(
            arn=door.resource,
            action=door.action,
            account=owner,
            region=door.held.region,
            policies=self._policies[door.held.arn],
            keys={
                "aws:ResourceAccount": owner.id,
                "s3:ResourceAccount": owner.id,
                "aws:RequestedRegion": door.held.region,
                **({"aws:ResourceOrgID": owner.organization} if owner.organization not in {"", NONE} else {}),
            },
        )
        return self._ask(subject, owned, vantage, {} if anyhow else door.keys)

    def assume(
        self, subject: Subject, role: Identity, vantage: Vantage, region: str, more: Mapping[str, Value]
    ) -> Decision:
        """Return whether a principal may assume a role.

        Args:
            subject: who wants to.
            role: which.
            vantage: from where.
            region: of the STS endpoint that is asked; empty: any.
            more: what is known besides, such as that there is no external id.
        """
        arn = parse_arn(role.principal.arn)
        owner = self._escrow.account_of(arn.account if arn else "")
        assert owner is not None  # an account that is not named is refused when the subjects are made
        assert role.trust is not None  # users are not assumed
        owned = _Owned(
            arn=role.principal.arn,
            action=ASSUME,
            account=owner,
            region=region,
            policies=(role.trust,),
            keys={"aws:ResourceAccount": owner.id, **({"aws:RequestedRegion": region} if region else {})},
        )
        return self._ask(subject, owned, vantage, more)

    def _ask(self, subject: Subject, owned: _Owned, vantage: Vantage, more: Mapping[str, Value]) -> Decision:
        self.questions += 1
        request = Request(
            principal=subject.principal,
            action=owned.action,
            resource=owned.arn,
            owner=owned.account.id,
            context=context_of(self._times, subject.keys, vantage.keys, owned.keys, more, closed=subject.closed),
        )
        policies = Policies(
            identity=subject.policies,
            boundary=subject.boundary,
            scps=subject.scps,
            resource=owned.policies,
            rcps=() if subject.principal.is_service_linked else self._rcps[owned.account.id],
            endpoint=vantage.endpoint.policy if vantage.endpoint else None,
        )
        free = Free(
            vantage,
            user_id=subject.principal.unique_id if subject.principal.is_role else "",
            made_up="" if subject.identity else "role" if subject.principal.is_role else "user",
            regions=() if owned.region else self._escrow.regions,
            fixed=more,
        )
        return decide(request, policies, free)


def _policies_of(held: Held, exports: Exports) -> tuple[Policy | Missing, ...]:
    files = [name for name in (held.policy, held.grants) if name not in {NONE, ""}]
    policies: list[Policy | Missing] = [exports.policies[name] for name in files]
    if ":kms:" in held.arn and not held.grants:
        policies.append(Missing(f"the grants of {held.arn} (no file of them is named)", denies=False))
    return tuple(policies)
