"""Who asks an endpoint, a handshake, a name or a service every few milliseconds, and notes what was not as usual.

It knows nothing of faults. A question is compared with the same question while all was well: its bytes (without what
differs from reply to reply), whether its end came, and how long that took.
"""

import asyncio
import re
import ssl
import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from brownout.clock import monotonic_s

EVERY_S = 0.005
GIVE_UP_S = 0.5
_LATE_S = 0.1  # more than an answer ever takes here by itself
# Ids, instants, proofs and the sizes of transfer chunks, which differ from reply to reply.
_OWN = re.compile(
    rb'"(?:id|created|latencyMs)":\s*(?:"[^"]*"|\d+)'
    rb"|^(?:date|x-[^:]*|request-id|[^:\r\n]*ratelimit[^:\r\n]*):[^\r\n]*"
    rb"|<RequestId>[^<]*|\r\n[0-9a-f]+\r\n",
    re.IGNORECASE | re.MULTILINE,
)

Question: TypeAlias = Callable[[], Awaitable[bytes]]
"""Asks once, and returns all that came back, up to its end."""


@dataclass(frozen=True)
class Asked:
    """One question: when it was sent, how long it took, and what came; None when it broke or did not end."""

    sent_s: float
    took_s: float
    answer: bytes | None


@dataclass
class Watcher:
    """Asks at a steady pace, whether or not earlier questions were answered."""

    question: Question
    asked: list[Asked] = field(default_factory=list)
    usual: bytes = b""
    usual_s: float = 0.0

    async def learn(self) -> None:
        """Ask a few times while all is well.

        Raises:
            RuntimeError: two answers differ in more than what is their own: nothing could be told by them.
        """
        for _ in range(10):
            await self._ask()
        answers = {one.answer for one in self.asked}
        self.usual_s = statistics.median(one.took_s for one in self.asked)
        (usual,) = answers if len(answers) == 1 else (None,)
        if usual is None:
            raise RuntimeError(f"{len(answers)} kinds of answers while all is well: {sorted(map(repr, answers))[:2]}")
        self.usual = usual
        self.asked.clear()

    async def until(self, when_s: float) -> None:
        """Ask every few milliseconds until then; return once every answer is there, or was given up."""
        tasks = []
        due_s = monotonic_s()
        while due_s < when_s:
            await asyncio.sleep(max(due_s - monotonic_s(), 0))
            tasks.append(asyncio.create_task(self._ask()))
            due_s = max(due_s + EVERY_S, monotonic_s() - EVERY_S)  # a pause of this process is not made up for
        await asyncio.gather(*tasks)

    async def well_again(self, *, within_s: float) -> bool:
        """Ask until ten answers in a row are as usual."""
        give_up_s, in_a_row = monotonic_s() + within_s, 0
        while in_a_row < 10 and monotonic_s() < give_up_s:
            self.asked.clear()
            await self._ask()
            in_a_row = 0 if self.affected() else in_a_row + 1
        self.asked.clear()
        return in_a_row == 10

    def affected(self) -> list[Asked]:
        """Return the questions that were not answered as usual, in the order they were sent."""
        limit_s = self.usual_s + _LATE_S
        return sorted(
            (one for one in self.asked if one.answer != self.usual or one.took_s > limit_s), key=lambda one: one.sent_s
        )

    def met(self) -> tuple[float, float] | None:
        """Return when the first question was sent that something happened to, and up to when something did.

        For an answer that is missing or changed that is when the last such question was sent; for one that was only
        held up, when it was let go.
        """
        affected = self.affected()
        if not affected:
            return None
        until_s = (one.sent_s + (one.took_s - self.usual_s) * (one.answer == self.usual) for one in affected)
        return affected[0].sent_s, max(until_s)

    async def _ask(self) -> None:
        sent_s = monotonic_s()
        answer = None
        try:
            async with asyncio.timeout(GIVE_UP_S):
                answer = _OWN.sub(b"", await self.question())
        except (OSError, TimeoutError, EOFError):
            pass
        self.asked.append(Asked(sent_s, monotonic_s() - sent_s, answer))


def asking(host: str, port: int, request: bytes) -> Question:
    """Ask over a connection of its own, up to the end of the stream."""

    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(request)
            return await reader.read()
        finally:
            writer.close()

    return ask


def shaking_hands(host: str, port: int, ca_file: str, name: str) -> Question:
    """Open a connection over TLS, as a client that checks certificates does."""
    trust = ssl.create_default_context(cafile=ca_file)

    async def shake() -> bytes:
        _, writer = await asyncio.open_connection(host, port, ssl=trust, server_hostname=name)
        writer.close()
        return b"trusted"

    return shake


class _Answer(asyncio.DatagramProtocol):
    def __init__(self, came: asyncio.Future[bytes]) -> None:
        self._came = came

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Take the first one."""
        del addr
        if not self._came.done():
            self._came.set_result(data)


def looking_up(host: str, port: int, query: bytes) -> Question:
    """Ask a name server; its answer without the id."""

    async def look_up() -> bytes:
        loop = asyncio.get_running_loop()
        came: asyncio.Future[bytes] = loop.create_future()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Answer(came), remote_addr=(host, port))
        try:
            transport.sendto(query)
            return (await came)[2:]
        finally:
            transport.close()

    return look_up
