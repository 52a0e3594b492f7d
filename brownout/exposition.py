"""Exposition: Prometheus's text format read, and selectors that sum what it says.

A selector is written as PromQL writes one: ``name{label="v",label!="v",label=~"regex",label!~"regex"}``; a label that
is not there counts as empty, and a regular expression must match the whole value. ``a or b`` is the first of them that
is known. See "Exposition formats" and "Querying basics" in Prometheus's documentation.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from brownout.errors import BadInput

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_LINE = re.compile(rf"(?P<name>{_NAME})?\s*(?:\{{(?P<inside>(?:{_QUOTED}|[^\"}}])*)\}})?\s*(?P<value>\S+)(?:\s+.*)?")
_PART = re.compile(rf"\s*(?:(?P<label>{_NAME}|{_QUOTED})\s*(?P<op>=~|!~|!=|=)\s*)?(?P<value>{_QUOTED})\s*(?:,|$)")
_SELECTOR = re.compile(rf"\s*(?P<name>{_NAME})\s*(?:\{{(?P<inside>.*)\}})?\s*", re.DOTALL)
_OR = re.compile(rf"\s+or\s+(?={_NAME}\s*(?:\{{|$|\s))")
_ESCAPE = re.compile(r"\\(.)")
# What a family's samples are called besides its own name (counters, histograms and summaries).
_SUFFIXES = ("", "_total", "_count", "_sum", "_bucket")
_MATCHES: Mapping[str, Callable[[str, str], bool]] = {
    "=": lambda value, wanted: value == wanted,
    "!=": lambda value, wanted: value != wanted,
    "=~": lambda value, wanted: re.fullmatch(wanted, value) is not None,
    "!~": lambda value, wanted: re.fullmatch(wanted, value) is None,
}


class Series(NamedTuple):
    """One line of an exposition."""

    name: str
    labels: Mapping[str, str]
    value: float


class Exposition(NamedTuple):
    """What a target said of itself at one instant. ``families`` are the names that it declares by a TYPE."""

    series: Sequence[Series]
    families: frozenset[str]

    def knows(self, name: str) -> bool:
        """Return whether it has a sample of that name, or declares a metric that would have one."""
        return name in {one.name for one in self.series} or any(
            name == f + end for f in self.families for end in _SUFFIXES
        )


class Selector(NamedTuple):
    """Series by name and labels. ``wanted`` are (label, operator, value)."""

    name: str
    wanted: tuple[tuple[str, str, str], ...] = ()

    def of(self, said: Exposition) -> list[Series]:
        """Return the series that it selects."""
        return [
            one
            for one in said.series
            if one.name == self.name
            and all(_MATCHES[op](one.labels.get(label, ""), value) for label, op, value in self.wanted)
        ]


def read_exposition(text: str) -> Exposition:
    """Return what an exposition says; timestamps and exemplars are left out.

    Raises:
        ValueError: a line is none of the format's.
    """
    series: list[Series] = []
    families = set()
    for line in filter(None, (line.strip() for line in text.split("\n"))):
        words = line.split()
        if words[0] == "#" or line.startswith("#"):
            if words[1:2] == ["TYPE"] and len(words) > 2:
                families.add(words[2].strip('"'))
            continue
        series.append(_series(line))
    return Exposition(series, frozenset(families))


def read_selector(text: str, *, where: str = "") -> tuple[Selector, ...]:
    """Return the selectors in a text, of which the first that is known counts.

    Raises:
        BadInput: it cannot be read.
    """
    try:
        return tuple(_selector(part) for part in _OR.split(text))
    except ValueError as error:
        place = f"{where}: " if where else ""
        raise BadInput(
            f"{place}cannot read the selector {text!r}: {error}. Write a metric's name, and labels in braces if need "
            'be, such as router_requests_total{outcome!="ok"}.'
        ) from None


def chosen(selectors: Sequence[Selector], said: Exposition) -> Selector | None:
    """Return the first of the selectors whose metric is known there."""
    return next((one for one in selectors if said.knows(one.name)), None)


def _series(line: str) -> Series:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"no sample: {line[:80]!r}")
    labels = {}
    name = match["name"] or ""
    for label, op, value in _parts(match["inside"] or ""):
        if label and op != "=":
            raise ValueError(f"no sample: {line[:80]!r}")
        if label:
            labels[label] = value
        else:
            name = value  # a name beyond letters and digits stands in the braces, quoted
    if not name:
        raise ValueError(f"a sample without a name: {line[:80]!r}")
    return Series(name, labels, float(match["value"]))


def _selector(text: str) -> Selector:
    match = _SELECTOR.fullmatch(text)
    if match is None:
        raise ValueError("that is no name with labels")
    wanted = tuple(_parts(match["inside"] or ""))
    for label, op, value in wanted:
        if not label:
            raise ValueError(f"{value!r} has no label")
        if op in ("=~", "!~"):
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"{value!r} is no regular expression ({error})") from None
    return Selector(match["name"], wanted)


def _parts(inside: str) -> Iterator[tuple[str, str, str]]:
    """Yield label, operator and value; a quoted name that stands alone has no label."""
    place = 0
    while inside[place:].strip():
        match = _PART.match(inside, place)
        if match is None:
            raise ValueError(f"no label in {inside[place:]!r}")
        place = match.end()
        label = match["label"] or ""
        yield _plain(label) if label.startswith('"') else label, match["op"] or "", _plain(match["value"])


def _plain(quoted: str) -> str:
    return _ESCAPE.sub(lambda match: "\n" if match[1] == "n" else match[1], quoted[1:-1])
