"""Chance follows from the seed and the asker; time from the loop it is asked on."""

import asyncio
import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from brownout.clock import LoopClock, MonotonicClock, monotonic_s, rng_for, wait_until
from brownout.virtual import run_virtual

SEEDS = st.integers(-(2**63), 2**63)
NAMES = st.lists(st.one_of(st.text(max_size=8), st.integers()), max_size=3)


def draws(seed: int, *names: object, count: int = 5) -> list[float]:
    """Return the first draws of an asker."""
    rng = rng_for(seed, *names)
    return [rng.random() for _ in range(count)]


@given(SEEDS, NAMES)
def test_one_seed_and_one_asker_make_one_stream(seed: int, names: list[object]) -> None:
    """Asked again, the same numbers come."""
    assert draws(seed, *names) == draws(seed, *names)


@given(SEEDS, NAMES, NAMES)
def test_two_askers_never_share_a_stream(seed: int, names: list[object], others: list[object]) -> None:
    """Another name, another seed, a name more: other numbers."""
    same = list(map(str, names)) == list(map(str, others))
    assert same == (draws(seed, *names) == draws(seed, *others))
    assert draws(seed, *names) != draws(seed + 1, *names)
    assert draws(seed, *names) != draws(seed, *names, "one more")


@given(SEEDS, st.integers(0, 20))
def test_a_draw_more_in_one_place_changes_nothing_in_another(seed: int, more: int) -> None:
    """Streams are independent of what others have drawn."""
    one, other = rng_for(seed, "one"), rng_for(seed, "other")
    for _ in range(more):
        one.random()
    assert draws(seed, "other", count=1) == [other.random()]


def test_streams_are_stable_across_versions() -> None:
    """A seed written down today plays the same history tomorrow."""
    assert [0.5668459792, 0.7159795372] == [round(number, 10) for number in draws(1, "loadgen", 7, count=2)]


def test_a_loops_clock_counts_from_its_epoch() -> None:
    """Virtual time passes as it is slept, and the made-up day with it."""

    async def main() -> tuple[float, float, dt.timedelta]:
        clock, other = LoopClock(), LoopClock(epoch_s=-5.0)
        before = clock.utc()
        await asyncio.sleep(90.5)
        return clock.now_s(), other.now_s(), clock.utc() - before

    assert (90.5, 95.5, dt.timedelta(seconds=90.5)) == run_virtual(main())


def test_clocks_of_one_machine_agree() -> None:
    """Two clocks with one epoch read the same, on a loop and off it, so that evidence lines up."""
    epoch_s = monotonic_s()

    async def main() -> tuple[float, float, float]:
        outside, inside = MonotonicClock(epoch_s), LoopClock(epoch_s)
        return outside.now_s(), inside.now_s(), outside.now_s()

    first_s, between_s, last_s = asyncio.run(main())
    assert 0 <= first_s <= between_s <= last_s


def test_waiting_ends_when_the_condition_holds() -> None:
    """It waits as long as it takes, or as long as it may."""

    async def main(true_at_s: float) -> tuple[bool, float]:
        clock = LoopClock()

        async def condition() -> bool:
            return clock.now_s() >= true_at_s

        return await wait_until(condition, within_s=3.0, poll_s=0.5), clock.now_s()

    assert (True, 0.0) == run_virtual(main(0.0))
    assert (True, 1.5) == run_virtual(main(1.2))
    assert (False, 3.0) == run_virtual(main(99.0))
