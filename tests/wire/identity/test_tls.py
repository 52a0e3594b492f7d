"""Whatever listens does so over TLS too, under the names it has in production."""

import datetime as dt
import http.client
import socket
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import openai
import pytest
import requests

from brownout.clock import utc_now
from brownout.identity import short_term_key
from tests.wire.identity.callers import ASKED, ONCE, refused
from tests.wire.world import CLAUDE, World


def tls_url(world: World, endpoint: str) -> str:
    """Return an endpoint's address over TLS."""
    host, port = world.cloud.tls_addresses[endpoint]
    return f"https://{host}:{port}"


def test_a_bedrock_api_key_is_taken_over_tls(bare: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 with ``AWS_BEARER_TOKEN_BEDROCK`` calls over TLS by a long-term key, and by a short-term one."""
    identity = bare.cloud.identity
    now = utc_now()
    session = identity.aws.begin_session(identity.aws.role_of("bedrock"), "keys", utc=now, life=dt.timedelta(hours=1))
    for key in (identity.bedrock_api_key("bedrock"), short_term_key(session.keys, region="us-east-1", utc=now)):
        monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", key)
        options: Any = {"region_name": "us-east-1", "verify": str(bare.cloud.ca_file), "config": ONCE}
        client = boto3.Session().client("bedrock-runtime", endpoint_url=tls_url(bare, "bedrock"), **options)
        assert client.converse(**ASKED)["output"]["message"]["content"]
        other = boto3.Session().client("bedrock-runtime", endpoint_url=tls_url(bare, "bedrock-pt"), **options)
        assert ("AccessDeniedException", 403) == refused(other.converse, **ASKED)[:2]
    reply = requests.post(
        f"{bare.url('bedrock')}/model/{CLAUDE}/converse", headers={"Authorization": f"Bearer {key}"}, timeout=5
    )
    assert 403 == reply.status_code


def test_signatures_and_keys_work_over_tls(bare: World) -> None:
    """Over TLS the same credentials are taken, by boto3, by openai and for the services themselves."""
    verify = str(bare.cloud.ca_file)
    secure = boto3.Session().client(
        "sts", region_name="us-east-1", endpoint_url=bare.cloud.service_tls_urls["sts"], verify=verify
    )
    keys = secure.assume_role(RoleArn=bare.cloud.identity.role_arn("bedrock"), RoleSessionName="tls")["Credentials"]
    client = boto3.Session().client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=tls_url(bare, "bedrock"),
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        verify=verify,
    )
    assert client.converse(**ASKED)["output"]["message"]["content"]
    http_client = openai.DefaultHttpxClient(verify=ssl.create_default_context(cafile=verify))
    key = bare.cloud.identity.credentials("own")["api_key"]
    own = openai.OpenAI(base_url=tls_url(bare, "own") + "/v1", api_key=key, http_client=http_client)
    assert own.models.list().data


@pytest.mark.parametrize(
    ("endpoint", "names"),
    [
        ("bedrock", ["bedrock-runtime.us-east-1.amazonaws.com", "localhost", "127.0.0.1"]),
        ("vertex", ["us-central1-aiplatform.googleapis.com"]),
        ("vertex-eu", ["europe-west4-aiplatform.googleapis.com"]),
        ("own", ["api.openai.com", "api.anthropic.com"]),
    ],
)
def test_certificates_bear_the_production_names(world: World, endpoint: str, names: list[str]) -> None:
    """Each endpoint proves its own host names by the world's authority, and nobody else's."""
    trusting = ssl.create_default_context(cafile=str(world.cloud.ca_file))
    address = world.cloud.tls_addresses[endpoint]
    for name in names:
        with socket.create_connection(address, 5) as plain, trusting.wrap_socket(plain, server_hostname=name) as secure:
            assert secure.version() in {"TLSv1.2", "TLSv1.3"}
    for context, name in ((trusting, "iam.amazonaws.com"), (ssl.create_default_context(), names[0])):
        with socket.create_connection(address, 5) as plain, pytest.raises(ssl.SSLCertVerificationError):
            context.wrap_socket(plain, server_hostname=name)


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("sts", "sts.us-east-1.amazonaws.com"),
        ("sts", "sts.amazonaws.com"),
        ("imds", "169.254.169.254"),
        ("google_sts", "sts.googleapis.com"),
        ("iam_credentials", "iamcredentials.googleapis.com"),
        ("token", "oauth2.googleapis.com"),
    ],
)
def test_services_bear_their_names_too(world: World, name: str, host: str) -> None:
    """Each service answers over TLS under the name it has in production."""
    trusting = ssl.create_default_context(cafile=str(world.cloud.ca_file))
    url = urlsplit(world.cloud.service_tls_urls[name])
    with socket.create_connection((url.hostname, url.port), 5) as plain:
        secure = trusting.wrap_socket(plain, server_hostname=host)
        connection = http.client.HTTPConnection(host)
        connection.sock = secure
        connection.request("GET", "/nothing")
        assert connection.getresponse().status in {400, 401, 403, 404}
        connection.close()


def test_the_authoritys_key_is_written_nowhere(world: World, tmp_path: Path) -> None:
    """Beside the certificate nothing of the authority is on disk, and no file but the key files holds a secret."""
    assert world.cloud.ca_file == tmp_path / "ca.pem"
    for path in tmp_path.iterdir():
        assert path.name.endswith("service-account.json") == ("PRIVATE KEY" in path.read_text())
