"""Presigned requests: botocore's, to the character, and valid for as long as they say."""

import datetime as dt

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.identity import AwsKeys, presign, verify
from brownout.wire import HttpRequest, Refusal
from tests.identity.identities import CONVERSE, HOST, NOW

KEYS = AwsKeys(access_key_id="ASIAEXAMPLE", secret_access_key="s3cr3t/+key", session_token="token/+==")


def presigned(life: dt.timedelta, *, query: str = "") -> HttpRequest:
    """Return a presigned request."""
    request = HttpRequest(method="POST", path=CONVERSE, query=query, headers={"host": HOST})
    whole = presign(
        request,
        access_key_id=KEYS.access_key_id,
        secret_access_key=KEYS.secret_access_key,
        session_token=KEYS.session_token,
        region="us-east-1",
        host=HOST,
        utc=NOW,
        life=life,
    )
    return msgspec.structs.replace(request, query=whole)


def by_botocore(life: dt.timedelta, *, query: str = "") -> str:
    """Return the query of the same request as botocore presigns it, at an instant of ours."""
    made = botocore.awsrequest.AWSRequest("POST", f"http://{HOST}{CONVERSE}" + (f"?{query}" if query else ""))
    credentials = botocore.credentials.Credentials(KEYS.access_key_id, KEYS.secret_access_key, KEYS.session_token)
    seconds = int(life.total_seconds())
    signer = botocore.auth.SigV4QueryAuth(credentials, "bedrock", "us-east-1", expires=seconds)
    made.context["timestamp"] = NOW.strftime("%Y%m%dT%H%M%SZ")
    signer._modify_request_before_signing(made)
    signature = signer.signature(signer.string_to_sign(made, signer.canonical_request(made)), made)
    signer._inject_signature_to_request(made, signature)
    return str(made.url.partition("?")[2])


@pytest.mark.parametrize("query", ["", "Action=CallWithBearerToken", "a=1&b=%20"])
def test_it_is_botocores(query: str) -> None:
    """Our presigned query is botocore's, to the character."""
    life = dt.timedelta(minutes=5)
    assert by_botocore(life, query=query) == presigned(life, query=query).query


@given(st.integers(1, 604_800), st.integers(-400, 700_000))
def test_it_holds_for_as_long_as_it_says(life_s: int, age_s: int) -> None:
    """From five minutes before it was signed until its own end, and not a second longer."""
    request = presigned(dt.timedelta(seconds=life_s))
    then = NOW + dt.timedelta(seconds=age_s)
    if -300 <= age_s < life_s:
        verify(request, keys=KEYS, region="us-east-1", utc=then)
    else:
        with pytest.raises(Refusal) as caught:
            verify(request, keys=KEYS, region="us-east-1", utc=then)
        assert "InvalidSignatureException" == caught.value.code


def test_a_week_is_the_longest() -> None:
    """A presigned request that would hold for more than seven days is refused from the start."""
    with pytest.raises(Refusal, match="604800"):
        verify(presigned(dt.timedelta(days=7, seconds=1)), keys=KEYS, region="us-east-1", utc=NOW)


@pytest.mark.parametrize("field", ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Security-Token"])
def test_every_field_is_needed(field: str) -> None:
    """A presigned request without one of its fields is refused, and never taken for another kind of request."""
    whole = presigned(dt.timedelta(minutes=5))
    rest = "&".join(part for part in whole.query.split("&") if not part.startswith(f"X-Amz-{field}="))
    with pytest.raises(Refusal) as caught:
        verify(msgspec.structs.replace(whole, query=rest), keys=KEYS, region="us-east-1", utc=NOW)
    expected = {"IncompleteSignatureException", "InvalidSignatureException", "UnrecognizedClientException"}
    assert caught.value.code in expected
