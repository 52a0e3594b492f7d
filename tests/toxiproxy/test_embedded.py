"""The embedded plane in virtual time: nothing lost, nothing reordered, one seed one history, exact waits."""

import asyncio
import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.virtual import run_virtual
from faults.network.embedded import EmbeddedPlane
from faults.network.proxy import Proxy, split_address
from faults.network.toxics import ToxiproxyError
from tests.toxiproxy.linked import ask, is_clean, proxied, restore

TOXICS = st.one_of(
    st.builds(
        lambda latency, jitter: ("latency", {"latency": latency, "jitter": jitter}),
        st.integers(0, 500),
        st.integers(0, 500),
    ),
    st.builds(lambda rate: ("bandwidth", {"rate": rate}), st.integers(1, 1000)),
    st.builds(
        lambda size, spread, delay: ("slicer", {"average_size": size, "size_variation": spread, "delay": delay}),
        st.integers(1, 5000),
        st.integers(0, 5000),
        st.integers(0, 10_000),
    ),
    st.just(("slow_close", {"delay": 10})),
)
CHAIN = st.lists(st.tuples(TOXICS, st.sampled_from(["upstream", "downstream"])), max_size=4)
CHUNKS = st.lists(st.binary(min_size=1, max_size=3000), max_size=8)


@settings(max_examples=80, deadline=None)
@given(chain=CHAIN, chunks=CHUNKS)
def test_any_bytes_through_any_chain_arrive_unchanged_and_in_order(chain: Any, chunks: list[bytes]) -> None:
    """Toxics that only slow and cut lose nothing."""

    async def work(_: EmbeddedPlane, link: Any, __: Proxy) -> bytes:
        for (kind, attributes), stream in chain:
            await link.add_toxic(kind, attributes, stream=stream)
        return await ask(link, chunks)

    assert b"".join(chunks) == run_virtual(proxied(work))


@settings(max_examples=80, deadline=None)
@given(chain=CHAIN, chunks=CHUNKS, every_ms=st.integers(0, 40))
def test_toxics_coming_and_going_lose_nothing(chain: Any, chunks: list[bytes], every_ms: int) -> None:
    """The chain may change under a live connection: no byte is lost, doubled or moved."""

    async def work(_: EmbeddedPlane, link: Any, proxy: Proxy) -> bytes:
        answer = asyncio.create_task(ask(link, chunks))
        for (kind, attributes), stream in chain:
            await asyncio.sleep(every_ms / 1000)
            await link.add_toxic(kind, attributes, stream=stream)
            await asyncio.sleep(every_ms / 1000)
            proxy.update_toxic(proxy.toxics[0].name, attributes, toxicity=0.5)
        await asyncio.sleep(every_ms / 1000)
        await restore(link)
        return await answer

    assert b"".join(chunks) == run_virtual(proxied(work))


def history(seed: int) -> list[tuple[float, int]]:
    """Return when the answers of 30 connections came, and how long they were."""

    async def work(_: EmbeddedPlane, link: Any, __: Proxy) -> list[tuple[float, int]]:
        loop = asyncio.get_running_loop()
        await link.add_toxic("latency", {"latency": 100, "jitter": 90})
        await link.add_toxic("limit_data", {"bytes": 3}, toxicity=0.5)
        await link.add_toxic("slicer", {"average_size": 3, "size_variation": 2, "delay": 500}, stream="upstream")
        return [(loop.time(), len(await ask(link, [b"hello", b"world"]))) for _ in range(30)]

    return run_virtual(proxied(work, seed))


def test_one_seed_gives_one_history_and_another_seed_another() -> None:
    """Toxicity, jitter and slices are drawn from the seed, and from nothing else."""
    assert history(7) == history(7)
    assert history(7) != history(8)
    assert {3, 10} == {length for _, length in history(7)}


def test_a_higher_toxicity_touches_the_same_connections_and_more() -> None:
    """One draw per connection and toxic: a share that grows keeps whom it had."""

    def touched(toxicity: float) -> set[int]:
        async def work(_: EmbeddedPlane, link: Any, __: Proxy) -> set[int]:
            await link.add_toxic("limit_data", {"bytes": 1}, toxicity=toxicity)
            return {number for number in range(40) if len(await ask(link, [b"hello"])) == 1}

        return run_virtual(proxied(work))

    assert touched(0.3) < touched(0.6) < touched(1.0)


@pytest.mark.parametrize(
    ("kind", "attributes", "expected_s"),
    [
        ("noop", {}, 0.0),
        ("latency", {"latency": 250}, 0.25),
        ("bandwidth", {"rate": 100}, 0.5),
        ("slow_close", {"delay": 750}, 0.75),
        ("slicer", {"average_size": 10_000, "delay": 1000}, 0.004),
    ],
)
def test_waits_are_exact_in_virtual_time(kind: str, attributes: dict[str, int], expected_s: float) -> None:
    """50 kB through one toxic take what its settings say."""

    async def work(_: EmbeddedPlane, link: Any, __: Proxy) -> float:
        loop = asyncio.get_running_loop()
        await link.add_toxic(kind, attributes)
        reader, writer = await asyncio.open_connection(link.host, link.port)
        began_s = loop.time()
        writer.write(b"x" * 50_000)
        writer.write_eof()
        assert 50_000 == len(await reader.read())
        writer.close()
        return loop.time() - began_s

    assert run_virtual(proxied(work)) == pytest.approx(expected_s, abs=1e-6)


def test_reset_peer_is_a_reset_in_virtual_time() -> None:
    """The in-memory network resets, too."""

    async def work(_: EmbeddedPlane, link: Any, __: Proxy) -> None:
        await link.add_toxic("reset_peer", {"timeout": 0})
        with pytest.raises(ConnectionResetError):
            await ask(link, [b"hello"])

    run_virtual(proxied(work))


def test_a_link_is_disabled_and_restored_where_it_was() -> None:
    """Down refuses and closes, restore brings back the same port; nothing is left after close."""

    async def work(plane: EmbeddedPlane, link: Any, proxy: Proxy) -> None:
        reader, writer = await asyncio.open_connection(link.host, link.port)
        writer.write(b"a")
        assert b"a" == await reader.readexactly(1)
        await link.disable()
        assert b"" == await reader.read()
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await ask(link, [])
        assert not await is_clean(link)
        await restore(link)
        assert await is_clean(link)
        assert b"hello" == await ask(link, [b"hello"])
        await plane.close()
        assert {} == plane.server.proxies
        assert 0 == proxy.connections
        with pytest.raises(ConnectionRefusedError):
            await ask(link, [])

    run_virtual(proxied(work))
    asyncio.run(proxied(work))


def test_jitter_is_drawn_for_every_chunk_from_all_of_its_range() -> None:
    """From latency - jitter to latency + jitter, evenly."""

    async def work(_: EmbeddedPlane, link: Any, __: Proxy) -> list[float]:
        loop = asyncio.get_running_loop()
        await link.add_toxic("latency", {"latency": 200, "jitter": 100})
        reader, writer = await asyncio.open_connection(link.host, link.port)
        took_s = []
        for _ in range(200):
            began_s = loop.time()
            writer.write(b"a")
            await reader.readexactly(1)
            took_s.append(loop.time() - began_s)
        writer.close()
        return took_s

    took_s = run_virtual(proxied(work))
    assert (True, True) == (0.1 <= min(took_s) < 0.11, 0.29 < max(took_s) <= 0.3 + 1e-9)
    assert abs(sum(took_s) / len(took_s) - 0.2) < 0.015


def test_connections_are_forgotten_when_they_end() -> None:
    """However a connection ends, nothing of it is kept."""

    async def work(_: EmbeddedPlane, link: Any, proxy: Proxy) -> int:
        for kind in ("noop", "timeout", "limit_data", "reset_peer"):
            await link.add_toxic(kind, {})
            with contextlib.suppress(ConnectionResetError):
                await ask(link, [b"hello"])
            await restore(link)
        await asyncio.sleep(1)
        return proxy.connections

    assert 0 == run_virtual(proxied(work))


def test_a_slow_reader_holds_up_the_sender() -> None:
    """Buffers are bounded: a stalled proxy takes in a little, not everything."""

    async def work(plane: EmbeddedPlane, link: Any, proxy: Proxy) -> int:
        del plane, proxy
        await link.add_toxic("bandwidth", {"rate": 0}, stream="upstream")
        await link.add_toxic("noop", {}, stream="upstream")
        _, writer = await asyncio.open_connection(link.host, link.port)
        sent = 0
        try:
            async with asyncio.timeout(10):
                while True:
                    writer.write(b"x" * 10_000)
                    sent += 10_000
                    await writer.drain()
        except TimeoutError:
            writer.close()
        return sent

    assert run_virtual(proxied(work)) < 1_000_000


@pytest.mark.parametrize("kind", ["bandwidth", "latency", "slicer"])
def test_what_waits_for_room_survives_the_lifting_of_the_toxic(kind: str) -> None:
    """A sender held up by a full toxic goes on past it once it is gone, without a byte lost."""
    sent = [bytes([number]) * 40_000 for number in range(50)]
    attributes = {"latency": 60_000, "average_size": 1000, "delay": 10_000_000}

    async def work(_: EmbeddedPlane, link: Any, __: Proxy) -> bytes:
        await link.add_toxic(kind, attributes, stream="upstream")
        answer = asyncio.create_task(ask(link, sent))
        await asyncio.sleep(5)
        await restore(link)
        return await answer

    assert b"".join(sent) == run_virtual(proxied(work))


def test_an_endpoint_has_one_link() -> None:
    """A second add of the same endpoint is an error."""

    async def work(plane: EmbeddedPlane, _: Any, __: Proxy) -> None:
        with pytest.raises(ToxiproxyError, match="proxy already exists"):
            await plane.add("e", "127.0.0.1", 1)

    run_virtual(proxied(work))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("1.2.3.4:5", ("1.2.3.4", 5)),
        ("[::1]:80", ("::1", 80)),
        ("localhost:0", ("127.0.0.1", 0)),
        (":7", ("127.0.0.1", 7)),
    ],
)
def test_addresses_are_split(address: str, expected: tuple[str, int]) -> None:
    """No host is loopback, never all interfaces."""
    assert expected == split_address(address)


@pytest.mark.parametrize("address", ["", "nowhere", "a:b", "a:70000", "a:-1"])
def test_addresses_that_are_none_are_refused(address: str) -> None:
    """Said as a ValueError."""
    with pytest.raises(ValueError, match="address"):
        split_address(address)
