"""The target's machine: where it stands, and the credentials its metadata service hands out."""

import datetime as dt

from brownout.clock import rng_for
from brownout.identity import draw
from brownout.identity.aws_keys import AwsSession
from brownout.identity.aws_roles import AwsAccounts
from brownout.identity.marks import Marks

LONGEST_TOKEN_S = 21_600
"""The longest an IMDSv2 token may hold (AWS: "Use the Instance Metadata Service")."""


class Instance:
    """One EC2 instance with a role.

    Real ones hold sessions of about six hours and are given new ones well before those end; AWS promises five minutes
    ("Retrieve security credentials from instance metadata").

    Args:
        seed: the run's.
        accounts: where its role and its keys are known.
        region: where it stands.
        marks: marks its metadata service's tokens.

    Attributes:
        life: how long a session holds.
        rotates_after: how old the session on offer may become.
        stuck: while this is set no new session is made, whatever has become of the last one.
    """

    def __init__(self, seed: int, accounts: AwsAccounts, region: str, marks: Marks | None = None) -> None:
        self._seed, self._accounts, self._marks = seed, accounts, marks or Marks()
        self.region = region
        self.zone = f"{region}a"
        self.instance_id = "i-0" + draw.text(rng_for(seed, "identity", "instance"), draw.HEX, 16)
        self.life = dt.timedelta(hours=6)
        self.rotates_after = dt.timedelta(hours=1)
        self.stuck = False
        self._key_id = ""
        self._tokens: dict[str, dt.datetime] = {}
        self._tokens_made = 0

    @property
    def account(self) -> str:
        """The account it belongs to."""
        return self._accounts.app

    @property
    def role_arn(self) -> str:
        """Its role."""
        return self._accounts.instance_role.arn

    @property
    def role_name(self) -> str:
        """Its role's name, which is its instance profile's too."""
        return self._accounts.instance_role.name

    def session(self, utc: dt.datetime) -> AwsSession:
        """Return the session on offer, a new one when the last is old."""
        offered = self._accounts.ring.get(self._key_id)
        if offered is None or (not self.stuck and self._is_old(offered, utc)):
            role = self._accounts.instance_role
            offered = self._accounts.begin_session(role, self.instance_id, utc=utc, life=self.life)
            self._key_id = offered.keys.access_key_id
        return offered

    def _is_old(self, offered: AwsSession, utc: dt.datetime) -> bool:
        ended = offered.keys.expires is not None and utc >= offered.keys.expires
        return ended or utc >= offered.caller.issued + self.rotates_after

    def begin_token(self, ttl_s: int, utc: dt.datetime) -> str:
        """Return a new IMDSv2 token; ``ttl_s`` is from 1 to `LONGEST_TOKEN_S`."""
        self._tokens = {value: until for value, until in self._tokens.items() if until > utc}
        self._tokens_made += 1
        rng = rng_for(self._seed, "identity", "imds token", self._tokens_made)
        token = self._marks.put(f"AQAEA{draw.text(rng, draw.BASE62 + '-_', 49)}==", "router@aws", at=20)
        self._tokens[token] = utc + dt.timedelta(seconds=ttl_s)
        return token

    def knows_token(self, token: str, utc: dt.datetime) -> bool:
        """Return whether a token is one of ours and still holds."""
        return utc < self._tokens.get(token, utc)

    def forget_tokens(self) -> None:
        """Let every IMDSv2 token be over at once, as after a restart of the metadata service."""
        self._tokens.clear()
