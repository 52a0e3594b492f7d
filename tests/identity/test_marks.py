"""What emulated clouds grant bears a canary that says whose it is, and is otherwise what it would be without."""

import base64
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from brownout.canary import BODY_CHARS, PREFIX, CanaryMint, run_key
from brownout.identity import CloudIdentity, assertion
from brownout.identity.bedrock_keys import short_term_key
from brownout.scanning import scanned
from tests.identity.identities import ENDPOINTS, NOW, TOKEN_URI, identities, signed_by, standing_keys

MINT = CanaryMint(run_key(1), ["acme"])
HOUR = dt.timedelta(hours=1)
GRANTS = {
    "session token": ("router@aws", "raw"),
    "secret access key": ("router@aws-secret", "raw"),
    "metadata token": ("router@aws", "raw"),
    "long-term key": ("router@aws", "base64"),
    "short-term key": ("router@aws", "base64"),
    "bearer token": ("router@google", "raw"),
    "private key": ("router@google-secret", "base64"),
    "API key": ("router@keys", "raw"),
}


def marked() -> CloudIdentity:
    """Return the identities of the topology, with a mark on all that they give out."""
    return CloudIdentity(1, ENDPOINTS, TOKEN_URI, mint=MINT)


def granted(identity: CloudIdentity, folder: Path) -> dict[str, str]:
    """Return one of each kind of secret that clouds grant."""
    identity.write_service_accounts(folder)
    keys = identity.aws.begin_session(identity.aws.instance_role, "app", utc=NOW, life=HOUR).keys
    account = json.loads(Path(identity.credentials("vertex-us")["service_account_file"]).read_text())
    return {
        "session token": keys.session_token,
        "secret access key": keys.secret_access_key,
        "metadata token": identity.instance.begin_token(60, NOW),
        "long-term key": identity.bedrock_api_key("bedrock-us"),
        "short-term key": short_term_key(keys, region="us-east-1", utc=NOW),
        "bearer token": identity.tokens.issue("a", scopes=frozenset(), life=HOUR, utc=NOW).value,
        "private key": account["private_key"],
        "API key": identity.credentials("claude")["api_key"],
    }


def test_every_secret_is_asked_about(tmp_path: Path) -> None:
    """None of those that are granted is forgotten below."""
    assert GRANTS.keys() == granted(identities(), tmp_path).keys()


@pytest.mark.parametrize("what", GRANTS)
def test_what_is_granted_says_whose_it_is(what: str, tmp_path: Path) -> None:
    """By a canary of a credential's, which the scanner finds in it."""
    secret = granted(marked(), tmp_path)[what]
    found = {(one.canary.rpartition("-")[0], one.kind, one.chain) for one in scanned(MINT, secret.encode())[0]}
    owner, chain = GRANTS[what]
    assert {(owner, "credential", chain)} == found


def test_no_two_credentials_bear_the_same_canary(tmp_path: Path) -> None:
    """So that evidence tells which it was; a short-term key is its session's."""
    secrets = granted(marked(), tmp_path)
    secrets.pop("short-term key")
    found = [one.canary for secret in secrets.values() for one in scanned(MINT, secret.encode())[0]]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("what", GRANTS)
def test_without_a_mint_nothing_bears_a_canary(what: str, tmp_path: Path) -> None:
    """Worlds of other tests are what they were."""
    assert PREFIX not in granted(identities(), tmp_path)[what]


@pytest.mark.parametrize("what", [what for what in GRANTS if what != "private key"])
def test_a_mark_stands_in_place_of_letters(what: str, tmp_path: Path) -> None:
    """A marked credential is as long as any, and what is drawn besides and after it is the same."""
    plain, other = granted(identities(), tmp_path)[what], granted(marked(), tmp_path)[what]
    if what == "long-term key":
        plain, other = (base64.b64decode(key.removeprefix("ABSK")).decode() for key in (plain, other))
    if what == "short-term key":  # whose signature is another
        assert len(plain) == len(other)
        return
    at = other.index(PREFIX)
    ends = at + len(PREFIX) + BODY_CHARS
    assert (plain[:at], plain[ends:]) == (other[:at], other[ends:])


def test_a_marked_session_token_is_base64(tmp_path: Path) -> None:
    """As AWS's is."""
    token = granted(marked(), tmp_path)["session token"]
    assert token == base64.b64encode(base64.b64decode(token, validate=True)).decode()


def _private(pem: str) -> Any:
    key = load_pem_private_key(pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key.private_numbers()


def test_a_marked_private_key_is_the_same_key(tmp_path: Path) -> None:
    """The mark is an attribute, which is none of its numbers; each line is as long as PEM's are."""
    pem = granted(marked(), tmp_path)["private key"]
    assert _private(granted(identities(), tmp_path)["private key"]) == _private(pem)
    first, *lines, last = pem.splitlines()
    assert ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----") == (first, last)
    assert {64} == {len(line) for line in lines[:-1]}


def test_marked_credentials_open_what_unmarked_ones_do(tmp_path: Path) -> None:
    """By signature, by API key, by an assertion that the marked key signed."""
    identity = marked()
    identity.write_service_accounts(tmp_path)
    assert "" == identity.verify("bedrock-us", signed_by(standing_keys(identity, "bedrock-us")), NOW)
    account = json.loads(Path(identity.credentials("vertex-us")["service_account_file"]).read_text())
    token = identity.issuer.exchange(
        "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion(account, utc=NOW), NOW
    ).value
    assert account["client_email"] == identity.issuer.owner(token, NOW)


def test_an_access_key_id_bears_nothing() -> None:
    """It is no secret: every signature names it."""
    assert PREFIX not in standing_keys(marked(), "bedrock-us").access_key_id


def test_another_secret_of_a_tenants_is_none_of_the_routers() -> None:
    """The play with another secret grants the same credentials: only a tenant's data may differ in it."""
    other = CloudIdentity(1, ENDPOINTS, TOKEN_URI, mint=CanaryMint(run_key(1), ["acme"], "acme"))
    assert standing_keys(marked(), "bedrock-us") == standing_keys(other, "bedrock-us")
    assert marked().credentials("claude") == other.credentials("claude")
