"""Two tapes are compared to the byte; three of real time by who is the odd one too often for chance."""

from collections.abc import Callable, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.chance import SURE, by_chance
from brownout.clock import rng_for
from brownout.interference import (
    Compared,
    Difference,
    differences,
    likely_differences,
    outside,
    was_changed,
)
from brownout.tape import NAMES, TapeRecord
from tests.histories import ABROAD, ACME, EUROPA, NEAR, SPARE
from tests.tapes import answer, message, tape

ALLOW = {NEAR, SPARE}
Tape = list[TapeRecord]


def others(told: Sequence[TapeRecord]) -> Tape:
    """Return what was received outside acme's boundary."""
    return outside(told, ACME, ALLOW)


def likely(first: Tape, again: Tape, twin: Tape) -> Compared:
    """Compare three plays whose replies are all of one kind."""
    return likely_differences(first, again, twin, [{}, {}, {}])


def with_header(told: Sequence[TapeRecord], value: Callable[[TapeRecord], str], name: str = "x-foo") -> Tape:
    """Return the tape with another header in each request."""
    return [
        msgspec.structs.replace(one, parts=one.parts | {f"header {name}": value(one)}) if one.kind == "request" else one
        for one in told
    ]


def test_outside_is_all_but_a_tenant_s_own_at_its_own_endpoints() -> None:
    """Others' requests at an endpoint that it shares are theirs; what comes there for nobody may be its own."""
    inside = [message(1, tenant=ACME, place=NEAR), message(2, tenant="", place=SPARE), answer(3, tenant=ACME)]
    told = [
        message(4, tenant=EUROPA, place=NEAR),
        message(5, tenant=ACME, place=ABROAD),
        message(6, tenant="", place=ABROAD),
        message(7, tenant="", place="sts"),
        answer(8, tenant=EUROPA),
    ]
    assert told == outside([*inside, *reversed(told)], ACME, ALLOW)


def test_the_same_tape_has_no_differences() -> None:
    """Whatever became of the tenant's own requests."""
    assert [] == differences(others(tape()), others(tape(secret="another")))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"parts": {"method": "m", "path": "p", "header x-foo": "other", "body as it came": "said 7"}}, "header x-foo"),
        ({"blocks": ["said 7", "other"]}, "body from byte 256"),
        ({"blocks": ["said 7", "end", "more"]}, "body from byte 512"),
        ({"at_s": 0.700001}, "the instant"),
        ({"end_s": 0.95}, "the instant"),
    ],
)
def test_every_difference_is_told_with_its_place(changes: dict[str, object], what: str) -> None:
    """In bytes or in time: one is one too many."""
    first = others(tape())
    second = [msgspec.structs.replace(one, **changes) if one == message(7) else one for one in first]
    assert [Difference(ABROAD, "europa-7", what)] == differences(first, second)


def test_what_was_sent_in_one_play_alone_is_told() -> None:
    """More of them, or fewer."""
    first = others(tape())
    more = [*first, message(7, at_s=5.0)]
    assert ["a message that is sent with the other secret alone"] == [one.what for one in differences(first, more)]
    assert ["a message that is not sent with the other secret"] == [one.what for one in differences(more, first)]


def test_an_order_is_told_where_all_came_at_one_instant() -> None:
    """Which of two is first can carry a bit."""
    one, other = message(1, at_s=1.0), message(2, at_s=1.0)
    assert ["all places"] == [found.place for found in differences([one, other], [other, one])]


def test_a_reply_s_date_is_the_machine_s_and_its_pace_is_not() -> None:
    """In virtual time all but the date follows from the seed."""
    dated, paced = ({"status": "200", "header date": d, "pace": p} for d, p in (("later", "even"), ("d", "odd")))
    assert [] == differences([answer(1)], [answer(1, parts=dated)])
    assert ["pace"] == [one.what for one in differences([answer(1)], [answer(1, parts=paced)])]


def test_only_a_secret_that_was_changed_shows_anything() -> None:
    """The tenant's own requests must say other things."""
    assert was_changed(tape(), tape(secret="another"), ACME, ALLOW)
    assert not was_changed(tape(), tape(), ACME, ALLOW)
    assert not was_changed([], tape(secret="another"), ACME, ALLOW)


def test_a_part_that_the_secret_changes_is_told_among_all_that_chance_changes() -> None:
    """A header that is new in each play tells nothing; one that is new with the other secret alone does."""
    first, again, twin = (
        with_header(others(tape()), lambda one, play=play: f"{play} {one.canary}", "x-drawn") for play in "abc"
    )
    leaking = with_header(twin, lambda one: f"secret {one.canary}")
    assert [] == likely(first, again, twin).differences
    found = likely(first, again, leaking)
    assert {"header x-foo"} == {one.what for one in found.differences}
    assert 40 == len(found.differences)
    assert ["header x-drawn at abroad"] == found.loose


def test_few_differences_are_doubtful_and_not_red() -> None:
    """In three messages of forty, chance may have it so."""
    first = others(tape())
    twin = with_header(
        first, lambda one: "other" if one.canary in {f"europa-{n}" for n in (3, 9, 11)} else one.parts["header x-foo"]
    )
    found = likely(first, first, twin)
    assert ([], 3) == (found.differences, len(found.doubtful))


def test_requests_that_went_another_way_are_not_compared() -> None:
    """What a router says of a second attempt is no secret, and when it makes one is a matter of time."""
    first = others(tape())
    twin = with_header([*first, *(message(number, place=SPARE) for number in range(40))], lambda _: "second attempt")
    found = likely(first, first, twin)
    assert ([], [], 0, 120) == (found.differences, found.doubtful, found.compared, found.left)


def test_replies_of_another_kind_are_not_compared() -> None:
    """An error is no answer."""
    first = others(tape())
    kinds: list[dict[str, str]] = [{}, {}, {f"europa-{number}": "refused" for number in range(40)}]
    assert 0 == likely_differences(first, first, first, kinds).compared


def test_what_is_nobody_s_is_compared_as_a_set() -> None:
    """A beacon says the same twice with one secret, and something else with another; in whatever order."""
    first = [message(number, tenant="", blocks=[f"cipher {number}"]) for number in range(20)]
    again = list(reversed(first))
    twin = [message(number, tenant="", blocks=[f"other {number}"]) for number in range(20)]
    assert [Difference(ABROAD, "", "a message for nobody")] * 20 == likely(first, again, twin).differences
    assert (20, []) == (likely(first, again, again).compared, likely(first, again, again).differences)


def test_names_that_one_play_alone_asked_for_are_not_held_against_it() -> None:
    """Who went elsewhere once asked for a name more."""
    first = [message(number, tenant="", place=NAMES, parts={"question": f"{number}"}) for number in range(6)]
    twin = [*first, *(message(n, tenant="", place=NAMES, parts={"question": f"new {n}"}) for n in range(30))]
    assert [] == likely(first, first, twin).differences
    assert [] == likely(first, first, first[:2]).differences


@given(st.integers(0, 2**32), st.floats(0.0, 1.0))
def test_chance_alone_is_not_taken_for_a_leak(seed: int, flaky: float) -> None:
    """Whatever share of the messages a target draws something in, of two values."""
    rng = rng_for(seed, "coins")

    def coin(_: TapeRecord) -> str:
        return str(rng.random() < 0.5) if rng.random() < flaky else "as ever"

    plays = [with_header(others(tape()), coin) for _ in range(3)]
    assert [] == likely(*plays).differences


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_chance_has_a_likelihood(odd: int, others_odd: int) -> None:
    """It lies between none and one, however many there are, and is never small where others are as often odd."""
    likelihood = by_chance(odd, others_odd)
    assert -1e-9 <= likelihood <= 1.0
    if others_odd >= 2 * odd:
        assert likelihood > SURE


def test_eleven_times_in_a_row_is_no_chance() -> None:
    """Ten may be."""
    assert by_chance(11, 0) < SURE < by_chance(10, 0)


def test_what_differs_always_in_the_same_way_is_doubtful() -> None:
    """A process may draw one of two words when it starts, and say it in all that it sends."""
    first, twin = (with_header(others(tape()), lambda _, play=play: f"worker {play}", "x-drawn") for play in "ab")
    found = likely(first, first, twin)
    assert ([], 40 * 2) == (found.differences, len(found.doubtful) * 2)


def test_strays_that_differ_always_in_the_same_way_are_doubtful() -> None:
    """So it is with what is nobody's."""
    first, twin = (
        [message(number, tenant="", blocks=[f"beat {number}", f"worker {play}"]) for number in range(20)]
        for play in "ab"
    )
    found = likely(first, first, twin)
    assert ([], 20) == (found.differences, len(found.doubtful))


def test_a_part_is_weighed_wherever_it_went() -> None:
    """Six messages at each of three endpoints are eighteen."""
    places = [NEAR, SPARE, ABROAD]
    first, twin = (
        with_header([message(n, place=places[n % 3]) for n in range(18)], lambda one, play=play: f"{play} {one.canary}")
        for play in "ab"
    )
    assert 18 == len(likely(first, first, twin).differences)
