"""Bedrock's API keys: of the right shape, checked for what they are, and good over TLS only."""

import base64
import datetime as dt
import re

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.identity import AwsKeys, CloudIdentity, short_term_key
from brownout.wire import HttpRequest, Refusal
from tests.identity.identities import NOW, converse, identities, instance_session, standing_keys

LONG_TERM = re.compile(r"ABSK[A-Za-z0-9+/]{109,269}={0,2}")
"""What secret scanners take for a long-term key."""


def showing(key: str) -> HttpRequest:
    """Return a request with a key."""
    request = converse()
    return msgspec.structs.replace(request, headers={**request.headers, "authorization": f"Bearer {key}"})


def refused(identity: CloudIdentity, key: str, *, endpoint: str = "bedrock-us", utc: dt.datetime = NOW) -> Refusal:
    """Return how an endpoint refuses a key that comes over TLS."""
    with pytest.raises(Refusal) as caught:
        identity.verify(endpoint, showing(key), utc, secure=True)
    return caught.value


def by_awss_generator(keys: AwsKeys, region: str, expires_s: int) -> str:
    """Return a short-term key, made of botocore's presigner as AWS's generator makes it, at an instant of ours."""
    made = botocore.awsrequest.AWSRequest(
        "POST",
        "https://bedrock.amazonaws.com/",
        headers={"host": "bedrock.amazonaws.com"},
        params={"Action": "CallWithBearerToken"},
    )
    credentials = botocore.credentials.Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
    signer = botocore.auth.SigV4QueryAuth(credentials, "bedrock", region, expires=expires_s)
    made.context["timestamp"] = NOW.strftime("%Y%m%dT%H%M%SZ")
    signer._modify_request_before_signing(made)
    signature = signer.signature(signer.string_to_sign(made, signer.canonical_request(made)), made)
    signer._inject_signature_to_request(made, signature)
    presigned = made.url.removeprefix("https://") + "&Version=1"
    return "bedrock-api-key-" + base64.b64encode(presigned.encode()).decode()


def test_a_long_term_key_opens_its_endpoint() -> None:
    """It has the shape that scanners know, is let in at its own endpoint, and is known and denied at another."""
    identity = identities()
    key = identity.bedrock_api_key("bedrock-us")
    assert LONG_TERM.fullmatch(key)
    owner = base64.b64decode(key.removeprefix("ABSK")).partition(b":")[0].decode()
    assert re.fullmatch(rf"BedrockAPIKey-[a-z0-9]{{4}}-at-{identity.aws.escrow}", owner)
    identity.verify("bedrock-us", showing(key), NOW, secure=True)
    denied = refused(identity, key, endpoint="bedrock-eu")
    assert "denied" == denied.kind
    assert denied.message.startswith(
        f"User: arn:aws:iam::{identity.aws.escrow}:user/{owner.partition('-at-')[0]} is not"
    )


def test_keys_are_for_bedrock() -> None:
    """Other endpoints have no such key."""
    identity = identities()
    assert ["", ""] == [identity.bedrock_api_key(name) for name in ("vertex-us", "own")]


@pytest.mark.parametrize("key", ["", "ABSK", "ABSKQmVk", "bedrock-api-key-", "bedrock-api-key-!", "ya29.x", "é"])
def test_made_up_keys_are_refused(key: str) -> None:
    """What is no key of ours is refused in Bedrock's sentence."""
    said = refused(identities(), key or "x")
    assert ("unauthenticated", "AccessDeniedException") == (said.kind, said.code)
    assert "Authentication failed: Please make sure your API Key is valid." == said.message


def test_a_key_ends_when_it_is_told_to() -> None:
    """An expired long-term key is refused as expired."""
    identity = identities()
    key = identity.bedrock_api_key("bedrock-us")
    identity.expire("bedrock-us", NOW)
    assert "Bearer Token has expired" == refused(identity, key).message


@pytest.mark.parametrize("expires_s", [1, 3600, 43_200])
def test_a_short_term_key_is_awss(expires_s: int) -> None:
    """Ours is the one that AWS's generator makes, to the character."""
    keys = standing_keys(identities(), "bedrock-us")
    ours = short_term_key(keys, region="us-east-1", utc=NOW, life=dt.timedelta(seconds=expires_s))
    assert by_awss_generator(keys, "us-east-1", expires_s) == ours


def test_a_short_term_key_is_its_signers() -> None:
    """It is let in where its signer is, in its own region; elsewhere its signer is denied, or the key is invalid."""
    identity = identities()
    key = by_awss_generator(standing_keys(identity, "bedrock-us"), "us-east-1", 3600)
    identity.verify("bedrock-us", showing(key), NOW, secure=True)
    assert "denied" == refused(identity, key, endpoint="bedrock-us-2").kind
    assert "Authentication failed" in refused(identity, key, endpoint="bedrock-eu").message
    machine = by_awss_generator(instance_session(identity).keys, "us-east-1", 3600)
    assert "denied" == refused(identity, machine).kind


def test_a_short_term_key_ends_with_itself_or_with_its_session() -> None:
    """Its own end counts, and so does that of the session that signed it, whichever comes first."""
    identity = identities()
    key = by_awss_generator(standing_keys(identity, "bedrock-us"), "us-east-1", 3600)
    identity.verify("bedrock-us", showing(key), NOW + dt.timedelta(seconds=3599), secure=True)
    over = refused(identity, key, utc=NOW + dt.timedelta(seconds=3600))
    assert ("unauthenticated", "Bearer Token has expired") == (over.kind, over.message)
    identity.expire("bedrock-us", NOW + dt.timedelta(minutes=1))
    assert "Bearer Token has expired" == refused(identity, key, utc=NOW + dt.timedelta(minutes=1)).message


def test_twelve_hours_are_the_longest() -> None:
    """A key that would hold for longer is refused from the start."""
    identity = identities()
    assert (
        "Authentication failed"
        in refused(identity, by_awss_generator(standing_keys(identity, "bedrock-us"), "us-east-1", 43_201)).message
    )


@settings(max_examples=50)
@given(st.data())
def test_one_letter_of_a_short_term_key_changed_is_refused(data: st.DataObject) -> None:
    """Whatever letter is changed, the key is good for nothing."""
    identity = identities()
    key = short_term_key(standing_keys(identity, "bedrock-us"), region="us-east-1", utc=NOW)
    at = data.draw(st.integers(0, len(key) - 1))
    new = data.draw(st.sampled_from("ABCxyz019+/=-").filter(lambda letter: letter != key[at]))
    assert "unauthenticated" == refused(identity, key[:at] + new + key[at + 1 :]).kind


def test_a_key_in_the_clear_is_refused() -> None:
    """Over plain HTTP even a good key is refused; a signature is not."""
    identity = identities()
    with pytest.raises(Refusal, match="over TLS only"):
        identity.verify("bedrock-us", showing(identity.bedrock_api_key("bedrock-us")), NOW)
