"""Every fault fires when it should, says so, can be undone, and tells users what is wrong with its settings."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import pytest
from aiohttp import web

import faults  # noqa: F401 - registers every fault
from brownout.clock import rng_for
from brownout.errors import BadInput
from brownout.fault import FAULTS, Fault, NetworkFault, ReplyFault, make_fault, settings_of
from brownout.virtual import run_virtual
from brownout.wire import Ask, Cut, End, Event, Refusal, Token
from faults.network.embedded import EmbeddedPlane

T = TypeVar("T")
WHOLE: list[Event] = [Token("a"), Token("b"), Token("c"), Token("d"), End(output_tokens=4)]


class FakeExchange:
    """One request, its waits and its firings counted."""

    def __init__(
        self,
        rng: random.Random,  # noqa: TID251 - the type only
        *,
        stream: bool = True,
    ) -> None:
        self.endpoint = "e"
        self.ask = Ask(model="m", prompt="p", stream=stream)
        self.tenant: str | None = None
        self.rng = rng
        self.slept_s = 0.0
        self.firings = 0
        self.closed = False

    async def sleep(self, duration_s: float) -> None:
        """Wait in no time."""
        self.slept_s += duration_s

    def fired(self) -> None:
        """Count."""
        self.firings += 1

    async def reply(self) -> AsyncIterator[Event]:
        """Give the whole reply."""
        try:
            for event in WHOLE:
                yield event
        finally:
            self.closed = True


def through(fault: Fault, exchange: FakeExchange) -> tuple[list[Event], Exception | None]:
    """Return the events that came through, and how it broke, if it did."""
    assert isinstance(fault, ReplyFault)
    came: list[Event] = []

    async def run() -> Exception | None:
        try:
            async for event in fault.pipe(exchange, exchange.reply()):
                came.append(event)  # noqa: PERF401 - what came before it broke counts
        except (Refusal, Cut) as error:
            return error
        return None

    broke = asyncio.run(run())
    return came, broke


def exchange_of(*, stream: bool = True) -> FakeExchange:
    """Return an exchange with a seed of its own."""
    return FakeExchange(rng_for(1, "exchange"), stream=stream)


@pytest.mark.parametrize(
    ("kind", "settings", "refusal", "retry_after_s"),
    [
        ("region-down", {"how": "5xx"}, "unavailable", None),
        ("throttling", {}, "throttled", 2.0),
        ("throttling", {"retry_after_s": None}, "throttled", None),
        ("throttling", {"retry_after_s": 30}, "throttled", 30.0),
        ("provider-outage", {}, "internal", None),
        ("provider-outage", {"refusal": "overloaded"}, "overloaded", None),
    ],
)
def test_refusing_faults_refuse_and_count(
    kind: str, settings: dict[str, Any], refusal: str, retry_after_s: float | None
) -> None:
    """Nothing comes but the refusal, in words; it fired once."""
    exchange = exchange_of()
    fault = make_fault(kind, settings)
    came, broke = through(fault, exchange)
    assert ("reply", [], 1) == (fault.acts_on, came, exchange.firings)
    assert isinstance(broke, Refusal)
    assert (refusal, retry_after_s, True) == (broke.kind, broke.retry_after_s, bool(broke.message))


def test_slow_first_token_waits_once_then_flows() -> None:
    """The whole reply comes, late."""
    exchange = exchange_of()
    came, broke = through(make_fault("slow-first-token", {"delay_s": 5}), exchange)
    assert (WHOLE, None, 5.0, 1) == (came, broke, exchange.slept_s, exchange.firings)


@pytest.mark.parametrize("after_tokens", [0, 1, 4])
def test_stream_cut_cuts_after_the_tokens_without_an_end(after_tokens: int) -> None:
    """So many tokens, then the cut; what the reply held is given back at once."""
    exchange = exchange_of()
    came, broke = through(make_fault("stream-cut", {"after_tokens": after_tokens}), exchange)
    assert (WHOLE[:after_tokens], 1) == (came, exchange.firings)
    assert isinstance(broke, Cut)
    assert exchange.closed or after_tokens == 0


def test_stream_cut_spares_shorter_replies_and_does_not_claim_to_have_fired() -> None:
    """A reply that ended before is whole, and no evidence for anything."""
    exchange = exchange_of()
    assert (WHOLE, None) == through(make_fault("stream-cut", {"after_tokens": 5}), exchange)
    assert 0 == exchange.firings


def test_stream_cut_of_a_whole_reply_sends_nothing() -> None:
    """Not streamed: the connection closes without a reply."""
    exchange = exchange_of(stream=False)
    came, broke = through(make_fault("stream-cut", {}), exchange)
    assert ([], 1) == (came, exchange.firings)
    assert isinstance(broke, Cut)


@pytest.mark.parametrize("kind", ["throttling", "slow-first-token", "stream-cut"])
def test_a_share_touches_its_part_and_counts_only_that(kind: str) -> None:
    """About 30 of 100 at 0.3, none at 0; the same ones again with the same seed."""

    def firings(share: float) -> list[int]:
        touched = []
        for number in range(100):
            exchange = FakeExchange(rng_for(1, number))
            came, broke = through(make_fault(kind, {"share": share}), exchange)
            assert exchange.firings or (WHOLE, None) == (came, broke)
            touched.append(exchange.firings)
        return touched

    assert 0 == sum(firings(0.0))
    assert 15 < sum(firings(0.3)) < 45
    assert firings(0.3) == firings(0.3)


def test_a_network_fault_lets_replies_be() -> None:
    """region-down by the network does not touch a reply that comes all the same."""
    exchange = exchange_of()
    assert (WHOLE, None) == through(make_fault("region-down", {"how": "silent"}), exchange)
    assert 0 == exchange.firings


async def serve_http() -> tuple[Any, int]:
    """Return a healthy HTTP server and its port."""

    async def hello(_: web.BaseRequest) -> web.Response:
        return web.Response(text="hello")

    server = await asyncio.get_running_loop().create_server(web.Server(hello), "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


async def linked(work: Callable[[Any], Awaitable[T]]) -> T:
    """Run with a link before a healthy HTTP server."""
    server, port = await serve_http()
    plane = EmbeddedPlane(1)
    try:
        return await work(await plane.add("e", "127.0.0.1", port))
    finally:
        await plane.close()
        server.close()


def run_real(main: Coroutine[Any, Any, T]) -> T:
    """Run on a real loop."""
    return asyncio.run(main)


@pytest.mark.parametrize("run", [run_real, run_virtual])
@pytest.mark.parametrize("how", ["refused", "silent"])
def test_region_down_is_felt_only_while_it_is_on_and_undone_whole(run: Any, how: str) -> None:
    """Healthy: not felt. Injected: felt. Restored: clean by reading back, and not felt."""

    async def work(link: Any) -> list[bool]:
        fault = make_fault("region-down", {"how": how})
        assert isinstance(fault, NetworkFault)
        assert "network" == fault.acts_on
        seen = [await fault.felt(link), await link.is_clean()]
        await fault.inject(link)
        seen += [await fault.felt(link), await link.is_clean()]
        await link.restore()
        return [*seen, await fault.felt(link), await link.is_clean()]

    assert [False, True, True, False, False, True] == run(linked(work))


@pytest.mark.parametrize("injected", ["refused", "silent"])
def test_one_way_of_being_down_is_not_felt_as_the_other(injected: str) -> None:
    """Evidence of one fault is not taken for another's."""

    async def work(link: Any) -> bool:
        fault, other = (
            make_fault("region-down", {"how": how})
            for how in (injected, "silent" if injected == "refused" else "refused")
        )
        assert isinstance(fault, NetworkFault)
        assert isinstance(other, NetworkFault)
        await fault.inject(link)
        return await other.felt(link)

    assert run_real(linked(work)) is False


def test_a_dead_provider_is_not_a_silent_region() -> None:
    """An upstream that refuses gives an end of stream, which is no silence."""

    async def work() -> bool:
        server, port = await serve_http()
        server.close()
        plane = EmbeddedPlane(1)
        fault = make_fault("region-down", {"how": "silent"})
        assert isinstance(fault, NetworkFault)
        try:
            return await fault.felt(await plane.add("e", "127.0.0.1", port))
        finally:
            await plane.close()

    assert run_virtual(work()) is False


def test_a_silent_region_stalls_a_live_stream() -> None:
    """A connection that was talking hears nothing more, and no end."""

    async def work(link: Any) -> bytes:
        reader, writer = await asyncio.open_connection(link.host, link.port)
        fault = make_fault("region-down", {"how": "silent"})
        assert isinstance(fault, NetworkFault)
        await fault.inject(link)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            async with asyncio.timeout(60):
                return await reader.read()
        except TimeoutError:
            return b"silence"
        finally:
            writer.close()

    assert b"silence" == run_virtual(linked(work))


def test_region_down_by_5xx_leaves_the_link_alone() -> None:
    """Its settings say which way it acts, and it keeps to that."""

    async def work(link: Any) -> tuple[bool, bool]:
        fault = make_fault("region-down", {"how": "5xx"})
        assert isinstance(fault, NetworkFault)
        await fault.inject(link)
        return await link.is_clean(), await fault.felt(link)

    assert (True, False) == run_virtual(linked(work))


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_every_fault_can_be_made_drawn_and_explained(kind: str) -> None:
    """Defaults, a colour, a docstring that says more than a name, settings as plain data."""
    fault = make_fault(kind, {})
    assert (kind, True) == (fault.kind, fault.colour.startswith("#"))
    assert len((FAULTS[kind].__doc__ or "").split()) > 20
    assert fault == make_fault(kind, settings_of(fault))
    assert isinstance(fault, ReplyFault if fault.acts_on == "reply" else NetworkFault)


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (
            "region-dwon",
            {},
            r"day.yaml:3: unknown fault 'region-dwon'. Did you mean 'region-down'\? Known: .*throttling",
        ),
        ("throttling", {"retry_after": 1}, r"has no setting 'retry_after'. Did you mean 'retry_after_s'\?"),
        ("throttling", {"share": 1.5}, r"`float` <= 1.0 - at `\$.share`"),
        ("throttling", {"retry_after_s": -1}, r">= 0.0 - at `\$.retry_after_s`"),
        ("slow-first-token", {"delay_s": "long"}, r"Expected `float`, got `str` - at `\$.delay_s`"),
        ("stream-cut", {"after_tokens": 1.5}, r"Expected `int`, got `float` - at `\$.after_tokens`"),
        ("region-down", {"how": "slow"}, r"'slow' - at `\$.how`"),
        ("provider-outage", {"refusal": "invalid"}, r"'invalid' - at `\$.refusal`"),
    ],
)
def test_bad_settings_are_said_so_that_they_can_be_mended(kind: str, settings: dict[str, Any], message: str) -> None:
    """What, where, what was allowed, the nearest match."""
    with pytest.raises(BadInput, match=message):
        make_fault(kind, settings, where="day.yaml:3")
