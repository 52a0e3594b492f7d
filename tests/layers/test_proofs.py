"""A router's own credentials belong into the fields by which the cloud that granted them asks who calls."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.canary import OWN
from brownout.scanning import Sighting, scan_request
from brownout.topology import Endpoint, Tenant, Topology
from brownout.wire import HttpRequest
from fixtures.providers.proofs import field_of, proofs_of
from tests.layers.looking import MINT, Clouds, Looked, chat, in_clouds, packed, value


def _endpoint(name: str, cloud: str, dialect: str, model: str = "m") -> Endpoint:
    return Endpoint(
        name=name, cloud=cloud, provider=cloud, region="r", capacity="on-demand", dialect=dialect, model=model
    )


TOPOLOGY = Topology(
    topology="t",
    endpoints=[
        _endpoint("bedrock", "aws", "bedrock-converse", "anthropic.claude-3-haiku-20240307-v1:0"),
        _endpoint("hosted", "aws", "sagemaker-invoke"),
        _endpoint("vertex", "gcp", "vertex-generate"),
        _endpoint("own", "own", "openai-chat"),
        _endpoint("own-too", "own", "openai-chat"),
        _endpoint("claude", "anthropic", "anthropic-messages"),
    ],
    tenants={"acme": Tenant(allow=["bedrock", "vertex", "own"])},
)
TOKEN, BEARER, KEY = "x-amz-security-token", "authorization", "x-api-key"
IMDS = "x-aws-ec2-metadata-token"
SERVICES = [f"service:{name}" for name in ("sts", "imds", "google_sts", "iam_credentials", "token", "sagemaker")]
PLACES = [*TOPOLOGY.names, *SERVICES, "sink:otlp", "service:dns", "elsewhere"]
IN_HEADERS = {
    "router@aws": {
        ("bedrock", TOKEN),
        ("bedrock", BEARER),
        ("hosted", TOKEN),
        ("service:sts", TOKEN),
        ("service:sagemaker", TOKEN),
        ("service:imds", IMDS),
    },
    "router@google": {("vertex", BEARER), ("service:iam_credentials", BEARER)},
    "router@keys": {("own", BEARER), ("own", KEY), ("own-too", BEARER), ("own-too", KEY)},
}


def here() -> Looked:
    """Return the layer of a world that takes credentials."""
    return Looked(proofs_of(TOPOLOGY))


def secret(owner: str, number: int = 4) -> str:
    """Return a credential of a router's own; an API key is by its number the fourth endpoint's."""
    return f"abc{MINT.value(owner, number, 'credential')}def"


@pytest.mark.parametrize("name", [TOKEN, BEARER, KEY, IMDS, "x-debug", "cookie"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("owner", OWN)
def test_a_credential_is_at_home_in_the_headers_that_ask_for_it(owner: str, place: str, name: str) -> None:
    """Of its own cloud; what is only signed with is at home in none."""
    looked = here()
    looked.request(place, chat("hello"), headers={"host": "x", name: f"Bearer {secret(owner)}"})
    home = (place, name) in IN_HEADERS.get(owner, set())
    assert ([] if home else [(f"{owner}-4", place, f"header {name}", "")]) == looked.told()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["X-Amz-Security-Token", "X-Amz-Credential", "q"])
def test_a_session_token_is_at_home_in_a_presigned_query(place: str, name: str) -> None:
    """In the field that is for it, where AWS takes presigned requests."""
    looked = here()
    looked.request(place, url=f"/p?Action=x&{name}={secret('router@aws')}&X-Amz-Signature=0")
    home = name == "X-Amz-Security-Token" and place in {"bedrock", "hosted", "service:sts", "service:sagemaker"}
    assert ([] if home else [("router@aws-4", place, "url", "")]) == looked.told()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["subject_token", "actor_token"])
@pytest.mark.parametrize("owner", OWN)
def test_a_session_token_is_at_home_in_a_token_exchange(owner: str, place: str, name: str) -> None:
    """Google is shown a question to AWS, signed and with its token; no other secret belongs there."""
    looked = here()
    looked.request(place, f"grant_type=x&{name}=%7B%22value%22%3A%22{secret(owner)}%22%7D&scope=y")
    home = (owner, place, name) == ("router@aws", "service:google_sts", "subject_token")
    assert ([] if home else [(f"{owner}-4", place, "body", "")]) == looked.told()


@pytest.mark.parametrize("owner", OWN)
def test_no_credential_is_at_home_in_a_chat(owner: str) -> None:
    """Not at its own cloud's endpoint either, and under no coding: there it is data like any."""
    looked = here()
    body, headers = packed(chat(secret(owner)))
    for place in TOPOLOGY.names:
        looked.request(place, chat(value(), secret(owner)))
        looked.request(place, body, headers=headers)
    own = [one for one in looked.seen if one.canary == f"{owner}-4"]
    assert [(name, "body") for name in TOPOLOGY.names for _ in range(2)] == [(one.place, one.part) for one in own]
    assert {""} == {one.to for one in own}


def test_a_key_is_the_clouds_that_granted_it() -> None:
    """By its number: another cloud's is none of this one's."""
    looked = here()
    looked.request("claude", headers={KEY: secret("router@keys", 4)})
    looked.request("claude", headers={KEY: secret("router@keys", 6)})
    assert [("router@keys-4", "claude", f"header {KEY}", "")] == looked.told()


def test_that_credentials_are_seen_at_home_is_no_proof_that_data_would_be() -> None:
    """They are counted apart: who sees headers may be blind to bodies."""
    looked = here()
    looked.request("vertex", headers={BEARER: f"Bearer {secret('router@google')}"})
    assert (False, "no canary was seen even where it belongs") == (looked.says().complete, looked.says().why)


@pytest.mark.parametrize(
    ("owner", "place", "home"),
    [
        ("router@aws", "bedrock", True),
        ("router@aws", "service:google_sts", True),
        ("router@aws", "vertex", False),
        ("router@google", "vertex", True),
        ("router@google", "service:google_sts", False),
        ("router@aws-secret", "service:sts", False),
        ("router@google-secret", "service:token", False),
    ],
)
def test_of_a_connections_last_bytes_the_place_alone_counts(owner: str, place: str, home: bool) -> None:  # noqa: FBT001
    """Requests among them were looked at field by field; what came behind them has no fields."""
    looked = here()
    looked.layer.raw(place, f"POST / HTTP/1.1\r\nAuthorization: {secret(owner)}\r\n\r\n".encode())
    assert ([] if home else [(f"{owner}-4", place, "connection", "")]) == looked.told()


NAMES = st.text("abcdefgh-_", min_size=1, max_size=8)
PAIRS = st.lists(st.tuples(NAMES, st.text("abcdefgh0123456789", max_size=12)), max_size=4)


@given(PAIRS, NAMES, PAIRS, st.sampled_from(["query", "form"]))
def test_the_field_of_a_sighting_is_the_one_it_stands_in(
    before: list[tuple[str, str]], name: str, after: list[tuple[str, str]], kind: str
) -> None:
    """Whatever fields stand before it and after."""
    pairs = "&".join(f"{key}={text}" for key, text in [*before, (name, secret("router@aws")), *after])
    sent = HttpRequest(method="POST", path="/p", query=pairs if kind == "query" else "", headers={}, body=b"")
    if kind == "form":
        sent = HttpRequest(method="POST", path="/p", headers={}, body=pairs.encode())
    part = "url" if kind == "query" else "body"
    (found,) = scan_request(MINT, sent).sightings[part]
    assert f"{kind} {name}" == field_of(sent, part, found)


def test_what_stands_in_a_name_or_in_no_pair_is_in_no_field() -> None:
    """A name is nothing that anybody asks for; nor is a path."""
    body = f"a=1&{secret('router@aws')}=2".encode()
    sent = HttpRequest(method="POST", path=f"/{secret('router@aws')}", query="a=b", headers={}, body=body)
    for part, found in scan_request(MINT, sent).sightings.items():
        assert [""] == [field_of(sent, part, one) for one in found]


def test_a_worlds_own_credentials_pass_its_doors_unseen_and_another_clouds_do_not(tmp_path: Path) -> None:
    """A planted world marks what it grants: the right key at the right place is no violation, and counts."""

    async def scenario(clouds: Clouds) -> None:
        key = clouds.cloud.identity.credentials("near")["api_key"]
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        body = chat(value())
        await clouds.send("near", f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        assert [] == clouds.seen
        assert "and 1 credentials of the target's own" in clouds.layer.layers()[0].why
        await clouds.send("service:sts", f"{head}Content-Length: 0\r\n\r\n".encode())

    told = in_clouds(scenario, tmp_path).told()
    assert ("router@keys-1", "service:sts", "header authorization", "plaintext") == told[0]


def test_a_sighting_of_nothing_known_is_in_no_field() -> None:
    """Of a connection, say."""
    sent = HttpRequest(method="GET", path="/", headers={})
    assert "" == field_of(sent, "connection", Sighting("a-1", "prompt", "raw", 0))
