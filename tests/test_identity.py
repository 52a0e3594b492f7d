"""Only who holds an endpoint's own credentials gets in, by signatures that AWS's and Google's own code agree with."""

import datetime as dt
import stat
from pathlib import Path
from typing import Any

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import jwt
import msgspec
import pytest
from google.oauth2 import service_account as google_account
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.identity import (
    JWT_BEARER,
    AwsKeys,
    CloudIdentity,
    GrantRefused,
    assertion,
    sign,
    verify,
)
from brownout.topology import Endpoint
from brownout.wire import HttpRequest, Refusal

NOW = dt.datetime(2026, 3, 4, 5, 6, 7, tzinfo=dt.UTC)
KEYS = AwsKeys(access_key_id="ASIAEXAMPLE", secret_access_key="s3cr3t/+key", session_token="token==")
HOST = "127.0.0.1:4566"
TOKEN_URI = "http://127.0.0.1:1/token"
SEGMENT = st.text(st.sampled_from("abcXYZ019-._~ :/%@!$&'()*+,;=é🦜\"<>[]{}|^`#?"), min_size=1, max_size=12).filter(
    lambda text: text not in {".", ".."}
)
QUERY = st.lists(st.sampled_from(["a=1", "a=0", "b", "B=%20", "z=", "a%3D=2"]), max_size=4).map("&".join)


def _request(model: str = "m", *, query: str = "", body: bytes = b"{}") -> HttpRequest:
    from urllib.parse import quote  # noqa: PLC0415 - the wire's own escaping, used here only

    path = f"/model/{quote(model, safe='-_.~')}/converse"
    headers = {"Content-Type": "application/json"}
    return HttpRequest(method="POST", path=path, query=query, headers=headers, body=body)


def _by_botocore(request: HttpRequest, *, extra: dict[str, str], utc: dt.datetime) -> dict[str, str]:
    """Return the request's headers as botocore signs it, at an instant of ours."""
    url = f"http://{HOST}{request.path}" + (f"?{request.query}" if request.query else "")
    made = botocore.awsrequest.AWSRequest("POST", url, headers={**request.headers, **extra}, data=request.body)
    credentials = botocore.credentials.Credentials(KEYS.access_key_id, KEYS.secret_access_key, KEYS.session_token)
    signer = botocore.auth.SigV4Auth(credentials, "bedrock", "us-east-1")
    made.context["timestamp"] = utc.strftime("%Y%m%dT%H%M%SZ")
    signer._modify_request_before_signing(made)
    signer._inject_signature_to_request(
        made, signer.signature(signer.string_to_sign(made, signer.canonical_request(made)), made)
    )
    return {**dict(made.headers.items()), "Host": HOST}


def _signed(request: HttpRequest, **changes: Any) -> HttpRequest:
    settings_: dict[str, Any] = {
        "access_key_id": KEYS.access_key_id,
        "secret_access_key": KEYS.secret_access_key,
        "session_token": KEYS.session_token,
        "region": "us-east-1",
        "host": HOST,
        "utc": NOW,
    }
    headers = {**request.headers, "host": HOST, **sign(request, **settings_ | changes)}
    return msgspec.structs.replace(request, headers=headers)


def _code(request: HttpRequest, *, keys: AwsKeys = KEYS, utc: dt.datetime = NOW) -> str:
    with pytest.raises(Refusal) as caught:
        verify(request, keys=keys, region="us-east-1", utc=utc)
    assert "unauthenticated" == caught.value.kind
    return str(getattr(caught.value, "code", ""))


@given(SEGMENT, QUERY, st.binary(max_size=40))
def test_what_botocore_signs_is_accepted(model: str, query: str, body: bytes) -> None:
    """Any path, query and body that botocore signs is verified, with whatever headers it chose to sign."""
    request = _request(model, query=query, body=body)
    headers = _by_botocore(request, extra={"Accept": "a,  b", "X-Stainless-Os": " Linux  x "}, utc=NOW)
    verify(msgspec.structs.replace(request, headers=headers), keys=KEYS, region="us-east-1", utc=NOW)


@given(SEGMENT, QUERY, st.binary(max_size=40))
def test_what_is_signed_is_what_botocore_would_sign(model: str, query: str, body: bytes) -> None:
    """Our signature is botocore's, to the character."""
    request = _request(model, query=query, body=body)
    theirs = _by_botocore(request, extra={"host": HOST}, utc=NOW)
    assert theirs["Authorization"] == _signed(request).headers["Authorization"]


def test_the_percent_sign_is_encoded_once_more() -> None:
    """A colon sent raw and one sent as %3A are different paths, and each verifies as it was sent."""
    raw = HttpRequest(method="POST", path="/model/claude-v1:0/converse", body=b"{}")
    escaped = msgspec.structs.replace(raw, path="/model/claude-v1%3A0/converse")
    verify(_signed(raw), keys=KEYS, region="us-east-1", utc=NOW)
    verify(_signed(escaped), keys=KEYS, region="us-east-1", utc=NOW)
    swapped = msgspec.structs.replace(_signed(raw), path=escaped.path)
    assert "InvalidSignatureException" == _code(swapped)


def test_each_wrong_thing_has_awss_own_name() -> None:
    """Wrong key, token, region, service, secret, body, host, date: each is refused by AWS's name for it."""
    request = _request()
    good = _signed(request)
    assert "UnrecognizedClientException" == _code(_signed(request, access_key_id="ASIAOTHER"))
    assert "UnrecognizedClientException" == _code(_signed(request, session_token="other"))
    assert "UnrecognizedClientException" == _code(_signed(request, session_token=""))
    assert "InvalidSignatureException" == _code(_signed(request, region="eu-west-1"))
    assert "InvalidSignatureException" == _code(_signed(request, service="sagemaker"))
    assert "InvalidSignatureException" == _code(_signed(request, secret_access_key="wrong"))
    assert "InvalidSignatureException" == _code(msgspec.structs.replace(good, body=b'{"x":1}'))
    assert "InvalidSignatureException" == _code(msgspec.structs.replace(good, query="a=1"))
    assert "InvalidSignatureException" == _code(msgspec.structs.replace(good, headers={**good.headers, "host": "x"}))
    assert "ExpiredTokenException" == _code(good, keys=msgspec.structs.replace(KEYS, expires=NOW))
    assert "MissingAuthenticationTokenException" == _code(request)
    malformed = msgspec.structs.replace(good, headers={**good.headers, "Authorization": "AWS4-HMAC-SHA256 x"})
    assert "IncompleteSignatureException" == _code(malformed)


def test_headers_that_must_be_signed_must_be_signed() -> None:
    """A signature that leaves the host or the date out, or names a header that was not sent, is invalid."""
    good = _signed(_request())
    for old, new in (("host;", ""), ("content-type;host", "content-type;host;x-extra")):
        authorization = good.headers["Authorization"].replace(old, new)
        assert "InvalidSignatureException" == _code(
            msgspec.structs.replace(good, headers={**good.headers, "Authorization": authorization})
        )


@given(st.integers(-7200, 7200))
def test_a_date_more_than_five_minutes_off_is_refused(offset_s: int) -> None:
    """Within five minutes of the caller's clock a signature holds, beyond it does not."""
    request = _signed(_request())
    then = NOW + dt.timedelta(seconds=offset_s)
    if abs(offset_s) <= 300:
        verify(request, keys=KEYS, region="us-east-1", utc=then)
    else:
        assert "InvalidSignatureException" == _code(request, utc=then)


ENDPOINTS = [
    Endpoint(name=name, cloud="c", provider="p", region=region, capacity="on-demand", dialect=dialect, model="m")
    for name, region, dialect in (
        ("bedrock-us", "us-east-1", "bedrock-converse"),
        ("bedrock-eu", "eu-west-1", "bedrock-converse"),
        ("vertex-us", "us-central1", "vertex-generate"),
        ("vertex-eu", "europe-west4", "vertex-generate"),
        ("own", "dc1", "openai-chat"),
    )
]


def _cloud(folder: Path, seed: int = 1) -> CloudIdentity:
    identity = CloudIdentity(seed, ENDPOINTS, TOKEN_URI)
    identity.write_service_accounts(folder)
    return identity


def _account(identity: CloudIdentity, name: str) -> dict[str, str]:
    account: dict[str, str] = msgspec.json.decode(Path(identity.credentials(name)["service_account_file"]).read_bytes())
    return account


def _by_bearer(identity: CloudIdentity, token: str, project: str = "") -> HttpRequest:
    path = f"/v1/projects/{project or identity.project}/locations/us-central1/publishers/google/models/m:x"
    return HttpRequest(method="POST", path=path, headers={"Authorization": f"Bearer {token}"})


def test_credentials_follow_from_the_seed(tmp_path: Path) -> None:
    """One seed gives one set of credentials, each endpoint its own; another seed gives others."""
    first, again, other = (CloudIdentity(seed, ENDPOINTS, TOKEN_URI) for seed in (1, 1, 2))
    for name, fields in (
        ("bedrock-us", {"access_key_id", "secret_access_key", "session_token"}),
        ("own", {"api_key"}),
    ):
        assert first.credentials(name) == again.credentials(name)
        assert fields == first.credentials(name).keys()
        assert not set(first.credentials(name).values()) & set(other.credentials(name).values())
    assert first.credentials("bedrock-us") != first.credentials("bedrock-eu")
    identity = _cloud(tmp_path)
    assert {"service_account_file"} == identity.credentials("vertex-us").keys()
    assert identity.project == _account(identity, "vertex-us")["project_id"]


def test_account_files_are_private(tmp_path: Path) -> None:
    """A service account's file is for this user only, and names the world's own token endpoint."""
    identity = _cloud(tmp_path)
    path = Path(identity.credentials("vertex-us")["service_account_file"])
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert TOKEN_URI == _account(identity, "vertex-us")["token_uri"]


def test_an_endpoint_takes_its_own_credentials_only(tmp_path: Path) -> None:
    """An endpoint verifies its own caller and refuses that of its neighbour, in every kind of auth."""
    identity = _cloud(tmp_path)
    keys = identity.credentials("bedrock-us")
    signed = _signed(_request(), **keys)
    identity.verify("bedrock-us", signed, NOW)
    with pytest.raises(Refusal, match="unauthenticated"):
        identity.verify("bedrock-eu", signed, NOW)
    own = HttpRequest(
        method="POST", path="/", headers={"authorization": f"Bearer {identity.credentials('own')['api_key']}"}
    )
    identity.verify("own", own, NOW)
    for headers in ({}, {"authorization": "Bearer sk-x"}, {"authorization": "Basic Og=="}):
        with pytest.raises(Refusal, match="unauthenticated"):
            identity.verify("own", msgspec.structs.replace(own, headers=headers), NOW)


def test_a_token_opens_its_own_endpoint_until_it_expires(tmp_path: Path) -> None:
    """A bearer token holds for its account's endpoint and project, on the caller's clock, for an hour."""
    identity = _cloud(tmp_path)
    token = identity.issuer.exchange(JWT_BEARER, assertion(_account(identity, "vertex-us"), utc=NOW), NOW)
    identity.verify("vertex-us", _by_bearer(identity, token.value), NOW)
    identity.verify("vertex-us", _by_bearer(identity, token.value), NOW + dt.timedelta(seconds=3598))
    for name, request, utc, kind in (
        ("vertex-us", _by_bearer(identity, token.value), NOW + dt.timedelta(seconds=3599), "unauthenticated"),
        ("vertex-us", _by_bearer(identity, "ya29.c.made-up"), NOW, "unauthenticated"),
        ("vertex-us", _by_bearer(identity, token.value, "other"), NOW, "denied"),
        ("vertex-eu", _by_bearer(identity, token.value), NOW, "denied"),
    ):
        with pytest.raises(Refusal) as caught:
            identity.verify(name, request, utc)
        assert kind == caught.value.kind


def test_an_expired_session_is_said_to_be_expired(tmp_path: Path) -> None:
    """Once expired, an endpoint's session token is refused as expired, not as unknown."""
    identity = _cloud(tmp_path)
    signed = _signed(_request(), **identity.credentials("bedrock-us"))
    identity.expire("bedrock-us", NOW)
    with pytest.raises(Refusal) as caught:
        identity.verify("bedrock-us", signed, NOW)
    assert "ExpiredTokenException" == getattr(caught.value, "code", "")


def test_what_google_auth_asserts_is_accepted(tmp_path: Path) -> None:
    """The assertion that Google's own library makes of our file is exchanged for a token."""
    path = _cloud(tmp_path).credentials("vertex-us")["service_account_file"]
    credentials: Any = google_account.Credentials.from_service_account_file(path, scopes=["a"])  # type: ignore[no-untyped-call]
    signed = credentials._make_authorization_grant_assertion()
    made_at = dt.datetime.fromtimestamp(jwt.decode(signed, options={"verify_signature": False})["iat"], dt.UTC)
    identity = _cloud(tmp_path)
    assert "vertex-us" in identity.issuer.exchange(JWT_BEARER, signed.decode(), made_at).principal


@settings(max_examples=20)
@given(st.integers(-8000, 8000))
def test_an_assertion_is_good_at_its_own_time_only(offset_s: int) -> None:
    """An assertion is taken from five minutes before it was made until its hour is over."""
    identity = CloudIdentity(1, ENDPOINTS, TOKEN_URI)
    signed = assertion(identity._accounts["vertex-us"], utc=NOW)
    then = NOW + dt.timedelta(seconds=offset_s)
    if -300 <= offset_s < 3600:
        identity.issuer.exchange(JWT_BEARER, signed, then)
    else:
        with pytest.raises(GrantRefused, match="invalid_grant"):
            identity.issuer.exchange(JWT_BEARER, signed, then)


def test_a_forged_assertion_is_refused() -> None:
    """Another key, another audience, another grant, no signature: no token."""
    identity = CloudIdentity(1, ENDPOINTS, TOKEN_URI)
    account = identity._accounts["vertex-us"]
    claims = jwt.decode(assertion(account, utc=NOW), options={"verify_signature": False})
    forged = {
        "unsigned": jwt.encode(claims, "", algorithm="none"),
        "shared secret": jwt.encode(claims, "x" * 32, algorithm="HS256"),
        "audience": assertion(account | {"token_uri": "http://elsewhere/token"}, utc=NOW),
        "account": assertion(account | {"client_email": "mallory@x"}, utc=NOW),
        "endless": jwt.encode(claims | {"exp": claims["exp"] + 1}, account["private_key"], algorithm="RS256"),
        "timeless": jwt.encode({**claims, "exp": None}, account["private_key"], algorithm="RS256"),
        "noise": "a.b.c",
    }
    for signed in forged.values():
        with pytest.raises(GrantRefused, match="invalid_grant"):
            identity.issuer.exchange(JWT_BEARER, signed, NOW)
    with pytest.raises(GrantRefused, match="unsupported_grant_type"):
        identity.issuer.exchange("password", assertion(account, utc=NOW), NOW)
    with pytest.raises(GrantRefused, match="invalid_request: Required parameter is missing: grant_type"):
        identity.issuer.exchange("", assertion(account, utc=NOW), NOW)


def test_tokens_are_forgotten_when_over() -> None:
    """An issuer of a long run does not grow: what expired an hour ago is dropped when the next is issued."""
    identity = CloudIdentity(1, ENDPOINTS, TOKEN_URI)
    for hour in range(3):
        then = NOW + dt.timedelta(hours=hour)
        identity.issuer.exchange(JWT_BEARER, assertion(identity._accounts["vertex-us"], utc=then), then)
    assert 2 == len(identity.tokens)
