"""Google's service accounts: their key files, the assertions they sign, and the tokens they get for those."""

import datetime as dt
import functools
import hashlib
import math
from collections.abc import Collection, Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from brownout.identity.lives import Lives
from brownout.identity.marks import Marks
from brownout.identity.sigv4 import SKEW
from brownout.identity.tokens import CLOUD_PLATFORM, IssuedToken, TokenBook

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GOOGLE_TOKEN_AUDIENCE = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
"""The audience google-auth writes into every assertion, whatever ``token_uri`` it posts to."""

TOKEN_LIFE = dt.timedelta(seconds=3599)
"""What Google grants a service account's token, as ``expires_in`` says it."""


@functools.cache
def _process_key() -> rsa.RSAPrivateKey:
    """Return this process's RSA key. One for all worlds: making it is slow, and no history depends on its value."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@functools.cache
def _process_pem() -> str:
    return (
        _process_key()
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


def service_account(
    *, email: str, project: str, key_id: str, token_uri: str, marks: Marks | None = None
) -> dict[str, str]:
    """Return a service account's file as plain data, of the shape the Cloud console downloads; its key is marked."""
    return {
        "type": "service_account",
        "project_id": project,
        "private_key_id": key_id,
        "private_key": (marks or Marks()).put_in_key(_process_pem(), "router@google-secret"),
        "client_email": email,
        "client_id": str(int(hashlib.sha256(email.encode()).hexdigest()[:16], 16)),
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": token_uri,
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
        "universe_domain": "googleapis.com",
    }


def assertion(account: Mapping[str, str], *, scope: str = CLOUD_PLATFORM, utc: dt.datetime) -> str:
    """Return the signed JWT that a service account exchanges for a token (RFC 7523; one hour of life).

    Args:
        account: the service account's file, read.
        scope: the OAuth scopes wanted, joined by spaces.
        utc: the date and time of day.
    """
    now_s = int(utc.timestamp())
    claims = {
        "iss": account["client_email"],
        "scope": scope,
        "aud": account["token_uri"],
        "iat": now_s,
        "exp": now_s + 3600,
    }
    key = _parsed(account["private_key"])
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": account["private_key_id"]})


@functools.lru_cache(maxsize=16)
def _parsed(pem: str) -> rsa.RSAPrivateKey:
    """Return a private key. Parsing checks its primes, which takes longer than many signatures do."""
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("a service account's key is an RSA key")
    return key


class GrantRefused(Exception):  # noqa: N818 - what the token endpoint does
    """A token request refused. ``error`` and ``description`` are OAuth's (RFC 6749, 5.2)."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description


class TokenIssuer:
    """Google's token endpoint without the wire: checks assertions, issues tokens, knows its own again.

    Args:
        emails: every service account there is.
        token_uri: the address at which tokens are asked for.
        tokens: where they are kept.
        lives: how long they hold.
    """

    def __init__(self, emails: Collection[str], token_uri: str, tokens: TokenBook, lives: Lives | None = None) -> None:
        self._emails = set(emails)
        self._audiences = [token_uri, GOOGLE_TOKEN_AUDIENCE]
        self._tokens, self._lives = tokens, lives or Lives()

    def exchange(self, grant_type: str, signed: str, utc: dt.datetime) -> IssuedToken:
        """Return a token for an assertion.

        Raises:
            GrantRefused: another grant type, a signature that is not the account's, an unknown account, or an
                assertion of another time.
        """
        if not grant_type:
            raise GrantRefused("invalid_request", "Required parameter is missing: grant_type")
        if grant_type != JWT_BEARER:
            raise GrantRefused("unsupported_grant_type", f"Invalid grant_type: {grant_type}")
        claims = self._claims(signed)
        email, scope = claims.get("iss"), claims.get("scope")
        if not isinstance(email, str) or email not in self._emails:
            raise GrantRefused("invalid_grant", "Invalid grant: account not found")
        self._check_times(claims, utc)
        if not isinstance(scope, str) or not scope.split():
            raise GrantRefused("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        life = self._lives.granted(TOKEN_LIFE)
        return self._tokens.issue(email, scopes=frozenset(scope.split()), life=life, utc=utc, keyed=True)

    def owner(self, value: str, utc: dt.datetime) -> str | None:
        """Return whose token this is; None when it was never issued, or is over."""
        token = self._tokens.find(value, utc)
        return None if token is None else token.principal

    def _claims(self, signed: str) -> dict[str, Any]:
        # The library would read the machine's clock; the times are checked against the caller's.
        options: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
        try:
            return jwt.decode(
                signed, _process_key().public_key(), algorithms=["RS256"], audience=self._audiences, options=options
            )
        except jwt.InvalidAudienceError:
            raise GrantRefused("invalid_grant", "Invalid JWT: Failed audience check.") from None
        except jwt.InvalidTokenError:
            raise GrantRefused("invalid_grant", "Invalid JWT Signature.") from None

    def _check_times(self, claims: Mapping[str, Any], utc: dt.datetime) -> None:
        now_s = utc.timestamp()
        begin_s, end_s = _instant_s(claims, "iat"), _instant_s(claims, "exp")
        if not now_s < end_s <= begin_s + 3600 or begin_s > now_s + SKEW.total_seconds():
            raise GrantRefused(
                "invalid_grant",
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check "
                "your iat and exp values in the JWT claim.",
            )


def _instant_s(claims: Mapping[str, Any], name: str) -> float:
    """Return a claim's instant; never, when it has none or it is no number."""
    value = claims.get(name)
    return value if isinstance(value, (int, float)) else math.nan
