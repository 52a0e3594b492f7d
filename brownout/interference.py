"""Interference: whether what others received depends on one tenant's secret, told from the tapes of three plays.

The first play and the one with another secret differ in the secret alone; the play between them differs in nothing.
What differs between the first two is the target's own doing (a clock, chance), and is held against nobody.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple, TypeAlias

import msgspec

from brownout.chance import Odd, Tally, by_chance, weighed
from brownout.history import grouped
from brownout.tape import BLOCK_BYTES, PACE, REPLIES, WIRE_BODY, TapeRecord
from brownout.volatile import is_volatile

_HELD_MAX = 300  # so many messages for nobody, at a place, are held against each other
_BODY = "body"

Key: TypeAlias = tuple[str, str, int]
"""A message's place, whose request it is of, and the how manieth it is of those."""

_Print: TypeAlias = frozenset[tuple[str, str]]
"""All parts of a message, and the blocks of its body, by name."""


class Difference(NamedTuple):
    """What differs, of a message at a place; ``canary`` is whose request it is of, empty for nobody's."""

    place: str
    canary: str
    what: str


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison came to.

    Attributes:
        compared: how many messages could be compared.
        left: how many could not.
        differences: what the secret changed.
        doubtful: what it may have changed: too few, or too much alike, to tell from chance.
        loose: parts that differ with the same secret, too, here and there.
    """

    compared: int
    left: int
    differences: list[Difference]
    doubtful: list[Difference] = msgspec.field(default_factory=list)
    loose: list[str] = msgspec.field(default_factory=list)


def outside(tape: Sequence[TapeRecord], tenant: str, allow: Collection[str]) -> list[TapeRecord]:
    """Return what was received where a tenant's data may not be, in order.

    That is all but its own requests at endpoints that it may use, its own replies, and what came to these endpoints for
    nobody: a probe may well be of what the tenant does.
    """
    return sorted((one for one in tape if not _inside(one, tenant, allow)), key=lambda one: one.at_s)


def was_changed(first: Sequence[TapeRecord], twin: Sequence[TapeRecord], tenant: str, allow: Collection[str]) -> bool:
    """Return whether the tenant's own requests say other things in the two plays: else they show nothing."""
    ours, theirs = (
        _by_key([one for one in tape if one.tenant == tenant and one.place in allow]) for tape in (first, twin)
    )
    return any(theirs[key].blocks != one.blocks for key, one in ours.items() if key in theirs)


def differences(first: Sequence[TapeRecord], other: Sequence[TapeRecord]) -> list[Difference]:
    """Return every difference between what two plays in virtual time sent outside: in bytes, in time, in order."""
    return _held_together(first, other, lambda one, same: _of_bytes(one, same) or _of_time(one, same))


def out_of_step(first: Sequence[TapeRecord], other: Sequence[TapeRecord]) -> list[Difference]:
    """Return the same of what was sent and when, whatever it says: who draws ids by chance still sends in step."""
    return _held_together(first, other, _of_time)


def _held_together(
    first: Sequence[TapeRecord], other: Sequence[TapeRecord], tell: Callable[[TapeRecord, TapeRecord], str]
) -> list[Difference]:
    """Return what is told of messages that are each other's, the messages that are nobody's, and else their order."""
    ours, theirs = _by_key(first), _by_key(other)
    found = [
        Difference(key[0], key[1], what)
        for key in sorted(ours.keys() | theirs.keys())
        if (what := _difference(ours.get(key), theirs.get(key), tell))
    ]
    if not found and list(ours) != list(theirs):
        return [Difference("all places", "", "the order of messages that came at one instant")]
    return found


def likely_differences(
    first: Sequence[TapeRecord],
    again: Sequence[TapeRecord],
    twin: Sequence[TapeRecord],
    kinds: Sequence[Mapping[str, Hashable]],
) -> Compared:
    """Return what differs by the secret, of plays whose timing is the machine's.

    A request's messages are compared part by part where it went the same way in all three plays and its reply is of one
    kind: what a router says of a second attempt is no secret. What is nobody's is compared as sets. A part counts where
    the play with the other secret is the odd one of the three far more often than chance would have it.

    Args:
        first: what the first play sent outside.
        again: what the one after it did, with the same secret.
        twin: what the one with the other secret did.
        kinds: for each of the three, of what kind the reply to each canary's request was.
    """
    plays = (first, again, twin)
    owned = [grouped((one for one in play if one.canary), lambda one: one.canary) for play in plays]
    strays = [grouped((one for one in play if not one.canary), lambda one: one.place) for play in plays]
    counts = _Counts()
    compared = 0
    for canary in owned[0]:
        ways = [play.get(canary, []) for play in owned]
        if len({(kind.get(canary), *(one.place for one in way)) for kind, way in zip(kinds, ways, strict=True)}) == 1:
            compared += len(ways[0])
            for together in zip(*ways, strict=True):
                counts.note(together)
    told = [_compare_strays(place, [play.get(place, []) for play in strays]) for place in strays[0]]
    compared += sum(one.compared for one in told)
    found, doubtful = counts.verdict()
    return Compared(
        compared=compared,
        left=max(map(len, plays)) - compared,
        differences=found + [each for one in told for each in one.differences],
        doubtful=doubtful + [each for one in told for each in one.doubtful],
        loose=counts.loose(),
    )


class _Counts:
    """How often each part of requests, or of replies, was the odd one in which play, and in which ways."""

    def __init__(self) -> None:
        self._tallies = defaultdict[tuple[str, str], Tally](Tally)
        self._found = defaultdict[tuple[str, str], list[Difference]](list)
        self._loose: Counter[tuple[str, str]] = Counter()

    def note(self, messages: Sequence[TapeRecord]) -> None:
        """Compare one message of the three plays."""
        one = messages[0]
        first, _, twin = told = [_comparable(each) for each in messages]
        for part in sorted(set().union(*told)):
            ours, same, other = (each.get(part) for each in told)
            odd = _odd_one(ours, same, other)
            if odd is None:
                self._loose[one.place, part] += 1
                continue
            way = _change(ours, other if odd == "twin" else same)
            self._tallies[one.kind, part].note(one.tenant, odd, way)
            if odd == "twin":
                what = _of_body(first[_BODY], twin[_BODY]) if part == _BODY else part
                self._found[one.kind, part].append(Difference(one.place, one.canary, what))
            elif odd:
                self._loose[one.place, part] += 1

    def verdict(self) -> tuple[list[Difference], list[Difference]]:
        """Return what is no chance, and what may be."""
        told: dict[str, list[Difference]] = {"sure": [], "doubtful": [], "": []}
        for part, found in self._found.items():
            told[self._tallies[part].weight()] += found
        return told["sure"], told["doubtful"]

    def loose(self) -> list[str]:
        """Return the parts that differ by themselves, the most frequent first."""
        return [f"{part} at {place}" for (place, part), _ in self._loose.most_common()]


def _compare_strays(place: str, messages: Sequence[Sequence[TapeRecord]]) -> Compared:
    """Compare what came to a place for nobody, as sets."""
    seen = [Counter(map(_print, play)) for play in messages]
    first, again, twin = (set(one) for one in seen)
    gone, new = (first & again) - twin, twin - first - again
    others = ((first & twin) - again) | ((again & twin) - first)
    weight = ""
    if len(new) >= len(gone) / 2:
        weight = weighed(by_chance(_ways(gone, new), len(others)), by_chance(len(gone), len(others)))
    found = [Difference(place, "", "a message for nobody")] * len(gone)
    return Compared(
        compared=sum(count for one, count in seen[0].items() if one in again),
        left=0,
        differences=found if weight == "sure" else [],
        doubtful=found if weight == "doubtful" else [],
    )


def _odd_one(first: Sequence[str] | None, again: Sequence[str] | None, twin: Sequence[str] | None) -> Odd | None:
    """Return which play's part is the odd one; None where all three differ, which tells nothing."""
    if first == again:
        return "" if again == twin else "twin"
    if first == twin:
        return "again"
    return "first" if again == twin else None


def _change(one: Sequence[str] | None, other: Sequence[str] | None) -> Hashable:
    """Return how a part differs: both digests, or those of the first blocks that are not the same."""
    if one is None or other is None or isinstance(one, str) or isinstance(other, str):
        return one, other
    return next((pair for pair in zip_longest(one, other) if pair[0] != pair[1]), None)


def _ways(gone: Collection[_Print], new: Collection[_Print]) -> int:
    """Return in how many ways messages differ from those that came for them, each held against the one most like it."""
    candidates = list(new)[:_HELD_MAX]
    return len({min((one ^ other for other in candidates), key=len) for one in gone}) if candidates else 0


def _inside(one: TapeRecord, tenant: str, allow: Collection[str]) -> bool:
    if one.place in allow:
        return one.tenant in ("", tenant)
    return one.place == REPLIES and one.tenant == tenant


def _by_key(tape: Sequence[TapeRecord]) -> dict[Key, TapeRecord]:
    count: Counter[tuple[str, str]] = Counter()
    keyed = {}
    for one in tape:
        owner = (one.place, one.canary)
        count[owner] += 1
        keyed[*owner, count[owner]] = one
    return keyed


def _difference(one: TapeRecord | None, other: TapeRecord | None, tell: Callable[[TapeRecord, TapeRecord], str]) -> str:
    """Return in words how two messages differ in virtual time; empty where they do not."""
    if one is None:
        return "a message that is sent with the other secret alone"
    if other is None:
        return "a message that is not sent with the other secret"
    return tell(one, other)


def _of_bytes(one: TapeRecord, other: TapeRecord) -> str:
    if one.blocks != other.blocks:
        return _of_body(one.blocks, other.blocks)
    kept = [
        part
        for part in sorted(one.parts.keys() | other.parts.keys(), key=lambda part: (part == WIRE_BODY, part))
        if part != PACE and not is_volatile(one.kind, part, virtual=True)
    ]
    return next((part for part in kept if one.parts.get(part) != other.parts.get(part)), "")


def _of_time(one: TapeRecord, other: TapeRecord) -> str:
    if one.parts.get(PACE) != other.parts.get(PACE):
        return PACE
    return "" if (one.at_s, one.end_s) == (other.at_s, other.end_s) else "the instant"


def _of_body(one: Sequence[str], other: Sequence[str]) -> str:
    same = next((place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), None)
    place = min(len(one), len(other)) if same is None else same
    return f"body from byte {place * BLOCK_BYTES}"


def _comparable(one: TapeRecord) -> dict[str, Sequence[str]]:
    """Return the parts of a message that may be compared between plays whose timing is the machine's."""
    parts: dict[str, Sequence[str]] = {
        part: digest
        for part, digest in one.parts.items()
        if part not in (WIRE_BODY, PACE) and not is_volatile(one.kind, part, virtual=False)
    }
    return parts | {_BODY: one.blocks}


def _print(one: TapeRecord) -> _Print:
    parts = _comparable(one)
    body = [(f"{_BODY} {number}", block) for number, block in enumerate(one.blocks)]
    return frozenset([*((part, str(digest)) for part, digest in parts.items() if part != _BODY), *body])
