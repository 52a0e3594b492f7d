"""Unmodified google-auth gets its tokens from the emulated Google, and the endpoints take those."""

import datetime as dt
import json
from typing import Any

import google.auth.exceptions
import pytest
import requests
from google import genai
from google.oauth2 import service_account

from brownout.clock import utc_now
from tests.wire.identity.callers import PLATFORM, federation, generate, refresh, service
from tests.wire.world import World


def test_google_auth_federates_from_the_machine(bare: World) -> None:
    """By the external_account file alone: metadata, exchange, impersonation, and a token that the endpoint takes."""
    credentials = federation(bare)
    assert generate(bare, credentials)
    identity = bare.cloud.identity
    email = identity.service_account_email("vertex")
    assert email == identity.issuer.owner(credentials.token, utc_now())
    assert {email: 1} == identity.refreshes.count(service="iam_credentials")
    assert 1 == identity.refreshes.count(service="google_sts").total()
    assert 1 == identity.refreshes.count(service="imds").total()


def test_google_auth_federates_from_the_environment(bare: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With AWS keys in the environment the metadata service is not asked at all."""
    keys = bare.cloud.identity.instance.session(utc_now()).keys
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys.secret_access_key)
    monkeypatch.setenv("AWS_SESSION_TOKEN", keys.session_token)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert generate(bare, federation(bare))
    assert 0 == service(bare, "imds").seen


def test_each_file_is_for_its_endpoint(bare: World) -> None:
    """A federated token of one endpoint's account is known at the other, and denied."""
    credentials = federation(bare, "vertex-eu")
    with pytest.raises(genai.errors.ClientError, match=r"aiplatform\.endpoints\.predict"):
        generate(bare, credentials)
    assert ["denied"] == [record.refusal for record in bare.seen()]


def test_google_auth_sees_oauths_errors(bare: World) -> None:
    """A pool that is disabled, and AWS keys of the wrong account, are OAuth errors with Google's names."""
    bare.cloud.identity.pool.disabled = True
    with pytest.raises(google.auth.exceptions.OAuthError, match="invalid_target"):
        refresh(federation(bare))
    bare.cloud.identity.pool.disabled = False
    service(bare, "google_sts").skew = dt.timedelta(minutes=20)
    with pytest.raises(google.auth.exceptions.OAuthError, match=r"invalid_grant.*SignatureDoesNotMatch"):
        refresh(federation(bare))
    service(bare, "google_sts").skew = dt.timedelta()
    service(bare, "google_sts").down = 503
    with pytest.raises(google.auth.exceptions.OAuthError, match="temporarily_unavailable"):
        refresh(federation(bare))


def test_google_auth_sees_iams_errors(bare: World) -> None:
    """A right that is not there is IAM_PERMISSION_DENIED, a service that is down is UNAVAILABLE."""
    bare.cloud.identity.impersonation.may.clear()
    with pytest.raises(google.auth.exceptions.RefreshError, match="IAM_PERMISSION_DENIED"):
        refresh(federation(bare))
    service(bare, "iam_credentials").down = 503
    with pytest.raises(google.auth.exceptions.RefreshError, match="UNAVAILABLE"):
        refresh(federation(bare))


def test_iam_credentials_checks_its_callers(bare: World) -> None:
    """Every refusal is a google.rpc.Status: of the token, the lifetime, the scopes, the JSON, the right, the path."""
    base = bare.cloud.service_urls["iam_credentials"]
    email = bare.cloud.identity.service_account_email("vertex")
    url = f"{base}/v1/projects/-/serviceAccounts/{email}:generateAccessToken"
    credentials = federation(bare)
    refresh(credentials)
    source = credentials._impersonated_credentials._source_credentials.token

    def ask(token: str, body: bytes, at: str = url) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        reply = requests.post(at, data=body, headers=headers, timeout=5)
        error = reply.json().get("error", {})
        assert reply.status_code == error.get("code", 200)
        return reply.status_code, error.get("status", "")

    good = json.dumps({"scope": PLATFORM, "lifetime": "300s"}).encode()
    assert (200, "") == ask(source, good)
    assert (401, "UNAUTHENTICATED") == ask("", good)
    assert (401, "UNAUTHENTICATED") == ask("ya29.x", good)
    assert (400, "INVALID_ARGUMENT") == ask(source, good.replace(b"300s", b"3601s"))
    assert (400, "INVALID_ARGUMENT") == ask(source, b"{}")
    assert (400, "INVALID_ARGUMENT") == ask(source, b"{")
    assert (400, "INVALID_ARGUMENT") == ask(source, b'{"x":' + b"[" * 30_000)
    assert (403, "PERMISSION_DENIED") == ask(credentials.token, good)
    assert (404, "NOT_FOUND") == ask(source, good, f"{base}/v1/x")


def test_a_service_accounts_key_still_works(world: World) -> None:
    """The older way, by a key file, leads to the same endpoint and is counted."""
    path = world.cloud.identity.credentials("vertex")["service_account_file"]
    credentials: Any = service_account.Credentials.from_service_account_file(path, scopes=PLATFORM)  # type: ignore[no-untyped-call]
    assert generate(world, credentials)
    email = world.cloud.identity.service_account_email("vertex")
    assert {email: 1} == world.cloud.identity.refreshes.count(service="token")
