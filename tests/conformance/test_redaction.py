"""No secret is printed or kept, in whatever form it comes back."""

import base64
import json
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from brownout.conformance import Conformance, outcome_of
from brownout.wire import HttpReply, HttpRequest
from fixtures.conform.exchange import Exchange
from fixtures.conform.forms import FORMS
from fixtures.conform.redaction import REDACTED, SHORTEST_SECRET, Redactor
from reports.conformance import render_conformance
from reports.conformance_terminal import print_conformance
from tests.conformance.world import Endpoints, Visit, checked

SECRETS = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_categories=["Cs"]), min_size=SHORTEST_SECRET
)


@given(secret=SECRETS, before=st.text(), after=st.text())
def test_a_secret_is_taken_out_in_every_form(secret: str, before: str, after: str) -> None:
    """As it is, percent-encoded, within JSON and in base64, in text and in bytes."""
    redactor = Redactor([secret])
    forms = [secret, quote(secret, safe=""), json.dumps(secret)[1:-1], base64.b64encode(secret.encode()).decode()]
    for form in forms:
        left = redactor.text(f"{before} {form} {after}".replace(REDACTED, ""))
        assert form not in left.replace(REDACTED, "\0")
        data = f" {form} ".encode("utf-8", "surrogatepass")
        assert data.strip() not in redactor.data(data).replace(REDACTED.encode(), b"\0")


def test_a_secret_within_another_leaves_nothing_of_it() -> None:
    """The longer secret is taken out first."""
    assert f"x {REDACTED} y {REDACTED}" == Redactor(["secret", "secret-and-more"]).text("x secret-and-more y secret")


def test_headers_that_prove_are_bare_whatever_they_hold() -> None:
    """A key that nobody named as a secret is one in a header made for keys, be it three letters long."""
    request = HttpRequest(
        method="POST",
        path="/",
        headers={"Authorization": "Bearer abc", "x-api-key": "abc", "Cookie": "a=b"},
        body=b"{}",
    )
    exchange = Exchange(request=request, status=200, headers=[("Set-Cookie", "session=1")], chunks=[b"ok"])
    captured = Redactor().captured(exchange)
    assert b"abc" not in captured.request
    assert b"a=b" not in captured.request
    assert b"session=1" not in captured.reply
    assert b"Authorization: Bearer [redacted]" in captured.request


def test_what_is_long_is_cut_and_says_so() -> None:
    """A report does not hold a megabyte of an answer."""
    exchange = Exchange(request=HttpRequest(method="GET", path="/"), status=200, chunks=[b"x" * 100_000])
    reply = Redactor().captured(exchange).reply
    assert len(reply) < 20_000
    assert reply.endswith(b"bytes more")


async def _echo(visit: Visit) -> HttpReply:
    """Refuse, and say back whatever was sent."""
    said = {"error": {"message": f"you sent {dict(visit.request.headers)}", "type": "x", "code": None, "param": None}}
    said["message"] = said["error"]["message"]
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": "X", "x-echo": str(dict(visit.request.headers))}
    return HttpReply(status=418, headers=headers, body=json.dumps(said).encode())


@pytest.mark.parametrize("dialect", FORMS)
def test_reports_hold_no_secret(endpoints: Endpoints, dialect: str, tmp_path: Path) -> None:
    """An endpoint that says back all that it was sent, proof of identity and all, puts no secret into any report."""
    proxy = endpoints.proxies[dialect]
    proxy.mutation = _echo
    subject = endpoints.subject(dialect, proxy.url)
    findings = checked(subject)
    assert "fail" in {found.outcome for found in findings}
    conformance = Conformance(
        endpoint=proxy.url,
        dialect=dialect,
        model="m",
        outcome=outcome_of(findings),
        started_at="2026-01-01T00:00:00+00:00",
        versions={},
        without=(),
        requests=1,
        command="brownout conform",
        findings=tuple(findings),
    )
    console = Console(record=True, width=200, quiet=False, file=(tmp_path / "console").open("w"))
    paths = render_conformance(conformance, tmp_path)
    print_conformance(conformance, paths, console)
    written = "".join([*(path.read_text() for path in paths), console.export_text()])
    written += msgspec.json.encode(conformance).decode()
    assert REDACTED in written
    secrets = [*subject.credentials.secrets(), subject.prover.token]
    assert [] == [secret for secret in secrets if secret and secret in written]
