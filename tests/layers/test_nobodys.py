"""A common question, and an answer to one, are nobody's data: wherever they are, no layer takes them for anybody's."""

from pathlib import Path

import pytest

from brownout.canary import ANSWERED, COMMON, PREFIX, CanaryMint, Public, run_key
from brownout.clock import MonotonicClock
from brownout.crossing import broken_by, kept_in
from brownout.egress import LAYERS, METRICS, EgressRecord, Layer
from brownout.scanning import scanned
from fixtures.eyes import Eyes
from fixtures.providers.names import NameServer
from fixtures.sealed.flows import FlowLedger
from fixtures.sealed.names import NameLedger
from fixtures.written import Written, scratch_of
from loadgen.replies import Replies
from tests.histories import TEST, TOPOLOGY
from tests.layers.looking import ABROAD, NEAR, TENANTS, Looked, chat, packed
from tests.sealed.test_packets import udp, v4

MINT = CanaryMint(run_key(3), TENANTS)
QUESTION, ANSWER = MINT.value(COMMON, 2), MINT.value(ANSWERED, 7, "completion")
NOBODYS = f"{QUESTION} {ANSWER}"
OWN = MINT.value("acme", 7)


@pytest.mark.parametrize(("owner", "value"), [(COMMON, QUESTION), (ANSWERED, ANSWER)])
def test_only_who_says_so_finds_it(owner: Public, value: str) -> None:
    """In any bytes; beside it, what is a tenant's is found as ever."""
    data = f"{value} {OWN}".encode()
    assert ["acme-7"] == [one.canary for one in scanned(MINT, data)[0]]
    number = 2 if owner == COMMON else 7
    assert [f"{owner}-{number}", "acme-7"] == [one.canary for one in scanned(MINT, data, public=True)[0]]


@pytest.mark.parametrize("place", [NEAR, ABROAD, "service:sts", "sink:otlp"])
def test_anybody_may_receive_it(place: str) -> None:
    """Endpoints, services and collectors: as it is, packed, in a header, behind a request."""
    looked = Looked()
    body, headers = packed(chat(NOBODYS))
    looked.request(place, chat(NOBODYS))
    looked.request(place, body, headers=headers)
    looked.request(place, headers={"x-question": NOBODYS}, url=f"/?q={QUESTION}")
    looked.layer.raw(place, NOBODYS.encode())
    assert [] == looked.told()


def test_a_tenants_data_in_a_common_question_is_seen_all_the_same() -> None:
    """The question hides nobody."""
    looked = Looked()
    looked.request(ABROAD, chat(f"{QUESTION} earlier: {OWN}"))
    assert [("acme-7", ABROAD, "body", "")] == looked.told()


def test_a_world_that_saw_only_common_questions_saw_nobodys_data_at_home() -> None:
    """So it does not know that it would have seen any elsewhere."""
    looked = Looked()
    looked.request(NEAR, chat(NOBODYS))
    assert not looked.says().complete


def test_it_may_be_written(tmp_path: Path) -> None:
    """Output, files, names of files."""
    (scratch_of(tmp_path) / f"{QUESTION}.txt").write_text(NOBODYS)
    (tmp_path / "target.log").write_text(NOBODYS)
    seen: list[EgressRecord] = []
    says = Written("t", tmp_path, MINT, clock=MonotonicClock(), record=seen.append).look()
    assert ([], True) == (seen, says.complete)


def test_metrics_may_say_it_and_evidence_does_not_repeat_it(tmp_path: Path) -> None:
    """It breaks no promise; but no canary's value is kept, nobody's neither."""
    seen: list[EgressRecord] = []
    eyes = Eyes(
        "t",
        tmp_path,
        seed=3,
        tenants=TENANTS,
        other_secret_of="",
        clock=MonotonicClock(),
        record=seen.append,
        record_layer=lambda _: None,
    )
    kept = eyes.read(f'asked_total{{prompt="{QUESTION}"}} 3\nasked_total{{prompt="x"}} 2\n'.encode())
    assert ([], 'asked_total{prompt="left out"} 3\nasked_total{prompt="x"} 2\n') == (seen, kept)
    assert PREFIX not in kept


def test_packets_and_names_that_bear_it_are_told_without_an_owner() -> None:
    """A call to nobody of the world's is still one; whose data went is not said of it."""
    flows = FlowLedger("t", MINT)
    flows.take(v4("192.0.2.1", 17, udp(9, NOBODYS.encode())), 1.0)
    flows.close(1, 0)
    assert [("192.0.2.1:9/udp", "")] == [(one.place, one.canary) for one in flows.news(denied_only=True)]
    seen: list[EgressRecord] = []
    clock = MonotonicClock()
    server = NameServer({}, clock=clock, addresses={})
    names = NameLedger("t", MINT, server, {}, clock=clock, record=seen.append)
    names.answer(NOBODYS.encode())
    assert {""} == {one.canary for one in seen}


def test_a_reply_may_quote_a_common_question() -> None:
    """To whomever."""
    seen: list[EgressRecord] = []
    replies = Replies("t", MINT, clock=MonotonicClock(), record=seen.append)
    replies.look("europa-1", "europa", {"x-cache-key": QUESTION}, NOBODYS.encode(), whole=True)
    assert [] == seen


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("owner", [COMMON, ANSWERED])
def test_no_promise_is_broken_by_it(layer: Layer, owner: str) -> None:
    """Whoever should have written it down."""
    record = EgressRecord(
        test=TEST, at_s=1.0, layer=layer, place=METRICS, canary=f"{owner}-1", kind="prompt", to="", denied=False
    )
    assert ("", False) == (broken_by(TOPOLOGY, record), kept_in(TOPOLOGY, record))
