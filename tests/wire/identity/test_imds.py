"""The metadata service tells a machine about itself, and nobody who does not know version 2."""

import datetime as dt

import botocore.exceptions
import pytest
import requests

from tests.wire.identity.callers import service, sts
from tests.wire.world import World


def imds(world: World, path: str, *, method: str = "GET", **headers: str) -> requests.Response:
    """Ask the metadata service; underscores in headers' names stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.request(method, world.cloud.service_urls["imds"] + path, headers=named, timeout=5)


def imds_token(world: World, ttl_s: int = 60) -> str:
    """Return a metadata token."""
    reply = imds(world, "/latest/api/token", method="PUT", x_aws_ec2_metadata_token_ttl_seconds=str(ttl_s))
    assert (200, str(ttl_s)) == (reply.status_code, reply.headers["x-aws-ec2-metadata-token-ttl-seconds"])
    return reply.text


def test_the_machine_knows_itself(world: World) -> None:
    """With a token: role, credentials, zone, region and identity document, all of one machine."""
    token, instance = imds_token(world), world.cloud.identity.instance
    texts = {
        "/latest/meta-data/iam/security-credentials/": "brownout-app",
        "/latest/meta-data/iam/security-credentials": "brownout-app",
        "/latest/meta-data/placement/availability-zone": "us-east-1a",
        "/latest/meta-data/placement/region": "us-east-1",
        "/latest/meta-data/instance-id": instance.instance_id,
    }
    for path, text in texts.items():
        assert text == imds(world, path, x_aws_ec2_metadata_token=token).text
    keys = imds(world, "/latest/meta-data/iam/security-credentials/brownout-app", x_aws_ec2_metadata_token=token).json()
    fields = {"Code", "LastUpdated", "Type", "AccessKeyId", "SecretAccessKey", "Token", "Expiration"}
    assert (fields, "Success") == (keys.keys(), keys["Code"])
    document = imds(world, "/latest/dynamic/instance-identity/document", x_aws_ec2_metadata_token=token).json()
    assert (instance.account, "us-east-1") == (document["accountId"], document["region"])
    profile = imds(world, "/latest/meta-data/iam/info", x_aws_ec2_metadata_token=token).json()
    assert profile["InstanceProfileArn"].endswith(f"{instance.account}:instance-profile/brownout-app")


def test_version_one_is_refused(world: World) -> None:
    """No token, a made-up one and one that is over are 401; a token is not given for a bad time or through a proxy."""
    path = "/latest/meta-data/iam/security-credentials/"
    assert 401 == imds(world, path).status_code
    assert 401 == imds(world, path, x_aws_ec2_metadata_token="AQAEA").status_code
    token = imds_token(world)
    service(world, "imds").skew = dt.timedelta(seconds=61)
    assert 401 == imds(world, path, x_aws_ec2_metadata_token=token).status_code
    for ttl in ("0", "21601", "x", "-1"):
        bad = imds(world, "/latest/api/token", method="PUT", x_aws_ec2_metadata_token_ttl_seconds=ttl)
        assert 400 == bad.status_code
    assert 400 == imds(world, "/latest/api/token", method="PUT").status_code
    forwarded = {"x_aws_ec2_metadata_token_ttl_seconds": "60", "x_forwarded_for": "10.0.0.1"}
    assert 403 == imds(world, "/latest/api/token", method="PUT", **forwarded).status_code


def test_what_is_not_there_is_404(world: World) -> None:
    """An unknown path and another role are 404; another method is 405."""
    token = imds_token(world)
    for path in ("/latest/meta-data/nothing", "/latest/meta-data/iam/security-credentials/other"):
        assert 404 == imds(world, path, x_aws_ec2_metadata_token=token).status_code
    assert 405 == imds(world, "/latest/meta-data/", method="POST", x_aws_ec2_metadata_token=token).status_code


def test_without_the_machine_boto3_has_no_credentials(bare: World) -> None:
    """While the metadata service is down, boto3 finds nothing."""
    service(bare, "imds").down = 503
    with pytest.raises(botocore.exceptions.NoCredentialsError):
        sts().get_caller_identity()
