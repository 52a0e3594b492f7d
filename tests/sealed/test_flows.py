"""The ledger of flows: what is the world's is none of its business, the rest is denied, and counts must agree."""

import msgspec
import pytest

from brownout.canary import CanaryMint, run_key
from brownout.egress import EgressRecord
from fixtures.sealed.flows import FlowLedger
from tests.sealed.test_packets import tcp, udp, v4, v6

MINT = CanaryMint(run_key(1), ["acme"])
WORLD, FOREIGN = "198.18.1.1", "192.0.2.1"


def ledger() -> FlowLedger:
    """Return one that knows of an endpoint and a name server."""
    made = FlowLedger("t", MINT)
    made.declare("tcp", WORLD, 443, "bedrock.example")
    made.declare("udp", WORLD, 53, "the name server")
    return made


def flow(place: str, **facts: object) -> EgressRecord:
    """Return a record of a flow."""
    usual: dict[str, object] = {"test": "t", "at_s": 1.0, "layer": "flows", "place": place}
    return msgspec.convert({**usual, **facts}, EgressRecord)


def test_a_connection_to_the_world_is_counted_once_and_with_its_bytes() -> None:
    """However often its first packet is sent; another one from the same port is another."""
    flows = ledger()
    for sequence in (5, 5, 6):
        flows.take(v4(WORLD, 6, tcp(443, b"", 0x02, sequence)), 1.0)
    flows.take(v4(WORLD, 6, tcp(443, b"x" * 30)), 2.0)

    expected = [flow("bedrock.example:443/tcp", times=2, size_bytes=30, why="at 198.18.1.1")]
    assert [] == list(flows.news(denied_only=True))
    assert expected == list(flows.news(denied_only=False))


def test_another_port_and_another_host_are_denied() -> None:
    """And an address of IPv6 is written so that its port can be told from it."""
    flows = ledger()
    flows.take(v4(WORLD, 6, tcp(80, b"", 0x02)), 1.0)
    flows.take(v4(FOREIGN, 17, udp(53, b"abc")), 1.0)
    flows.take(v6("2001:db8::1", 17, udp(9, b"")), 1.0)

    expected = [
        flow(f"{WORLD}:80/tcp", denied=True),
        flow(f"{FOREIGN}:53/udp", denied=True, size_bytes=3),
        flow("[2001:db8::1]:9/udp", denied=True),
    ]
    assert expected == list(flows.news(denied_only=True))


def test_news_are_told_once_and_add_up() -> None:
    """What was told is not told again."""
    flows = ledger()
    flows.take(v4(FOREIGN, 17, udp(9, b"abc")), 1.0)
    first = list(flows.news(denied_only=True))
    flows.take(v4(FOREIGN, 17, udp(9, b"de")), 3.0)

    assert [flow(f"{FOREIGN}:9/udp", denied=True, size_bytes=3)] == first
    assert [flow(f"{FOREIGN}:9/udp", at_s=3.0, denied=True, size_bytes=2)] == list(flows.news(denied_only=False))
    assert [] == list(flows.news(denied_only=False))


def test_a_kernels_complaint_about_the_worlds_own_packet_is_no_leak() -> None:
    """A socket that was closed before the name server's answer came; the same to somebody else is one."""
    flows = ledger()
    flows.take(v4(WORLD, 1, b"\x03\x03"), 1.0)
    flows.take(v4(FOREIGN, 1, b"\x03\x03"), 1.0)
    flows.take(v4(WORLD, 1, b"\x08\x00"), 1.0)

    assert [f"{FOREIGN}/icmp", f"{WORLD}/icmp"] == [one.place for one in flows.news(denied_only=True)]


def test_what_a_denied_packet_bears_is_looked_at() -> None:
    """Also in pieces; what goes to the world is the plaintext layer's to look at."""
    flows = ledger()
    secret = MINT.value("acme", 4).encode()
    flows.take(v4(WORLD, 17, udp(53, secret)), 1.0)
    flows.take(v4(FOREIGN, 17, udp(9, secret[:10])), 1.0)
    flows.take(v4(FOREIGN, 17, udp(9, secret[10:])), 2.0)
    flows.close(3, 0)

    (seen,) = [one for one in flows.news(denied_only=True) if one.canary]
    assert (f"{FOREIGN}:9/udp", "acme-4", "prompt", "raw", 2.0, True) == (
        seen.place,
        seen.canary,
        seen.kind,
        seen.chain,
        seen.at_s,
        seen.denied,
    )


def test_what_is_not_looked_at_makes_the_ledger_incomplete(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of what is denied is bounded, and says so."""
    monkeypatch.setattr("fixtures.sealed.flows._HELD_BYTES", 200)
    flows = ledger()
    for _ in range(2):
        flows.take(v4(FOREIGN, 17, udp(9, b"x")), 1.0)

    layer = flows.close(2, 0)
    assert not layer.complete
    assert layer.why.endswith("what 1 denied ones bore was not looked at")


def test_a_ledger_is_complete_only_when_the_interface_has_counted_the_same() -> None:
    """One packet less, or one that found no room, and it proves nothing."""
    flows = ledger()
    flows.take(v4(WORLD, 6, tcp(443, b"")), 1.0)

    assert [True, False, False] == [flows.close(counted, lost).complete for counted, lost in ((1, 0), (2, 0), (1, 1))]
    assert 1 == flows.datagrams(WORLD, 53) + flows.packets
