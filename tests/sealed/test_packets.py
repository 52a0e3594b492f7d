"""A packet's destination is read right, whatever it is; and nothing that comes breaks the reader."""

import ipaddress
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.sealed.packets import Packet, read_packet

ETHERNET = bytes(12)
V4, V6 = st.ip_addresses(v=4), st.ip_addresses(v=6)
PORTS = st.integers(0, 65_535)


def v4(to: str, protocol: int, data: bytes, pieces: int = 0, options: bytes = b"") -> bytes:
    """Return a frame of IPv4."""
    words = 5 + len(options) // 4
    length = words * 4 + len(data)
    head = struct.pack("!BBHHHBBH", 0x40 | words, 0, length, 7, pieces, 64, protocol, 0)
    return ETHERNET + b"\x08\x00" + head + bytes(4) + ipaddress.ip_address(to).packed + options + data


def v6(to: str, following: int, data: bytes) -> bytes:
    """Return a frame of IPv6."""
    head = struct.pack("!IHBB", 6 << 28, len(data), following, 64)
    return ETHERNET + b"\x86\xdd" + head + bytes(16) + ipaddress.ip_address(to).packed + data


def udp(port: int, payload: bytes) -> bytes:
    """Return a datagram."""
    return struct.pack("!HHHH", 40_000, port, 8 + len(payload), 0) + payload


def tcp(port: int, payload: bytes, flags: int = 0x10, sequence: int = 9) -> bytes:
    """Return a segment."""
    return struct.pack("!HHIIBBHHH", 40_000, port, sequence, 0, 5 << 4, flags, 0, 0, 0) + payload


@given(to=V4, port=PORTS, payload=st.binary(max_size=64))
def test_a_datagram_of_ipv4_is_read(to: ipaddress.IPv4Address, port: int, payload: bytes) -> None:
    """Whatever it carries, also with options in its head, and with the padding of short frames behind it."""
    expected = Packet("udp", str(to), port, payload)

    assert expected == read_packet(v4(str(to), 17, udp(port, payload)))
    assert expected == read_packet(v4(str(to), 17, udp(port, payload), options=bytes(8)) + b"padding")


@given(to=V6, port=PORTS, payload=st.binary(max_size=64), headers=st.lists(st.sampled_from([0, 43, 60]), max_size=4))
def test_a_datagram_of_ipv6_is_read_behind_any_headers(
    to: ipaddress.IPv6Address, port: int, payload: bytes, headers: list[int]
) -> None:
    """Each says what follows it."""
    data, following = udp(port, payload), 17
    for header in headers:
        data, following = bytes([following, 0]) + bytes(6) + data, header

    written = socket.inet_ntop(socket.AF_INET6, to.packed)
    assert Packet("udp", written, port, payload) == read_packet(v6(str(to), following, data))


@pytest.mark.parametrize(
    ("flags", "opens"),
    [(0x02, (40_000, 9)), (0x12, None), (0x10, None), (0x04, None), (0xC2, (40_000, 9))],
    ids=["SYN", "SYN and ACK", "ACK", "RST", "SYN with congestion's flags"],
)
def test_only_a_first_segment_opens_a_connection(flags: int, opens: tuple[int, int] | None) -> None:
    """And bears what tells a second try from a second connection."""
    assert Packet("tcp", "192.0.2.1", 443, b"", opens) == read_packet(v4("192.0.2.1", 6, tcp(443, b"", flags)))


def test_the_later_pieces_of_a_packet_have_no_port() -> None:
    """Of IPv4 and of IPv6."""
    fragment = bytes([17, 0]) + struct.pack("!HI", 185 << 3, 1) + b"more"

    assert Packet("udp", "192.0.2.1", None, b"more") == read_packet(v4("192.0.2.1", 17, b"more", pieces=185))
    assert Packet("udp", "2001:db8::1", None, b"more") == read_packet(v6("2001:db8::1", 44, fragment))


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (v4("192.0.2.1", 1, b"\x08\x00ping"), Packet("icmp", "192.0.2.1", payload=b"\x08\x00ping")),
        (v4("192.0.2.1", 1, b"\x03\x03why"), Packet("icmp", "192.0.2.1", payload=b"\x03\x03why", complaint=True)),
        (v4("224.0.0.22", 2, b"\x22"), Packet("igmp", "224.0.0.22", payload=b"\x22")),
        (v4("192.0.2.1", 99, b"any"), Packet("IP protocol 99", "192.0.2.1", payload=b"any")),
        (ETHERNET + b"\x88\xcchello", Packet("ethertype 0x88cc", payload=b"hello")),
        (b"short", Packet("no Ethernet")),
        (ETHERNET + b"\x08\x00\x45", Packet("malformed IP")),
        (v4("192.0.2.1", 17, b"\x00"), Packet("malformed IP")),
    ],
)
def test_what_is_neither_tcp_nor_udp_is_told_apart(frame: bytes, expected: Packet) -> None:
    """And what ends too soon is something, too: it was sent."""
    assert expected == read_packet(frame)


@given(st.sampled_from([b"\x08\x00", b"\x86\xdd", b""]), st.binary(max_size=120))
def test_no_bytes_break_the_reader(kind: bytes, data: bytes) -> None:
    """Whoever sends them would blind the ledger."""
    assert isinstance(read_packet(ETHERNET + kind + data), Packet)
