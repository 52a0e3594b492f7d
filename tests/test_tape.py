"""A tape tells whether two messages are the same, and where they are not; it says nothing of what they say."""

from collections.abc import Sequence

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from brownout.tape import BLOCK_BYTES, NAMES, PACE, REPLIES, WIRE_BODY, WIRE_ORDER, Tape, TapeRecord, header_pairs
from brownout.volatile import VOLATILE, is_volatile, without_volatile_members

KEY = b"k" * 32
WORDS = st.text("abcdefghijklmnopqrstuvwxyz ", min_size=12, max_size=40)
BODIES = st.binary(max_size=4 * BLOCK_BYTES)
Headers = Sequence[tuple[bytes, bytes]]


def request(
    *, target: str = "/v1/chat?tier=one", headers: Headers = ((b"X-Foo", b"1"),), body: bytes = b"{}", key: bytes = KEY
) -> TapeRecord:
    """Return what the tape says of one request."""
    records: list[TapeRecord] = []
    tape = Tape("t", key, records.append)
    tape.request("near", method="POST", target=target, headers=headers, body=body, at_s=1.0, end_s=2.0, canary="acme-1")
    return records[0]


def reply(
    *pieces: tuple[float, bytes], headers: Headers = ((b"Date", b"today"),), status: int | None = 200
) -> TapeRecord:
    """Return what the tape says of one reply."""
    records: list[TapeRecord] = []
    Tape("t", KEY, records.append).reply(
        canary="acme-1", status=status, headers=headers, pieces=pieces, at_s=1.0, end_s=2.0
    )
    return records[0]


def changed(one: TapeRecord, other: TapeRecord) -> set[str]:
    """Return which parts differ."""
    parts = {part for part in one.parts.keys() | other.parts.keys() if one.parts.get(part) != other.parts.get(part)}
    return parts | ({"blocks"} if one.blocks != other.blocks else set())


@given(BODIES, WORDS)
def test_the_same_message_is_told_alike(body: bytes, value: str) -> None:
    """Whatever it holds, and whenever it comes."""
    headers = [(b"X-Foo", value.encode())]
    assert request(headers=headers, body=body) == request(headers=headers, body=body)


@given(BODIES.filter(bool), st.data())
def test_one_bit_of_a_body_is_told_by_its_block(body: bytes, data: st.DataObject) -> None:
    """A difference has a place: its block of bytes, and no part that is not of the body."""
    place = data.draw(st.integers(0, len(body) - 1))
    other = bytearray(body)
    other[place] ^= 1 << data.draw(st.integers(0, 7))
    one, two = request(body=body), request(body=bytes(other))
    assert {WIRE_BODY, "blocks"} == changed(one, two)
    differing = [number for number, pair in enumerate(zip(one.blocks, two.blocks, strict=True)) if pair[0] != pair[1]]
    assert [place // BLOCK_BYTES] == differing


@given(WORDS, WORDS)
def test_a_header_s_value_is_told_by_its_name(one: str, other: str) -> None:
    """And by that alone."""
    assume(one != other)
    assert {"header x-foo"} == changed(
        request(headers=[(b"X-Foo", one.encode()), (b"X-Bar", b"1")]),
        request(headers=[(b"X-Foo", other.encode()), (b"X-Bar", b"1")]),
    )


def test_the_order_and_the_case_of_headers_are_told() -> None:
    """Both can carry a bit."""
    one, other = (b"X-Foo", b"1"), (b"X-Bar", b"1")
    assert {WIRE_ORDER} == changed(request(headers=[one, other]), request(headers=[other, one]))
    assert {WIRE_ORDER} == changed(request(headers=[one]), request(headers=[(b"x-foo", b"1")]))


def test_a_header_sent_twice_is_told_with_both_its_values() -> None:
    """The second is no place to hide in."""
    twice = [(b"X-Foo", b"1"), (b"X-Foo", b"2")]
    assert "header x-foo" in changed(request(headers=twice), request(headers=[twice[0], (b"X-Foo", b"3")]))
    assert [(b"a", b"1"), (b"a", b"2")] == [pair for value in "12" for pair in header_pairs({"a": value})]


def test_a_query_is_told_name_by_name() -> None:
    """As headers are; the path has a digest of its own."""
    assert {"query tier"} == changed(request(target="/p?tier=one&x=1"), request(target="/p?tier=two&x=1"))
    assert {"path"} == changed(request(target="/p?x=1"), request(target="/q?x=1"))


@given(WORDS, st.sampled_from(["body", "value", "name", "path", "query"]))
def test_a_tape_says_nothing_of_what_was_said(secret: str, where: str) -> None:
    """Neither a value nor a name that looks like none; the record is what lies on disk."""
    assume(len(secret.split()) > 1 and "  " not in secret.strip())
    text = f"secret {secret.strip()} told"  # words that no part of a message is called by
    record = {
        "body": lambda: request(body=text.encode()),
        "value": lambda: request(headers=[(b"X-Foo", text.encode())]),
        "name": lambda: request(headers=[(text.encode(), b"1")]),
        "path": lambda: request(target=f"/{text}"),
        "query": lambda: request(target=f"/p?q={text}&{text}=1"),
    }[where]()
    assert text.encode() not in msgspec.json.encode(record)


def test_another_key_makes_another_tape() -> None:
    """No table that was made beforehand fits."""
    one, other = request(), request(key=b"o" * 32)
    assert one.parts.keys() == other.parts.keys()
    assert not set(one.parts.values()) & set(other.parts.values())


def test_a_reply_is_told_with_its_pace() -> None:
    """How it was cut into pieces, and when each came, is a part of its own."""
    one = reply((1.1, b"ab"), (1.2, b"cd"))
    assert REPLIES == one.place
    assert {PACE} == changed(one, reply((1.1, b"ab"), (1.3, b"cd")))
    assert {PACE} == changed(one, reply((1.1, b"abc"), (1.2, b"d")))
    assert {PACE, WIRE_BODY, "blocks"} == changed(one, reply((1.1, b"ab")))
    assert {"status"} == changed(one, reply((1.1, b"ab"), (1.2, b"cd"), status=None))


def test_what_is_volatile_in_a_reply_s_body_is_told_apart_from_the_rest() -> None:
    """Its ids and dates change the bytes as they came, and not the blocks that plays in real time are compared by."""
    first, later, another = (
        reply((1.0, b'data: {"id":"chat-%d","created":17000000%d,"x":"%b"}' % (number, number, word)))
        for number, word in ((11, b"a"), (22, b"a"), (11, b"b"))
    )
    assert {WIRE_BODY} == changed(first, later)
    assert {WIRE_BODY, "blocks"} == changed(first, another)


def test_what_callers_show_to_identity_services_is_told_apart_from_the_rest() -> None:
    """A form's tokens have a date in them; a body that is no form has none, whatever it says."""
    form = b"audience=a%2Fb&Subject_Token=%7B%22url%22%7D&grant_type=g&assertion="
    assert b"audience=a%2Fb&Subject_Token=&grant_type=g&assertion=" == without_volatile_members("request", form)
    for body in (b'{"x":"&subject_token=1"}', b"a b&subject_token=1", b"subject_token=1\n", b""):
        assert body == without_volatile_members("request", body)


def test_only_replies_have_volatile_members() -> None:
    """What a target says in JSON is all its own."""
    body = b'{"id":"chat-1","created":17,"request_id":"r\\"q","x":1}'
    assert b'{"id":,"created":,"request_id":,"x":1}' == without_volatile_members("reply", body)
    assert body == without_volatile_members("request", body)


def test_a_lookup_is_told_without_what_resolvers_draw() -> None:
    """The number of a packet and the case of its letters are drawn by chance; the name is not."""
    records: list[TapeRecord] = []
    tape = Tape("t", KEY, records.append)
    for packet in (b"\x00\x01rest.Of-It", b"\xff\xfeREST.of-it", b"\x00\x01another"):
        tape.lookup(packet, 1.0)
    assert [NAMES] * 3 == [one.place for one in records]
    assert records[0].parts == records[1].parts != records[2].parts


def test_in_virtual_time_nothing_is_let_through_but_the_machine_s_date() -> None:
    """Every other field follows from the seed."""
    assert ["date"] == [one.name for one in VOLATILE if one.ever]
    assert is_volatile("reply", "header date", virtual=True)
    assert not is_volatile("request", "header traceparent", virtual=True)
    assert is_volatile("request", "header traceparent", virtual=False)
    assert not is_volatile("reply", "header traceparent", virtual=False)


def test_each_field_that_is_let_through_has_its_reason_once() -> None:
    """It is a channel that is not watched."""
    assert len(VOLATILE) == len({(one.where, one.name) for one in VOLATILE})
    assert all(one.why and one.name == one.name.lower() for one in VOLATILE)
