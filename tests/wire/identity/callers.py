"""What unmodified boto3 and google-auth do, in one line each."""

import json
from pathlib import Path
from typing import Any

import boto3
import botocore.config
import botocore.exceptions
import google.auth.aws
import google.auth.transport.requests
import pytest
from google import genai
from google.genai import types

from fixtures.providers.services import IdentityService
from tests.wire.world import CLAUDE, World

PLATFORM = ["https://www.googleapis.com/auth/cloud-platform"]
ASKED: Any = {"modelId": CLAUDE, "messages": [{"role": "user", "content": [{"text": "hello"}]}]}
ONCE = botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=10)


def service(world: World, name: str) -> IdentityService:
    """Return an identity service."""
    return world.cloud.services[name]


def sts(**keys: str) -> Any:
    """Return boto3's STS client; without keys, with those it finds by itself."""
    return boto3.Session().client("sts", region_name="us-east-1", config=ONCE, **keys)


def bedrock(world: World, keys: Any, endpoint: str = "bedrock", **more: Any) -> Any:
    """Return boto3's Bedrock client with the keys of an STS reply."""
    return boto3.Session().client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=world.url(endpoint),
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=ONCE,
        **more,
    )


def refused(call: Any, **asked: Any) -> tuple[str, int, str]:
    """Return the code, the status and the sentence by which boto3 says that a call was refused."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**asked)
    said = caught.value.response
    return said["Error"]["Code"], said["ResponseMetadata"]["HTTPStatusCode"], said["Error"]["Message"]


def assumed(world: World, endpoint: str = "bedrock", **more: Any) -> Any:
    """Return the credentials of an endpoint's role, assumed from the machine."""
    arn = world.cloud.identity.role_arn(endpoint)
    return sts().assume_role(RoleArn=arn, RoleSessionName="app", **more)["Credentials"]


def federation(world: World, endpoint: str = "vertex") -> Any:
    """Return google-auth's credentials of an endpoint's ``external_account`` file."""
    config = json.loads(Path(world.cloud.identity.external_account_file(endpoint)).read_text())
    return google.auth.aws.Credentials.from_info(config, scopes=PLATFORM)  # type: ignore[no-untyped-call]


def generate(world: World, credentials: Any, endpoint: str = "vertex") -> str:
    """Return what Vertex answers google-genai with these credentials."""
    options = types.HttpOptions(base_url=world.url(endpoint))
    project = world.cloud.identity.project
    client = genai.Client(
        vertexai=True, project=project, location="us-central1", credentials=credentials, http_options=options
    )
    world.kept.append(client)
    return str(client.models.generate_content(model="gemini-2.0-flash", contents="hello").text)


def refresh(credentials: Any) -> None:
    """Let google-auth fetch a token."""
    credentials.refresh(google.auth.transport.requests.Request())  # type: ignore[no-untyped-call]
