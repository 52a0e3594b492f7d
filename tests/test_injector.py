"""The injector writes what it did, undoes it and reads that back, and lets go when nobody holds it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

import faults  # noqa: F401 - registers every fault
from brownout.clock import LoopClock, rng_for
from brownout.errors import BadInput
from brownout.evidence import FaultRecord, ProviderRecord
from brownout.fault import Fault, Link, ReplyFault
from brownout.plan import PlannedInjection
from brownout.virtual import run_virtual
from brownout.wire import Ask, End, Event, Refusal
from fixtures.grip import LinkUse
from fixtures.holds import Reach
from fixtures.injector import Injector
from fixtures.providers.active import ActiveFault, FaultedExchange

LEASE_S = 5.0


class FakeLink:
    """A link of words: what is on it, and whether it can be taken off."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint, self.host, self.port = endpoint, "127.0.0.1", 4711
        self.enabled = True
        self.on: dict[str, str] = {}
        self.sticks = False
        self.breaks = False
        self._added = 0

    @property
    def toxics(self) -> list[str]:
        """The kinds and directions of the toxics on it."""
        return list(self.on.values())

    async def disable(self) -> None:
        """Refuse connections."""
        self.enabled = False

    async def enable(self) -> None:
        """Listen again, unless it sticks."""
        await self._change()
        if not self.sticks:
            self.enabled = True

    async def add_toxic(
        self, kind: str, attributes: Mapping[str, int], *, stream: str = "downstream", toxicity: float = 1.0
    ) -> str:
        """Add a toxic."""
        del attributes, toxicity
        self._added += 1
        self.on[str(self._added)] = f"{kind} {stream}"
        return str(self._added)

    async def remove_toxic(self, name: str) -> None:
        """Take a toxic off, unless it sticks."""
        await self._change()
        if not self.sticks:
            self.on.pop(name, None)

    async def state(self) -> tuple[bool, frozenset[str]]:
        """Read back."""
        return self.enabled, frozenset(self.on)

    async def acted(self, names: Sequence[str], *, cut: bool = False) -> int:
        """Count nothing."""
        del names, cut
        return 0

    async def _change(self) -> None:
        await asyncio.sleep(0.1)
        if self.breaks:
            raise OSError("the fault plane is gone")


@dataclass
class FakeEndpoint:
    """An endpoint that only holds its reply faults."""

    faults: dict[str, ActiveFault] = field(default_factory=dict)


class Scene:
    """Two links, two endpoints, an injector, and what it wrote."""

    def __init__(self, **settings: Any) -> None:
        self.clock = LoopClock()
        self.links = {name: FakeLink(name) for name in ("a", "b")}
        self.endpoints = {name: FakeEndpoint() for name in ("a", "b")}
        self.records: list[FaultRecord] = []
        self.injector = Injector(
            "t",
            Reach(
                clock=self.clock,
                links={name: LinkUse(link) for name, link in self.links.items()},
                faults={name: endpoint.faults for name, endpoint in self.endpoints.items()},
            ),
            clock=self.clock,
            record=self.records.append,
            **settings,
        )

    def told(self) -> list[tuple[str, str, bool | None]]:
        """Return what was written: which injection, on or off, undone."""
        return [(one.injection, one.event, one.undone) for one in self.records]

    async def meet(self, endpoint: str) -> None:
        """Send one request through the reply faults of an endpoint."""
        for active in self.endpoints[endpoint].faults.values():
            exchange = FaultedExchange(
                endpoint=endpoint,
                ask=Ask(model="m", prompt="p"),
                tenant=None,
                rng=rng_for(1),
                active=active,
                record=ProviderRecord(test="t", endpoint="e", arrived_s=0.0, end_s=0.0, outcome="open"),
                before_wait=_nothing_held,
            )
            assert isinstance(active.fault, ReplyFault)
            with pytest.raises(Refusal):
                await _read(active.fault, exchange)


async def _nothing_held() -> None:
    """Send nothing: nothing is held."""


async def _read(fault: ReplyFault, exchange: FaultedExchange) -> list[Event]:
    async def reply() -> AsyncIterator[Event]:
        yield End()

    return [event async for event in fault.pipe(exchange, reply())]


def play(story: Callable[[Scene], Awaitable[None]], **settings: Any) -> Scene:
    """Play a story in virtual time; the injector is closed after it."""

    async def main() -> Scene:
        scene = Scene(**settings)
        await story(scene)
        await scene.injector.close()
        return scene

    return run_virtual(main())


def planned(name: str, *endpoints: str, fault: str = "region-down", **settings: Any) -> PlannedInjection:
    """Return an injection."""
    return PlannedInjection(
        id=name, fault=fault, settings=settings, at="east", endpoints=list(endpoints or "a"), at_s=0.0, for_s=9.0
    )


REPLY, REFUSED, SILENT = {"how": "5xx"}, {"how": "refused"}, {"how": "silent"}


def test_a_reply_fault_is_written_on_and_off_with_what_it_touched() -> None:
    """On and off at their instants; fired counts exchanges; undone is read back."""

    async def story(scene: Scene) -> None:
        await asyncio.sleep(1)
        await scene.injector.inject(planned("i", "a", "b", **REPLY))
        assert ["i"] == scene.injector.on
        for endpoint in ("a", "a", "b"):
            await scene.meet(endpoint)
        await asyncio.sleep(2)
        await scene.injector.lift("i", why="enough")
        await scene.meet("a")
        assert [] == scene.injector.on

    scene = play(story)
    on, off = scene.records
    assert (
        FaultRecord(test="t", injection="i", fault="region-down", at="east", endpoints=["a", "b"], event="on", at_s=1.0)
        == on
    )
    assert ("off", 3.0, 3, True, "enough") == (off.event, off.at_s, off.fired, off.undone, off.why)


def test_what_is_slow_to_go_makes_no_other_late() -> None:
    """One is taken off, which takes its time, and another put on at the same instant: both begin then."""

    async def story(scene: Scene) -> None:
        await scene.injector.inject(planned("slow", "a", **SILENT))
        await asyncio.sleep(1)
        await asyncio.gather(scene.injector.lift("slow"), scene.injector.inject(planned("prompt", "b", **REPLY)))

    began_s = {(one.injection, one.event): one.at_s - one.took_s * (one.event == "off") for one in play(story).records}
    assert (1.0, 1.0) == (began_s["slow", "off"], began_s["prompt", "on"])


def test_a_link_that_one_lets_go_as_another_takes_it_stays_taken() -> None:
    """Whichever the server hears first, who is on has the last word; then the link is as it was."""

    async def story(scene: Scene) -> None:
        await scene.injector.inject(planned("first", **REFUSED))
        await asyncio.gather(scene.injector.lift("first"), scene.injector.inject(planned("second", **REFUSED)))
        assert False is scene.links["a"].enabled
        await scene.injector.lift("second")
        assert True is scene.links["a"].enabled

    assert [True, True] == [undone for _, event, undone in play(story).told() if event == "off"]


def test_a_network_fault_is_on_its_links_until_it_is_lifted() -> None:
    """It touches the links it was put on, counts those on which a caller met it, and leaves them clean."""

    async def story(scene: Scene) -> None:
        await scene.injector.inject(planned("i", **REFUSED))
        assert (False, True) == (scene.links["a"].enabled, scene.links["b"].enabled)
        await asyncio.sleep(2)
        await scene.injector.lift("i")
        assert scene.links["a"].enabled

    scene = play(story)
    assert [("i", "on", None), ("i", "off", True)] == scene.told()
    assert 1 == scene.records[1].fired  # nobody listens at the link's port: a caller is refused


def test_a_network_fault_that_no_caller_meets_has_not_fired() -> None:
    """A link that refuses when it should be silent: the probe says that the fault is not there."""

    async def story(scene: Scene) -> None:
        await scene.injector.inject(planned("i", **SILENT))
        await asyncio.sleep(1)

    assert 0 == play(story).records[1].fired


@pytest.mark.parametrize("first", ["i", "j"])
def test_lifting_one_of_two_faults_on_a_link_keeps_the_other(first: str) -> None:
    """Restoring a link takes everything off; what is still held there is put on again."""
    marks = {"i": (False, []), "j": (True, ["timeout upstream", "timeout downstream"])}

    async def story(scene: Scene) -> None:
        await scene.injector.inject(planned("i", **REFUSED))
        await scene.injector.inject(planned("j", "a", "b", **SILENT))
        other = "j" if first == "i" else "i"
        await scene.injector.lift(first)
        link = scene.links["a"]
        assert marks[other] == (link.enabled, link.toxics)
        assert [other] == scene.injector.on
        await scene.injector.lift(other)
        assert [(True, [])] * 2 == [(one.enabled, one.toxics) for one in scene.links.values()]

    scene = play(story)
    assert [True, True] == [one.undone for one in scene.records if one.event == "off"]


def test_a_reply_fault_and_a_network_fault_do_not_touch_each_other() -> None:
    """Lifting the one leaves the other as it is."""

    async def story(scene: Scene) -> None:
        await scene.injector.inject(planned("net", **REFUSED))
        await scene.injector.inject(planned("reply", **REPLY))
        await scene.injector.lift("net")
        assert ["reply"] == list(scene.endpoints["a"].faults)
        assert scene.links["a"].enabled
        await scene.injector.inject(planned("net", **REFUSED))
        await scene.injector.lift("reply")
        assert not scene.links["a"].enabled

    play(story)


def test_a_fault_nobody_keeps_alive_is_lifted_by_itself() -> None:
    """Within the lease (and one look at it), and the evidence says why."""

    async def story(scene: Scene) -> None:
        await scene.injector.inject(planned("i", **REFUSED))
        await scene.injector.inject(planned("j", "b", **REPLY))
        await asyncio.sleep(LEASE_S - 0.1)
        assert ["i", "j"] == scene.injector.on
        await asyncio.sleep(1.1)
        assert [] == scene.injector.on
        assert (True, []) == (scene.links["a"].enabled, scene.links["a"].toxics)
        assert not scene.endpoints["b"].faults

    scene = play(story, lease_s=LEASE_S)
    for record in scene.records[2:]:
        assert ("off", True) == (record.event, record.undone)
        assert "the lease ran out: nobody had kept it for 5 s" == record.why
        assert LEASE_S <= record.at_s <= LEASE_S + 0.7


def test_a_lease_that_is_kept_does_not_run_out() -> None:
    """As long as somebody says so, and not longer."""

    async def story(scene: Scene) -> None:
        await scene.injector.inject(planned("i", **REPLY))
        for _ in range(10):
            await asyncio.sleep(LEASE_S - 1)
            scene.injector.keep_alive()
        assert ["i"] == scene.injector.on
        await asyncio.sleep(LEASE_S + 1)
        assert [] == scene.injector.on

    play(story, lease_s=LEASE_S)


def test_the_lease_is_watched_again_after_it_ran_out() -> None:
    """A fault put on later is on a lease like the first."""

    async def story(scene: Scene) -> None:
        for _ in range(2):
            await scene.injector.inject(planned("i", **REPLY))
            await asyncio.sleep(LEASE_S + 1)
            assert [] == scene.injector.on

    assert [("i", "on", None), ("i", "off", True)] * 2 == play(story, lease_s=LEASE_S).told()


@pytest.mark.parametrize(
    ("injection", "message"),
    [
        (planned("i", fault="region-dwn"), r"^i: unknown fault 'region-dwn'\. Did you mean 'region-down'\?"),
        (planned("i", hwo="5xx"), r"^i: fault 'region-down' has no setting 'hwo'\. Did you mean 'how'\?"),
        (planned("i", how="gone"), r"^i: fault 'region-down': "),
    ],
)
def test_an_injection_that_cannot_be_is_refused_and_leaves_nothing(injection: PlannedInjection, message: str) -> None:
    """An unknown fault or setting is bad input; nothing is on, nothing was written."""

    async def story(scene: Scene) -> None:
        with pytest.raises(BadInput, match=message):
            await scene.injector.inject(injection)
        assert [] == scene.injector.on

    assert [] == play(story).records


def test_an_injection_cannot_be_put_on_twice() -> None:
    """One that is on is lifted first; after that it can be put on again."""

    async def story(scene: Scene) -> None:
        await scene.injector.inject(planned("i", **REPLY))
        with pytest.raises(BadInput, match="'i' is on already; lift it first"):
            await scene.injector.inject(planned("i", "b", **REPLY))
        assert not scene.endpoints["b"].faults
        await scene.injector.lift("i")
        await scene.injector.inject(planned("i", **REPLY))

    assert [("i", "on", None), ("i", "off", True)] * 2 == play(story).told()


def test_lifting_what_is_not_on_does_nothing() -> None:
    """Also twice, also both at once."""

    async def story(scene: Scene) -> None:
        await scene.injector.lift("nothing")
        await scene.injector.inject(planned("i", **REFUSED))
        await asyncio.gather(scene.injector.lift("i"), scene.injector.lift("i"), scene.injector.lift_all())

    assert [("i", "on", None), ("i", "off", True)] == play(story).told()


@pytest.mark.parametrize("flaw", ["sticks", "breaks"])
def test_an_undo_that_is_not_read_back_as_clean_is_not_undone(flaw: str) -> None:
    """The evidence says so, and the rest is taken off all the same."""

    async def story(scene: Scene) -> None:
        setattr(scene.links["a"], flaw, True)
        await scene.injector.inject(planned("i", "a", "b", **REFUSED))
        await scene.injector.inject(planned("j", "b", **REPLY))
        await scene.injector.lift_all()
        assert scene.links["b"].enabled
        assert not scene.endpoints["b"].faults

    told = play(story).told()
    assert [("i", "off", False), ("j", "off", True)] == sorted(told[2:])


def test_the_lease_holds_for_the_rest_when_one_link_breaks() -> None:
    """A fault plane that fails once does not keep the other faults on."""

    async def story(scene: Scene) -> None:
        scene.links["a"].breaks = True
        await scene.injector.inject(planned("i", "a", **REFUSED))
        await scene.injector.inject(planned("j", "b", **REFUSED))
        await asyncio.sleep(LEASE_S + 2)
        assert scene.links["b"].enabled
        await scene.injector.inject(planned("k", "b", **REFUSED))
        await asyncio.sleep(LEASE_S + 2)
        assert scene.links["b"].enabled

    play(story, lease_s=LEASE_S)


@pytest.mark.parametrize("how", ["hangs", "crashed"])
def test_a_probe_that_ends_badly_does_not_keep_its_fault_on(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that never ends is given up when the fault is lifted; one that crashed has met nothing. It goes off."""

    async def felt(fault: Fault, link: Link) -> bool:
        del fault, link
        if how == "crashed":
            raise RuntimeError("no such host")
        await asyncio.sleep(1e6)
        return True

    monkeypatch.setattr("faults.region_down.RegionDown.felt", felt)

    async def story(scene: Scene) -> None:
        await scene.injector.inject(planned("i", **REFUSED))
        await asyncio.sleep(1)

    scene = play(story)
    assert scene.links["a"].enabled
    off = scene.records[-1]
    assert ("off", True, 0, True) == (off.event, off.undone, off.fired, off.at_s < 2)


def test_closing_takes_everything_off() -> None:
    """Whatever is on when the world ends."""

    async def story(scene: Scene) -> None:
        await scene.injector.inject(planned("i", "a", "b", **SILENT))
        await scene.injector.inject(planned("j", **REPLY))

    scene = play(story)
    assert [("i", "off", True), ("j", "off", True)] == sorted(scene.told()[2:])
    assert [] == scene.links["b"].toxics


def test_a_lift_tells_whether_it_was_read_back() -> None:
    """Who put it on by hand hears it; what is not on is off."""

    async def story(scene: Scene) -> None:
        scene.links["a"].sticks = True
        await scene.injector.inject(planned("i", "a", **REFUSED))
        await scene.injector.inject(planned("j", "b", **REFUSED))
        told = [await scene.injector.lift(one) for one in ("i", "j", "nothing")]
        assert [False, True, True] == told

    play(story)


def test_a_ramp_that_breaks_calls_the_run_off() -> None:
    """From then on the fault is not what the schedule says; nobody may judge a router by it."""

    async def story(scene: Scene) -> None:
        ramped = msgspec.structs.replace(planned("i", fault="jitter"), for_s=9.0, ramp_s=4.0)
        await scene.injector.inject(ramped)
        await asyncio.sleep(1)
        scene.links["a"].breaks = True
        await asyncio.sleep(1)
        scene.links["a"].breaks = False

    told = [(one.event, one.why) for one in play(story).records]
    assert [("on", ""), ("called-off", "its ramp broke: the fault plane is gone"), ("off", "")] == told
