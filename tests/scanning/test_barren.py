"""What was looked at before is not looked at again, and never hides what it was not."""

import base64

from brownout.clock import rng_for
from brownout.scanning import Barren, Scan, Unseen, scan_request, scanned
from brownout.wire import HttpRequest
from tests.scanning.forms import MINT, gzipped

TOKEN = base64.b64encode(rng_for(7, "token").randbytes(180))
CANARY = MINT.value("acme", 8).encode()


def chains(data: bytes, barren: Barren) -> list[str]:
    """Return the chains under which a canary was seen."""
    return [one.chain for one in scanned(MINT, data, barren=barren)[0]]


def test_a_token_that_comes_with_every_request_is_decoded_once() -> None:
    """It is remembered, and what stands beside it is not."""
    barren = Barren()
    for number in range(3):
        assert [] == chains(b"token: %b, number: %d" % (TOKEN, number), barren)
        assert barren.has_run(TOKEN)
    assert ["raw"] == chains(b"token: %b, %b" % (TOKEN, CANARY), barren)


def test_what_holds_a_canary_is_seen_each_time() -> None:
    """Under base64, where letters run on into it, and by itself."""
    barren = Barren()
    hidden = base64.b64encode(b"a secret: " + CANARY + b", and its end")
    packed = base64.b64encode(gzipped(b"a secret: " + CANARY))
    for _ in range(3):
        assert ["base64"] == chains(b"x " + hidden, barren)
        assert ["base64>gzip"] == chains(b"x " + packed, barren)
        assert ["raw"] == chains(b"prefixed" * 8 + CANARY, barren)
        assert ["raw"] == chains(CANARY, barren)


def test_a_run_that_was_in_vain_may_still_be_a_canary_itself() -> None:
    """A run of letters that stands for nothing is remembered as that, and not as nothing."""
    barren = Barren()
    run = b"Za9" * 10 + CANARY
    assert [["raw"]] * 3 == [chains(run, barren) for _ in range(3)]


def test_what_was_left_unseen_is_never_remembered() -> None:
    """It is said each time."""
    barren = Barren()
    broken = b"x " + base64.b64encode(gzipped(rng_for(3, "noise").randbytes(4000))[:2000])
    first, second = (scanned(MINT, broken, barren=barren)[1] for _ in range(2))
    assert [Unseen("broken", "base64>gzip", 2)] == first
    assert first == second


def test_a_request_is_told_the_same_with_a_memory_and_without() -> None:
    """Whatever came before."""
    barren = Barren()
    headers = {"authorization": TOKEN.decode(), "x-id": CANARY.decode()}
    request = HttpRequest(method="POST", path="/v1/chat", headers=headers, body=b"{}")
    told: list[Scan] = [scan_request(MINT, request, barren=barren) for _ in range(3)]
    assert [scan_request(MINT, request)] * 3 == told
