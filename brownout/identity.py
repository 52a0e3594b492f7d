"""Who calls, and how an endpoint knows: AWS signatures, Google's bearer tokens, API keys. No I/O but one file written.

Secrets follow from the run's seed (and nothing outside the run ever accepts them), so that one seed gives one
history. The time always comes from the caller.
"""

import base64
import datetime as dt
import functools
import hashlib
import hmac
import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jwt
import msgspec
from botocore.utils import normalize_url_path
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from brownout.clock import rng_for
from brownout.dialects import dialect_named
from brownout.dialects.headers import header
from brownout.topology import Endpoint
from brownout.wire import HttpRequest, Refusal

CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GOOGLE_TOKEN_AUDIENCE = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
"""The audience google-auth writes into every assertion, whatever ``token_uri`` it posts to."""

SKEW = dt.timedelta(minutes=5)
"""How far a SigV4 date may be from the service's (AWS: "Elements of an AWS API request signature")."""

TOKEN_LIFE = dt.timedelta(seconds=3599)
"""What Google grants a service account's token, as ``expires_in`` says it."""

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_BASE62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class CredentialRefusal(Refusal):
    """A refused identity.

    Args:
        code: the provider's own name for the error, where it has several for one kind.
        message: the provider's own sentence.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__("unauthenticated", message)
        self.code = code


# --- AWS: Signature Version 4 ------------------------------------------------------------------------------

_ALGORITHM = "AWS4-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<key>[^/, ]+)/(?P<date>\d{8})/(?P<region>[^/, ]+)/(?P<service>[^/, ]+)"
    r"/aws4_request, *SignedHeaders=(?P<signed>[^, ]+), *Signature=(?P<signature>[0-9a-f]{64})"
)
_INVALID_TOKEN = "The security token included in the request is invalid."  # noqa: S105 - a sentence


class AwsKeys(msgspec.Struct, frozen=True, kw_only=True):
    """Temporary AWS credentials. Without ``expires`` they outlive the run."""

    access_key_id: str
    secret_access_key: str
    session_token: str = ""
    expires: dt.datetime | None = None


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
    stamp = _stamp(utc)
    headers = {"X-Amz-Date": stamp}
    if session_token:
        headers["X-Amz-Security-Token"] = session_token
    content_type = header(request.headers, "content-type")
    signed = {name.lower(): value for name, value in headers.items()} | {"host": host}
    if content_type is not None:
        signed["content-type"] = content_type
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    names = ";".join(sorted(signed))
    signature = _signature(request, signed, stamp=stamp, scope=scope, secret=secret_access_key)
    credential = f"Credential={access_key_id}/{scope}"
    return headers | {"Authorization": f"{_ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"}


def verify(request: HttpRequest, *, keys: AwsKeys, region: str, service: str = "bedrock", utc: dt.datetime) -> None:
    """Check a request's AWS signature, over the headers that its sender chose to sign.

    Raises:
        Refusal: ``unauthenticated``, with AWS's own error name as ``code``.
    """
    claim = _claim(request)
    if not hmac.compare_digest(claim["key"].encode(), keys.access_key_id.encode()):
        raise CredentialRefusal("UnrecognizedClientException", _INVALID_TOKEN)
    token = header(request.headers, "x-amz-security-token") or ""
    if not hmac.compare_digest(token.encode(), keys.session_token.encode()):
        raise CredentialRefusal("UnrecognizedClientException", _INVALID_TOKEN)
    if keys.expires is not None and utc >= keys.expires:
        raise CredentialRefusal("ExpiredTokenException", "The security token included in the request is expired")
    stamp = header(request.headers, "x-amz-date") or ""
    _check_scope(claim, stamp, region=region, service=service)
    _check_date(stamp, utc)
    signed = {name: header(request.headers, name) for name in claim["signed"].split(";")}
    present = {name: value for name, value in signed.items() if value is not None}
    if not {"host", "x-amz-date"} <= present.keys() or len(present) != len(signed):
        raise _mismatch()
    scope = f"{claim['date']}/{claim['region']}/{claim['service']}/aws4_request"
    expected = _signature(request, present, stamp=stamp, scope=scope, secret=keys.secret_access_key)
    if not hmac.compare_digest(expected, claim["signature"]):
        raise _mismatch()


def _claim(request: HttpRequest) -> re.Match[str]:
    authorization = header(request.headers, "authorization")
    if authorization is None:
        raise CredentialRefusal("MissingAuthenticationTokenException", "Missing Authentication Token")
    claim = _AUTHORIZATION.fullmatch(authorization.strip())
    if claim is None:
        raise CredentialRefusal(
            "IncompleteSignatureException", "The request signature does not conform to AWS standards."
        )
    return claim


def _check_scope(claim: re.Match[str], stamp: str, *, region: str, service: str) -> None:
    wrong = [
        f"Credential should be scoped to {what}."
        for right, what in (
            (claim["region"] == region, f"a valid region, not '{claim['region']}'"),
            (claim["service"] == service, f"correct service: '{service}'"),
            (claim["date"] == stamp[:8], "the date of the request"),
        )
        if not right
    ]
    if wrong:
        raise CredentialRefusal("InvalidSignatureException", " ".join(wrong))


def _check_date(stamp: str, utc: dt.datetime) -> None:
    try:
        signed_at = dt.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    except ValueError:
        raise _mismatch() from None
    if abs(signed_at - utc) > SKEW:
        word = "expired" if signed_at < utc else "not yet current"
        raise CredentialRefusal("InvalidSignatureException", f"Signature {word}: {stamp} is not near {_stamp(utc)}.")


def _mismatch() -> CredentialRefusal:
    return CredentialRefusal(
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details.",
    )


def _signature(request: HttpRequest, signed: Mapping[str, str], *, stamp: str, scope: str, secret: str) -> str:
    # Of every service but S3 the path is encoded once more than it stands on the wire: %3A is signed as %253A.
    path = quote(normalize_url_path(request.path), safe="/~")
    pairs = sorted(pair.partition("=")[::2] for pair in request.query.split("&")) if request.query else []
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
    return hmac.new(_signing_key(secret, scope), to_sign.encode(), hashlib.sha256).hexdigest()


@functools.lru_cache(maxsize=256)
def _signing_key(secret: str, scope: str) -> bytes:
    """Return the key of one scope. A day's requests to one endpoint share it, hence the cache."""
    key = b"AWS4" + secret.encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _stamp(utc: dt.datetime) -> str:
    return utc.strftime("%Y%m%dT%H%M%SZ")


# --- Google: service accounts and bearer tokens ------------------------------------------------------------


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


def service_account(*, email: str, project: str, key_id: str, token_uri: str) -> dict[str, str]:
    """Return a service account's file as plain data, of the shape the Cloud console downloads."""
    return {
        "type": "service_account",
        "project_id": project,
        "private_key_id": key_id,
        "private_key": _process_pem(),
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


class IssuedToken(msgspec.Struct, frozen=True):
    """A bearer token, whose it is, and until when."""

    value: str
    email: str
    expires: dt.datetime


class TokenIssuer:
    """Google's token endpoint without the wire: checks assertions, issues tokens, knows its own again.

    Args:
        seed: the run's.
        emails: every service account there is.
        token_uri: the address at which tokens are asked for.
    """

    def __init__(self, seed: int, emails: Collection[str], token_uri: str) -> None:
        self._rng = rng_for(seed, "identity", "google tokens")
        self._emails = set(emails)
        self._audiences = [token_uri, GOOGLE_TOKEN_AUDIENCE]
        self._issued: dict[str, IssuedToken] = {}

    def exchange(self, grant_type: str, signed: str, utc: dt.datetime) -> IssuedToken:
        """Return a token for an assertion.

        Raises:
            GrantRefused: another grant type, a signature that is not the account's, an unknown account, or an
                assertion of another time.
        """
        if grant_type != JWT_BEARER:
            raise GrantRefused("unsupported_grant_type", f"Invalid grant_type: {grant_type}")
        claims = self._claims(signed)
        email = claims.get("iss")
        if email not in self._emails:
            raise GrantRefused("invalid_grant", "Invalid grant: account not found")
        self._check_times(claims, utc)
        if not claims.get("scope"):
            raise GrantRefused("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        self._issued = {value: token for value, token in self._issued.items() if token.expires > utc}
        token = IssuedToken(f"ya29.c.{_text(self._rng, _BASE62, 120)}", email, utc + TOKEN_LIFE)
        self._issued[token.value] = token
        return token

    def owner(self, value: str, utc: dt.datetime) -> str | None:
        """Return whose token this is; None when it was never issued, or is over."""
        token = self._issued.get(value)
        return token.email if token is not None and utc < token.expires else None

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


# --- one cloud's identities --------------------------------------------------------------------------------


class CloudIdentity:
    """Issues the credentials of every endpoint, and checks what callers show.

    Every endpoint has its own: a caller that mixes up regions is refused, as in the real clouds.

    Args:
        seed: the run's.
        endpoints: all endpoints of the topology.
        token_uri: where service accounts ask for tokens.
    """

    def __init__(self, seed: int, endpoints: Sequence[Endpoint], token_uri: str) -> None:
        self._endpoints = {endpoint.name: endpoint for endpoint in endpoints}
        self._auth = {endpoint.name: dialect_named(endpoint.dialect).auth for endpoint in endpoints}
        self.project = f"brownout-{_text(rng_for(seed, 'identity', 'project'), '0123456789abcdef', 6)}"
        self._aws = {name: _aws_keys(seed, name) for name in self._with("sigv4")}
        self._api_keys = {name: _api_key(seed, name) for name in self._with("api-key")}
        self._accounts = {name: self._account(seed, name, token_uri) for name in self._with("google-oauth")}
        self._files: dict[str, Path] = {}
        emails = [account["client_email"] for account in self._accounts.values()]
        self.issuer = TokenIssuer(seed, emails, token_uri)

    def write_service_accounts(self, folder: Path) -> None:
        """Write every Vertex endpoint's service account file, readable by this user only."""
        for name, account in self._accounts.items():
            path = folder / f"{name}.service-account.json"
            path.touch(mode=0o600)
            path.chmod(0o600)
            path.write_text(json.dumps(account, indent=2))
            self._files[name] = path

    def credentials(self, endpoint_name: str) -> dict[str, str]:
        """Return what a caller of this endpoint is given.

        Returns:
            ``{api_key}``, or ``{access_key_id, secret_access_key, session_token}``, or ``{service_account_file}``;
            the file exists once `write_service_accounts` was called.
        """
        auth = self._auth[endpoint_name]
        if auth == "api-key":
            return {"api_key": self._api_keys[endpoint_name]}
        if auth == "google-oauth":
            return {"service_account_file": str(self._files[endpoint_name])}
        keys = self._aws[endpoint_name]
        return {
            "access_key_id": keys.access_key_id,
            "secret_access_key": keys.secret_access_key,
            "session_token": keys.session_token,
        }

    def expire(self, endpoint_name: str, at: dt.datetime) -> None:
        """Let an AWS endpoint's session token end at an instant."""
        self._aws[endpoint_name] = msgspec.structs.replace(self._aws[endpoint_name], expires=at)

    def verify(self, endpoint_name: str, request: HttpRequest, utc: dt.datetime) -> None:
        """Check that a request proves the right to call this endpoint.

        Raises:
            Refusal: ``unauthenticated``; ``denied`` for a known Google account without a right to this project or
                endpoint.
        """
        auth = self._auth[endpoint_name]
        if auth == "sigv4":
            endpoint = self._endpoints[endpoint_name]
            verify(request, keys=self._aws[endpoint_name], region=endpoint.region, utc=utc)
        elif auth == "api-key":
            self._verify_api_key(endpoint_name, request)
        else:
            self._verify_bearer(endpoint_name, request, utc)

    def _verify_api_key(self, name: str, request: HttpRequest) -> None:
        shown = _bearer(request)
        if not shown:
            raise Refusal("unauthenticated", "You didn't provide an API key.")
        if not hmac.compare_digest(shown.encode(), self._api_keys[name].encode()):
            # Only as much of a key as OpenAI repeats: enough to recognise it, too little to use it.
            raise Refusal("unauthenticated", f"Incorrect API key provided: {shown[:3]}****.")

    def _verify_bearer(self, name: str, request: HttpRequest, utc: dt.datetime) -> None:
        owner = self.issuer.owner(_bearer(request), utc)
        if owner is None:
            raise Refusal("unauthenticated")
        of_project = f"/projects/{self.project}/" in request.path
        if not of_project or owner != self._accounts[name]["client_email"]:
            raise Refusal("denied")

    def _with(self, auth: str) -> list[str]:
        return [name for name, its in self._auth.items() if its == auth]

    def _account(self, seed: int, name: str, token_uri: str) -> dict[str, str]:
        return service_account(
            email=f"{name}@{self.project}.iam.gserviceaccount.com",
            project=self.project,
            key_id=_text(rng_for(seed, "identity", "key id", name), "0123456789abcdef", 40),
            token_uri=token_uri,
        )


def _aws_keys(seed: int, name: str) -> AwsKeys:
    rng = rng_for(seed, "identity", "aws", name)
    token = base64.b64encode(rng.randbytes(180)).decode()
    return AwsKeys(
        access_key_id="ASIA" + _text(rng, _BASE32, 16),
        secret_access_key=_text(rng, _BASE62 + "+/", 40),
        session_token=token,
    )


def _api_key(seed: int, name: str) -> str:
    return "sk-" + _text(rng_for(seed, "identity", "api key", name), _BASE62, 48)


def _instant_s(claims: Mapping[str, Any], name: str) -> float:
    """Return a claim's instant; never, when it has none or it is no number."""
    value = claims.get(name)
    return value if isinstance(value, (int, float)) else math.nan


def _text(rng: Any, alphabet: str, length: int) -> str:
    return "".join(rng.choices(alphabet, k=length))


def _bearer(request: HttpRequest) -> str:
    scheme, _, value = (header(request.headers, "authorization") or "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""
