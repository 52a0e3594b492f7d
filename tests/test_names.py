"""The name server answers as a resolver should, spoils what it is told to, and survives whatever it is sent."""

import asyncio
import socket
import struct

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.hands import Spoiled
from brownout.virtual import run_virtual
from fixtures.providers.name_port import NamePort
from fixtures.providers.names import ASKED_MAX, TTL_S, NameServer

HOST, SHARED, OTHER = "bedrock-runtime.us-east-1.amazonaws.com", "api.openai.com", "sts.amazonaws.com"
HOWS: list[Spoiled] = ["nxdomain", "servfail", "empty", "silent"]
NAMES = st.sampled_from([HOST, SHARED, OTHER, "amazonaws.com", ".", "nowhere.invalid"]) | st.lists(
    st.text("abz019-_", min_size=1, max_size=63), min_size=1, max_size=3
).map(".".join)


class Still:
    """A clock that stands."""

    def now_s(self) -> float:
        """Return always the same."""
        return 7.0


def server() -> NameServer:
    """Return a name server that knows three names."""
    return NameServer({"pt": HOST, "od": HOST, "own": SHARED}, [OTHER], clock=Still())  # type: ignore[arg-type]


def ask(names: NameServer, host: str, kind: str = "A") -> dns.message.Message | None:
    """Ask, and check that an answer belongs to the question."""
    query = dns.message.make_query(host, kind)
    packet = names.answer(query.to_wire())
    if packet is None:
        return None
    reply = dns.message.from_wire(packet)
    assert query.is_response(reply)
    return reply


def told(reply: dns.message.Message | None) -> tuple[str, list[str], bool]:
    """Return the code, the answers, and whether it says for how long there is nothing."""
    assert reply is not None
    answers = [record.to_text() for each in reply.answer for record in each]
    return dns.rcode.to_text(reply.rcode()), answers, bool(reply.authority)


@pytest.mark.parametrize(
    ("host", "kind", "expected"),
    [
        (HOST, "A", ("NOERROR", ["127.0.0.1"], False)),
        (HOST.upper() + ".", "A", ("NOERROR", ["127.0.0.1"], False)),
        (OTHER, "A", ("NOERROR", ["127.0.0.1"], False)),
        (HOST, "AAAA", ("NOERROR", [], True)),
        (HOST, "HTTPS", ("NOERROR", [], True)),
        ("us-east-1.amazonaws.com", "A", ("NOERROR", [], True)),
        ("nowhere.amazonaws.com", "A", ("NXDOMAIN", [], True)),
        ("127.0.0.1", "A", ("NXDOMAIN", [], True)),
    ],
)
def test_names_are_answered_as_they_should(host: str, kind: str, expected: tuple[str, list[str], bool]) -> None:
    """What is known has one address of IPv4, what stands above it has none, and the rest does not exist."""
    assert expected == told(ask(server(), host, kind))


def test_answers_may_be_kept_for_the_ttl() -> None:
    """It stands with the address, and with what is not there (RFC 2308: the lower of the record's own and its last)."""
    found, missing = ask(server(), HOST), ask(server(), "nowhere.invalid")
    assert found is not None
    assert missing is not None
    (start,) = missing.authority
    assert (TTL_S, TTL_S, TTL_S) == (found.answer[0].ttl, start.ttl, start[0].minimum)


@pytest.mark.parametrize(
    ("how", "code", "address_type_differs"),
    [("nxdomain", "NXDOMAIN", True), ("servfail", "SERVFAIL", True), ("empty", "NOERROR", False)],
)
def test_a_spoiled_name_is_answered_so(how: Spoiled, code: str, address_type_differs: bool) -> None:  # noqa: FBT001
    """No address comes, of no type; counted is what is answered otherwise than it would have been."""
    names = server()
    spoil = names.spoil(HOST, how)
    for kind in ("A", "AAAA"):
        assert (code, []) == told(ask(names, HOST, kind))[:2]
    assert 1 + address_type_differs == spoil.met
    assert ("NOERROR", ["127.0.0.1"], False) == told(ask(names, SHARED))
    spoil.heal()
    assert ("NOERROR", ["127.0.0.1"], False) == told(ask(names, HOST))


def test_silence_is_no_answer_and_is_counted() -> None:
    """Nothing comes, and the evidence says that it was asked."""
    names = server()
    spoil = names.spoil(HOST, "silent")
    assert None is ask(names, HOST)
    assert (1, [(HOST, "A", 7.0, "silent")]) == (
        spoil.met,
        [(one.name, one.type, one.at_s, one.answered) for one in names.asked],
    )


def test_what_was_asked_is_kept_within_bounds() -> None:
    """Lookups are evidence, and not a way to fill the memory."""
    names = server()
    packet = dns.message.make_query(HOST, "A").to_wire()
    for _ in range(ASKED_MAX + 1):
        names.answer(packet)
    assert ASKED_MAX == len(names.asked)


@given(st.data())
@settings(deadline=None)
def test_spoils_heal_in_any_order(data: st.DataObject) -> None:
    """Of those that are on, the last one said holds; when all have gone, the name is as before."""
    names = server()
    hows = data.draw(st.lists(st.sampled_from(HOWS), max_size=5))
    spoils = [(names.spoil(HOST, how), how) for how in hows]
    for one in data.draw(st.permutations(spoils)):
        one[0].heal()
        one[0].heal()
        spoils.remove(one)
        assert (spoils[-1][1] if spoils else None, False) == (names.spoiled(HOST), one[0].on)
    assert None is names.spoiled(HOST)
    assert ("NOERROR", ["127.0.0.1"], False) == told(ask(names, HOST))


@given(st.binary(max_size=600))
@settings(deadline=None, max_examples=400)
def test_any_bytes_are_survived(packet: bytes) -> None:
    """What comes back, if anything does, is an answer with the packet's own number."""
    reply = server().answer(packet)
    if reply is not None:
        read = dns.message.from_wire(reply)
        assert (packet[:2], True) == (reply[:2], bool(read.flags & dns.flags.QR))


@given(st.binary(max_size=60), st.data())
@settings(deadline=None, max_examples=400)
def test_damaged_queries_are_survived(damage: bytes, data: st.DataObject) -> None:
    """A query cut anywhere and gone on with anything is answered, or is too short to be."""
    packet = dns.message.make_query(HOST, "A", use_edns=True).to_wire()
    damaged = packet[: data.draw(st.integers(2, len(packet)))] + damage
    reply = server().answer(damaged)
    if reply is not None:
        assert packet[:2] == reply[:2]
        dns.message.from_wire(reply)


@given(
    NAMES,
    st.sampled_from(["A", "AAAA", "ANY", "SOA", "NS", "TXT", "HTTPS", "TYPE65400"]),
    st.sampled_from(["IN", "CH", "ANY"]),
    st.sampled_from([-1, 0, 1]),
    st.sampled_from([None, "nxdomain", "servfail", "empty"]),
)
@settings(deadline=None, max_examples=300)
def test_every_query_has_one_answer(host: str, kind: str, rdclass: str, edns: int, how: Spoiled | None) -> None:
    """Well formed, with the question in it, small enough for a datagram, whatever the name, the type and the state."""
    names = server()
    if how is not None:
        names.spoil(HOST, how)
    query = dns.message.make_query(host, kind, rdclass, use_edns=edns)
    packet = names.answer(query.to_wire())
    assert packet is not None
    reply = dns.message.from_wire(packet)
    assert (True, True) == (query.is_response(reply), len(packet) <= 512)
    codes = {"NOERROR", "NXDOMAIN", "SERVFAIL"}
    refusal = "BADVERS" if edns > 0 else "REFUSED" if rdclass != "IN" else ""
    assert dns.rcode.to_text(reply.rcode()) in ({refusal} if refusal else codes)


def test_what_is_no_lookup_is_refused() -> None:
    """Another operation is not implemented, an answer is not answered, and two questions are no question."""
    query = dns.message.make_query(HOST, "A")
    notify = bytearray(query.to_wire())
    notify[2] |= dns.opcode.NOTIFY << 3
    answer = bytearray(query.to_wire())
    answer[2] |= 0x80
    twice = query.to_wire()
    twice = twice[:4] + struct.pack("!H", 2) + twice[6:] + twice[12:]
    names = server()
    codes = [dns.message.from_wire(names.answer(bytes(one)) or b"").rcode() for one in (notify, twice)]
    assert ([dns.rcode.NOTIMP, dns.rcode.FORMERR], None) == (codes, names.answer(bytes(answer)))


async def _over_tcp(port: int, *packets: bytes) -> list[bytes]:
    """Send messages in one go, byte by byte halves included, and return as many answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    wire = b"".join(struct.pack("!H", len(one)) + one for one in packets)
    writer.write(wire[:5])
    await asyncio.sleep(0)
    writer.write(wire[5:])
    answers = [await reader.readexactly(struct.unpack("!H", await reader.readexactly(2))[0]) for _ in packets]
    writer.close()
    return answers


def test_one_connection_carries_many_lookups() -> None:
    """Over TCP, in virtual time as well: pieces are put together, and answers come in order."""
    queries = [dns.message.make_query(host, "A") for host in (HOST, "nowhere.invalid", SHARED)]

    async def main() -> None:
        port = NamePort(server().answer)
        await port.open()
        answers = await _over_tcp(port.port, *(one.to_wire() for one in queries))
        await port.close()
        replies = [dns.message.from_wire(one) for one in answers]
        assert [True] * 3 == [query.is_response(reply) for query, reply in zip(queries, replies, strict=True)]
        assert [1, 0, 1] == [len(reply.answer) for reply in replies]

    run_virtual(main())
    asyncio.run(main())


def test_both_ways_share_a_port_and_survive_nonsense() -> None:
    """A datagram of nonsense, then a lookup: over UDP and over TCP the answer is the same. Closed, nobody answers."""

    def over_udp(port: int, packet: bytes) -> bytes:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(10)
            asking.sendto(b"nonsense", ("127.0.0.1", port))
            asking.sendto(packet, ("127.0.0.1", port))
            return asking.recv(2000)

    async def main() -> None:
        port = NamePort(server().answer)
        await port.open()
        packet = dns.message.make_query(HOST, "A").to_wire()
        datagram = await asyncio.to_thread(over_udp, port.port, packet)
        assert [datagram] == await _over_tcp(port.port, packet)
        await port.close()
        with pytest.raises(ConnectionRefusedError):
            await _over_tcp(port.port, packet)

    asyncio.run(main())
