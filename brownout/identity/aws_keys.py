"""AWS access keys, whose they are, and until when they hold."""

import datetime as dt
import hmac
from collections.abc import Iterator

import msgspec

from brownout.identity.sigv4 import SKEW, Claim, CredentialRefusal, check, read_claim
from brownout.wire import HttpRequest

REMEMBERED = dt.timedelta(days=1)
"""How long a session that is over is still known, so that it is refused as expired and not as unknown."""

LONG_AGO = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)

_INVALID_TOKEN = "The security token included in the request is invalid."  # noqa: S105 - a sentence
_EXPIRED_TOKEN = "The security token included in the request is expired"  # noqa: S105 - a sentence


class AwsKeys(msgspec.Struct, frozen=True, kw_only=True):
    """AWS credentials, temporary where they have a session token. Without ``expires`` they outlive the run."""

    access_key_id: str
    secret_access_key: str
    session_token: str = ""
    expires: dt.datetime | None = None


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """A principal that a credential stands for.

    Attributes:
        principal: its ARN, as AWS's refusals and ``GetCallerIdentity`` say it.
        user_id: its unique id.
        account: its account.
        role: the ARN of the role behind a session; empty for an IAM user.
        opens: the endpoints an IAM user may call; a session may do what its role may.
        issued: since when.
    """

    principal: str
    user_id: str
    account: str
    role: str = ""
    opens: frozenset[str] = frozenset()
    issued: dt.datetime = LONG_AGO


class AwsSession(msgspec.Struct, frozen=True, kw_only=True):
    """Keys and who has them."""

    keys: AwsKeys
    caller: Caller


class KeyRing:
    """All access keys that AWS has given out and still knows."""

    def __init__(self) -> None:
        self._sessions: dict[str, AwsSession] = {}

    def __iter__(self) -> Iterator[AwsSession]:
        """Yield what is known, the oldest first."""
        return iter(list(self._sessions.values()))

    def add(self, session: AwsSession) -> None:
        """Know a session from now on, and forget those that were over long before it began."""
        begun = session.caller.issued
        self._sessions = {
            key: one
            for key, one in self._sessions.items()
            if one.keys.expires is None or one.keys.expires > begun - REMEMBERED
        }
        self._sessions[session.keys.access_key_id] = session

    def get(self, access_key_id: str) -> AwsSession | None:
        """Return what is known of a key; None for nothing."""
        return self._sessions.get(access_key_id)

    def authenticate(
        self,
        request: HttpRequest,
        *,
        service: str,
        region: str | None,
        utc: dt.datetime,
        skew: dt.timedelta = SKEW,
    ) -> AwsSession:
        """Return whose request this is.

        Args:
            request: what was sent, signed in its headers or its query.
            service: the service's signing name.
            region: the service's region; None where one address stands for those of all regions.
            utc: the service's date and time of day.
            skew: how far the caller's clock may be off.

        Raises:
            Refusal: ``unauthenticated``, with AWS's own error name as ``code``.
        """
        claim = read_claim(request)
        session = self._sessions.get(claim.access_key_id)
        if session is None:
            raise CredentialRefusal("UnrecognizedClientException", _INVALID_TOKEN)
        _check_token(claim, session.keys, utc)
        check(
            request,
            claim,
            secret=session.keys.secret_access_key,
            region=claim.region if region is None else region,
            service=service,
            utc=utc,
            skew=skew,
        )
        return session

    def expire(self, role: str, at: dt.datetime) -> int:
        """Let every live session of a role end at an instant; return how many there were."""
        ended = [one for one in self if one.caller.role == role and (one.keys.expires is None or one.keys.expires > at)]
        for one in ended:
            keys = msgspec.structs.replace(one.keys, expires=at)
            self._sessions[keys.access_key_id] = msgspec.structs.replace(one, keys=keys)
        return len(ended)


def verify(request: HttpRequest, *, keys: AwsKeys, region: str, service: str = "bedrock", utc: dt.datetime) -> None:
    """Check a request's AWS signature, over the headers that its sender chose to sign, against one set of keys.

    Raises:
        Refusal: ``unauthenticated``, with AWS's own error name as ``code``.
    """
    claim = read_claim(request)
    if not hmac.compare_digest(claim.access_key_id.encode(), keys.access_key_id.encode()):
        raise CredentialRefusal("UnrecognizedClientException", _INVALID_TOKEN)
    _check_token(claim, keys, utc)
    check(request, claim, secret=keys.secret_access_key, region=region, service=service, utc=utc)


def _check_token(claim: Claim, keys: AwsKeys, utc: dt.datetime) -> None:
    if not hmac.compare_digest(claim.session_token.encode(), keys.session_token.encode()):
        raise CredentialRefusal("UnrecognizedClientException", _INVALID_TOKEN)
    if keys.expires is not None and utc >= keys.expires:
        raise expired()


def expired() -> CredentialRefusal:
    """Return what a session that is over is refused with."""
    return CredentialRefusal("ExpiredTokenException", _EXPIRED_TOKEN)
