"""Service account impersonation: a bearer token in, the token of a service account out (IAM Credentials API)."""

import datetime as dt
import re
from collections.abc import Sequence

from brownout.identity.lives import Lives
from brownout.identity.refreshes import Refreshes
from brownout.identity.tokens import CLOUD_PLATFORM, IAM_SCOPE, IssuedToken, TokenBook
from brownout.wire import Refusal

LONGEST_LIFE = dt.timedelta(seconds=3600)
"""The longest token without an organisation's leave (``iam.allowServiceAccountCredentialLifetimeExtension``)."""

MISSING = (
    "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
INVALID = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
TOO_NARROW = "Request had insufficient authentication scopes."

_LIFE = re.compile(r"(?P<seconds>\d{1,9})(?:\.\d{1,9})?s")


class Impersonation:
    """Decides who may become which service account.

    Chains of delegates are refused: nobody may act for anybody else.

    Args:
        tokens: all tokens.
        refreshes: told of every token.
        lives: how long they hold.

    Attributes:
        may: by service account's email, the principals, and sets of them, that may become it
            (``roles/iam.workloadIdentityUser``).
        longest: the longest token it grants.
    """

    def __init__(self, tokens: TokenBook, refreshes: Refreshes, lives: Lives | None = None) -> None:
        self._tokens, self._refreshes, self._lives = tokens, refreshes, lives or Lives()
        self.may: dict[str, set[str]] = {}
        self.longest = LONGEST_LIFE

    def generate(
        self,
        shown: str,
        email: str,
        *,
        scopes: Sequence[str],
        lifetime: str,
        delegates: Sequence[str],
        utc: dt.datetime,
    ) -> IssuedToken:
        """Return a service account's token.

        Args:
            shown: the caller's bearer token; empty for none.
            email: the service account.
            scopes: what the token is for.
            lifetime: a duration as protobuf's JSON writes it (``3600s``); empty: an hour.
            delegates: the accounts between the caller and this one.
            utc: now.

        Raises:
            Refusal: ``unauthenticated``; ``denied`` with Google's reason as ``code``; ``invalid``.
        """
        token = self._tokens.find(shown, utc)
        if token is None:
            raise Refusal("unauthenticated", INVALID if shown else MISSING)
        if not token.scopes & {CLOUD_PLATFORM, IAM_SCOPE}:
            raise Refusal("denied", TOO_NARROW, code="ACCESS_TOKEN_SCOPE_INSUFFICIENT")
        life = self._life(lifetime)
        if life is None or not scopes:
            raise Refusal("invalid", "Request contains an invalid argument.")
        if delegates or not {token.principal, *token.groups} & self.may.get(email, set()):
            message = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist)."
            raise Refusal("denied", message, code="IAM_PERMISSION_DENIED")
        self._refreshes.note("iam_credentials", email, utc)
        return self._tokens.issue(email, scopes=frozenset(scopes), life=self._lives.granted(life), utc=utc)

    def _life(self, text: str) -> dt.timedelta | None:
        match = _LIFE.fullmatch(text or "3600s")
        life = dt.timedelta(seconds=int(match["seconds"])) if match else dt.timedelta()
        return life if dt.timedelta() < life <= self.longest else None
