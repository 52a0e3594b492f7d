"""Workload identity federation: an AWS signature in, a Google token out, and every step checked."""

import datetime as dt
import json
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from google.auth import aws as google_aws
from hypothesis import given
from hypothesis import strategies as st

from brownout.clock import utc_now
from brownout.identity import CLOUD_PLATFORM, AwsKeys, CloudIdentity, FederationUrls, GrantRefused
from brownout.identity.external_account import VERIFICATION_URL
from brownout.identity.tokens import IAM_SCOPE, IssuedToken
from brownout.wire import HttpRequest, Refusal
from tests.identity.identities import NOW, identities, instance_session, signed_by, standing_keys

URLS = FederationUrls(imds="http://imds", google_sts="http://sts/v1/token", iam_credentials="http://iam")
URL = VERIFICATION_URL.replace("{region}", "us-east-1")


def subject(identity: CloudIdentity, keys: AwsKeys, *, audience: str = "", url: str = URL, **changes: Any) -> str:
    """Return a subject token: a signed ``GetCallerIdentity``, as google-auth puts it together."""
    host, _, query = url.removeprefix("https://").partition("?")
    request = HttpRequest(method="POST", path="/", query=query)
    signed = signed_by(keys, request, **{"service": "sts", "host": host} | changes)
    headers = {**signed.headers, "x-goog-cloud-target-resource": audience or identity.pool.audience}
    listed = [{"key": key, "value": value} for key, value in headers.items()]
    return quote(json.dumps({"url": url, "method": "POST", "headers": listed}))


def form(identity: CloudIdentity, subject_token: str, **changes: str) -> dict[str, str]:
    """Return the fields of a token exchange."""
    return {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": identity.pool.audience,
        "scope": IAM_SCOPE,
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
        "subject_token": subject_token,
    } | changes


def federated(identity: CloudIdentity, utc: dt.datetime = NOW) -> IssuedToken:
    """Return the machine's federated token."""
    return identity.pool.exchange(form(identity, subject(identity, instance_session(identity).keys, utc=utc)), utc)


def generated(identity: CloudIdentity, shown: str, **changes: Any) -> IssuedToken:
    """Return the token of a service account."""
    asked: dict[str, Any] = {
        "email": identity.service_account_email("vertex-us"),
        "scopes": [CLOUD_PLATFORM],
        "lifetime": "3600s",
        "delegates": [],
        "utc": NOW,
    } | changes
    return identity.impersonation.generate(shown, asked.pop("email"), **asked)


def calling(identity: CloudIdentity, token: str) -> HttpRequest:
    """Return a request to Vertex."""
    path = f"/v1/projects/{identity.project}/locations/us-central1/publishers/google/models/m:generateContent"
    return HttpRequest(method="POST", path=path, headers={"authorization": f"Bearer {token}"})


def test_the_way_leads_to_the_endpoint() -> None:
    """Signature, federated token, service account's token: the last is let in, at its own endpoint."""
    identity = identities()
    token = generated(identity, federated(identity).value)
    identity.verify("vertex-us", calling(identity, token.value), NOW)
    with pytest.raises(Refusal) as caught:
        identity.verify("vertex-eu", calling(identity, token.value), NOW)
    assert ("denied", "IAM_PERMISSION_DENIED") == (caught.value.kind, caught.value.code)
    counted = identity.refreshes.count()
    assert {1} == set(counted.values())
    assert identity.service_account_email("vertex-us") in counted


def test_what_googles_library_signs_is_accepted() -> None:
    """The subject token that google-auth's own signer makes is accepted, its target resource unsigned as it is."""
    identity = identities()
    keys = identity.instance.session(utc_now()).keys
    signer = google_aws.RequestSigner("us-east-1")  # type: ignore[no-untyped-call]
    credentials = google_aws.AwsSecurityCredentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
    made = signer.get_request_options(credentials, URL, "POST")  # type: ignore[no-untyped-call]
    assert "x-goog" not in made["headers"]["Authorization"]
    headers = {**made["headers"], "x-goog-cloud-target-resource": identity.pool.audience}
    listed = [{"key": key, "value": value} for key, value in headers.items()]
    token = quote(json.dumps({"url": made["url"], "method": "POST", "headers": listed}))
    stamp = dt.datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    issued = identity.pool.exchange(form(identity, token), stamp)
    assert issued.principal.endswith(identity.instance.instance_id)


def test_the_resource_may_be_signed_too() -> None:
    """Google recommends to sign the target resource; a signature over it is honoured, and then it cannot be changed."""
    identity = identities()
    keys = instance_session(identity).keys
    request = HttpRequest(method="POST", path="/", query=URL.partition("?")[2])
    host = "sts.us-east-1.amazonaws.com"
    content = {"content-type": identity.pool.audience}  # the one header that `sign` signs besides its own
    signed = signed_by(keys, msgspec.structs.replace(request, headers=content), service="sts", host=host)
    listed = [{"key": key, "value": value} for key, value in signed.headers.items()]
    resource = [{"key": "x-goog-cloud-target-resource", "value": identity.pool.audience}]
    whole = {"url": URL, "method": "POST", "headers": listed + resource}
    identity.pool.exchange(form(identity, quote(json.dumps(whole))), NOW)
    for one in listed:
        one["value"] = "x" if one["key"] == "content-type" else one["value"]
    with pytest.raises(GrantRefused, match="SignatureDoesNotMatch"):
        identity.pool.exchange(form(identity, quote(json.dumps(whole))), NOW)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:jwt"}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"}, "invalid_request"),
        ({"audience": ""}, "invalid_request"),
        ({"audience": "mine"}, "invalid_request"),
        (
            {"audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x"},
            "invalid_target",
        ),
        ({"scope": ""}, "invalid_scope"),
        ({"subject_token": ""}, "invalid_grant"),
        ({"subject_token": "%7B%7D"}, "invalid_grant"),
        ({"subject_token": "[" * 50_000}, "invalid_grant"),
    ],
)
def test_each_wrong_field_has_its_own_error(changes: dict[str, str], error: str) -> None:
    """Each field is checked, and refused by OAuth's name for it."""
    identity = identities()
    asked = form(identity, subject(identity, instance_session(identity).keys)) | changes
    with pytest.raises(GrantRefused) as caught:
        identity.pool.exchange(asked, NOW)
    assert error == caught.value.error


def test_the_audience_may_be_an_address() -> None:
    """The provider's name with ``https:`` before it is the same provider."""
    identity = identities()
    audience = f"https:{identity.pool.audience}"
    token = subject(identity, instance_session(identity).keys, audience=audience)
    identity.pool.exchange(form(identity, token, audience=audience), NOW)


def test_a_request_meant_for_another_is_refused() -> None:
    """The target resource in the signed request must be the audience: a token for one pool is none for another."""
    identity = identities()
    with pytest.raises(GrantRefused, match="invalid format"):
        identity.pool.exchange(form(identity, subject(identity, instance_session(identity).keys, audience="//x")), NOW)


@pytest.mark.parametrize(
    "url",
    [
        "http://sts.us-east-1.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15",
        "https://sts.evil.example?Action=GetCallerIdentity&Version=2011-06-15",
        "https://sts.us-east-1.amazonaws.com.evil.example?Action=GetCallerIdentity&Version=2011-06-15",
        "https://sts.us-east-1.amazonaws.com?Action=AssumeRole&Version=2011-06-15",
        "https://sts.eu-west-1.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15",
        "https://[",
    ],
)
def test_only_awss_own_question_is_proof(url: str) -> None:
    """Another scheme, host, action, or region than the one signed for is refused."""
    identity = identities()
    with pytest.raises(GrantRefused, match="invalid_grant"):
        identity.pool.exchange(form(identity, subject(identity, instance_session(identity).keys, url=url)), NOW)


def test_what_aws_would_refuse_is_refused_with_its_reason() -> None:
    """An expired, unknown or wrong signature is refused, and says what AWS said."""
    identity = identities()
    keys = instance_session(identity).keys
    late = NOW + dt.timedelta(hours=7)
    for token, utc, reason in (
        (subject(identity, keys, utc=late), late, "ExpiredToken"),
        (subject(identity, msgspec.structs.replace(keys, access_key_id="ASIAX")), NOW, "InvalidClientTokenId"),
        (subject(identity, msgspec.structs.replace(keys, secret_access_key="x")), NOW, "SignatureDoesNotMatch"),
        (subject(identity, keys), NOW + dt.timedelta(minutes=16), "SignatureDoesNotMatch"),
    ):
        with pytest.raises(GrantRefused, match=f"type {reason} with"):
            identity.pool.exchange(form(identity, token), utc)


def test_another_account_is_rejected() -> None:
    """A caller that AWS knows, of an account the provider does not trust, is rejected by condition."""
    identity = identities()
    with pytest.raises(GrantRefused, match="unauthorized_client: The given credential is rejected by the attribute"):
        identity.pool.exchange(form(identity, subject(identity, standing_keys(identity, "bedrock-us"))), NOW)


@given(st.data())
def test_one_letter_of_a_signed_header_changed_is_refused(data: st.DataObject) -> None:
    """Any letter of a signed header, or of the signature, changed in the embedded request: no token."""
    identity = identities()
    request = HttpRequest(method="POST", path="/", query=URL.partition("?")[2])
    host = "sts.us-east-1.amazonaws.com"
    headers = dict(signed_by(instance_session(identity).keys, request, service="sts", host=host).headers)
    name = data.draw(st.sampled_from(sorted(headers)))
    at = data.draw(st.integers(0, len(headers[name]) - 1))
    new = data.draw(st.characters(min_codepoint=0x21, max_codepoint=0x7E).filter(lambda one: one != headers[name][at]))
    headers[name] = headers[name][:at] + new + headers[name][at + 1 :]
    listed = [{"key": key, "value": value} for key, value in headers.items()]
    resource = [{"key": "x-goog-cloud-target-resource", "value": identity.pool.audience}]
    token = quote(json.dumps({"url": URL, "method": "POST", "headers": listed + resource}))
    with pytest.raises(GrantRefused, match="invalid_grant"):
        identity.pool.exchange(form(identity, token), NOW)


def test_a_federated_token_is_for_impersonation_only() -> None:
    """At an endpoint it is known, and not enough: neither by its scope nor by its principal."""
    identity = identities()
    keys = instance_session(identity).keys
    for scope, reason in ((IAM_SCOPE, "ACCESS_TOKEN_SCOPE_INSUFFICIENT"), (CLOUD_PLATFORM, "IAM_PERMISSION_DENIED")):
        token = identity.pool.exchange(form(identity, subject(identity, keys), scope=scope), NOW)
        with pytest.raises(Refusal) as caught:
            identity.verify("vertex-us", calling(identity, token.value), NOW)
        assert ("denied", reason) == (caught.value.kind, caught.value.code)


@pytest.mark.parametrize("lifetime", ["3601s", "0s", "-1s", "1h", "x", "3600"])
def test_a_lifetime_out_of_bounds_is_invalid(lifetime: str) -> None:
    """Longer than an hour, nothing, or no duration at all: an invalid argument."""
    identity = identities()
    with pytest.raises(Refusal) as caught:
        generated(identity, federated(identity).value, lifetime=lifetime)
    assert ("invalid", "Request contains an invalid argument.") == (caught.value.kind, caught.value.message)


def test_a_lifetime_is_kept() -> None:
    """The token holds for as long as was asked, an hour when nothing was."""
    identity = identities()
    shown = federated(identity).value
    assert NOW + dt.timedelta(seconds=600) == generated(identity, shown, lifetime="600s").expires
    assert NOW + dt.timedelta(hours=1) == generated(identity, shown, lifetime="").expires


def test_who_may_not_become_an_account_is_denied() -> None:
    """No token, an old one, one of too narrow a scope, another principal's, delegates: each refused for its reason."""
    identity = identities()
    shown = federated(identity).value
    narrow = identity.pool.exchange(form(identity, subject(identity, instance_session(identity).keys), scope="a"), NOW)
    account = generated(identity, shown)
    for token, changes, expected in (
        ("", {}, ("unauthenticated", "")),
        ("ya29.made-up", {}, ("unauthenticated", "")),
        (shown, {"utc": NOW + dt.timedelta(hours=1)}, ("unauthenticated", "")),
        (narrow.value, {}, ("denied", "ACCESS_TOKEN_SCOPE_INSUFFICIENT")),
        (account.value, {}, ("denied", "IAM_PERMISSION_DENIED")),
        (shown, {"email": "nobody@x"}, ("denied", "IAM_PERMISSION_DENIED")),
        (shown, {"delegates": ["a@b"]}, ("denied", "IAM_PERMISSION_DENIED")),
        (shown, {"scopes": []}, ("invalid", "")),
    ):
        with pytest.raises(Refusal) as caught:
            generated(identity, token, **changes)
        assert expected == (caught.value.kind, caught.value.code)


def test_a_right_to_impersonate_can_be_taken_away() -> None:
    """The binding and the pool are read at every request."""
    identity = identities()
    shown = federated(identity).value
    identity.impersonation.may[identity.service_account_email("vertex-us")].clear()
    with pytest.raises(Refusal, match=r"iam\.serviceAccounts\.getAccessToken"):
        generated(identity, shown)
    identity.pool.disabled = True
    with pytest.raises(GrantRefused, match="invalid_target"):
        federated(identity)


def test_tokens_can_be_taken_back() -> None:
    """A revoked token is good for nothing, and the next one is good again."""
    identity = identities()
    shown = federated(identity).value
    token = generated(identity, shown)
    identity.revoke("vertex-us", NOW)
    with pytest.raises(Refusal, match="unauthenticated"):
        identity.verify("vertex-us", calling(identity, token.value), NOW)
    again = generated(identity, shown)
    identity.verify("vertex-us", calling(identity, again.value), NOW)
    identity.tokens.revoke(again.value)
    with pytest.raises(Refusal, match="unauthenticated"):
        identity.verify("vertex-us", calling(identity, again.value), NOW)


def test_the_config_is_of_the_world_alone() -> None:
    """Every address in a credential config is the world's, but the one that is only ever signed."""
    identity = identities()
    config = identity.pool.credential_config(identity.service_account_email("vertex-us"), URLS)
    source = config["credential_source"]
    assert VERIFICATION_URL == source.pop("regional_cred_verification_url")
    assert "http://sts/v1/token" == config["token_url"]
    assert config["service_account_impersonation_url"].startswith("http://iam/v1/projects/-/serviceAccounts/vertex-us@")
    assert {"aws1"} == {value for value in source.values() if not value.startswith("http://imds/latest/")}
