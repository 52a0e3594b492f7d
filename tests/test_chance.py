"""Three plays of a target that has a memory: what one chance changed may last, and is no leak for that."""

from hypothesis import given
from hypothesis import strategies as st

from brownout.chance import Odd, Tally, Weight
from brownout.clock import rng_for

PLAYS: list[Odd] = ["first", "again", "twin"]


def streaks(count: int, odd: Odd) -> list[tuple[Odd, int]]:
    """Return streaks of one message."""
    return [(odd, 1)] * count


def weight(told: list[tuple[Odd, int]], tenant: str = "europa") -> Weight:
    """Return what streaks of messages amount to, each of which differs in a way of its own, with one alike between."""
    tally = Tally()
    for number, (odd, length) in enumerate(told):
        for place in range(length):
            tally.note(tenant, odd, (number, place))
        tally.note(tenant, "")
    return tally.weight()


def test_what_a_memory_draws_out_is_chance() -> None:
    """Eight messages in four streaks, beside five of the others': as a sound router with a memory was seen to do."""
    assert not weight([("twin", 2), ("twin", 3), ("first", 1), ("twin", 1), *streaks(4, "first"), ("twin", 2)])


@given(st.integers(0, 2**32), st.integers(2, 12), st.integers(2, 40))
def test_a_memory_of_any_length_is_never_surely_a_leak(seed: int, length: int, count: int) -> None:
    """However many messages each chance changes: as long as they last alike."""
    rng = rng_for(seed, "odd ones")
    assert "sure" != weight([("first", length), *((rng.choice(PLAYS), length) for _ in range(count))])


def test_a_leak_in_every_message_is_one_however_else_the_part_differs() -> None:
    """A streak that outlasts all that chance was seen to make."""
    assert "sure" == weight([("first", 1), ("again", 2), ("twin", 60)])


def test_a_leak_now_and_then_is_one_amid_chance() -> None:
    """Thirty times in the play with the other secret, and three in the others."""
    assert "sure" == weight([*streaks(30, "twin"), *streaks(3, "first")])


def test_a_streak_that_may_be_a_leak_or_a_memory_is_doubtful() -> None:
    """Sixty messages, where a chance was seen to last for ten."""
    assert "doubtful" == weight([("first", 10), ("twin", 60)])


def test_a_few_messages_are_doubtful_where_nothing_else_ever_differs() -> None:
    """Three in a row; two may well be."""
    assert ("doubtful", "") == (weight([("twin", 3)]), weight([("twin", 2)]))


def test_tenants_have_streaks_of_their_own() -> None:
    """Messages of two tenants that came by turns are two streaks, not one each."""
    tally = Tally()
    for number in range(20):
        tally.note("europa", "twin", number)
        tally.note("globex", "again", number)
    assert not tally.weight()
