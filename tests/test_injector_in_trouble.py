"""What breaks while a fault comes on, is counted or goes off keeps no fault on, and nobody is told that it is gone."""

import asyncio
from collections.abc import Callable, Iterator, Sequence

import pytest

import faults  # noqa: F401 - registers every fault
from brownout.clock import LoopClock
from brownout.evidence import FaultRecord
from brownout.fault import Fault, Link
from brownout.hands import Hands, LeftOn
from brownout.plan import PlannedInjection
from brownout.virtual import run_virtual
from faults._screws import Screw
from faults._screws import turned as screws_turned
from fixtures.holds import Reach
from fixtures.injector import Injector
from tests.test_injector import FakeLink, Scene, planned, play

LEASE_S = 5.0


class Valve:
    """Something in a world that is turned: how long that takes, how often it acted, and what breaks."""

    def __init__(self) -> None:
        self.on = False
        self.acted = 3
        self.turns_in_s = self.undone_in_s = 0.0
        self.uncountable = self.sticks = False

    def fired(self) -> int:
        """Count, where that can be done."""
        if self.uncountable:
            raise RuntimeError("no counter")
        return self.acted

    async def undo(self) -> None:
        """Turn it back, after a while."""
        await asyncio.sleep(self.undone_in_s)
        if self.sticks:
            raise OSError("it sticks")
        self.on = False

    async def undone(self) -> bool:
        """Read it back."""
        return not self.on


class Valves:
    """An injector whose faults in the world turn the valve of their first endpoint."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, hands: Hands) -> None:
        self.records: list[FaultRecord] = []
        self.at = {name: Valve() for name in ("a", "b")}
        clock = LoopClock()
        reach = Reach(clock=clock, hands=lambda _: hands)
        self.injector = Injector("t", reach, clock=clock, record=self.records.append, lease_s=LEASE_S)

        async def turn(fault: Fault, hands: Hands, at: Sequence[str]) -> Valve:
            del fault, hands
            valve = self.at[at[0]]
            await asyncio.sleep(valve.turns_in_s)
            valve.on = True
            return valve

        monkeypatch.setattr("faults.quota_shrink.QuotaShrink.turn", turn)


def turned(name: str, endpoint: str, *, ramp_s: float = 0.0) -> PlannedInjection:
    """Return an injection that turns the valve of an endpoint."""
    return PlannedInjection(
        id=name,
        fault="quota-shrink",
        settings={},
        at="east",
        endpoints=[endpoint],
        at_s=0.0,
        for_s=100.0,
        ramp_s=ramp_s,
    )


@pytest.fixture
def valves(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Valves]:
    """Return what makes them, on the loop that runs."""
    hands: Hands = object()  # type: ignore[assignment]  # no valve asks for it
    return lambda: Valves(monkeypatch, hands)


def test_a_fault_that_cannot_be_counted_goes_off_all_the_same(valves: Callable[[], Valves]) -> None:
    """It has not fired, as far as anybody knows; and the evidence says why."""

    async def main() -> list[FaultRecord]:
        scene = valves()
        scene.at["a"].uncountable = True
        await scene.injector.inject(turned("i", "a"))
        assert await scene.injector.lift("i")
        assert not scene.at["a"].on
        return scene.records

    off = run_virtual(main())[-1]
    assert ("off", 0, True, "it could not be counted: no counter") == (off.event, off.fired, off.undone, off.why)


def test_a_fault_that_cannot_be_counted_does_not_end_the_watch_over_the_lease(valves: Callable[[], Valves]) -> None:
    """Nobody is there any more: both go off."""

    async def main() -> None:
        scene = valves()
        scene.at["a"].uncountable = True
        await scene.injector.inject(turned("i", "a"))
        await scene.injector.inject(turned("j", "b"))
        await asyncio.sleep(LEASE_S + 1)
        assert [] == scene.injector.on

    run_virtual(main())


@pytest.mark.parametrize("slow", ["turns_in_s", "undone_in_s"])
def test_what_is_slow_to_come_or_to_go_keeps_no_other_beyond_its_lease(slow: str, valves: Callable[[], Valves]) -> None:
    """An experiment in a real cloud takes minutes for either; the run may be killed meanwhile."""

    async def main() -> None:
        scene = valves()
        setattr(scene.at["a"], slow, 60.0)
        slowly = asyncio.create_task(scene.injector.inject(turned("i", "a")))
        await asyncio.sleep(LEASE_S - 1)
        await scene.injector.inject(turned("j", "b"))
        await asyncio.sleep(LEASE_S + 1)
        assert not scene.at["b"].on
        await slowly
        await scene.injector.close()

    run_virtual(main())


def test_an_undo_that_breaks_on_a_ramp_counts_nothing_twice(valves: Callable[[], Valves]) -> None:
    """What had acted three times has acted three times."""

    async def main() -> list[FaultRecord]:
        scene = valves()
        await scene.injector.inject(turned("i", "a", ramp_s=10.0))
        scene.at["a"].sticks = True
        await asyncio.sleep(3.5)
        await scene.injector.close()
        return scene.records

    assert [("off", 3)] == [(one.event, one.fired) for one in run_virtual(main()) if one.event == "off"]


def test_what_went_off_unconfirmed_is_not_said_to_be_gone_when_it_is_lifted(valves: Callable[[], Valves]) -> None:
    """Not when its lease ran out before, and not the second time; put on and off once more, it is."""

    async def main() -> list[bool]:
        scene = valves()
        valve = scene.at["a"]
        valve.sticks = True
        await scene.injector.inject(turned("i", "a"))
        await asyncio.sleep(LEASE_S + 1)
        said = [await scene.injector.lift("i"), await scene.injector.lift("i")]
        valve.sticks = False
        await scene.injector.inject(turned("i", "a"))
        return [*said, await scene.injector.lift("i")]

    assert [False, False, True] == run_virtual(main())


def test_what_could_not_be_put_on_and_not_be_undone_is_not_undone(
    valves: Callable[[], Valves], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The evidence says that it may be on, and so does who lifts it."""

    async def turn(*_: object) -> Valve:
        raise LeftOn("refused; what was begun could not be undone")

    async def main() -> list[FaultRecord]:
        scene = valves()
        monkeypatch.setattr("faults.quota_shrink.QuotaShrink.turn", turn)
        with pytest.raises(LeftOn):
            await scene.injector.inject(turned("i", "a"))
        assert not await scene.injector.lift("i")
        return scene.records

    assert [("off", False)] == [(one.event, one.undone) for one in run_virtual(main())]


def test_screws_that_cannot_be_turned_on_nor_back_say_so() -> None:
    """Whoever turned them knows then that something may be left."""

    async def stuck() -> None:
        raise OSError("it sticks")

    def screws() -> Iterator[Screw]:
        yield Screw(acted=lambda: 0, back=stuck, is_back=lambda: False)
        raise ValueError("no such thing")

    with pytest.raises(LeftOn, match=r"^no such thing; what was begun could not be undone: it sticks$"):
        run_virtual(screws_turned(screws()))


def test_a_link_that_is_slow_to_be_set_is_let_go_when_another_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is on its way has come before it is taken back."""

    async def inject(fault: Fault, link: Link) -> None:
        del fault
        if link.endpoint == "b":
            raise OSError("the fault plane is gone")
        await link.add_toxic("timeout", {})

    async def slowly(link: FakeLink, *_: object, **__: object) -> str:
        await asyncio.sleep(1)
        link.on["1"] = "timeout"
        return "1"

    monkeypatch.setattr("faults.region_down.RegionDown.inject", inject)
    monkeypatch.setattr(FakeLink, "add_toxic", slowly)

    async def story(scene: Scene) -> None:
        with pytest.raises(OSError, match="is gone"):
            await scene.injector.inject(planned("i", "a", "b"))
        await asyncio.sleep(5)
        assert [] == scene.links["a"].toxics

    assert [("i", "off", True)] == play(story).told()
