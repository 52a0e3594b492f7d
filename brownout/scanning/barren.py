"""What was looked at before and holds nothing: addresses, tokens and scopes mostly, which come with every request."""

from collections.abc import Collection

_MOST, _LONGEST_BYTES = 4096, 512


class Barren:
    """Remembers it from one scan to the next; for scans under one key and the same limits."""

    def __init__(self) -> None:
        self._runs: set[bytes] = set()
        self._whole: set[bytes] = set()

    def has_run(self, letters: bytes) -> bool:
        """Return whether a run of letters is known to stand for nothing, whatever it says itself."""
        return letters in self._runs

    def learn_runs(self, runs: Collection[bytes]) -> None:
        """Take in what a scan has decoded that saw nothing there, and left nothing unseen."""
        if len(self._runs) + len(runs) > _MOST:
            self._runs.clear()
        self._runs.update(runs)

    def has(self, data: bytes) -> bool:
        """Return whether some bytes, all there are, are known to hold nothing."""
        return data in self._whole

    def learn(self, data: bytes) -> None:
        """Take in what a scan saw nothing in, and left nothing of unseen; long ones hardly come again."""
        if len(data) <= _LONGEST_BYTES:
            if len(self._whole) >= _MOST:
                self._whole.clear()
            self._whole.add(data)
