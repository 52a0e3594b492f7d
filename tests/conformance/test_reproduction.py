"""What a report says can be pasted into a shell, and shows the same."""

import asyncio
import os
import shutil
import subprocess
import sys

import pytest

from brownout.wire import HttpReply, HttpRequest
from fixtures.conform.exchange import Exchange
from fixtures.conform.probe import Probe, Subject
from fixtures.conform.reproduce import reproduction
from fixtures.conform.sdks import SDKS, said_by
from fixtures.conform.transport import transport
from tests.conformance.world import Endpoints, Visit

BODIES = [b'{"a": "it\'s \xf0\x9f\x9a\x80"}', b"@not-a-file", b"\x1f\x8b\x00\xff", b'{"cut": ', b'$HOME `id` \\ "x"']


def _environment(subject: Subject) -> dict[str, str]:
    its = subject.credentials
    return os.environ | {
        "OPENAI_API_KEY": its.api_key,
        "ANTHROPIC_API_KEY": its.api_key,
        "AWS_ACCESS_KEY_ID": its.access_key_id,
        "AWS_SECRET_ACCESS_KEY": its.secret_access_key,
        "AWS_SESSION_TOKEN": its.session_token,
        "GOOGLE_ACCESS_TOKEN": subject.prover.token,
    }


def _pasted(text: str, subject: Subject) -> str:
    done = subprocess.run(  # noqa: S603 - our own report's lines
        ["/bin/bash", "-c", text], capture_output=True, text=True, check=False, timeout=60, env=_environment(subject)
    )
    return done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
@pytest.mark.parametrize("dialect", ["openai-chat", "anthropic-messages", "sagemaker-invoke"])
def test_curls_command_gets_the_same_answer(endpoints: Endpoints, dialect: str) -> None:
    """With the secrets in the environment, curl is answered as the probe was."""
    subject = endpoints.subject(dialect)

    async def asked() -> Probe:
        async with transport(subject.address) as connections:
            probe = Probe(subject, connections)
            await probe.whole()
            return probe

    probe = asyncio.run(asked())
    text = reproduction(subject, "true", probe.exchanges, [])
    assert not [secret for secret in subject.credentials.secrets() if secret and secret in text]
    said = _pasted(text, subject)
    assert "200 OK" in said.splitlines()[0]
    assert probe.answer(probe.exchanges[0]).text in said


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
@pytest.mark.parametrize("body", BODIES)
def test_curl_sends_any_body_as_it_was(endpoints: Endpoints, body: bytes) -> None:
    """Quotes, dollars, bytes that are no text, and a body that looks like a file's name arrive as they were sent."""
    received: list[bytes] = []
    proxy = endpoints.proxies["openai-chat"]

    async def taken(visit: Visit) -> HttpReply:
        received.append(visit.request.body)
        return HttpReply(status=200, body=b"")

    proxy.mutation = taken
    subject = endpoints.subject("openai-chat", proxy.url)
    request = HttpRequest(method="POST", path="/x", headers={"Content-Type": "application/json"}, body=body)
    _pasted(reproduction(subject, "true", [Exchange(request=request)], []), subject)
    assert [body] == received


@pytest.mark.parametrize("dialect", ["openai-chat", "bedrock-converse", "sagemaker-invoke", "vertex-generate"])
def test_an_sdks_script_is_what_ran(endpoints: Endpoints, dialect: str) -> None:
    """The lines in the report, run by themselves, print the answer."""
    subject = endpoints.subject(dialect)

    async def asked() -> Probe:
        async with transport(subject.address) as connections:
            await subject.prover.prepare(connections.session, endpoints.cloud._clock.utc())
            probe = Probe(subject, connections)
            await said_by(probe, SDKS[dialect], SDKS[dialect].streamed)
            return probe

    probe = asyncio.run(asked())
    text = reproduction(subject, "true", [], probe.scripts).replace("python -", f"{sys.executable} -")
    assert not [secret for secret in _environment_secrets(subject) if secret in text]
    assert "w1" in _pasted(text, subject)


def _environment_secrets(subject: Subject) -> list[str]:
    return [secret for secret in [*subject.credentials.secrets(), subject.prover.token] if secret]
