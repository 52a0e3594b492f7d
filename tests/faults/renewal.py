"""A caller that has no secret of its own: it gets its credentials from the world's identity services."""

import xml.etree.ElementTree as ET
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from brownout.dialects import dialect_named
from brownout.identity import sign
from brownout.wire import HttpRequest
from tests.faults.trial import Scene

_TOKEN = "x-aws-ec2-metadata-token"
_ROLES = "/latest/meta-data/iam/security-credentials"
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class NotRenewedError(Exception):
    """A service refused. ``status`` is its HTTP status."""

    def __init__(self, service: str, status: int) -> None:
        super().__init__(f"{service} answered {status}")
        self.status = status


async def renew(scene: Scene, at: str = "") -> None:
    """Get new credentials for an endpoint of AWS by way of the machine's role, or drop Google's token.

    Raises:
        NotRenewedError: a service answered, and gave nothing.
        aiohttp.ClientError: one did not answer.
    """
    name = at or scene.at
    scene.live.drop(name)
    if dialect_named(scene.live.shell(name).endpoint.dialect).auth == "sigv4":
        scene.live.credentials[name] = await assume(
            scene, scene.live.cloud.identity.role_arn(name), await machine(scene)
        )


async def machine(scene: Scene) -> dict[str, str]:
    """Return the credentials of the machine's own role, from its metadata service."""
    token = (await _said(scene, "imds", "PUT", "/latest/api/token", {f"{_TOKEN}-ttl-seconds": "60"})).decode()
    role = (await _said(scene, "imds", "GET", _ROLES, {_TOKEN: token})).decode()
    keys = msgspec.json.decode(await _said(scene, "imds", "GET", f"{_ROLES}/{role}", {_TOKEN: token}))
    return {
        "access_key_id": keys["AccessKeyId"],
        "secret_access_key": keys["SecretAccessKey"],
        "session_token": keys["Token"],
    }


async def assume(scene: Scene, role_arn: str, keys: dict[str, str]) -> dict[str, str]:
    """Return the credentials of a session of a role, from STS."""
    form = {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": role_arn, "RoleSessionName": "trial"}
    request = HttpRequest(method="POST", path="/", headers=_FORM, body=urlencode(form).encode())
    host = urlsplit(scene.live.cloud.service_urls["sts"]).netloc
    proof = sign(request, **keys, region="us-east-1", service="sts", host=host, utc=scene.live.clock.utc())
    body = await _said(scene, "sts", "POST", "/", _FORM | proof, data=request.body)
    found = {field.tag.partition("}")[2]: field.text or "" for field in ET.fromstring(body).iter()}  # noqa: S314 - ours
    return {
        "access_key_id": found["AccessKeyId"],
        "secret_access_key": found["SecretAccessKey"],
        "session_token": found["SessionToken"],
    }


async def _said(scene: Scene, service: str, method: str, path: str, headers: dict[str, str], **sent: Any) -> bytes:
    url = scene.live.cloud.service_urls[service] + path
    async with scene.live.session.request(method, url, headers=headers, **sent) as reply:
        if reply.status != 200:
            raise NotRenewedError(service, reply.status)
        return await reply.read()
