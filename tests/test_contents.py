"""Whatever encodings lie over a prompt, evidence finds whose it is, and a body is read as its sender meant it."""

import base64
import gzip
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.canary import CanaryMint, run_key
from brownout.wire import HttpRequest, Refusal
from fixtures.providers.contents import hidden_texts, readable

MINT = CanaryMint(run_key(3), ["acme", "europa"])
MANY = 10_000


def _escaped(text: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in text)


def _found(body: bytes) -> list[str]:
    return [found for text in hidden_texts(body) for found in MINT.find(text)]


def _sent(body: bytes, coding: str) -> HttpRequest:
    return HttpRequest(method="POST", path="/", headers={"content-encoding": coding}, body=body)


@given(st.text(max_size=20), st.text(max_size=20), st.integers(1, 2), st.booleans())
def test_a_prompt_under_base64_is_found(before: str, after: str, layers: int, slashes: bool) -> None:  # noqa: FBT001
    """A document's bytes, alone or within a body that is itself base64, show their canary wherever it stands."""
    inside = f"{before}{MINT.value('europa', 9)}{after}".encode()
    for _ in range(layers):
        text = base64.b64encode(inside).decode()
        inside = json.dumps({"bytes": text}).replace("/", "\\/" if slashes else "/").encode()
    assert "europa-9" in _found(inside)


@given(st.text(max_size=20))
def test_a_prompt_under_escapes_is_found(before: str) -> None:
    """A string whose every character is escaped shows its canary, in a body that cannot be parsed too."""
    body = f'{{"text": "{_escaped(before)}{_escaped(MINT.value("acme", 3))}'.encode()
    assert ["acme-3"] == _found(body)


@given(st.binary(max_size=500))
def test_noise_hides_nobodys_prompt(noise: bytes) -> None:
    """No bytes are too odd, and none are taken for a canary."""
    assert [] == _found(noise)


@given(st.binary(max_size=500), st.sampled_from(["gzip", "GZIP", "deflate"]))
def test_a_compressed_body_is_read(body: bytes, coding: str) -> None:
    """A body in gzip or deflate is what went in."""
    packed = zlib.compress(body) if coding == "deflate" else gzip.compress(body, mtime=0)
    assert body == readable(_sent(packed, coding), max_body_bytes=500).body


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        (_sent(b"plain", "gzip"), "invalid"),
        (_sent(gzip.compress(b"a" * MANY, mtime=0)[:-9], "gzip"), "invalid"),
        (_sent(gzip.compress(b"a" * (MANY + 1), mtime=0), "gzip"), "too-large"),
        (_sent(b"plain", "br"), "invalid"),
    ],
    ids=["not gzip", "truncated", "bomb", "other coding"],
)
def test_what_cannot_be_unpacked_is_refused(sent: HttpRequest, kind: str) -> None:
    """A body that is not in its coding, is cut short, grows too long, or is in a coding that nobody has, is refused."""
    with pytest.raises(Refusal) as caught:
        readable(sent, max_body_bytes=MANY)
    assert kind == caught.value.kind
