"""Below the SDKs, too, the emulated Bedrock is the real one: what stands on the wire, and whose it was."""

import base64
import gzip
import json
import socket
from contextlib import closing
from typing import Any
from urllib.parse import quote

import botocore.exceptions
import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.wire.test_boto3 import PROFILES, asked
from tests.wire.world import CLAUDE, World

PATH = f"/model/{quote(CLAUDE, safe='')}/converse"
SECRET = "x" * 40


def _signed(world: World, path: str, body: bytes, **headers: str) -> dict[str, str]:
    """Return the headers with which botocore signs a request."""
    keys = world.cloud.identity.credentials("bedrock")
    credentials = Credentials(keys["access_key_id"], keys["secret_access_key"], keys["session_token"] or None)
    given = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    request = AWSRequest("POST", world.url("bedrock") + path, headers=given, data=body)
    SigV4Auth(credentials, "bedrock", "us-east-1").add_auth(request)
    return dict(request.headers.items())


def _posted(world: World, path: str, body: bytes, **headers: str) -> urllib3.BaseHTTPResponse:
    signed = _signed(world, path, body, **headers)
    return urllib3.request("POST", world.url("bedrock") + path, body=body, headers=signed)


def _body(world: World) -> bytes:
    request = asked(world)
    return json.dumps({name: value for name, value in request.items() if name != "modelId"}).encode()


@pytest.mark.wire("bedrock-converse", "Converse", "unknown operation")
def test_an_arn_that_is_not_encoded_is_no_operation(world: World) -> None:
    """A slash in the path makes two segments of one: 200 and a fault, in evidence a refusal of the tenant's prompt."""
    reply = _posted(world, f"/model/{PROFILES[2]}/converse", _body(world))
    fault = {"Output": {"__type": "com.amazon.coral.service#UnknownOperationException"}, "Version": "1.0"}
    assert (200, fault) == (reply.status, reply.json())
    assert [("refused", "not-found", 200, "acme")] == [
        (record.outcome, record.refusal, record.status, record.tenant) for record in world.seen()
    ]


def test_an_operation_that_is_not_emulated_is_an_error(world: World) -> None:
    """boto3 raises what is missing here: it never looks like done."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        world.bedrock().apply_guardrail(guardrailIdentifier="g1", guardrailVersion="1", source="INPUT", content=[])
    assert "UnknownOperationException" == caught.value.response["Error"]["Code"]


def test_headers_name_no_software_of_ours(world: World) -> None:
    """Neither a reply, nor an error, nor a stream has a Server header, and request ids are UUIDs of version 4."""
    for path, body in [(PATH, _body(world)), (PATH, b"{}"), (f"{PATH}-stream", _body(world))]:
        headers = _posted(world, path, body).headers
        assert "server" not in headers
        assert "4" == headers["x-amzn-RequestId"][14]


def test_a_compressed_body_is_signed_as_it_stands(world: World) -> None:
    """The signature of a body in gzip is that of the compressed bytes, and the prompt's tenant is seen."""
    reply = _posted(world, PATH, gzip.compress(_body(world), mtime=0), Content_Encoding="gzip")
    assert "end_turn" == reply.json()["stopReason"]
    assert ["acme"] == [record.tenant for record in world.seen()]


def test_a_body_that_is_not_in_its_coding_is_the_callers_mistake(world: World) -> None:
    """It is refused with 400, not with a failure of the service."""
    reply = _posted(world, PATH, b"not gzip", Content_Encoding="gzip")
    assert (400, "invalid") == (reply.status, world.seen()[0].refusal)


def test_a_target_in_absolute_form_is_served(world: World) -> None:
    """A client that names the host in the request line, as to a proxy, is served (RFC 9112, 3.2.2)."""
    body = _body(world)
    host, port = world.cloud.addresses["bedrock"]
    signed = _signed(world, PATH, body) | {"Host": f"{host}:{port}", "Content-Length": str(len(body))}
    head = f"POST http://{host}:{port}{PATH} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in signed.items())
    with closing(socket.create_connection((host, port), timeout=5)) as client:
        client.sendall(head.encode() + b"\r\n" + body)
        assert client.recv(64).startswith(b"HTTP/1.1 200 ")


def _hidden(prompt: str) -> list[Any]:
    own = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": prompt}],
    }
    document = {"format": "txt", "name": "n", "source": {"bytes": f"secret {prompt}".encode()}}
    blocks = [{"document": document}, {"text": "what is it?"}]
    return [
        ("count_tokens", {"modelId": CLAUDE, "input": {"invokeModel": {"body": json.dumps(own).encode()}}}),
        ("converse", {"modelId": CLAUDE, "messages": [{"role": "user", "content": blocks}]}),
    ]


@pytest.mark.parametrize("number", [0, 1], ids=["a model's own body", "a document"])
@pytest.mark.parametrize("right", [True, False], ids=["served", "refused"])
def test_whose_prompt_it_was_is_seen_under_base64(world: World, number: int, *, right: bool) -> None:
    """A prompt that boto3 encodes is in evidence with its tenant, served or refused before it is parsed."""
    call, request = _hidden(world.mint.value("acme", 3))[number]
    client = world.bedrock() if right else world.bedrock(secret_access_key=SECRET)
    try:
        getattr(client, call)(**request)
        outcome = "ok"
    except botocore.exceptions.ClientError:
        outcome = "refused"
    assert [("ok" if right else "refused", "acme")] == [(outcome, record.tenant) for record in world.seen()]


def test_a_prompt_whose_sender_left_has_come_all_the_same(world: World) -> None:
    """A body that breaks off in the middle is in evidence with the tenant whose prompt came with it."""
    text = base64.b64encode(world.mint.value("acme", 3).encode())
    with closing(socket.create_connection(world.cloud.addresses["bedrock"], timeout=5)) as client:
        client.sendall(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n".encode() + text)
        client.shutdown(socket.SHUT_WR)
        client.recv(64)
    assert [("client-gone", "acme")] == [(record.outcome, record.tenant) for record in world.seen()]
