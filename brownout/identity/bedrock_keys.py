"""Amazon Bedrock API keys: bearer tokens that stand for an IAM user, or for a presigned request.

A long-term key is a service-specific credential of an IAM user (IAM: "API keys for Amazon Bedrock"); its shape is the
one that secret scanners look for. A short-term key is a presigned ``CallWithBearerToken`` request, base64-encoded
(AWS's aws-bedrock-token-generator): whoever knows the signer's secret can check it and read its region and its end.
"""

import base64
import binascii
import datetime as dt
import hmac
from collections.abc import Sequence

import msgspec

from brownout.clock import rng_for
from brownout.identity import draw
from brownout.identity.aws_keys import AwsKeys, AwsSession, Caller, KeyRing
from brownout.identity.marks import Marks
from brownout.identity.sigv4 import CredentialRefusal, presign, read_claim
from brownout.wire import HttpRequest, Refusal

LONGEST_LIFE = dt.timedelta(hours=12)
"""How long a short-term key may hold; it never outlives the session that signed it ("How API keys work")."""

_SHORT_TERM = "bedrock-api-key-"
_LONG_TERM = "ABSK"
_HOST = "bedrock.amazonaws.com"
_VERSION = "&Version=1"
_REQUEST = HttpRequest(method="POST", path="/", query="Action=CallWithBearerToken", headers={"host": _HOST})


def short_term_key(keys: AwsKeys, *, region: str, utc: dt.datetime, life: dt.timedelta = LONGEST_LIFE) -> str:
    """Return a short-term key, the one that AWS's generator makes of the same keys at the same second."""
    query = presign(
        _REQUEST,
        access_key_id=keys.access_key_id,
        secret_access_key=keys.secret_access_key,
        session_token=keys.session_token,
        region=region,
        host=_HOST,
        utc=utc,
        life=life,
    )
    return _SHORT_TERM + base64.b64encode(f"{_HOST}/?{query}{_VERSION}".encode()).decode()


def is_short_term(key: str) -> bool:
    """Return whether a key is, by its shape, a short-term one."""
    return key.startswith(_SHORT_TERM)


class LongTermKey(msgspec.Struct, frozen=True, kw_only=True):
    """An IAM user's key for one endpoint. Without ``expires`` it outlives the run."""

    value: str
    caller: Caller
    expires: dt.datetime | None = None


class BedrockKeys:
    """Knows whose a Bedrock API key is.

    Args:
        seed: the run's.
        account: the account of the endpoints and of the keys' IAM users.
        names: the endpoints that take such keys.
        ring: the AWS keys that short-term ones are signed with.
        marks: marks the long-term ones; a short-term one has its session's token in it.
    """

    def __init__(
        self, seed: int, account: str, names: Sequence[str], ring: KeyRing, marks: Marks | None = None
    ) -> None:
        self._ring = ring
        self._long_term = {name: _make(seed, account, name, marks or Marks()) for name in names}

    def long_term(self, endpoint: str) -> str:
        """Return an endpoint's long-term key."""
        return self._long_term[endpoint].value

    def expire(self, endpoint: str, at: dt.datetime) -> None:
        """Let an endpoint's long-term key end at an instant."""
        self._long_term[endpoint] = msgspec.structs.replace(self._long_term[endpoint], expires=at)

    def caller(self, shown: str, *, region: str, utc: dt.datetime) -> Caller:
        """Return whose key this is.

        Raises:
            Refusal: ``unauthenticated``.
        """
        if is_short_term(shown):
            return self._of_short_term(shown, region=region, utc=utc)
        for key in self._long_term.values():
            if hmac.compare_digest(key.value.encode(), shown.encode()):
                if key.expires is not None and utc >= key.expires:
                    raise expired()
                return key.caller
        raise _invalid()

    def signer(self, shown: str) -> AwsSession | None:
        """Return the session that a short-term key was signed by; None for any other key. Nothing is checked."""
        if not is_short_term(shown):
            return None
        try:
            return self._ring.get(read_claim(_presigned(shown)).access_key_id)
        except Refusal:
            return None

    def _of_short_term(self, shown: str, *, region: str, utc: dt.datetime) -> Caller:
        request = _presigned(shown)
        try:
            session = self._ring.authenticate(request, service="bedrock", region=region, utc=utc)
        except Refusal as refusal:
            over = refusal.code == "ExpiredTokenException" or refusal.message.startswith("Signature expired")
            raise (expired() if over else _invalid()) from None
        return session.caller


def _presigned(shown: str) -> HttpRequest:
    """Return the request that a short-term key encodes."""
    encoded = shown.removeprefix(_SHORT_TERM)
    try:
        url = base64.b64decode(encoded, validate=True).decode("ascii")
    except (ValueError, binascii.Error):
        raise _invalid() from None
    if base64.b64encode(url.encode()).decode() != encoded:  # the last letter has bits that decoding drops
        raise _invalid()
    place, _, query = url.partition("?")
    fields = query.removesuffix(_VERSION).split("&")
    lives_s = next((part.partition("=")[2] for part in fields if part.startswith("X-Amz-Expires=")), "")
    short = lives_s.isascii() and lives_s.isdigit() and 0 < int(lives_s[:9]) <= LONGEST_LIFE.total_seconds()
    if place != f"{_HOST}/" or fields[0] != _REQUEST.query or not query.endswith(_VERSION) or not short:
        raise _invalid()
    return msgspec.structs.replace(_REQUEST, query=query.removesuffix(_VERSION))


def _make(seed: int, account: str, endpoint: str, marks: Marks) -> LongTermKey:
    rng = rng_for(seed, "identity", "bedrock key", endpoint)
    user = f"BedrockAPIKey-{draw.text(rng, draw.BASE62[26:], 4)}"
    secret = marks.put(base64.b64encode(rng.randbytes(36)).decode(), "router@aws", at=8)
    value = _LONG_TERM + base64.b64encode(f"{user}-at-{account}:{secret}".encode()).decode()
    caller = Caller(
        principal=f"arn:aws:iam::{account}:user/{user}",
        user_id="AIDA" + draw.text(rng, draw.BASE32, 17),
        account=account,
        opens=frozenset({endpoint}),
    )
    return LongTermKey(value=value, caller=caller)


def _invalid() -> CredentialRefusal:
    return CredentialRefusal("AccessDeniedException", "Authentication failed: Please make sure your API Key is valid.")


def expired() -> CredentialRefusal:
    """Return what a key that is over is refused with."""
    return CredentialRefusal("AccessDeniedException", "Bearer Token has expired")
