"""AWS Signature Version 4, in headers and in presigned queries: made, read and checked. No keys are kept here.

Rules: AWS, "Create a signed AWS API request". botocore signs the same requests to the same character.
"""

import datetime as dt
import functools
import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote

import msgspec
from botocore.utils import normalize_url_path

from brownout.dialects.headers import header
from brownout.wire import HttpRequest, Refusal

SKEW = dt.timedelta(minutes=5)
"""How far a SigV4 date may be from the service's (AWS: "Elements of an AWS API request signature")."""

LONGEST_PRESIGNED = dt.timedelta(days=7)
"""How long a presigned request may be valid (AWS: "Create a signed AWS API request", ``X-Amz-Expires``)."""

_ALGORITHM = "AWS4-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<key>[^/, ]+)/(?P<date>\d{8})/(?P<region>[^/, ]+)/(?P<service>[^/, ]+)"
    r"/aws4_request, *SignedHeaders=(?P<signed>[^, ]+), *Signature=(?P<signature>[0-9a-f]{64})"
)
_CREDENTIAL = re.compile(r"(?P<key>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
_SIGNATURE_FIELD = "X-Amz-Signature"


class CredentialRefusal(Refusal):
    """A refused identity.

    Args:
        code: the provider's own name for the error, where it has several for one kind.
        message: the provider's own sentence.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__("unauthenticated", message, code=code)


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """Who a request says it is from, and what it says was signed.

    Attributes:
        access_key_id: whose signature it should be.
        date: the scope's date, ``yyyymmdd``.
        region: the scope's region.
        service: the scope's service.
        signed: the names of the headers that were signed.
        signature: in hexadecimal.
        stamp: when it was signed, as sent.
        session_token: the token sent along; empty for none.
        query: what of the query was signed.
        life: how long a presigned request is valid; None for a signature in the headers.
    """

    access_key_id: str
    date: str
    region: str
    service: str
    signed: tuple[str, ...]
    signature: str
    stamp: str
    session_token: str
    query: str
    life: dt.timedelta | None = None

    @property
    def scope(self) -> str:
        """What the signing key is for."""
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def sign(
    request: HttpRequest,
    *,
    access_key_id: str,
    secret_access_key: str,
    session_token: str = "",
    region: str,
    service: str = "bedrock",
    host: str,
    utc: dt.datetime,
) -> dict[str, str]:
    """Return the headers that prove a request's sender by AWS Signature Version 4.

    The caller sends them with the request's own headers, and sends the path as it stands (not encoded again).

    Args:
        request: what will be sent.
        access_key_id: the caller's key id.
        secret_access_key: the caller's secret.
        session_token: the caller's session token; empty for long-term keys.
        region: the region of the endpoint, part of the signature's scope.
        service: the signing name; that of Bedrock's runtime is ``bedrock``.
        host: the ``Host`` header that will be sent, port included.
        utc: the date and time of day.
    """
    stamp = stamp_of(utc)
    headers = {"X-Amz-Date": stamp}
    if session_token:
        headers["X-Amz-Security-Token"] = session_token
    content_type = header(request.headers, "content-type")
    signed = {name.lower(): value for name, value in headers.items()} | {"host": host}
    if content_type is not None:
        signed["content-type"] = content_type
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    names = ";".join(sorted(signed))
    signature = _signature(request, request.query, signed, stamp=stamp, scope=scope, secret=secret_access_key)
    credential = f"Credential={access_key_id}/{scope}"
    return headers | {"Authorization": f"{_ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"}


def presign(
    request: HttpRequest,
    *,
    access_key_id: str,
    secret_access_key: str,
    session_token: str = "",
    region: str,
    service: str = "bedrock",
    host: str,
    utc: dt.datetime,
    life: dt.timedelta,
) -> str:
    """Return the query that proves a request's sender: the request's own with the signature's fields after it.

    Only the host is signed of the headers. The other arguments are those of `sign`.
    """
    stamp = stamp_of(utc)
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    fields = {
        "X-Amz-Algorithm": _ALGORITHM,
        "X-Amz-Credential": f"{access_key_id}/{scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(int(life.total_seconds())),
        "X-Amz-SignedHeaders": "host",
    }
    if session_token:
        fields["X-Amz-Security-Token"] = session_token
    added = "&".join(f"{name}={quote(value, safe='-._~')}" for name, value in fields.items())
    query = f"{request.query}&{added}" if request.query else added
    signature = _signature(request, query, {"host": host}, stamp=stamp, scope=scope, secret=secret_access_key)
    return f"{query}&{_SIGNATURE_FIELD}={signature}"


def read_claim(request: HttpRequest) -> Claim:
    """Return what a request claims, from its ``Authorization`` header or else from its query.

    Raises:
        Refusal: ``MissingAuthenticationTokenException`` where it claims nothing, ``IncompleteSignatureException`` where
            the claim cannot be read.
    """
    authorization = header(request.headers, "authorization")
    if authorization is None:
        if f"{_SIGNATURE_FIELD}=" in request.query:
            return _presigned_claim(request)
        raise CredentialRefusal("MissingAuthenticationTokenException", "Missing Authentication Token")
    match = _AUTHORIZATION.fullmatch(authorization.strip())
    if match is None:
        raise _incomplete()
    return Claim(
        access_key_id=match["key"],
        date=match["date"],
        region=match["region"],
        service=match["service"],
        signed=tuple(match["signed"].split(";")),
        signature=match["signature"],
        stamp=header(request.headers, "x-amz-date") or "",
        session_token=header(request.headers, "x-amz-security-token") or "",
        query=request.query,
    )


def _presigned_claim(request: HttpRequest) -> Claim:
    fields = dict(parse_qsl(request.query, keep_blank_values=True))
    match = _CREDENTIAL.fullmatch(fields.get("X-Amz-Credential", ""))
    life = fields.get("X-Amz-Expires", "")
    if match is None or fields.get("X-Amz-Algorithm") != _ALGORITHM or not re.fullmatch(r"[0-9]{1,6}", life):
        raise _incomplete()
    parts = request.query.split("&")
    return Claim(
        access_key_id=match["key"],
        date=match["date"],
        region=match["region"],
        service=match["service"],
        signed=tuple(fields.get("X-Amz-SignedHeaders", "").split(";")),
        signature=fields.get(_SIGNATURE_FIELD, ""),
        stamp=fields.get("X-Amz-Date", ""),
        session_token=fields.get("X-Amz-Security-Token", ""),
        query="&".join(part for part in parts if not part.startswith(f"{_SIGNATURE_FIELD}=")),
        life=dt.timedelta(seconds=int(life)),
    )


def check(
    request: HttpRequest,
    claim: Claim,
    *,
    secret: str,
    region: str,
    service: str,
    utc: dt.datetime,
    skew: dt.timedelta = SKEW,
) -> None:
    """Check a claim against the secret it should have been signed with.

    Args:
        request: what was sent.
        claim: what `read_claim` read from it.
        secret: the secret access key of ``claim.access_key_id``.
        region: the service's region.
        service: the service's signing name.
        utc: the service's date and time of day.
        skew: how far the caller's clock may be off.

    Raises:
        Refusal: ``InvalidSignatureException``.
    """
    _check_scope(claim, region=region, service=service)
    _check_date(claim, utc, skew)
    signed = {name: header(request.headers, name) for name in claim.signed}
    present = {name: value for name, value in signed.items() if value is not None}
    # A presigned request has its date in the query, all of which is signed.
    needed = {"host"} if claim.life is not None else {"host", "x-amz-date"}
    if not needed <= present.keys() or len(present) != len(signed):
        raise _mismatch()
    expected = _signature(request, claim.query, present, stamp=claim.stamp, scope=claim.scope, secret=secret)
    if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
        raise _mismatch()


def stamp_of(utc: dt.datetime) -> str:
    """Return an instant as SigV4 writes it."""
    return utc.strftime("%Y%m%dT%H%M%SZ")


def _check_scope(claim: Claim, *, region: str, service: str) -> None:
    wrong = [
        f"Credential should be scoped to {what}."
        for right, what in (
            (claim.region == region, f"a valid region, not '{claim.region}'"),
            (claim.service == service, f"correct service: '{service}'"),
            (claim.date == claim.stamp[:8], "the date of the request"),
        )
        if not right
    ]
    if wrong:
        raise CredentialRefusal("InvalidSignatureException", " ".join(wrong))


def _check_date(claim: Claim, utc: dt.datetime, skew: dt.timedelta) -> None:
    signed_at = _instant(claim.stamp)
    if signed_at is None:
        raise _mismatch()
    if claim.life is not None and claim.life > LONGEST_PRESIGNED:
        raise CredentialRefusal("InvalidSignatureException", "X-Amz-Expires must be less than 604800 seconds")
    minutes = f"{int(skew.total_seconds()) // 60} min."
    said = ""
    if signed_at > utc + skew:
        said = (
            f"not yet current: {claim.stamp} is still later than {stamp_of(utc + skew)} ({stamp_of(utc)} + {minutes})"
        )
    elif claim.life is not None and utc >= signed_at + claim.life:
        said = f"expired: {stamp_of(signed_at + claim.life)} is now earlier than {stamp_of(utc)}"
    elif claim.life is None and signed_at < utc - skew:
        said = f"expired: {claim.stamp} is now earlier than {stamp_of(utc - skew)} ({stamp_of(utc)} - {minutes})"
    if said:
        raise CredentialRefusal("InvalidSignatureException", f"Signature {said}")


@functools.lru_cache(maxsize=256)
def _instant(stamp: str) -> dt.datetime | None:
    """Return the instant a stamp names; None when it is none. Requests of one second share it, hence the cache."""
    try:
        return dt.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    except ValueError:
        return None


def _incomplete() -> CredentialRefusal:
    return CredentialRefusal("IncompleteSignatureException", "The request signature does not conform to AWS standards.")


def _mismatch() -> CredentialRefusal:
    return CredentialRefusal(
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details.",
    )


def _signature(
    request: HttpRequest, query: str, signed: Mapping[str, str], *, stamp: str, scope: str, secret: str
) -> str:
    path = _signed_path(request.path)
    pairs = sorted(pair.partition("=")[::2] for pair in query.split("&")) if query else []
    canonical = "\n".join(
        [
            request.method.upper(),
            path,
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{' '.join(signed[name].split())}" for name in sorted(signed)),
            "",
            ";".join(sorted(signed)),
            hashlib.sha256(request.body).hexdigest(),
        ]
    )
    to_sign = "\n".join([_ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    return hmac.digest(_signing_key(secret, scope), to_sign.encode(), "sha256").hex()


@functools.lru_cache(maxsize=256)
def _signed_path(path: str) -> str:
    """Return a path as it is signed: of every service but S3 encoded once more than on the wire, %3A as %253A."""
    return quote(normalize_url_path(path), safe="/~")


@functools.lru_cache(maxsize=256)
def _signing_key(secret: str, scope: str) -> bytes:
    """Return the key of one scope. A day's requests to one endpoint share it, hence the cache."""
    key = b"AWS4" + secret.encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
