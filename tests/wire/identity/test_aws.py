"""Unmodified boto3 gets its credentials from the emulated AWS, and the endpoints take those."""

import datetime as dt
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from brownout.clock import utc_now
from tests.wire.identity.callers import ASKED, ONCE, assumed, bedrock, refused, service, sts
from tests.wire.world import World


def test_boto3_finds_itself_on_the_machine(bare: World) -> None:
    """Without any key boto3 takes the instance role's from the metadata service, and STS says who that is."""
    said = sts().get_caller_identity()
    instance = bare.cloud.identity.instance
    assert f"arn:aws:sts::{instance.account}:assumed-role/brownout-app/{instance.instance_id}" == said["Arn"]
    assert (instance.account, True) == (said["Account"], said["UserId"].endswith(instance.instance_id))
    assert 36 == len(said["ResponseMetadata"]["RequestId"])


def test_boto3_assumes_a_role_and_calls(bare: World) -> None:
    """The role's session, from STS, is let in at its endpoint; elsewhere it is a typed AccessDeniedException."""
    keys = assumed(bare)
    client = bedrock(bare, keys)
    assert client.converse(**ASKED)["output"]["message"]["content"]
    elsewhere = bedrock(bare, keys, "bedrock-pt")
    with pytest.raises(
        elsewhere.exceptions.AccessDeniedException, match="is not authorized to perform: bedrock:InvokeModel"
    ):
        elsewhere.converse(**ASKED)
    assert [("denied", 403)] == [(r.refusal, r.status) for r in bare.seen() if r.endpoint == "bedrock-pt"]


def test_a_profile_alone_is_enough(bare: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile with a role and ``Ec2InstanceMetadata``: no key in any file, and boto3 sees to everything itself."""
    config = tmp_path / "config"
    arn = bare.cloud.identity.role_arn("bedrock")
    config.write_text(f"[profile app]\nregion=us-east-1\nrole_arn={arn}\ncredential_source=Ec2InstanceMetadata\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    session = boto3.Session(profile_name="app")
    client = session.client("bedrock-runtime", endpoint_url=bare.url("bedrock"), config=ONCE)
    client.converse(**ASKED)
    identity = bare.cloud.identity
    assert {arn: 1} == identity.refreshes.count(service="sts")
    assert {identity.instance.role_arn: 1} == identity.refreshes.count(service="imds")
    client.converse(**ASKED)
    assert 1 == identity.refreshes.count(service="sts")[arn]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"DurationSeconds": 43_201}, ("ValidationError", 400)),
        ({"DurationSeconds": 7200}, ("ValidationError", 400)),
        ({"RoleSessionName": "a b"}, ("ValidationError", 400)),
        ({"RoleArn": "arn:aws:iam::111122223333:role/nobody"}, ("AccessDenied", 403)),
    ],
)
def test_assume_role_refuses_with_typed_codes(bare: World, changes: Any, expected: tuple[str, int]) -> None:
    """What STS would refuse is a ClientError with STS's own code and status."""
    asked = {"RoleArn": bare.cloud.identity.role_arn("bedrock"), "RoleSessionName": "app"} | changes
    assert expected == refused(sts().assume_role, **asked)[:2]


def test_an_external_id_goes_over_the_wire(bare: World) -> None:
    """A role that asks for an external id is assumed with it, and not without."""
    bare.cloud.identity.aws.role_of("bedrock").external_id = "s3cret"
    assert assumed(bare, ExternalId="s3cret")
    arn = bare.cloud.identity.role_arn("bedrock")
    assert "AccessDenied" == refused(sts().assume_role, RoleArn=arn, RoleSessionName="app")[0]


def test_sts_refuses_bad_signatures_with_typed_codes(bare: World) -> None:
    """Unknown key, wrong secret, expired session, a clock that is off, no signature: each has STS's own code."""
    keys = bare.cloud.identity.instance.session(utc_now()).keys
    good = {
        "aws_access_key_id": keys.access_key_id,
        "aws_secret_access_key": keys.secret_access_key,
        "aws_session_token": keys.session_token,
    }
    unknown = good | {"aws_access_key_id": "ASIAOTHER"}
    assert ("InvalidClientTokenId", 403) == refused(sts(**unknown).get_caller_identity)[:2]
    wrong = good | {"aws_secret_access_key": "wrong"}
    assert ("SignatureDoesNotMatch", 403) == refused(sts(**wrong).get_caller_identity)[:2]
    service(bare, "sts").skew = dt.timedelta(hours=1)
    code, status, said = refused(sts(**good).get_caller_identity)
    assert ("SignatureDoesNotMatch", 403, True) == (code, status, said.startswith("Signature expired: "))
    service(bare, "sts").skew = dt.timedelta(hours=7)
    assert ("ExpiredToken", 403) == refused(sts(**good).get_caller_identity)[:2]
    form = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
    reply = requests.post(bare.cloud.service_urls["sts"], data=form, timeout=5)
    assert (403, True) == (reply.status_code, "<Code>MissingAuthenticationToken</Code>" in reply.text)


def test_sts_does_what_it_can_and_says_so(bare: World) -> None:
    """Another action, or another version, is no operation; a presigned question is answered."""
    assert "InvalidAction" == refused(sts().get_session_token)[0]
    token: Any = {
        "RoleArn": bare.cloud.identity.role_arn("bedrock"),
        "RoleSessionName": "x1",
        "WebIdentityToken": "a.b.c",
    }
    assert ("InvalidIdentityToken", 400) == refused(sts().assume_role_with_web_identity, **token)[:2]
    url = sts().generate_presigned_url("get_caller_identity", HttpMethod="GET")
    reply = requests.get(url, timeout=5)
    assert (200, True) == (reply.status_code, bare.cloud.identity.instance.instance_id in reply.text)


def test_a_service_that_is_down_says_so_in_its_own_words(bare: World) -> None:
    """STS down is a ServiceUnavailable that boto3 retries; up again, it answers."""
    service(bare, "sts").down = 503
    seen = service(bare, "sts").seen
    client = boto3.Session().client("sts", region_name="us-east-1")
    assert ("ServiceUnavailable", 503) == refused(client.get_caller_identity)[:2]
    assert 3 == service(bare, "sts").seen - seen
    service(bare, "sts").down = 0
    assert client.get_caller_identity()["Arn"]


def test_an_expired_session_is_a_typed_error(bare: World) -> None:
    """A session that was ended is an ExpiredTokenException to boto3, one that was revoked an AccessDeniedException."""
    client = bedrock(bare, assumed(bare))
    now = utc_now()
    bare.cloud.identity.revoke("bedrock", now + dt.timedelta(seconds=1))
    code, status, said = refused(client.converse, **ASKED)
    assert ("AccessDeniedException", 403, True) == (code, status, said.endswith("an identity-based policy"))
    bare.cloud.identity.expire("bedrock", now)
    assert ("ExpiredTokenException", 403) == refused(client.converse, **ASKED)[:2]
