"""Every part of a request is looked at, as it stood on the wire."""

import base64
from urllib.parse import quote

import brotli
import pytest

from brownout.scanning import Scan, Sighting, Unseen, codings_of, scan_request
from brownout.wire import HttpRequest
from tests.scanning.forms import MINT, gzipped

VALUE = MINT.value("europa", 4)


def request(path: str = "/v1/chat", query: str = "", body: bytes = b"", **headers: str) -> HttpRequest:
    """Return a request; headers are given with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpRequest(method="POST", path=path, query=query, headers=named, body=body)


@pytest.mark.parametrize(
    ("sent", "part", "chain"),
    [
        (request(path=f"/files/{VALUE}.txt"), "url", "raw"),
        (request(query="q=" + quote(base64.b64encode(f"see {VALUE}".encode()))), "url", "base64"),
        (request(x_amzn_bedrock_trace=VALUE.lower()), "headers", "raw"),
        (request(Authorization="Basic " + base64.b64encode(f"user:{VALUE}".encode()).decode()), "headers", "base64"),
        (request(body=f'{{"prompt": "{VALUE}"}}'.encode()), "body", "raw"),
        (request(body=gzipped(VALUE.encode() * 2), content_encoding="gzip"), "body", "gzip"),
        (request(body=brotli.compress(f"{VALUE} ".encode() * 9), Content_Encoding="br"), "body", "br"),
        (request(body=gzipped(brotli.compress(VALUE.encode() * 9)), content_encoding="br, gzip"), "body", "gzip>br"),
    ],
)
def test_a_canary_in_any_part_is_seen(sent: HttpRequest, part: str, chain: str) -> None:
    """In the path, the query, any header, the body under its codings: the part is named."""
    scan = scan_request(MINT, sent)
    assert {} == scan.unseen
    assert [part] == list(scan.sightings)
    assert chain in {one.chain for one in scan.sightings[part] if one.canary == "europa-4"}


def test_a_clean_request_says_nothing() -> None:
    """No sightings, no doubts."""
    assert Scan({}, {}) == scan_request(MINT, request(query="a=b", body=b'{"prompt": "hello"}', accept="*/*"))


def test_what_of_a_body_was_not_looked_into_is_said() -> None:
    """A body in a coding of somebody's own is a doubt; without a body there is nothing to doubt."""
    scan = scan_request(MINT, request(body=b"0" * 99, content_encoding="x-own"))
    assert {"body": [Unseen("unknown-encoding", "x-own", 0)]} == scan.unseen
    assert {} == scan_request(MINT, request(content_encoding="x-own")).unseen


def test_a_body_that_was_cut_short_is_seen_as_far_as_it_came() -> None:
    """A prompt that is refused half way has left all the same."""
    whole = f'{{"prompt": "{VALUE} and so on"}}'.encode()
    assert {"body": [Sighting("europa-4", "prompt", "raw", 12)]} == scan_request(
        MINT, request(body=whole[:40])
    ).sightings


def test_codings_are_read_from_the_outside_in() -> None:
    """A sender names them in the order in which it applied them."""
    assert ["br", "gzip"] == codings_of({"Content-Encoding": "GZIP , identity, br"})
    assert [] == codings_of({"accept-encoding": "br"})
