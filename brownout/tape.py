"""The tape: what was received at each place, as keyed digests: ``tape.jsonl``. Two tapes tell what a secret changed.

Only tests that are played again with another secret (`brownout.plan.TestPlan.twin`) are taped. A message is told part
by part (its path, each header, its body in blocks), so that a difference has a place; a digest says whether two parts
are the same, and nothing of what they say. It is keyed with what the run's canaries are, so that no table made
beforehand fits; whoever has the run's seed can still try guesses.
"""

import hmac
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, TypeAlias
from urllib.parse import unquote_plus

import msgspec

from brownout.canary import tenant_of
from brownout.volatile import without_volatile_members

Kind: TypeAlias = Literal["request", "reply", "lookup"]
REPLIES, NAMES = "clients", "names"
"""The places of replies, given to the load's clients, and of lookups, at the name server."""

BLOCK_BYTES = 256
WIRE_ORDER, WIRE_BODY, PACE = "header order", "body as it came", "pace"
"""Parts that tell what the others do not: how headers were ordered and written, the bytes of a body with nothing left
out, and how much of a reply came when."""

_DIGEST_BYTES = 6
_PLAIN_NAME = re.compile(r"[a-z]{1,16}([-_][a-z0-9]{1,12}){0,7}")


class TapeRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One message.

    Attributes:
        test: the play that it is of.
        place: who received it: an endpoint, an identity service, ``names`` or ``clients``.
        kind: a request, a reply that a client was given, or a lookup of a name.
        at_s: when it arrived; of a reply, when its client had asked.
        end_s: when the exchange that it is of was over.
        canary: whose request it is of; empty for nobody's that is known.
        parts: a digest by part: ``method``, ``path``, ``query NAME``, ``status``, ``header NAME``, `WIRE_ORDER`,
            `WIRE_BODY`, `PACE`.
        blocks: a digest for each `BLOCK_BYTES` of the body, what is volatile in it left out.
    """

    test: str
    place: str
    kind: Kind
    at_s: float
    end_s: float
    canary: str = ""
    parts: dict[str, str] = msgspec.field(default_factory=dict)
    blocks: list[str] = msgspec.field(default_factory=list)

    @property
    def tenant(self) -> str:
        """Whose request it is of; empty for nobody's that is known."""
        return tenant_of(self.canary)


class Tape:
    """Takes messages as they came, and writes down their digests.

    Args:
        test: the play that is taped.
        key: the run's (`brownout.canary.run_key`).
        record: where records go.
    """

    def __init__(self, test: str, key: bytes, record: Callable[[TapeRecord], None]) -> None:
        self._test, self._record = test, record
        self._key = hmac.digest(key, b"tape", "sha256")

    def request(
        self,
        place: str,
        *,
        method: str,
        target: str,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes,
        at_s: float,
        end_s: float,
        canary: str = "",
    ) -> None:
        """Tape a request: ``target`` is its path and query, ``headers`` are in the order and case they came in."""
        path, _, query = target.partition("?")
        parts = {"method": self._digest("method", method.encode()), "path": self._digest("path", _bytes(path))}
        for name, value in _grouped(_pairs(query)):
            parts[f"query {self._name(name)}"] = self._digest("query", value)
        self._write("request", place, parts, headers, body, at_s=at_s, end_s=end_s, canary=canary)

    def reply(
        self,
        *,
        canary: str,
        status: int | None,
        headers: Sequence[tuple[bytes, bytes]],
        pieces: Sequence[tuple[float, bytes]],
        at_s: float,
        end_s: float,
    ) -> None:
        """Tape what a client was given: status (None: nothing came), headers, its body's pieces with their instants."""
        pace = repr([(round(came_s - at_s, 6), len(piece)) for came_s, piece in pieces])
        parts = {"status": self._digest("status", repr(status).encode()), PACE: self._digest(PACE, pace.encode())}
        body = b"".join(piece for _, piece in pieces)
        self._write("reply", REPLIES, parts, headers, body, at_s=at_s, end_s=end_s, canary=canary)

    def lookup(self, packet: bytes, at_s: float) -> None:
        """Tape a DNS message but for what resolvers draw by chance: its number, and the case of its letters."""
        parts = {"question": self._digest("question", packet[2:].lower())}
        self._record(TapeRecord(test=self._test, place=NAMES, kind="lookup", at_s=at_s, end_s=at_s, parts=parts))

    def _write(
        self,
        kind: Kind,
        place: str,
        parts: dict[str, str],
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes,
        *,
        at_s: float,
        end_s: float,
        canary: str,
    ) -> None:
        for name, value in _grouped((name.decode("latin-1").lower(), value) for name, value in headers):
            parts[f"header {self._name(name)}"] = self._digest("header", value)
        parts[WIRE_ORDER] = self._digest(WIRE_ORDER, b"\n".join(name for name, _ in headers))
        if body:
            parts[WIRE_BODY] = self._digest(WIRE_BODY, body)
        told = without_volatile_members(kind, body)
        blocks = [told[start : start + BLOCK_BYTES] for start in range(0, len(told), BLOCK_BYTES)]
        self._record(
            TapeRecord(
                test=self._test,
                place=place,
                kind=kind,
                at_s=at_s,
                end_s=end_s,
                canary=canary,
                parts=parts,
                blocks=[self._digest("block", block) for block in blocks],
            )
        )

    def _name(self, name: str) -> str:
        """A name can be made to carry something, too: one that looks like no word is told by its digest."""
        plain = name.lower()
        return plain if _PLAIN_NAME.fullmatch(plain) else f"({self._digest('name', _bytes(name))})"

    def _digest(self, part: str, value: bytes) -> str:
        return hmac.digest(self._key, part.encode() + b"\0" + value, "sha256")[:_DIGEST_BYTES].hex()


def _pairs(query: str) -> Iterable[tuple[str, bytes]]:
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        yield unquote_plus(name), _bytes(value)


def _grouped(pairs: Iterable[tuple[str, bytes]]) -> Iterable[tuple[str, bytes]]:
    """Yield each name once, with all its values in order."""
    groups: dict[str, bytes] = {}
    for name, value in pairs:
        groups[name] = groups[name] + b"\n" + value if name in groups else value
    return groups.items()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def header_pairs(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Return headers as pairs of bytes; of a mapping that holds one twice (a multidict), both."""
    return [(_bytes(name), _bytes(value)) for name, value in headers.items()]
