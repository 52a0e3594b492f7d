"""Faults one by one, without a world: what they do to a reply, how they are felt on a link, what settings they take."""

import asyncio
import math
from typing import Any

import pytest

from brownout.clock import rng_for
from brownout.errors import BadInput
from brownout.fault import NetworkFault, PlaneLink, Scalable, make_fault, settings_of
from brownout.virtual import run_virtual
from brownout.wire import Cut, End, Event, Refusal, Token
from faults.network.dial import Met, dial
from faults.network.embedded import EmbeddedPlane
from fixtures.grip import Grip, LinkUse
from tests.faults.exchanges import WHOLE, FakeExchange, healthy_server, linked, through

CLEAN = (True, frozenset[str]())
FELT: list[tuple[str, dict[str, Any]]] = [
    ("region-down", {"how": "refused"}),
    ("region-down", {"how": "silent"}),
    ("bandwidth", {"rate_kbps": 512}),
    ("jitter", {"delay_ms": 100, "jitter_ms": 100}),
    ("random-resets", {"after_ms": 10}),
    ("slow-close", {"delay_ms": 100}),
    ("drip", {"piece_bytes": 20, "delay_ms": 20}),
]


def network_fault(kind: str, settings: dict[str, Any]) -> NetworkFault:
    """Return a fault that acts on the network."""
    fault = make_fault(kind, settings)
    assert isinstance(fault, NetworkFault)
    assert "network" == fault.acts_on
    return fault


# --- replies -----------------------------------------------------------------------------------------------


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
    exchange = FakeExchange()
    fault = make_fault(kind, settings)
    came, broke = through(fault, exchange)
    assert ("reply", [], 1) == (fault.acts_on, came, exchange.firings)
    assert isinstance(broke, Refusal)
    assert (refusal, retry_after_s, True) == (broke.kind, broke.retry_after_s, bool(broke.message))


def test_slow_first_token_waits_once_then_flows() -> None:
    """The whole reply comes, late."""
    exchange = FakeExchange()
    came, broke = through(make_fault("slow-first-token", {"delay_s": 5}), exchange)
    assert (WHOLE, None, 5.0, 1) == (came, broke, exchange.slept_s, exchange.firings)


def test_slow_tokens_wait_between_tokens_and_count_each() -> None:
    """Four tokens have three gaps."""
    exchange = FakeExchange()
    came, broke = through(make_fault("slow-tokens", {"inter_token_s": 2}), exchange)
    assert (WHOLE, None, 6.0, 3) == (came, broke, exchange.slept_s, exchange.acts)


def test_a_stall_waits_before_the_token_after_those_that_still_come() -> None:
    """Nothing is lost; a reply of no more tokens than these does not stall, and no stall is claimed."""
    exchange, spared = FakeExchange(), FakeExchange()
    assert (WHOLE, None) == through(make_fault("stream-stall", {"after_tokens": 3, "for_s": 9}), exchange)
    assert (WHOLE, None) == through(make_fault("stream-stall", {"after_tokens": 4, "for_s": 9}), spared)
    assert ((9.0, 1), (0.0, 0)) == ((exchange.slept_s, exchange.firings), (spared.slept_s, spared.firings))


def test_a_stall_for_ever_lasts_as_long_as_the_injection() -> None:
    """Then the connection breaks: what is lifted holds nobody."""
    exchange = FakeExchange()
    came, broke = through(make_fault("stream-stall", {"after_tokens": 1, "for_s": None}), exchange)
    assert (WHOLE[:1], 60.0) == (came, exchange.slept_s)
    assert isinstance(broke, Cut)


@pytest.mark.parametrize("after_tokens", [0, 1, 4])
def test_stream_cut_cuts_after_the_tokens_without_an_end(after_tokens: int) -> None:
    """So many tokens, then the cut; what the reply held is given back at once."""
    exchange = FakeExchange()
    came, broke = through(make_fault("stream-cut", {"after_tokens": after_tokens}), exchange)
    assert (WHOLE[:after_tokens], 1) == (came, exchange.firings)
    assert isinstance(broke, Cut)
    assert exchange.closed or after_tokens == 0


@pytest.mark.parametrize(
    ("kind", "settings"), [("stream-cut", {"after_tokens": 5}), ("late-error", {"after_tokens": 4})]
)
def test_what_comes_late_spares_shorter_replies_and_does_not_claim_to_have_fired(
    kind: str, settings: dict[str, Any]
) -> None:
    """A reply that ended before is whole, and no evidence for anything."""
    exchange = FakeExchange()
    assert (WHOLE, None) == through(make_fault(kind, settings), exchange)
    assert (0, 0) == (exchange.firings, exchange.acts)


def test_stream_cut_of_a_whole_reply_sends_nothing() -> None:
    """Not streamed: the connection closes without a reply."""
    exchange = FakeExchange(stream=False)
    came, broke = through(make_fault("stream-cut", {}), exchange)
    assert ([], 1) == (came, exchange.firings)
    assert isinstance(broke, Cut)


def test_a_late_error_takes_the_next_tokens_place() -> None:
    """So many tokens, then the refusal that was chosen."""
    exchange = FakeExchange()
    came, broke = through(make_fault("late-error", {"after_tokens": 2, "refusal": "throttled"}), exchange)
    assert isinstance(broke, Refusal)
    assert (WHOLE[:2], "throttled", 1) == (came, broke.kind, exchange.firings)


@pytest.mark.parametrize("tokens", range(6))
def test_a_truncated_answer_has_the_first_half_and_says_that_it_is_all(tokens: int) -> None:
    """Half of them, rounded up; the end counts what came. Where nothing is lost, nothing is claimed."""
    said: list[Event] = [*(Token(str(number)) for number in range(tokens)), End(stop="length", output_tokens=tokens)]
    exchange = FakeExchange(said=said)
    came, broke = through(make_fault("wrong-answer", {"how": "truncated"}), exchange)
    kept = (tokens + 1) // 2
    lost = kept < tokens
    assert (said[:kept], None, lost) == (came[:-1], broke, bool(exchange.firings))
    assert End(stop="stop" if lost else "length", output_tokens=kept) == came[-1]


def test_anothers_answer_needs_another() -> None:
    """The first reply passes; the second has the first's text; the third the second's, as it would have been."""
    fault, memory = make_fault("wrong-answer", {"how": "another-request"}), dict[str, Any]()
    came, fired = [], []
    for words in ("a b c", "d e f g h", "i"):
        texts = words.split()
        said: list[Event] = [*map(Token, texts), End(output_tokens=len(texts))]
        exchange = FakeExchange(memory=memory, said=said)
        events, _ = through(fault, exchange)
        came.append(" ".join(event.text for event in events if isinstance(event, Token)))
        assert End(output_tokens=len(events) - 1) == events[-1]
        fired.append(exchange.firings)
    assert (["a b c", "a b c", "d e f g h"], [0, 1, 1]) == (came, fired)


def test_usage_that_was_not_asked_for_is_not_missing() -> None:
    """A count of tokens, or a reply without a token, has none to lose."""
    exchange = FakeExchange(said=[End()])
    assert ([End()], None, 0) == (*through(make_fault("missing-usage", {}), exchange), exchange.firings)


def test_a_network_fault_lets_replies_be() -> None:
    """region-down by the network does not touch a reply that comes all the same."""
    exchange = FakeExchange()
    assert (WHOLE, None) == through(make_fault("region-down", {"how": "silent"}), exchange)
    assert 0 == exchange.firings


# --- links -------------------------------------------------------------------------------------------------


def run_real(main: Any) -> Any:
    """Run on a real loop."""
    return asyncio.run(main)


@pytest.mark.parametrize("run", [run_real, run_virtual])
@pytest.mark.parametrize(("kind", "settings"), FELT)
def test_a_network_fault_is_felt_while_it_is_on_and_undone_whole(run: Any, kind: str, settings: dict[str, Any]) -> None:
    """Injected: felt. Let go: gone by reading back, and the link is as it was."""

    async def work(link: PlaneLink, grip: Grip) -> list[object]:
        fault = network_fault(kind, settings)
        await fault.inject(grip)
        seen: list[object] = [await fault.felt(grip), await link.state() == CLEAN]
        await grip.let_go()
        return [*seen, await grip.gone(), await link.state() == CLEAN]

    assert [True, False, True, True] == run(linked(work))


@pytest.mark.parametrize(("kind", "settings"), FELT)
def test_a_network_fault_is_not_felt_where_it_is_not(kind: str, settings: dict[str, Any]) -> None:
    """Before it is on, and once it is off again, a healthy link is taken for no other."""

    async def work(link: PlaneLink, grip: Grip) -> tuple[bool, bool]:
        del link
        fault = network_fault(kind, settings)
        before = await fault.felt(grip)
        await fault.inject(grip)
        await grip.let_go()
        return before, await fault.felt(grip)

    assert (False, False) == run_virtual(linked(work))


@pytest.mark.parametrize(
    ("injected", "other"), [(one, other) for one in FELT for other in FELT[:2] if one != other], ids=str
)
def test_no_trouble_is_taken_for_a_region_that_is_down(
    injected: tuple[str, dict[str, Any]], other: tuple[str, dict[str, Any]]
) -> None:
    """Evidence of one fault is not another's: what is slow, dripping or reset is neither refused nor silent."""

    async def work(link: PlaneLink, grip: Grip) -> bool:
        del link
        await network_fault(*injected).inject(grip)
        return await network_fault(*other).felt(grip)

    assert run_virtual(linked(work)) is False


@pytest.mark.parametrize(("kind", "settings"), FELT[2:])
def test_a_network_fault_on_a_part_of_the_connections_is_felt_or_not_and_harms_no_other(
    kind: str, settings: dict[str, Any]
) -> None:
    """On none it is not felt, on a half of them one of a few dials meets it."""

    async def felt(share: float) -> bool:
        async def work(link: PlaneLink, grip: Grip) -> bool:
            del link
            fault = network_fault(kind, settings)
            await fault.inject(grip)
            return await fault.felt(grip)

        return await linked(work, share=share)

    assert (False, True) == (run_virtual(felt(0.0)), run_virtual(felt(0.9)))


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("bandwidth", {"rate_kbps": 1e6}),
        ("jitter", {"delay_ms": 5, "jitter_ms": 5}),
        ("slow-close", {"delay_ms": 5}),
        ("drip", {"piece_bytes": 10_000, "delay_ms": 1000}),
        ("drip", {"piece_bytes": 20, "delay_ms": 0}),
    ],
)
def test_what_a_probe_cannot_tell_is_not_claimed(kind: str, settings: dict[str, Any]) -> None:
    """On, but too mild to be told from a busy machine: not felt."""

    async def work(link: PlaneLink, grip: Grip) -> bool:
        del link
        fault = network_fault(kind, settings)
        await fault.inject(grip)
        return await fault.felt(grip)

    assert run_virtual(linked(work)) is False


def test_a_dead_provider_is_not_a_silent_region() -> None:
    """An upstream that refuses gives an end of stream, which is no silence, no reset and no answer."""

    async def work() -> tuple[bool, Met]:
        server, port = await healthy_server()
        server.close()
        plane = EmbeddedPlane(1)
        try:
            link = Grip(LinkUse(await plane.add("e", "127.0.0.1", port)), "i", 1.0)
            return await network_fault("region-down", {"how": "silent"}).felt(link), await dial(link)
        finally:
            await plane.close()

    felt, met = run_virtual(work())
    assert (False, "closed", 0) == (felt, met.how, met.length)


def test_a_silent_region_stalls_a_live_stream() -> None:
    """A connection that was talking hears nothing more, and no end."""

    async def work(link: PlaneLink, grip: Grip) -> bytes:
        reader, writer = await asyncio.open_connection(link.host, link.port)
        await network_fault("region-down", {"how": "silent"}).inject(grip)
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

    async def work(link: PlaneLink, grip: Grip) -> tuple[bool, bool]:
        fault = make_fault("region-down", {"how": "5xx"})
        assert isinstance(fault, NetworkFault)
        await fault.inject(grip)
        return await link.state() == CLEAN, await fault.felt(grip)

    assert (True, False) == run_virtual(linked(work))


# --- settings ----------------------------------------------------------------------------------------------


def test_a_part_of_a_faults_strength_is_the_same_fault_milder() -> None:
    """Half of a thin line is twice as wide; half of a jitter is half as late, and varies half as much."""
    scaled = []
    for kind in ("bandwidth", "jitter"):
        fault = make_fault(kind, {})
        assert isinstance(fault, Scalable)
        assert fault == fault.scaled(1.0)
        scaled.append(settings_of(fault.scaled(0.5)))
    assert [{"rate_kbps": 512.0}, {"delay_ms": 150.0, "jitter_ms": 100.0}] == scaled


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (
            "region-dwon",
            {},
            r"day.yaml:3: unknown fault 'region-dwon'. Did you mean 'region-down'\? Known: .*throttling",
        ),
        ("throttling", {"retry_after": 1}, r"has no setting 'retry_after'. Did you mean 'retry_after_s'\?"),
        ("throttling", {"share": 0.5}, r"fault 'throttling' has no setting 'share'"),
        ("throttling", {"retry_after_s": -1}, r">= 0.0 - at `\$.retry_after_s`"),
        ("slow-first-token", {"delay_s": "long"}, r"Expected `float`, got `str` - at `\$.delay_s`"),
        ("stream-cut", {"after_tokens": 1.5}, r"Expected `int`, got `float` - at `\$.after_tokens`"),
        ("region-down", {"how": "slow"}, r"'slow' - at `\$.how`"),
        ("provider-outage", {"refusal": "invalid"}, r"'invalid' - at `\$.refusal`"),
        ("late-error", {"after_tokens": 0}, r">= 1 - at `\$.after_tokens`"),
        ("late-error", {"refusal": "denied"}, r"'denied' - at `\$.refusal`"),
        ("jitter", {"delay_ms": 10, "jitter_ms": 20}, r"jitter_ms must be at most delay_ms \(10\)"),
        ("tail-latency", {"delay_s": 9, "max_delay_s": 8}, r"max_delay_s must be at least delay_s \(9\)"),
        ("bandwidth", {"rate_kbps": 1}, r">= 8.0 - at `\$.rate_kbps`"),
        ("drip", {"piece_bytes": 0}, r">= 1 - at `\$.piece_bytes`"),
        ("wrong-content-type", {"content_type": "html"}, r"at `\$.content_type`"),
        ("stream-stall", {"for_s": 0}, r"> 0.0 - at `\$.for_s`"),
        ("stream-stall", {"for_s": math.inf}, r"for_s must be a finite number, not inf"),
        ("wrong-answer", {"how": "late"}, r"'late' - at `\$.how`"),
    ],
)
def test_bad_settings_are_said_so_that_they_can_be_mended(kind: str, settings: dict[str, Any], message: str) -> None:
    """What, where, what was allowed, the nearest match."""
    with pytest.raises(BadInput, match=message):
        make_fault(kind, settings, where="day.yaml:3")


def test_chance_is_the_exchanges_own() -> None:
    """The same exchange falls on the same replica, again and again; others fall elsewhere."""

    def fell() -> list[bool]:
        fault = make_fault("bad-replica", {"replicas": 4})
        return [isinstance(through(fault, FakeExchange(rng_for(1, number)))[1], Refusal) for number in range(100)]

    first = fell()
    assert (first, True) == (fell(), 10 < sum(first) < 45)
