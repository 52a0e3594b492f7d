"""Leniency: given only where it was asked for, only for what it is about, and never unsaid."""

import datetime as dt

import msgspec
import pytest

from brownout.identity import CloudIdentity
from brownout.identity.leniency import HOST_WITHOUT_PORT
from brownout.identity.sigv4 import sign
from brownout.topology import Endpoint
from brownout.wire import HttpRequest, Refusal

UTC = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)
ENDPOINT = Endpoint(
    name="east",
    cloud="aws",
    provider="bedrock",
    region="us-east-1",
    capacity="on-demand",
    dialect="bedrock-converse",
    model="anthropic.claude-3-haiku-20240307-v1:0",
)


def _asked(*, signed_host: str, sent_host: str, lenient: tuple[str, ...] = (), secret: str = "") -> str:
    identity = CloudIdentity(1, [ENDPOINT], "http://127.0.0.1:1/token", lenient=lenient)
    keys = identity.credentials("east")
    request = HttpRequest(method="POST", path="/model/m/converse", query="", headers={}, body=b"{}")
    proof = sign(
        request,
        access_key_id=keys["access_key_id"],
        secret_access_key=secret or keys["secret_access_key"],
        session_token=keys["session_token"],
        region="us-east-1",
        host=signed_host,
        utc=UTC,
    )
    sent = msgspec.structs.replace(request, headers={**proof, "host": sent_host})
    return identity.verify("east", sent, UTC)


def test_a_signature_over_the_name_alone_is_refused_as_a_rule() -> None:
    """AWS takes the Host header as it was sent."""
    with pytest.raises(Refusal) as refused:
        _asked(signed_host="127.0.0.1", sent_host="127.0.0.1:8443")

    assert "InvalidSignatureException" == refused.value.code


def test_it_is_taken_where_that_was_asked_for_and_said() -> None:
    """What was overlooked is told to whoever writes the evidence."""
    assert HOST_WITHOUT_PORT == _asked(
        signed_host="127.0.0.1", sent_host="127.0.0.1:8443", lenient=(HOST_WITHOUT_PORT,)
    )


def test_nothing_is_said_of_a_request_that_needed_none() -> None:
    """A right signature is no leniency, whatever the world would have overlooked."""
    assert "" == _asked(signed_host="127.0.0.1:8443", sent_host="127.0.0.1:8443", lenient=(HOST_WITHOUT_PORT,))


@pytest.mark.parametrize("wrong", [{"secret": "another"}, {"signed_host": "elsewhere"}])
def test_nothing_else_is_overlooked(wrong: dict[str, str]) -> None:
    """A wrong secret or another host's name stays refused."""
    facts = {"signed_host": "127.0.0.1", "sent_host": "127.0.0.1:8443"} | wrong

    with pytest.raises(Refusal):
        _asked(**facts, lenient=(HOST_WITHOUT_PORT,))
