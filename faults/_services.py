"""Services that are down: several faults may hold one down at once, and let go in any order."""

import asyncio
from weakref import WeakKeyDictionary

from brownout.hands import Service
from faults._screws import Screw
from faults.network.dial import dial

_ANSWER_S = 2.0
_SLOW_S = 0.2
_QUESTION = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
_holds: "WeakKeyDictionary[Service, list[_Hold]]" = WeakKeyDictionary()
"""In the order in which they came; of their statuses the last one holds."""
_turning: "WeakKeyDictionary[Service, asyncio.Lock]" = WeakKeyDictionary()
"""Shutting a service takes time, and so does opening it: one fault's must not overtake another's."""


async def held_down(service: Service, status: int, *, delay_s: float = 0.0, meet: bool = True) -> Screw:
    """Let a service refuse everything from now on, or be slow, and meet that once as a caller would.

    A refused connection leaves no trace in the service, so that nobody's is counted but this one. Requests that were
    answered by the status, or held, are counted by the service.

    Args:
        service: which one.
        status: the HTTP status, in the service's own words; 0: connections are refused, unless it is only slow.
        delay_s: how long it takes over every answer; the longest of several holds.
        meet: whether to meet it. Otherwise only callers of the world's own count.
    """
    hold = _Hold(service, status, delay_s, meet=meet)
    await hold.put_on()
    return Screw(acted=hold.acted, back=hold.let_go, is_back=lambda: not hold.on)


class _Hold:
    """One fault's hold on one service."""

    def __init__(self, service: Service, status: int, delay_s: float, *, meet: bool) -> None:
        self._service, self._meet = service, meet
        self.status, self.delay_s, self.refuses = status, delay_s, not status and not delay_s
        self._hit_before = service.hit
        self._met = 0

    @property
    def on(self) -> bool:
        return self in _holds.get(self._service, ())

    async def put_on(self) -> None:
        _holds.setdefault(self._service, []).append(self)
        try:
            await _obey(self._service)
            refused = self._meet and await _is_refused(self._service)
        except BaseException:
            await self.let_go()
            raise
        self._met += refused and self.refuses

    def acted(self) -> int:
        answered = 0 if self.refuses else self._service.hit - self._hit_before
        return self._met + answered

    async def let_go(self) -> None:
        if self.on:
            _holds[self._service].remove(self)
        await _obey(self._service)


async def _obey(service: Service) -> None:
    async with _turning.setdefault(service, asyncio.Lock()):
        holds = _holds.get(service, [])
        service.down = next((hold.status for hold in reversed(holds) if hold.status), 0)
        service.delay_s = max((hold.delay_s for hold in holds), default=0.0)
        listening = not any(hold.refuses for hold in holds)
        if service.listening != listening:
            await service.listen(listening=listening)
        if service.listening != listening:  # read back here, before another turns it
            told = "listen" if listening else "refuse"
            raise RuntimeError(f"{service.host}:{service.port} was to {told}, and does not")


async def _is_refused(service: Service) -> bool:
    """Ask the service something, and return whether nobody listened."""
    # One that is slow has taken note of the question by then, and its answer is not waited for.
    within_s = _SLOW_S if service.delay_s else _ANSWER_S
    return (await dial(service, say=_QUESTION, within_s=within_s)).how == "refused"
