"""Which tests of a run are played side by side."""

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from fixtures.gate import batches, make_plan
from tests.options import reference_options

TESTS = make_plan(reference_options(profile="full", clock="virtual")).tests
BURSTS = [test.test for test in TESTS if test.workload.arrival.bursts]


@given(size=st.integers(1, 8), apart=st.booleans())
def test_every_test_is_played_once_and_never_more_than_so_many_at_a_time(size: int, *, apart: bool) -> None:
    """Whatever is set apart."""
    made = batches(TESTS, size, apart=apart)
    assert sorted(test.test for test in TESTS) == sorted(test.test for test in chain.from_iterable(made))
    assert max(map(len, made)) <= size


def test_a_heavy_targets_bursts_are_played_alone() -> None:
    """Each of them takes a whole processor, so that what they show would be the other's doing."""
    made = [[test.test for test in batch] for batch in batches(TESTS, 2, apart=True)]
    assert (True, [[name] for name in BURSTS]) == (len(BURSTS) > 1, made[-len(BURSTS) :])
    assert not set(BURSTS) & set(chain.from_iterable(made[: -len(BURSTS)]))


def test_no_tests_make_no_batches() -> None:
    """Everything was left out."""
    assert [] == batches([], 6)
