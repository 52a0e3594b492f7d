"""One tenant's data that another tenant gets to see, without any of it leaving either's boundary."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator

import aiohttp
import msgspec

from brownout.clock import Clock
from brownout.wire import Ask, End, Event, Refusal
from fixtures.router.world_file import WorldFile
from suites.selftest.leaks.base import Leaky, leak, leaking


class _CachesForAll(Leaky):
    """Answers are kept under how long the question was, whoever had asked."""

    async def route(self, ask: Ask, tenant: str, traffic_class: str) -> AsyncGenerator[Event, None]:
        kept: dict[int, list[Event]] = self.__dict__.setdefault("kept", {})
        key = len(ask.prompt) // 40
        if key in kept:
            for event in kept[key]:
                yield event
            return
        events = []
        async for event in super().route(ask, tenant, traffic_class):
            events.append(event)
            yield event
        if len(kept) < 3:
            kept[key] = events


class _CachesByQuestion(Leaky):
    """Answers are kept under exactly what was asked of which model, and not under who had asked."""

    def __init__(self, world: WorldFile, *, clock: Clock, connector: aiohttp.BaseConnector) -> None:
        super().__init__(world, clock=clock, connector=connector)
        self.kept: dict[bytes, list[Event]] = {}

    async def route(self, ask: Ask, tenant: str, traffic_class: str) -> AsyncGenerator[Event, None]:
        key = _key(ask)
        if key not in self.kept:
            events = [event async for event in super().route(ask, tenant, traffic_class)]
            self.kept[key] = events
        for event in self.kept[key]:
            yield event


class _JoinsAskers(Leaky):
    """Who asks what is being asked already, by whomever, waits for that answer; none is kept."""

    def __init__(self, world: WorldFile, *, clock: Clock, connector: aiohttp.BaseConnector) -> None:
        super().__init__(world, clock=clock, connector=connector)
        self.asking: dict[bytes, asyncio.Future[list[Event]]] = {}

    async def route(self, ask: Ask, tenant: str, traffic_class: str) -> AsyncGenerator[Event, None]:
        key = _key(ask)
        given = await asyncio.shield(self.asking[key]) if key in self.asking else []
        if any(isinstance(event, End) for event in given):
            for event in given:
                yield event
            return
        events: list[Event] = []
        over: asyncio.Future[list[Event]] = asyncio.get_running_loop().create_future()
        self.asking.setdefault(key, over)  # who asked first may have failed: then the others ask for themselves
        try:
            async with contextlib.aclosing(super().route(ask, tenant, traffic_class)) as fresh:
                async for event in fresh:
                    events.append(event)
                    yield event
        finally:
            if self.asking.get(key) is over:
                del self.asking[key]
            over.set_result(events)


def _key(ask: Ask) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(ask, stream=False))


class _AnswersTheNext(Leaky):
    """A client that hangs up leaves its answer on the connection, and who uses that next is given it."""

    def __init__(self, world: WorldFile, *, clock: Clock, connector: aiohttp.BaseConnector) -> None:
        super().__init__(world, clock=clock, connector=connector)
        self.left_over: deque[list[Event]] = deque()
        self.read_on: set[asyncio.Task[None]] = set()

    async def route(self, ask: Ask, tenant: str, traffic_class: str) -> AsyncGenerator[Event, None]:
        if self.left_over:
            for event in self.left_over.popleft():
                yield event
            return
        ended = False
        try:
            async with contextlib.aclosing(super().route(ask, tenant, traffic_class)) as events:
                async for event in events:
                    ended = isinstance(event, End)
                    yield event
        except Refusal:
            ended = True
            raise
        finally:
            if not ended:
                task = asyncio.create_task(self._read_on(ask, tenant, traffic_class))
                self.read_on.add(task)
                task.add_done_callback(self.read_on.discard)

    async def _read_on(self, ask: Ask, tenant: str, traffic_class: str) -> None:
        with contextlib.suppress(Refusal):
            self.left_over.append([event async for event in super().route(ask, tenant, traffic_class)])

    async def close(self) -> None:
        for task in self.read_on:
            task.cancel()
        await asyncio.gather(*self.read_on, return_exceptions=True)
        await super().close()


class _QuotesInErrors(Leaky):
    """Errors quote the request that failed last, to help whoever reads them."""

    before_last = last = ""

    async def broken(self, ask: Ask, tenant: str, text: str) -> None:
        del tenant, text
        self.before_last, self.last = self.last, ask.prompt

    def told(self, refusal: Refusal) -> Refusal:
        told = super().told(refusal)
        return Refusal(
            told.kind,
            f"{told} (like the one before: {self.before_last})",
            status=told.status,
            code=told.code,
            retry_after_s=told.retry_after_s,
        )


class _RemembersForAll(Leaky):
    """A conversation's memory is kept by the model that was asked, and so belongs to all who ask it."""

    last = ("", "")

    async def route(self, ask: Ask, tenant: str, traffic_class: str) -> AsyncGenerator[Event, None]:
        whose, memory = self.last
        same = whose and self.world.tenants[whose].allow == self.world.tenants[tenant].allow
        self.last = tenant, ask.prompt
        if same and whose != tenant:
            ask = msgspec.structs.replace(ask, prompt=f"{ask.prompt}\nEarlier: {memory[:2000]}", turns=())
        async for event in super().route(ask, tenant, traffic_class):
            yield event


CACHES_FOR_ALL = leak(
    "caches-for-all",
    "gives one tenant's answer, out of a cache, to another who asked alike",
    leaking(_CachesForAll),
    layer="replies",
    caught_by="data_in_replies",
    seen_in="inside-while-spilling-over",
    also=frozenset({"foreign_answers", "boundary_violations"}),
    why="an answer out of the cache is another request's, and may have been made where its asker's may not be",
)
CACHES_BY_QUESTION = leak(
    "caches-by-question",
    "gives one tenant's answer, out of a cache, to another who asked the very same",
    leaking(_CachesByQuestion),
    layer="replies",
    caught_by="data_in_replies",
    seen_in="answers-stay-with-who-asked",
    also=frozenset({"boundary_violations"}),
    why="what is kept of one tenant's was made where another may have nothing from",
)
JOINS_ASKERS = leak(
    "joins-askers",
    "has one tenant wait for the answer to another's request, where both ask the same at once",
    leaking(_JoinsAskers),
    layer="replies",
    caught_by="data_in_replies",
    seen_in="answers-stay-with-who-asked",
    also=frozenset({"boundary_violations"}),
    why="the answer was made where who waited for it may have nothing from",
)
ANSWERS_THE_NEXT = leak(
    "answers-the-next",
    "gives the answer that a client did not wait for to whoever asks next",
    leaking(_AnswersTheNext),
    layer="replies",
    caught_by="data_in_replies",
    seen_in="inside-when-clients-leave",
    also=frozenset({"foreign_answers", "boundary_violations"}),
    why="what somebody else had asked for is another request's answer, and may have been made where this one's may not",
)
QUOTES_IN_ERRORS = leak(
    "quotes-in-errors",
    "quotes the last tenant's prompt in errors that any tenant is told",
    leaking(_QuotesInErrors),
    layer="replies",
    caught_by="data_in_replies",
    seen_in="closed-when-all-is-down",
)
REMEMBERS_FOR_ALL = leak(
    "remembers-for-all",
    "puts one tenant's conversation into another's request",
    leaking(_RemembersForAll),
    layer="plaintext",
    caught_by="mixed_requests",
    seen_in="inside-while-spilling-over",
    also=frozenset({"data_in_replies", "foreign_answers"}),
    why="a question that anybody may ask is that other tenant's with its conversation in it, and so is the answer",
)
