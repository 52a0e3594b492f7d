"""What nobody is known to have said hides nothing as long as it is the same; else nobody knows what it hides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.canary import COMMON
from fixtures.providers.nobodys import WORDINGS_MAX
from tests.layers.looking import ABROAD, HOMES, MINT, NEAR, Looked, chat, packed, value


def _looked(place: str, *bodies: bytes, **how: object) -> Looked:
    looked = Looked()
    looked.request(NEAR, chat(value("acme")))  # who sees nothing at home sees nothing elsewhere
    for body in bodies:
        looked.request(place, body, **how)
    return looked


def _ciphered(number: int) -> bytes:
    words = f"{value()} the rest of a prompt, which is as long as prompts are, forty letters more at least"
    return chat("".join(chr(97 + (ord(letter) + number) % 26) for letter in words))


@pytest.mark.parametrize("place", [NEAR, ABROAD])
def test_many_wordings_of_nobodys_leave_it_open_what_was_sent(place: str) -> None:
    """The layer is incomplete, and says where, and how many there were."""
    layer = _looked(place, *map(_ciphered, range(1, WORDINGS_MAX + 2))).says()
    assert (False, True) == (
        layer.complete,
        f"{WORDINGS_MAX + 1} requests at {place} bear nobody's canary" in layer.why,
    )


@given(st.lists(st.integers(1, WORDINGS_MAX), max_size=30))
def test_a_check_that_is_made_again_and_again_hides_nothing(kinds: list[int]) -> None:
    """However often, in as many wordings as a router has."""
    assert _looked(ABROAD, *map(_ciphered, kinds)).says().complete


@given(st.lists(st.tuples(st.integers(0), st.uuids()), max_size=20))
def test_a_check_with_a_number_or_an_id_is_one_wording(drawn: list[tuple[int, object]]) -> None:
    """Whoever writes the date into a check, or an id against caches, says nothing else by it."""
    assert _looked(ABROAD, *(chat(f"ping {number} {uuid}") for number, uuid in drawn)).says().complete


def test_what_is_somebodys_is_not_nobodys() -> None:
    """Neither data that is told of as it is, nor a common question, packed or not."""
    ours = [chat(value("europa", number)) for number in range(9)]
    common = [chat(f"{MINT.value(COMMON, 1)} {word}") for word in "abcdefghi"]
    assert _looked(ABROAD, *ours, *common).says().complete
    looked = _looked(ABROAD)
    for body in common:
        looked.request(ABROAD, packed(body)[0], headers=packed(body)[1])
    assert looked.says().complete


def test_where_everybodys_data_belongs_nothing_is_hidden() -> None:
    """Nor is it in services and sinks, which are asked many things; these have layers of their own."""
    bodies = list(map(_ciphered, range(1, 9)))
    assert _looked("service:sts", *bodies).says().complete
    looked = Looked(homes={name: [NEAR] for name in HOMES})
    for body in (chat(value("acme")), *bodies):
        looked.request(NEAR, body)
    assert looked.says().complete


def test_what_did_not_come_whole_is_not_counted() -> None:
    """A request that broke off has not come to its canary yet; nor does one without a body ask anything."""
    assert _looked(ABROAD, *map(_ciphered, range(1, 9)), whole=False).says().complete
    assert _looked(ABROAD, *([b""] * 9)).says().complete


def test_each_play_counts_anew() -> None:
    """What was told is told once."""
    looked = _looked(ABROAD, *map(_ciphered, range(1, 9)))
    assert not looked.says().complete
    looked.request(NEAR, chat(value("acme")))
    assert looked.says().complete
