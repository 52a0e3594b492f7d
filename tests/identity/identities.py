"""The identities of a small topology, and requests that prove them."""

import datetime as dt
from typing import Any

import msgspec

from brownout.identity import AwsKeys, CloudIdentity, sign
from brownout.identity.aws_keys import AwsSession
from brownout.topology import Endpoint
from brownout.wire import HttpRequest

NOW = dt.datetime(2026, 3, 4, 5, 6, 7, tzinfo=dt.UTC)
HOST = "127.0.0.1:4566"
TOKEN_URI = "http://127.0.0.1:1/token"
CLAUDE = "anthropic.claude-3-haiku-20240307-v1:0"
CONVERSE = f"/model/{CLAUDE.replace(':', '%3A')}/converse"


def _endpoint(name: str, cloud: str, region: str, dialect: str, model: str) -> Endpoint:
    return Endpoint(
        name=name, cloud=cloud, provider=cloud, region=region, capacity="on-demand", dialect=dialect, model=model
    )


ENDPOINTS = [
    _endpoint("bedrock-us", "aws", "us-east-1", "bedrock-converse", CLAUDE),
    _endpoint("bedrock-us-2", "aws", "us-east-1", "bedrock-converse", CLAUDE),
    _endpoint("bedrock-eu", "aws", "eu-west-1", "bedrock-converse", CLAUDE),
    _endpoint("vertex-us", "gcp", "us-central1", "vertex-generate", "gemini-2.0-flash"),
    _endpoint("vertex-eu", "gcp", "europe-west4", "vertex-generate", "gemini-2.0-flash"),
    _endpoint("own", "own", "dc1", "openai-chat", "llama-3-70b"),
    _endpoint("claude", "anthropic", "us", "anthropic-messages", "claude-3-haiku-20240307"),
    _endpoint("sagemaker", "aws", "us-east-1", "sagemaker-invoke", "llama"),
]


def identities(seed: int = 1) -> CloudIdentity:
    """Return the identities of the topology."""
    return CloudIdentity(seed, ENDPOINTS, TOKEN_URI)


def converse(path: str = CONVERSE) -> HttpRequest:
    """Return an unsigned request to Bedrock."""
    return HttpRequest(method="POST", path=path, headers={"content-type": "application/json"}, body=b"{}")


def signed_by(keys: AwsKeys, request: HttpRequest | None = None, **changes: Any) -> HttpRequest:
    """Return a request with a signature of these keys; ``changes`` are to `sign`'s arguments."""
    request = request or converse()
    asked: dict[str, Any] = {
        "access_key_id": keys.access_key_id,
        "secret_access_key": keys.secret_access_key,
        "session_token": keys.session_token,
        "region": "us-east-1",
        "host": HOST,
        "utc": NOW,
    }
    headers = {**request.headers, "host": (asked | changes)["host"], **sign(request, **asked | changes)}
    return msgspec.structs.replace(request, headers={name.lower(): value for name, value in headers.items()})


def standing_keys(identity: CloudIdentity, endpoint: str) -> AwsKeys:
    """Return the keys that ``world.json`` gives for an endpoint."""
    return AwsKeys(**identity.credentials(endpoint))


def instance_session(identity: CloudIdentity) -> AwsSession:
    """Return the session of the target's machine."""
    return identity.instance.session(NOW)
