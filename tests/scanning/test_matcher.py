"""The matcher finds what a plain search finds, in any thread."""

import re
import threading

from hypothesis import given
from hypothesis import strategies as st

from brownout.scanning.matcher import Matcher, literal

TEXTS = st.binary(min_size=1, max_size=4) | st.text("\0aA.*\\", min_size=1, max_size=4).map(str.encode)


def ends(word: bytes, data: bytes) -> set[int]:
    """Return where a word ends, wherever it stands."""
    return {found.start() + len(word) for found in re.finditer(b"(?=%b)" % re.escape(word), data)}


@given(st.lists(TEXTS, min_size=1, max_size=6, unique=True), st.lists(TEXTS, max_size=20).map(b"".join))
def test_every_place_of_every_literal_is_found(words: list[bytes], data: bytes) -> None:
    """Overlapping ones, too, with zero bytes and all that is special in a pattern."""
    expected = sorted((stop, number) for number, word in enumerate(words) for stop in ends(word, data))
    assert expected == Matcher([literal(word) for word in words]).all(data)


def test_what_is_wanted_once_is_told_once() -> None:
    """Where it first ends."""
    assert [(2, 1), (3, 0), (6, 0)] == Matcher([b"abc", b"[ab]{2}"], once=[1]).all(b"abcabc")


def test_the_first_is_found() -> None:
    """The place at which it ends, or none; of a part, too."""
    first = Matcher([b"[a-c]{3}"]).finder()
    assert (4, -1, -1) == (first(b"-abcabc"), first(b"ab-ab"), first(b""))
    assert first(memoryview(b"-abcabc")[2:]) == 3


def test_several_threads_search_at_once() -> None:
    """One matcher serves them all."""
    matcher = Matcher([literal(b"needle")])
    data = b"hay " * 100_000 + b"needle"
    found: list[list[tuple[int, int]]] = []
    threads = [threading.Thread(target=lambda: found.extend(matcher.all(data) for _ in range(20))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [[(len(data), 0)]] * 80 == found
