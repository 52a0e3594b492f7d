"""Every byte that a world receives is looked at, and what could not be is told."""

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.canary import KINDS, Kind
from tests.layers.looking import ABROAD, NEAR, TENANTS, Looked, chat, packed, value

AT_HOME = {(tenant, NEAR) for tenant in ("acme", "globex")} | {("europa", ABROAD)}


@pytest.mark.parametrize("place", [NEAR, ABROAD, "service:sts", "service:token", "sink:otlp"])
@pytest.mark.parametrize("tenant", TENANTS)
def test_data_is_at_home_where_its_tenant_may_go_and_nowhere_else(place: str, tenant: str) -> None:
    """Services and sinks are nobody's home."""
    looked = Looked()
    looked.request(place, chat(value(tenant)))
    assert ([] if (tenant, place) in AT_HOME else [(f"{tenant}-7", place, "body", "")]) == looked.told()


@pytest.mark.parametrize("kind", KINDS)
def test_data_of_any_kind_is_told_by_its_kind(kind: Kind) -> None:
    """A credential abroad is as bad as a prompt."""
    looked = Looked()
    looked.request(ABROAD, chat(value(kind=kind)))
    assert [(kind, "raw")] == [(one.kind, one.chain) for one in looked.seen]


def test_a_sighting_says_in_which_part_and_how_far_in() -> None:
    """Of headers, in which, and how far into that line."""
    looked = Looked()
    headers = {"host": "x", "x-first": "a" * 50, "tracestate": f"v={value(number=2)}"}
    looked.request(ABROAD, f"--{value(number=3)}", headers=headers, url=f"/p?q={value(number=1)}")
    assert [
        ("acme-1", "url", len("POST /p?q=")),
        ("acme-2", "header tracestate", len("tracestate: v=")),
        ("acme-3", "body", 2),
    ] == [(one.canary, one.part, one.offset) for one in looked.seen]


HEADERS = st.dictionaries(
    st.text(string.ascii_lowercase, min_size=1, max_size=8), st.text(max_size=30).filter(str.isprintable), max_size=5
)


@given(HEADERS, HEADERS)
def test_whichever_header_bears_it_is_named(before: dict[str, str], after: dict[str, str]) -> None:
    """Whatever stands before it and after, in whatever letters."""
    looked = Looked()
    others = {name: text for name, text in (before | after).items() if name != "x-it"}
    headers = {name: others[name] for name in before if name in others} | {"x-it": value()} | others
    looked.request(ABROAD, headers=headers)
    assert [("acme-7", ABROAD, "header x-it", "")] == looked.told()


def test_a_header_named_after_data_is_not_named_in_evidence() -> None:
    """The name is the value."""
    looked = Looked()
    looked.request(ABROAD, headers={f"x-{value().lower()}": "1", "x": "2"})
    assert [("acme-7", ABROAD, "header (by its name)", "")] == looked.told()


def test_a_body_is_looked_at_under_its_coding() -> None:
    """Abroad it is seen as anywhere."""
    looked = Looked()
    body, headers = packed(chat(value()))
    looked.request(ABROAD, body, headers=headers)
    assert [("acme-7", "gzip")] == [(one.canary, one.chain) for one in looked.seen]


@pytest.mark.parametrize("pack", [False, True])
def test_anothers_data_in_a_request_is_mixed(pack: bool) -> None:  # noqa: FBT001 - a case, not a switch
    """Both may be there, and still neither belongs into the other's request; a declared coding hides nothing."""
    looked = Looked()
    body, headers = chat(value("acme"), value("globex", 9, "context")), {}
    if pack:
        body, headers = packed(body)
    looked.request(NEAR, body, headers=headers)
    assert [("globex-9", NEAR, "body", "acme")] == looked.told()


def test_two_prompts_in_a_request_are_mixed_both_ways() -> None:
    """Nobody knows whose it is."""
    looked = Looked()
    looked.request(NEAR, chat(value("acme"), value("globex", 9)))
    assert [("acme-7", NEAR, "body", "globex"), ("globex-9", NEAR, "body", "acme")] == looked.told()


def test_ones_own_earlier_data_is_at_home_in_a_request() -> None:
    """A conversation goes on."""
    looked = Looked()
    looked.request(NEAR, chat(value("acme", 1), value("acme", 1, "completion"), value("acme", 2)))
    assert [] == looked.told()


def test_anothers_data_abroad_is_a_crossing_whoever_sends_it() -> None:
    """It is not where it may be; in whose request it came is no excuse."""
    looked = Looked()
    looked.request(ABROAD, chat(value("europa"), value("acme", 9, "context")))
    assert [("acme-9", ABROAD, "body", "")] == looked.told()


UNKNOWN = {"content-encoding": "snappy"}


def test_a_coding_that_nobody_knows_leaves_the_layer_incomplete() -> None:
    """Nothing seen in it proves nothing; the place and the part are named."""
    looked = Looked()
    looked.request(NEAR, chat(value()))
    looked.request(ABROAD, b"\x00\x01\x02", headers=UNKNOWN)
    says = looked.says()
    assert (False, 2, 1) == (says.complete, says.counted, says.seen)
    assert "a request at abroad: its body (unknown-encoding)" == says.why


def test_a_coding_that_nobody_knows_does_no_harm_where_its_senders_data_belongs() -> None:
    """The prompt shows whose it is, and what else of theirs is in there may be there."""
    looked = Looked()
    looked.request(NEAR, chat(value()), headers=UNKNOWN)
    assert looked.says().complete
    looked.request(NEAR, chat(value()))
    looked.request(ABROAD, chat(value()), headers=UNKNOWN)
    assert not looked.says().complete


def test_two_doubts_about_a_request_are_one_request_that_was_not_looked_into() -> None:
    """A layer does not say that it has seen fewer than none."""
    looked = Looked()
    looked.request(NEAR, chat(value()))
    bomb = base64.b64encode(b"\x1f\x8b\x08\x00" + bytes(6) + b"\x4b\x04\x00" + b"\xff" * 40).decode()
    looked.request(ABROAD, b"x", headers=UNKNOWN | {"x": bomb}, url=f"/{bomb}")
    says = looked.says()
    assert (2, 1) == (says.counted, says.seen)


@pytest.mark.parametrize("whole", [False, True])
def test_a_damaged_end_is_a_doubt_only_of_a_body_that_came_whole(whole: bool) -> None:  # noqa: FBT001 - a case
    """Who is cut off in the middle of a packed body has sent no more than came."""
    looked = Looked()
    looked.request(NEAR, chat(value()))
    body, headers = packed(chat("x" * 5000 + value()))
    looked.request(ABROAD, body[:-9], headers=headers, whole=whole)
    assert whole != looked.says().complete


def test_who_sees_nothing_at_home_sees_nothing() -> None:
    """Canaries that are not even seen where they belong would not be seen elsewhere."""
    looked = Looked()
    looked.request(NEAR, chat("no canary"))
    says = looked.says()
    assert (False, "no canary was seen even where it belongs") == (says.complete, says.why)


def test_a_request_that_nobody_looked_at_is_missed() -> None:
    """The doors count for themselves."""
    looked = Looked()
    looked.request(NEAR, chat(value()))
    looked.layer.at(NEAR).request_came()
    says = looked.says()
    assert (False, 2, 1, "2 requests came, and 1 were looked at") == (says.complete, says.counted, says.seen, says.why)


def test_a_failure_of_our_own_is_told_and_nobody_elses_affair(monkeypatch: pytest.MonkeyPatch) -> None:
    """The layer is incomplete; the caller gets its answer."""
    looked = Looked()
    looked.request(NEAR, chat(value()))
    monkeypatch.setattr("fixtures.providers.plaintext.scan_request", lambda *_: 1 // 0)
    looked.request(NEAR, chat(value()))
    says = looked.says()
    assert (False, 2, 1) == (says.complete, says.counted, says.seen)
    assert "our own failure" in says.why


def test_each_test_has_a_layer_of_its_own() -> None:
    """What one missed, and saw, is not held for or against the next; a request that is being read goes with it."""
    looked = Looked()
    looked.request(NEAR, chat(value()))
    looked.request(ABROAD, b"x", headers=UNKNOWN)
    looked.layer.at(NEAR).request_came()
    first = looked.says()
    assert (False, 3) == (first.complete, first.counted)

    looked.request(NEAR, chat(value()))
    looked.read(NEAR, chat(value()))
    second = looked.says()
    assert (True, 2, 2) == (second.complete, second.counted, second.seen)
    assert "no canary was seen even where it belongs" == looked.says().why


def test_sinks_are_the_layer_of_telemetrys() -> None:
    """What it could not look into there is no doubt about the rest."""
    looked = Looked()
    looked.request(NEAR, chat(value()))
    looked.request("sink:logs", b"x", headers=UNKNOWN)
    received, sunk = looked.layer.layers()
    assert [("plaintext", True, 1), ("telemetry", False, 1)] == [
        (one.layer, one.complete, one.counted) for one in (received, sunk)
    ]


@given(st.binary(max_size=300), st.sampled_from([NEAR, ABROAD, "service:sts"]), st.booleans())
def test_no_bytes_are_too_odd_and_none_of_them_are_anybodys(
    body: bytes,
    place: str,
    whole: bool,  # noqa: FBT001 - a case, not a switch
) -> None:
    """Any body can be looked at, and chance makes no data of it."""
    looked = Looked()
    looked.request(place, body, whole=whole)
    looked.layer.raw(place, body)
    assert [] == looked.told()
