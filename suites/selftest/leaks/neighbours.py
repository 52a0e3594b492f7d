"""One tenant's data that another tenant gets to see, without any of it leaving either's boundary."""

from collections.abc import AsyncGenerator

import msgspec

from brownout.wire import Ask, Event, Refusal
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
    also=frozenset({"foreign_answers"}),
    why="an answer out of the cache is another request's",
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
)
