"""A canary in a dump of bytes is seen, wherever in a row it begins, and whatever the tool that wrote it."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.canary import PREFIX
from brownout.scanning import Scanner
from tests.scanning.forms import MINT

Dump = Callable[[bytes], str]
CANARY = MINT.value("acme", 40).encode()


def _rows(text: bytes, width: int) -> Iterator[tuple[int, bytes]]:
    return ((at, text[at : at + width]) for at in range(0, len(text), width))


def _legible(row: bytes) -> str:
    return "".join(chr(one) if 32 <= one < 127 else "." for one in row)


def _xxd(text: bytes) -> str:
    groups = ((at, [row[i : i + 2].hex() for i in range(0, len(row), 2)], row) for at, row in _rows(text, 16))
    return "".join(f"{at:08x}: {' '.join(pairs):<39}  {_legible(row)}\n" for at, pairs, row in groups)


def _hexdump(text: bytes) -> str:
    halves = ((at, f"{row[:8].hex(' ')}  {row[8:].hex(' ')}", row) for at, row in _rows(text, 16))
    return "".join(f"{at:08x}  {both:<48}  |{_legible(row)}|\n" for at, both, row in halves)


def _curl(text: bytes) -> str:
    return "".join(f"{at:04x}: {row.hex(' '):<47} {_legible(row)}\n" for at, row in _rows(text, 16))


def _wide(text: bytes) -> str:
    return "".join(f"{at:08X} | {row.hex(' ', -4).upper()}\n" for at, row in _rows(text, 32))


def _narrow(text: bytes) -> str:
    return "".join(f"[debug] 0x{at:04x}  {row.hex(' ')}\n" for at, row in _rows(text, 8))


DUMPS: dict[str, tuple[int, Dump]] = {
    "xxd": (16, _xxd),
    "hexdump -C": (16, _hexdump),
    "curl --trace": (16, _curl),
    "32 bytes a row, in groups of four": (32, _wide),
    "8 bytes a row, in a log": (8, _narrow),
}


def _chains(text: str, chunk: int = 0) -> set[str]:
    data, scanner = text.encode(), Scanner(MINT)
    step = chunk or len(data)
    seen = [one for at in range(0, len(data), step) for one in scanner.feed(data[at : at + step])]
    return {one.chain for one in [*seen, *scanner.close()] if one.canary == "acme-40"}


@pytest.mark.parametrize("tool", DUMPS)
def test_wherever_in_a_row_its_prefix_stands_it_is_seen(tool: str) -> None:
    """Only where a row ends within the first four letters is it not."""
    width, dump = DUMPS[tool]
    for lead in range(2 * width):
        hidden = lead % width > width - len(PREFIX)
        chains = _chains(dump(b"z" * lead + CANARY + b" is what be fad\n" * 3))
        assert (not hidden) == ("hex" in chains), lead


@pytest.mark.parametrize("tool", DUMPS)
def test_a_dump_may_end_with_it(tool: str) -> None:
    """Its last row is shorter than the others."""
    assert _chains(DUMPS[tool][1](b"zz" + CANARY))


@given(st.sampled_from(sorted(DUMPS)), st.binary(max_size=40), st.integers(0, 4), st.integers(1, 200))
def test_what_stands_beside_it_and_how_it_comes_do_not_matter(tool: str, before: bytes, lead: int, chunk: int) -> None:
    """Any bytes are dumped with it, and the dump comes in any chunks."""
    width, dump = DUMPS[tool]
    rows = before + b" " * (-len(before) % width + lead)
    assert _chains(dump(rows + CANARY + before), chunk)
