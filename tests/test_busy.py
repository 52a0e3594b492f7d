"""How busy a target's threads are told to be."""

import os
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.busy import OVER_S, BusyThreads, threads_of

LOOK_EVERY_S = 2.0


class Threads:
    """Threads that use so much of a processor in each stretch between two looks."""

    def __init__(self, shares: dict[int, Sequence[float]]) -> None:
        self.shares, self.step = shares, 0

    def used_s(self, pids: Sequence[int]) -> dict[int, float]:
        """Return what each has used up to now."""
        return {one: LOOK_EVERY_S * sum(self.shares[one][: self.step]) for one in pids}

    def share(self) -> float | None:
        """Look after every stretch, and return what came of it."""
        busy = BusyThreads(lambda: list(self.shares), used_s=self.used_s, now_s=lambda: LOOK_EVERY_S * self.step)
        busy.look()
        for _ in range(max(map(len, self.shares.values()))):
            self.step += 1
            busy.look()
        return busy.share()


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
    busy = BusyThreads(lambda: pids, used_s=lambda pids: dict.fromkeys(pids, 100 * step), now_s=lambda: step)
    busy.look()
    pids, step = [2], 4.0
    busy.look()

    assert busy.share() == 0.0


def test_our_own_threads_are_found_and_a_process_that_is_gone_has_none() -> None:
    """A process may end between being named and being read."""
    assert os.getpid() in threads_of([os.getpid(), 2**22 + 1])
    assert {} == threads_of([2**22 + 1])
