"""The layer of replies: looks at every byte that clients are given for data that is somebody else's."""

from collections.abc import Callable, Mapping

from brownout.canary import CanaryMint
from brownout.clock import Clock
from brownout.egress import EgressRecord, LayerRecord
from brownout.scanning import Scanner, Sighting, codings_of
from brownout.scanning.needles import haystack

HELD_BYTES = 4 * 1024 * 1024
"""The longest reply that is looked at whole: hundreds of times as long as any that is asked for."""


class Replies:
    """Looks at the replies to one load.

    Args:
        test: the test's name, for evidence.
        mint: knows a genuine canary.
        clock: the test's.
        record: takes what was seen of others.
    """

    def __init__(self, test: str, mint: CanaryMint, *, clock: Clock, record: Callable[[EgressRecord], None]) -> None:
        self._test, self._mint, self._clock, self._record = test, mint, clock, record
        self._replies = self._whole = self._bytes = 0
        self._missed = ""
        haystack()  # built before the load begins: half a second of it would make the first requests late

    def look(self, canary: str, tenant: str, headers: Mapping[str, str], body: bytes) -> None:
        """Look at one reply.

        Args:
            canary: the id of the request's.
            tenant: who was given it.
            headers: as they came; nothing where none came.
            body: as it came, whole or not.
        """
        self._replies += 1
        self._bytes += len(body)
        told = "\n".join(f"{name}: {value}" for name, value in headers.items()).encode()
        seen = [("headers", one) for one in self._scanned(told, [])]
        seen += [("body", one) for one in self._scanned(body, codings_of(headers))]
        if len(body) >= HELD_BYTES:
            self._missed = f"a reply was longer than {HELD_BYTES} bytes"
        else:
            self._whole += 1
        for part, one in seen:
            if one.canary.rpartition("-")[0] != tenant:
                self._tell(canary, tenant, part, one)

    def layer(self, requests: int) -> LayerRecord:
        """Return what this layer says of itself at the end, given how many requests were sent."""
        complete = self._whole == requests
        why = "every reply that a client was given was looked at"
        return LayerRecord(
            test=self._test,
            layer="replies",
            complete=complete,
            counted=requests,
            seen=self._whole,
            size_bytes=self._bytes,
            why=why if complete else self._missed or f"{self._whole} of {requests} replies were looked at",
        )

    def _scanned(self, data: bytes, codings: list[str]) -> list[Sighting]:
        scanner = Scanner(self._mint, codings=codings)
        return [*scanner.feed(data), *scanner.close()]

    def _tell(self, canary: str, tenant: str, part: str, one: Sighting) -> None:
        self._record(
            EgressRecord(
                test=self._test,
                at_s=self._clock.now_s(),
                layer="replies",
                place=canary,
                canary=one.canary,
                kind=one.kind,
                chain=one.chain,
                part=part,
                offset=one.offset,
                to=tenant,
            )
        )
