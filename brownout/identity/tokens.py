"""Google's bearer tokens: given out, known again, revoked."""

import datetime as dt

import msgspec

from brownout.clock import rng_for
from brownout.identity import draw
from brownout.identity.aws_keys import LONG_AGO
from brownout.identity.marks import Marks

CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
IAM_SCOPE = "https://www.googleapis.com/auth/iam"

REMEMBERED = dt.timedelta(hours=1)
"""How long a token that is over is still known, so that evidence can tell it from one that never was."""


class IssuedToken(msgspec.Struct, frozen=True, kw_only=True):
    """A bearer token.

    Attributes:
        value: the token.
        principal: whose it is: a service account's email, or a federated ``principal://`` name.
        expires: until when it holds.
        scopes: what it may be used for.
        groups: the ``principalSet://`` names its principal belongs to.
        issued: since when.
        keyed: whether it was given for an assertion that a service account's private key had signed.
    """

    value: str
    principal: str
    expires: dt.datetime
    scopes: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    issued: dt.datetime = LONG_AGO
    keyed: bool = False


class TokenBook:
    """All bearer tokens that hold.

    Args:
        seed: the run's.
        marks: marks the tokens.
    """

    def __init__(self, seed: int, marks: Marks | None = None) -> None:
        self._rng, self._marks = rng_for(seed, "identity", "google tokens"), marks or Marks()
        self._issued: dict[str, IssuedToken] = {}

    def issue(
        self,
        principal: str,
        *,
        scopes: frozenset[str],
        life: dt.timedelta,
        utc: dt.datetime,
        groups: frozenset[str] = frozenset(),
        prefix: str = "ya29.c.",
        keyed: bool = False,
    ) -> IssuedToken:
        """Give out a token, and forget those that were over long ago."""
        self._issued = {value: token for value, token in self._issued.items() if token.expires > utc - REMEMBERED}
        token = IssuedToken(
            value=prefix + self._marks.put(draw.text(self._rng, draw.BASE62, 120), "router@google", at=40),
            principal=principal,
            expires=utc + life,
            scopes=scopes,
            groups=groups,
            issued=utc,
            keyed=keyed,
        )
        self._issued[token.value] = token
        return token

    def find(self, value: str, utc: dt.datetime) -> IssuedToken | None:
        """Return a token that holds; None when it was never given out, is over, or was revoked."""
        token = self._issued.get(value)
        return token if token is not None and utc < token.expires else None

    def known(self, value: str) -> IssuedToken | None:
        """Return a token, whether it holds or is over; None when it was never given out, or was revoked."""
        return self._issued.get(value)

    def revoke(self, value: str) -> None:
        """Let one token be good for nothing."""
        self._issued.pop(value, None)

    def expire(self, principal: str, at: dt.datetime) -> int:
        """Let every token of a principal end at an instant; return how many there were."""
        ended = [token for token in self._issued.values() if token.principal == principal and token.expires > at]
        for token in ended:
            self._issued[token.value] = msgspec.structs.replace(token, expires=at)
        return len(ended)

    def __len__(self) -> int:
        """Return how many tokens are kept, those that are over included."""
        return len(self._issued)
