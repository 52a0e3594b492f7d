"""The scanner: bytes in, as they come; canaries out, and what could not be looked into."""

from collections.abc import Sequence

from brownout.canary import CanaryMint
from brownout.scanning.barren import Barren
from brownout.scanning.findings import Limits, Sighting, Unseen
from brownout.scanning.node import Node, Shared


def scanned(
    mint: CanaryMint,
    data: bytes,
    codings: Sequence[str] = (),
    limits: Limits | None = None,
    barren: Barren | None = None,
    *,
    public: bool = False,
) -> tuple[list[Sighting], list[Unseen]]:
    """Return what some bytes hold that are all there, and what of them was not looked into; see `Scanner`."""
    known = None if barren is None or codings else barren.found_in(data)
    if known is not None:
        return list(known), []
    scanner = Scanner(mint, codings=codings, limits=limits, barren=barren, public=public)
    found, unseen = [*scanner.feed(data), *scanner.close()], scanner.unseen
    if barren is not None and not (codings or unseen):
        barren.learn(data, tuple(found))
    return found, unseen


class Scanner:
    """Looks for a run's canaries in one stream of bytes, under whatever it can see through.

    Each canary is reported once for each way in which it was there, with the first place. What it reports depends on
    the bytes alone, not on how they were cut into chunks.

    Args:
        mint: knows a genuine canary.
        codings: what the sender says the bytes lie under, outermost first: of a ``Content-Encoding``, the last first.
        limits: how far to go.
        barren: what earlier scans with the same of these have decoded in vain.
        public: whether what is nobody's is looked for, too (see `brownout.canary.PUBLIC`).
    """

    def __init__(
        self,
        mint: CanaryMint,
        *,
        codings: Sequence[str] = (),
        limits: Limits | None = None,
        barren: Barren | None = None,
        public: bool = False,
    ) -> None:
        self._shared = Shared(mint, limits or Limits(), barren or Barren(), public=public)
        self._root = Node(self._shared)
        if codings:
            self._root.declare(list(codings))
        self._told = 0

    @property
    def unseen(self) -> list[Unseen]:
        """What was not looked into so far. Where there is any, that nothing was seen proves nothing."""
        return list(self._shared.unseen.values())

    def feed(self, chunk: bytes) -> list[Sighting]:
        """Look at more bytes; return what is new. Some of it may be told later, at the latest by `close`."""
        self._root.feed(chunk)
        return self._news()

    def close(self) -> list[Sighting]:
        """Come to the end of the bytes; return what is new."""
        self._root.close()
        self._shared.close()
        return self._news()

    def _news(self) -> list[Sighting]:
        news = self._shared.sightings[self._told :]
        self._told += len(news)
        return news
