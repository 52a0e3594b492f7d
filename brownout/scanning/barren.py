"""What was looked at before and holds nothing new: addresses, tokens, scopes mostly, which come with every request."""

from collections.abc import Collection, Sequence

from brownout.scanning.findings import Sighting

_MOST, _LONGEST_BYTES = 4096, 512


class Barren:
    """Remembers it from one scan to the next; for scans under one key and the same limits."""

    def __init__(self) -> None:
        self._runs: set[bytes] = set()
        self._whole: dict[bytes, Sequence[Sighting]] = {}

    def has_run(self, letters: bytes) -> bool:
        """Return whether a run of letters is known to stand for nothing, whatever it says itself."""
        return letters in self._runs

    def learn_runs(self, runs: Collection[bytes]) -> None:
        """Take in what a scan has decoded that saw nothing there, and left nothing unseen."""
        if len(self._runs) + len(runs) > _MOST:
            self._runs.clear()
        self._runs.update(runs)

    def found_in(self, data: bytes) -> Sequence[Sighting] | None:
        """Return what some bytes, all there are, are known to hold; None where they are not known."""
        return self._whole.get(data)

    def learn(self, data: bytes, found: Sequence[Sighting]) -> None:
        """Take in what a scan found in some bytes of which it left nothing unseen.

        What holds more than a caller's credentials hardly comes again, nor does what is long: these are not kept.
        """
        if len(data) <= _LONGEST_BYTES and all(one.kind == "credential" for one in found):
            if len(self._whole) >= _MOST:
                self._whole.clear()
            self._whole[data] = found
