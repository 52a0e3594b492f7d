"""The asyncio driver plays an open loop, tells every outcome apart, and is the same run after run in virtual time."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from brownout.clock import LoopClock
from brownout.evidence import ClientRecord
from brownout.virtual import VirtualConnector, run_virtual
from loadgen.driver import drive
from loadgen.plan import LoadPlan


async def played(plan: LoadPlan, *, start_in_s: float = 0.05) -> list[ClientRecord]:
    """Play a plan on the running loop."""
    clock = LoopClock()
    records: list[ClientRecord] = []
    await drive(plan, clock=clock, start_s=clock.now_s() + start_in_s, record=records.append)
    return records


def behaviours_of(records: list[ClientRecord], behaviours: list[str], behaviour: str) -> list[ClientRecord]:
    """Return the records of the requests that the router treated so."""
    return [r for r in records if behaviours[int(r.canary.rsplit("-", 1)[1]) % len(behaviours)] == behaviour]


@pytest.mark.parametrize("stream_share", [0.0, 1.0])
def test_every_ending_is_told_apart(
    make_router: Callable[..., Any], make_plan: Callable[..., LoadPlan], stream_share: float
) -> None:
    """Each way in which a router may answer gets its own outcome, streamed or not."""
    expected = {
        "ok": ("ok", ""),
        "refused": ("refused", "throttled"),
        "truncated": ("truncated", ""),
        "wrong": ("wrong", ""),
        "hung": ("hung", ""),
        "error-frame": ("error", "overloaded" if stream_share else "internal"),
        "reset": ("error", "reset"),
        "no-answer": ("error", "reset"),
        "broken-chunk": ("error", "reset"),
    }
    names = list(expected)
    router = make_router(lambda number: names[number % len(names)])

    async def main() -> list[ClientRecord]:
        async with router.serving():
            return await played(make_plan(router.url, rate_rps=90, duration_s=0.4, stream_share=stream_share))

    records = asyncio.run(main())
    assert 36 == len(records)
    for behaviour, ending in expected.items():
        told = behaviours_of(records, names, behaviour)
        assert {ending} == {(record.outcome, record.error) for record in told}, behaviour
    assert [2.0] * 4 == [record.retry_after_s for record in behaviours_of(records, names, "refused")]
    assert {"little-router"} == {record.served_by for record in behaviours_of(records, names, "ok")}


def test_nobody_listening_is_an_error_to_connect(make_plan: Callable[..., LoadPlan]) -> None:
    """A target that is not there fails each request at once, by name."""
    records = asyncio.run(played(make_plan("http://127.0.0.1:9", rate_rps=20, duration_s=0.2)))
    assert [("error", "connect", None)] * 4 == [(r.outcome, r.error, r.status) for r in records]


def test_each_request_says_whose_it_is(make_router: Callable[..., Any], make_plan: Callable[..., LoadPlan]) -> None:
    """What arrives carries the canary of its record and its tenant's headers."""
    router = make_router(lambda _: "ok")

    async def main() -> list[ClientRecord]:
        async with router.serving():
            return await played(make_plan(router.url, rate_rps=50, duration_s=0.2))

    records = {record.canary: record for record in asyncio.run(main())}
    assert sorted(records) == sorted(router.received)
    for canary, headers in zip(router.received, router.headers, strict=True):
        record = records[canary]
        assert (record.tenant, record.traffic_class) == (headers["X-Tenant"], headers["X-Class"])
        assert headers["Authorization"] == "Bearer sk-load"


def test_hung_requests_do_not_delay_others(make_router: Callable[..., Any], make_plan: Callable[..., LoadPlan]) -> None:
    """Two hundred requests that never end do not hold up one that is due after them: the loop is open."""
    router = make_router(lambda number: "ok" if number % 11 == 0 else "hung")

    async def main() -> list[ClientRecord]:
        async with router.serving():
            return await played(make_plan(router.url, rate_rps=220, patience_s=4.0))

    records = asyncio.run(main())
    assert Counter(hung=200, ok=20) == Counter(record.outcome for record in records)
    # A bounded pool would send some only when others have been given up. How late each was, virtual time tells below.
    assert 200 == router.hung_at_once


def test_one_seed_gives_one_history_in_virtual_time(
    make_router: Callable[..., Any], make_plan: Callable[..., LoadPlan]
) -> None:
    """Two runs of a plan in virtual time are equal in every field, and wait for no real clock."""

    async def main() -> list[ClientRecord]:
        router = make_router(lambda number: ["ok", "refused", "hung", "reset"][number % 4])
        clock, records = LoopClock(), list[ClientRecord]()
        connector = VirtualConnector(limit=0)
        async with router.serving():
            plan = make_plan(router.url, rate_rps=5, duration_s=60, patience_s=20)
            await drive(plan, clock=clock, start_s=1.0, record=records.append, connector=connector)
        await connector.close()
        return records

    first, second = run_virtual(main()), run_virtual(main())
    assert first == second
    assert Counter(ok=75, refused=75, hung=75, error=75) == Counter(record.outcome for record in first)
    assert {0.0} == {round(record.sent_s - record.due_s, 6) for record in first}


def test_cancelling_drops_what_is_in_flight(
    make_router: Callable[..., Any], make_plan: Callable[..., LoadPlan]
) -> None:
    """A cancelled drive ends at once, and records nothing for requests it did not see the end of."""
    router = make_router(lambda _: "hung")

    async def main() -> list[ClientRecord]:
        clock, records = LoopClock(), list[ClientRecord]()
        async with router.serving():
            plan = make_plan(router.url, patience_s=60)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.3):
                    await drive(plan, clock=clock, start_s=0.0, record=records.append)
            assert clock.now_s() < 1.0
        return records

    assert [] == asyncio.run(main())
