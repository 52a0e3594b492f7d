"""What a request shows of its sender, before anybody checks it: which credential, of what kind, and its end.

For evidence only: it proves nothing, and holds no secret.
"""

import datetime as dt
import hashlib

import msgspec

from brownout.dialects.headers import header
from brownout.evidence import CredentialKind
from brownout.identity.aws_keys import LONG_AGO, AwsSession, KeyRing
from brownout.identity.bedrock_keys import BedrockKeys, is_short_term
from brownout.identity.gates import bearer
from brownout.identity.sigv4 import read_claim
from brownout.identity.tokens import TokenBook
from brownout.wire import HttpRequest, Refusal

_ID_LENGTH = 12


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A credential as a request showed it.

    Attributes:
        kind: see `brownout.evidence.CredentialKind`.
        id: the same for the same credential, and not the credential; empty for none.
        issued: since when it holds; long ago, where nobody knows.
        expires: until when; None for ever, and where nobody knows.
    """

    kind: CredentialKind = "none"
    id: str = ""
    issued: dt.datetime = LONG_AGO
    expires: dt.datetime | None = None


def shown_to_aws(request: HttpRequest, ring: KeyRing, keys: BedrockKeys, *, takes_keys: bool) -> Shown:
    """Return what a request shows an endpoint of AWS.

    Args:
        request: as it came.
        ring: all access keys.
        keys: Bedrock's API keys.
        takes_keys: whether the endpoint takes these.
    """
    value = bearer(request) if takes_keys else ""
    if value:
        session = keys.signer(value)
        kind: CredentialKind = "token" if _ends(session) else "keyed-token"
        return _of_session(kind if is_short_term(value) else "static", value, session)
    try:
        claim = read_claim(request)
    except Refusal:
        return Shown()
    session = ring.get(claim.access_key_id)
    temporary = _ends(session) if session else bool(claim.session_token)
    return _of_session("session" if temporary else "static", claim.access_key_id, session)


def shown_to_google(request: HttpRequest, tokens: TokenBook) -> Shown:
    """Return what a request shows an endpoint of Google."""
    value = bearer(request)
    if not value:
        return Shown()
    token = tokens.known(value)
    if token is None:
        return Shown(kind="token", id=_id(value))
    kind: CredentialKind = "keyed-token" if token.keyed else "token"
    return Shown(kind=kind, id=_id(value), issued=token.issued, expires=token.expires)


def shown_as_key(request: HttpRequest) -> Shown:
    """Return what a request shows an endpoint that takes API keys."""
    value = bearer(request) or (header(request.headers, "x-api-key") or "").strip()
    return Shown(kind="static", id=_id(value)) if value else Shown()


def _of_session(kind: CredentialKind, value: str, session: AwsSession | None) -> Shown:
    if session is None:
        return Shown(kind=kind, id=_id(value))
    return Shown(kind=kind, id=_id(value), issued=session.caller.issued, expires=session.keys.expires)


def _ends(session: AwsSession | None) -> bool:
    return session is not None and session.keys.expires is not None


def _id(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()[:_ID_LENGTH]
