"""The AWS accounts of a world: who may become whom, and what each may do.

There are two accounts. The target's machine lives in one, with an instance role. The endpoints live in the other, the
escrow account, which has a role for each of them. Sessions of an endpoint's role may call that endpoint only.
"""

import base64
import datetime as dt
from collections.abc import Sequence

import msgspec

from brownout.clock import rng_for
from brownout.dialects.sagemaker_errors import ACCOUNT_ID
from brownout.identity import draw
from brownout.identity.aws_actions import Action
from brownout.identity.aws_keys import LONG_AGO, AwsKeys, AwsSession, Caller, KeyRing
from brownout.identity.marks import Marks
from brownout.topology import Endpoint
from brownout.wire import Refusal

INSTANCE_ROLE = "brownout-app"
"""The name of the role that the target's machine has."""


class Role(msgspec.Struct, kw_only=True):
    """An IAM role. What it says counts at once, also for sessions begun earlier, as policies do.

    Attributes:
        arn: its name in full.
        unique_id: its id (``AROA...``).
        opens: the endpoints its sessions may call.
        trusts: the ARNs of the roles and users that may assume it.
        external_id: what a caller must know besides; empty for nothing.
        max_session: the longest session (IAM's ``MaxSessionDuration``).
        revoked_before: sessions issued before this instant are denied everything, as the console's "Revoke active
            sessions" does it; None for none.
    """

    arn: str
    unique_id: str
    opens: set[str] = msgspec.field(default_factory=set)
    trusts: set[str] = msgspec.field(default_factory=set)
    external_id: str = ""
    max_session: dt.timedelta = dt.timedelta(hours=1)
    revoked_before: dt.datetime | None = None

    @property
    def name(self) -> str:
        """The last part of its ARN."""
        return self.arn.rpartition("/")[2]

    @property
    def account(self) -> str:
        """The account it belongs to."""
        return self.arn.split(":")[4]


class AwsAccounts:
    """Both accounts, their roles and all keys given out.

    Args:
        seed: the run's.
        endpoints: the endpoints that AWS serves.
        marks: marks what is given out.

    Attributes:
        app: the id of the target's account.
        escrow: the id of the endpoints' account: the one in a model's ARN of the topology, else AWS's example.
        ring: all keys given out.
        roles: by ARN.
    """

    def __init__(self, seed: int, endpoints: Sequence[Endpoint], marks: Marks | None = None) -> None:
        self._seed, self._marks = seed, marks or Marks()
        self._minted = 0
        rng = rng_for(seed, "identity", "aws accounts")
        self.app = "1" + draw.text(rng, draw.DIGITS, 11)
        self.escrow = _account_in(endpoints) or ACCOUNT_ID
        self.ring = KeyRing()
        self.roles: dict[str, Role] = {}
        self.instance_role = self._role(self.app, INSTANCE_ROLE)
        self._of_endpoint: dict[str, Role] = {}
        for endpoint in endpoints:
            role = self._role(self.escrow, f"brownout-{endpoint.name}")
            role.opens.add(endpoint.name)
            role.trusts.add(self.instance_role.arn)
            self._of_endpoint[endpoint.name] = role

    def role_of(self, endpoint: str) -> Role:
        """Return the role whose sessions may call an endpoint."""
        return self._of_endpoint[endpoint]

    def begin_session(
        self, role: Role, name: str, *, utc: dt.datetime = LONG_AGO, life: dt.timedelta | None = None
    ) -> AwsSession:
        """Give out keys for a session of a role.

        Args:
            role: whose.
            name: the session's name.
            utc: now.
            life: how long it holds; None: for ever.
        """
        self._minted += 1
        rng = rng_for(self._seed, "identity", "aws session", self._minted)
        key_id = "ASIA" + draw.text(rng, draw.BASE32, 16)  # no secret, and too short for a canary
        secret, token = draw.text(rng, draw.BASE62 + "+/", 40), base64.b64encode(rng.randbytes(180)).decode()
        keys = AwsKeys(
            access_key_id=key_id,
            secret_access_key=self._marks.put(secret, "router@aws-secret", at=8),
            session_token=self._marks.put(token, "router@aws", at=60),
            expires=None if life is None else utc + life,
        )
        caller = Caller(
            principal=f"arn:aws:sts::{role.account}:assumed-role/{role.name}/{name}",
            user_id=f"{role.unique_id}:{name}",
            account=role.account,
            role=role.arn,
            issued=utc,
        )
        session = AwsSession(keys=keys, caller=caller)
        self.ring.add(session)
        return session

    def revoke_sessions(self, role_arn: str, utc: dt.datetime) -> None:
        """Deny everything to the sessions that a role has now."""
        self.roles[role_arn].revoked_before = utc

    def is_revoked(self, caller: Caller) -> bool:
        """Return whether a session's role denies it everything."""
        role = self.roles.get(caller.role)
        return role is not None and role.revoked_before is not None and caller.issued < role.revoked_before

    def authorize(self, caller: Caller, endpoint: str, action: Action) -> None:
        """Check that a caller may call an endpoint.

        Raises:
            Refusal: ``denied``, in IAM's sentence.
        """
        if self.is_revoked(caller):
            raise denied(caller, action, explicitly=True)
        role = self.roles.get(caller.role)
        if endpoint not in (caller.opens if role is None else role.opens):
            raise denied(caller, action, explicitly=False)

    def _role(self, account: str, name: str) -> Role:
        rng = rng_for(self._seed, "identity", "aws role", name)
        role = Role(arn=f"arn:aws:iam::{account}:role/{name}", unique_id="AROA" + draw.text(rng, draw.BASE32, 17))
        self.roles[role.arn] = role
        return role


def denied(caller: Caller, action: Action, *, explicitly: bool) -> Refusal:
    """Return IAM's sentence for who may not do something: a policy forbids it, or none allows it."""
    who = f"User: {caller.principal} is not authorized to perform: {action.name} on resource: {action.resource}"
    why = (
        "with an explicit deny in an identity-based policy"
        if explicitly
        else f"because no identity-based policy allows the {action.name} action"
    )
    return Refusal("denied", f"{who} {why}", code="AccessDeniedException")


def _account_in(endpoints: Sequence[Endpoint]) -> str:
    """Return the account in the first model's ARN that has one."""
    arns = [endpoint.model.split(":") for endpoint in endpoints if endpoint.model.startswith("arn:")]
    return next((parts[4] for parts in arns if len(parts) > 4 and parts[4]), "")
