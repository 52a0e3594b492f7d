"""The layer of replies: looks at every byte that clients are given for data that is somebody else's.

An answer to a common question is nobody's by itself, and its endpoint could not know who asked. It is taken for theirs
who were given it first: given to another tenant, it comes out of something that both share.
"""

from collections.abc import Callable, Mapping

import msgspec

from brownout.canary import ANSWERED, CanaryMint, tenant_of
from brownout.clock import Clock
from brownout.egress import EgressRecord, LayerRecord, sighted
from brownout.owners import is_public
from brownout.scanning import CUT_SHORT, Sighting, codings_of, header_bytes, reasons, scanned
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
        self._answers: dict[str, str] = {}
        self._again = 0
        haystack()  # built before the load begins: a fifth of a second of it would make the first requests late

    def look(
        self, canary: str, tenant: str, headers: Mapping[str, str], body: bytes, *, whole: bool, question: str = ""
    ) -> None:
        """Look at one reply.

        Args:
            canary: the id of the request's.
            tenant: who was given it.
            headers: as they came; nothing where none came.
            body: as it came.
            whole: whether it came to its end; of one that did not, a damaged end is no wonder.
            question: the canary of the common question that was asked; empty where it was one of its own.
        """
        self._replies += 1
        self._bytes += len(body)
        seen, doubts = self._seen(header_bytes(headers), [], whole=True)
        in_body, more = self._seen(body, codings_of(headers), whole=whole)
        doubts += more
        if question:
            self._given(canary, {one.canary for one in (*seen, *in_body) if tenant_of(one.canary) == ANSWERED})
        self._tell(canary, tenant, "headers", seen)
        self._tell(canary, tenant, "body", in_body)
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
            why="; ".join(missed) or f"every reply that a client was given was looked at{self._common()}",
        )

    def _common(self) -> str:
        if not self._answers:
            return ""
        return (
            f"; {len(self._answers)} answers to common questions were given, and {self._again} times one of them again"
        )

    def _seen(self, data: bytes, codings: list[str], *, whole: bool) -> tuple[list[Sighting], list[str]]:
        """Look at a part of a reply; return what was seen, and why some of it was not looked into."""
        seen, unseen = scanned(self._mint, data, codings if data else [], public=True)
        return seen, reasons(unseen, but=() if whole else CUT_SHORT)

    def _given(self, canary: str, answers: set[str]) -> None:
        """Remember to whose common question answers were given first. In others' replies they have no business."""
        self._again += len(answers & self._answers.keys())
        for answer in answers:
            self._answers.setdefault(answer, canary)

    def _tell(self, canary: str, tenant: str, part: str, seen: list[Sighting]) -> None:
        for one in seen:
            whose = self._answers.get(one.canary, one.canary)
            if tenant_of(whose) != tenant and not is_public(tenant_of(whose)):
                told = msgspec.structs.replace(one, canary=whose)
                at_s = self._clock.now_s()
                self._record(
                    sighted(told, test=self._test, at_s=at_s, layer="replies", place=canary, part=part, to=tenant)
                )
