"""What opened a world is left out of what is kept of it."""

import json
from pathlib import Path

import pytest

from brownout.canary import OWN, TENANTS_MAX
from brownout.errors import BadInput
from brownout.topology import Endpoint, Tenant, Topology
from fixtures.gate import judge_virtual
from fixtures.routers import REFERENCE, embedded_routers
from fixtures.secrets import LEFT_OUT, leave_out, secrets_in
from tests.options import reference_options

WORLD = {
    "endpoints": [
        {
            "name": "a",
            "credentials": {"access_key_id": "ASIA", "secret_access_key": "sec/ret", "session_token": "tok+en"},
            "bedrock_api_key": "ABSK",
        },
        {"name": "b", "credentials": {"service_account_file": "/b.json"}, "bedrock_api_key": ""},
        {"name": "c", "credentials": {"api_key": "sk-1"}},
    ]
}


def test_secrets_are_told_from_what_is_none() -> None:
    """An access key's id and a file's path are no secrets, and what is empty would be found everywhere."""
    assert ["ABSK", "sec/ret", "sk-1", "tok+en"] == secrets_in(WORLD)
    assert [] == secrets_in({})


def test_what_is_left_out_is_all_that_is(tmp_path: Path) -> None:
    """The rest of a file stays as it was."""
    path = tmp_path / "config.yaml"
    path.write_text("key: sk-1\nregion: us-east-1\n")
    leave_out(secrets_in(WORLD), path)
    assert f"key: {LEFT_OUT}\nregion: us-east-1\n" == path.read_text()


def test_no_secret_of_a_world_outlives_it(tmp_path: Path) -> None:
    """What stood in ``world.json`` opens nothing when the test is over, and is gone from there."""
    options = reference_options(only=["inside-while-flapping"], clock="virtual", profile="full")
    judge_virtual(options, tmp_path / "run", embedded_routers()[REFERENCE])
    (world,) = (tmp_path / "run").rglob("world.json")
    assert [LEFT_OUT] == secrets_in(json.loads(world.read_text()))


def _topology(*tenants: str) -> Topology:
    endpoint = Endpoint(
        name="e", cloud="own", provider="own", region="r", capacity="gpu", dialect="openai-chat", model="m"
    )
    return Topology(topology="t", endpoints=[endpoint], tenants={name: Tenant(allow=["e"]) for name in tenants})


def test_a_tenant_is_not_called_as_a_credential_is() -> None:
    """Nobody could tell whose a sighting is."""
    with pytest.raises(BadInput, match=r"tenants\.router@aws: a name of a router"):
        _topology("acme", OWN[0]).check(where="t")


def test_more_tenants_than_canaries_can_tell_are_refused() -> None:
    """Before a run begins."""
    names = [f"t{number}" for number in range(TENANTS_MAX + 1)]
    _topology(*names[1:]).check(where="t")
    with pytest.raises(BadInput, match=f"{TENANTS_MAX + 1} tenants, of which canaries can tell {TENANTS_MAX}"):
        _topology(*names).check(where="t")
