"""The layer of replies: looks at every byte that clients are given for data that is somebody else's."""

from collections.abc import Callable, Mapping

from brownout.canary import CanaryMint, tenant_of
from brownout.clock import Clock
from brownout.egress import EgressRecord, LayerRecord, sighted
from brownout.scanning import CUT_SHORT, codings_of, header_bytes, reasons, scanned
from brownout.scanning.needles import haystack

HELD_BYTES = 4 * 1024 * 1024
"""The longest reply that is looked at whole: hundreds of times as long as any that is asked for."""

_MISSED_MAX = 5


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
        self._replies = self._bytes = 0
        self._missed: list[str] = []
        haystack()  # built before the load begins: a fifth of a second of it would make the first requests late

    def look(self, canary: str, tenant: str, headers: Mapping[str, str], body: bytes, *, whole: bool) -> None:
        """Look at one reply.

        Args:
            canary: the id of the request's.
            tenant: who was given it.
            headers: as they came; nothing where none came.
            body: as it came.
            whole: whether it came to its end; of one that did not, a damaged end is no wonder.
        """
        self._replies += 1
        self._bytes += len(body)
        doubts = self._looked(canary, tenant, "headers", header_bytes(headers), [], whole=True)
        doubts += self._looked(canary, tenant, "body", body, codings_of(headers), whole=whole)
        if len(body) >= HELD_BYTES:
            doubts.append(f"it was longer than {HELD_BYTES} bytes")
        if doubts:
            self._missed.append(f"the reply to {canary}: {', '.join(doubts)}")

    def layer(self, requests: int) -> LayerRecord:
        """Return what this layer says of itself at the end, given how many requests were sent."""
        seen = self._replies - len(self._missed)
        missed = self._missed[:_MISSED_MAX]
        if self._replies != requests:
            missed.append(f"{self._replies} of {requests} replies were looked at")
        return LayerRecord(
            test=self._test,
            layer="replies",
            complete=not missed,
            counted=requests,
            seen=seen,
            size_bytes=self._bytes,
            why="; ".join(missed) or "every reply that a client was given was looked at",
        )

    def _looked(
        self, canary: str, tenant: str, part: str, data: bytes, codings: list[str], *, whole: bool
    ) -> list[str]:
        """Look at a part of a reply; return why some of it was not looked into."""
        seen, unseen = scanned(self._mint, data, codings if data else [])
        for one in seen:
            if tenant_of(one.canary) != tenant:
                at_s = self._clock.now_s()
                self._record(
                    sighted(one, test=self._test, at_s=at_s, layer="replies", place=canary, part=part, to=tenant)
                )
        return reasons(unseen, but=() if whole else CUT_SHORT)
