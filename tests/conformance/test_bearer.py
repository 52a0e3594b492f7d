"""A Bedrock API key over TLS: the one check that needs both, at our endpoint and with a key that is nobody's."""

import msgspec
import pytest

from fixtures.conform.probe import Subject
from fixtures.conform.transport import Address
from tests.conformance.world import Endpoints, checked

BEDROCK = ["bedrock-converse", "bedrock-invoke"]


def _over_tls(endpoints: Endpoints, dialect: str, key: str) -> Subject:
    host, port = endpoints.cloud.tls_addresses[dialect]
    subject = endpoints.subject(
        dialect, credentials=msgspec.structs.replace(endpoints.credentials(dialect), bearer_token=key)
    )
    address = Address(
        f"https://localhost:{port}" if host == "127.0.0.1" else f"https://{host}:{port}", endpoints.cloud.ca_file
    )
    return msgspec.structs.replace(
        subject, address=address, prover=type(subject.prover)(subject.dialect, subject.credentials, address.host_header)
    )


@pytest.mark.parametrize("dialect", BEDROCK)
def test_a_key_is_taken_over_tls(endpoints: Endpoints, dialect: str) -> None:
    """Our endpoint takes its key in a signature's place."""
    key = endpoints.cloud.identity.bedrock_api_key(dialect)
    (found,) = checked(_over_tls(endpoints, dialect, key), ["bearer-key"])
    assert "pass" == found.outcome, found.why or found.observed


@pytest.mark.parametrize("dialect", BEDROCK)
def test_an_endpoint_that_takes_no_key_fails(endpoints: Endpoints, dialect: str) -> None:
    """Where the key is refused the check is red, and neither report nor command holds the key."""
    key = "ABSKbogus-key-of-nobody-at-all"
    (found,) = checked(_over_tls(endpoints, dialect, key), ["bearer-key"])
    assert "fail" == found.outcome, found.why
    assert key not in repr(found)


def test_a_key_is_not_sent_in_the_clear(endpoints: Endpoints) -> None:
    """Over plain HTTP the check is skipped, and says why: botocore refuses to send a key so."""
    its = msgspec.structs.replace(endpoints.credentials(BEDROCK[0]), bearer_token="ABSKsomething")
    (found,) = checked(endpoints.subject(BEDROCK[0], credentials=its), ["bearer-key"])
    assert "skipped" == found.outcome
    assert "not https" in found.why


@pytest.mark.parametrize("dialect", ["openai-chat", "anthropic-messages", "bedrock-converse", "vertex-generate"])
def test_sdks_trust_the_authority_that_is_given(endpoints: Endpoints, dialect: str) -> None:
    """``--ca`` holds for the probes and for every SDK."""
    findings = checked(_over_tls(endpoints, dialect, ""), ["whole-reply", "sdk-reads-a-reply", "sdk-reads-a-stream"])
    assert [] == [f"{one.id}: {one.why}{one.observed}" for one in findings if one.outcome != "pass"]


def test_without_the_authority_nothing_is_judged(endpoints: Endpoints) -> None:
    """A certificate that nobody vouches for is no finding about the dialect."""
    subject = _over_tls(endpoints, "openai-chat", "")
    distrusting = msgspec.structs.replace(subject, address=Address(subject.address.url))
    (found,) = checked(distrusting, ["whole-reply"])
    assert "unknown" == found.outcome
    assert "certificate" in found.why.lower()
