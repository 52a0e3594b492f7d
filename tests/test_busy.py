"""How busy a target's threads are told to be."""

import os
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.evidence import TARGET_BUSY, TARGET_STARVED, TARGET_WAITED
from fixtures.busy import OVER_S, BusyThreads, Use, uses_of

LOOK_EVERY_S = 2.0


class Threads:
    """Threads that have so much of a processor in each stretch between two looks, and wait for so much more of it."""

    def __init__(self, shares: dict[int, Sequence[float]], waits: Sequence[float] = ()) -> None:
        self.shares, self.waits, self.step = shares, waits, 0

    def uses(self, pids: Sequence[int]) -> dict[int, Use]:
        """Return what each has had up to now."""
        waited_s = LOOK_EVERY_S * sum(self.waits[: self.step])
        return {one: Use(LOOK_EVERY_S * sum(self.shares[one][: self.step]), waited_s) for one in pids}

    def watched(self) -> BusyThreads:
        """Look after every stretch, and return who looked."""
        busy = BusyThreads(lambda: list(self.shares), uses=self.uses, now_s=lambda: LOOK_EVERY_S * self.step)
        busy.look()
        for _ in range(max(map(len, self.shares.values()))):
            self.step += 1
            busy.look()
        return busy

    def share(self) -> float | None:
        """Return the most that one had."""
        return self.watched().most().get(TARGET_BUSY)


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ({1: [1.0]}, None),
        ({1: [0.1, 0.1, 1.0, 1.0, 0.1]}, 1.0),
        ({1: [0.0, 1.0, 0.0, 0.0]}, 0.5),
        ({1: [0.2] * 5, 2: [0.0, 0.7, 0.7]}, 0.7),
        ({1: [0.5] * 4, 2: [0.5] * 4}, 0.5),
    ],
    ids=["too short to tell", "full for a while", "full for a moment", "the busier one", "two halves are no whole"],
)
def test_the_busiest_thread_over_four_seconds_is_told(shares: dict[int, list[float]], expected: float | None) -> None:
    """A moment's work fills nobody, and two threads that share it are not full."""
    assert expected == (None if expected is None else pytest.approx(Threads(shares).share()))
    assert expected is not None or Threads(shares).share() is None


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_no_thread_is_told_busier_than_its_busiest_stretch(shares: list[float]) -> None:
    """What is told lies between the mean of the whole and the most of any stretch."""
    told = Threads({1: shares}).share()

    assert told is not None
    assert told <= max(shares) + 1e-9
    assert OVER_S == 2 * LOOK_EVERY_S
    assert told >= max(sum(pair) / 2 for pair in pairwise(shares)) - 1e-9


def test_a_thread_that_is_new_or_gone_is_not_told() -> None:
    """A process that was started again has other threads, and what they used before counts nowhere."""
    pids, step = [1], 0.0
    busy = BusyThreads(lambda: pids, uses=lambda pids: dict.fromkeys(pids, Use(100 * step, 0.0)), now_s=lambda: step)
    busy.look()
    pids, step = [2], 4.0
    busy.look()

    assert {} == busy.most()


def test_our_own_threads_are_found_and_a_process_that_is_gone_has_none() -> None:
    """A process may end between being named and being read."""
    assert os.getpid() in uses_of([os.getpid(), 2**22 + 1])
    assert uses_of([os.getpid()])[os.getpid()].ran_s > 0
    assert {} == uses_of([2**22 + 1])


@pytest.mark.parametrize(
    ("had", "waited", "expected"),
    [([0.6] * 4, [0.35] * 4, 0.35), ([0.3] * 4, [0.2] * 4, 0.0), ([0.95] * 4, [0.0] * 4, 0.0), ([1.0], [0.0], None)],
    ids=["crowded out", "with time to spare", "full, and nobody in its way", "too short to tell"],
)
def test_a_thread_that_wanted_most_of_a_processor_is_told_to_have_waited(
    had: list[float], waited: list[float], expected: float | None
) -> None:
    """Whoever waits now and then and has time left is only late; whoever has none left falls behind."""
    most = Threads({1: had}, waited).watched().most()

    assert most.get(TARGET_STARVED) == (None if expected is None else pytest.approx(expected))
    assert most.get(TARGET_WAITED) == (None if expected is None else pytest.approx(waited[0]))
