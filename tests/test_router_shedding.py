"""How the reference router learns what an endpoint takes, and who goes without."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.router.shedding import Room, RoomSettings

SETTINGS = RoomSettings()
OPEN = 10


def full_room(tenant: str = "acme") -> Room:
    """Return a room that was found full with ten requests of a tenant open, all of which are still there."""
    room = Room(SETTINGS)
    for _ in range(OPEN):
        room.enter(tenant)
    room.full(0.0, None, too_often=False)
    return room


def fit(room: Room, tenant: str, traffic_class: str = "interactive", *, sharers: int = 1) -> int:
    """Return how many more of such requests the room takes, which then are there."""
    taken = 0
    while taken < OPEN and room.fits(1.0, tenant, traffic_class, sharers=sharers):
        room.enter(tenant)
        taken += 1
    return taken


def leave(room: Room, tenant: str, count: int) -> None:
    """Let so many requests end without a word."""
    for _ in range(count):
        room.leave(tenant)


def test_a_refusal_teaches_how_much_fits() -> None:
    """Eight of ten that were open when it refused may be open; before, there was no bound."""
    room = full_room()
    leave(room, "acme", OPEN)
    assert OPEN * SETTINGS.cut_ratio == fit(room, "acme")
    assert OPEN == fit(Room(SETTINGS), "acme")


def test_background_work_leaves_room() -> None:
    """Of a limit of eight it fills five, and those who wait for an answer the rest."""
    room = full_room()
    leave(room, "acme", OPEN)
    assert 5 == fit(room, "acme", "background")
    assert 3 == fit(room, "acme")


def test_a_greedy_tenant_leaves_room_for_the_others() -> None:
    """Beyond its part it fills no more than seven tenths; the other finds room still."""
    room = full_room()
    leave(room, "acme", OPEN)
    assert 6 == fit(room, "acme", sharers=2)
    assert 2 == fit(room, "globex", sharers=2)


def test_answers_make_room_again() -> None:
    """While it is used, each answer adds a little, until all that fitted before fits."""
    room = full_room()
    leave(room, "acme", 2)
    for _ in range(3 * OPEN):
        room.served()
    assert room.fits(1.0, "acme", "interactive", sharers=1)


def test_refusals_of_one_moment_count_once() -> None:
    """What was sent before the first refusal was heard says nothing new."""
    room = full_room()
    for _ in range(20):
        room.full(0.1, None, too_often=False)
    leave(room, "acme", OPEN)
    assert OPEN * SETTINGS.cut_ratio == fit(room, "acme")


def test_a_bound_is_forgotten() -> None:
    """After a while without a refusal there is none."""
    room = full_room()
    assert not room.fits(SETTINGS.forget_s - 0.1, "acme", "interactive", sharers=1)
    assert room.fits(SETTINGS.forget_s, "acme", "interactive", sharers=1)


@given(st.floats(0.01, 100), st.booleans())
def test_an_endpoints_own_word_is_kept(told_s: float, too_often: bool) -> None:  # noqa: FBT001 - drawn
    """Nobody goes there before the time it named is over, and then somebody does."""
    room = Room(SETTINGS)
    room.enter("acme")
    room.full(0.0, told_s, too_often=too_often)
    room.leave("acme")
    assert told_s == room.opens_in_s(0.0)
    assert not room.fits(told_s * 0.99, "acme", "interactive", sharers=1)
    assert room.fits(told_s, "acme", "interactive", sharers=1)


def test_without_a_word_pauses_grow_and_answers_shorten_them() -> None:
    """Each refusal for being asked too often doubles the pause, up to a bound; answers bring it back."""
    room = Room(SETTINGS)
    pauses, now_s = [], 0.0
    for _ in range(5):
        room.full(now_s, None, too_often=True)
        pauses.append(room.opens_in_s(now_s))
        now_s += pauses[-1]
    assert [0.5, 1.0, 2.0, 4.0, 4.0] == pytest.approx(pauses)
    for _ in range(50):
        room.served()
    room.full(now_s, None, too_often=True)
    assert SETTINGS.pause_s == pytest.approx(room.opens_in_s(now_s))
