"""The Locust driver, run as it is run: a process that keeps its protocol and sees what the asyncio driver sees."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from brownout.clock import LoopClock, wait_until
from brownout.evidence import ClientRecord, read_records
from loadgen import locust_shell
from loadgen.driver import drive
from loadgen.plan import LoadPlan


@contextlib.asynccontextmanager
async def locust(plan: LoadPlan) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start the Locust driver, wait until it is ready, and see to it that it is gone in the end."""
    path = Path(plan.client_path).with_name("plan.json")
    path.write_bytes(msgspec.json.encode(plan))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *locust_shell.command(), env=locust_shell.environment(path), stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        assert process.stdout is not None
        assert f"{locust_shell.READY}\n".encode() == await process.stdout.readline()
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def played(plan: LoadPlan, clock: LoopClock) -> tuple[list[ClientRecord], str]:
    """Play a plan to its end; return the records and what Locust said."""
    async with locust(plan) as process:
        assert process.stdin is not None
        process.stdin.write(locust_shell.go(clock.now_s() + 0.1).encode())
        assert process.stderr is not None
        said = (await process.stderr.read()).decode()
        assert 0 == await process.wait(), said
    records = read_records(Path(plan.client_path), ClientRecord)
    return [record for record in records if isinstance(record, ClientRecord)], said


def test_both_drivers_see_the_same(make_router: Callable[..., Any], make_plan: Callable[..., LoadPlan]) -> None:
    """One plan against one router: the same outcome, error, status and text for each request from both drivers."""
    names = ["ok", "refused", "truncated", "wrong", "hung", "error-frame", "reset", "no-answer", "broken-chunk"]
    router = make_router(lambda number: names[number % len(names)])

    async def main() -> tuple[list[ClientRecord], list[ClientRecord], str]:
        async with router.serving():
            clock = LoopClock()
            plan = make_plan(router.url, rate_rps=60, duration_s=1.2, epoch_s=clock.epoch_s)
            by_locust, said = await played(plan, clock)
            by_asyncio: list[ClientRecord] = []
            await drive(plan, clock=clock, start_s=clock.now_s(), record=by_asyncio.append)
            return by_locust, by_asyncio, said

    by_locust, by_asyncio, said = asyncio.run(main())
    fields = ("canary", "outcome", "error", "status", "stream", "integrity", "served_by", "retry_after_s", "tokens")
    views = [{tuple(getattr(r, name) for name in fields) for r in records} for records in (by_asyncio, by_locust)]
    assert views[0] == views[1]
    assert 72 == len(by_locust)
    assert "refused throttled" in said  # Locust's own summary tells the same story
    assert "Aggregated" in said


def test_both_drivers_ask_common_questions(make_router: Callable[..., Any], make_plan: Callable[..., LoadPlan]) -> None:
    """The same requests ask the same ones, and are answered by them."""
    router = make_router(lambda _: "ok")

    async def main() -> tuple[list[ClientRecord], list[ClientRecord]]:
        async with router.serving():
            clock = LoopClock()
            workload = {"duration_s": 1.0, "patience_s": 20.0, "planted": True, "common_share": 0.5}
            plan = make_plan(router.url, rate_rps=40, epoch_s=clock.epoch_s, **workload)
            by_locust, _ = await played(plan, clock)
            by_asyncio: list[ClientRecord] = []
            await drive(plan, clock=clock, start_s=clock.now_s(), record=by_asyncio.append)
            return by_locust, by_asyncio

    views = [{(r.canary, r.question, r.outcome, r.integrity) for r in records} for records in asyncio.run(main())]
    asked = Counter(bool(question) for _, question, _, _ in views[0])
    assert views[0] == views[1]
    assert {("ok", "whole")} == {(outcome, integrity) for _, _, outcome, integrity in views[0]}
    assert (40, True) == (asked.total(), 10 < asked[True] < 30)


def test_first_tokens_are_timed_as_they_arrive(
    make_router: Callable[..., Any], make_plan: Callable[..., LoadPlan]
) -> None:
    """A stream's first token is seen long before its end, and instants are on the test's clock."""
    router = make_router(lambda _: "hung")

    async def main() -> tuple[list[ClientRecord], float, float]:
        async with router.serving():
            clock = LoopClock()
            before_s = clock.now_s()
            plan = make_plan(router.url, rate_rps=20, stream_share=1.0, patience_s=0.5, epoch_s=clock.epoch_s)
            records, _ = await played(plan, clock)
            return records, before_s, clock.now_s()

    records, before_s, after_s = asyncio.run(main())
    assert 20 == len(records)
    for record in records:
        assert record.first_token_s is not None
        assert before_s < record.due_s <= record.sent_s < record.first_token_s < record.end_s < after_s
        assert record.first_token_s < record.due_s + 0.25
        assert 0.5 == pytest.approx(record.e2e_s, abs=0.1)


def test_hung_requests_do_not_delay_others(make_router: Callable[..., Any], make_plan: Callable[..., LoadPlan]) -> None:
    """Two hundred requests that never end do not hold up one that is due after them: no pool is bounded."""
    router = make_router(lambda number: "ok" if number % 11 == 0 else "hung")

    async def main() -> list[ClientRecord]:
        async with router.serving():
            clock = LoopClock()
            plan = make_plan(router.url, rate_rps=220, patience_s=4.0, epoch_s=clock.epoch_s)
            return (await played(plan, clock))[0]

    records = asyncio.run(main())
    assert Counter(hung=200, ok=20) == Counter(record.outcome for record in records)
    # A bounded pool would hold them up for as long as the hung ones are waited for; a busy machine, for less.
    assert max(record.sent_s - record.due_s for record in records) < 2.0
    assert max(record.e2e_s for record in records if record.outcome == "ok") < 2.0


@pytest.mark.parametrize("ending", ["abort", "eof"])
@pytest.mark.parametrize("started", [True, False])
def test_it_ends_when_told_or_left_alone(
    make_router: Callable[..., Any], make_plan: Callable[..., LoadPlan], ending: str, *, started: bool
) -> None:
    """A line ``abort``, or the end of stdin, ends it promptly with exit code 0, before the load as within it."""
    router = make_router(lambda _: "hung")

    async def main() -> tuple[int, float]:
        async with router.serving():
            clock = LoopClock()
            plan = make_plan(router.url, rate_rps=20, duration_s=60, patience_s=60, epoch_s=clock.epoch_s)

            async def in_flight() -> bool:
                return len(router.received) >= 5

            async with locust(plan) as process:
                assert process.stdin is not None
                if started:
                    process.stdin.write(locust_shell.go(clock.now_s()).encode())
                    assert await wait_until(in_flight, within_s=10)
                told_s = clock.now_s()
                if ending == "abort":
                    process.stdin.write(b"abort\n")
                else:
                    process.stdin.close()
                _, said = await process.communicate()
                assert process.returncode is not None, said
                return process.returncode, clock.now_s() - told_s

    code, took_s = asyncio.run(main())
    assert 0 == code
    assert took_s < 2.0


def test_a_bad_order_is_a_failure_of_its_own(make_plan: Callable[..., LoadPlan]) -> None:
    """What it was not told properly it does not play: exit code 70, and why on stderr."""

    async def main() -> tuple[int | None, bytes]:
        async with locust(make_plan("http://127.0.0.1:9")) as process:
            _, said = await process.communicate(b"start now\n")
            return process.returncode, said

    code, said = asyncio.run(main())
    assert locust_shell.EXIT_FAILED == code, said
    assert b"expected 'go <start_s>'" in said


def test_the_environment_of_the_machine_cannot_change_the_load(tmp_path: Path) -> None:
    """Locust's own variables are kept out, the plan's path and the rooms go in."""
    base = {"LOCUST_RUN_TIME": "3", "HOME": "/h", "PYTHONPATH": "/theirs"}
    environment = locust_shell.environment(tmp_path / "plan.json", base)
    assert "LOCUST_RUN_TIME" not in environment
    assert ("/h", str(tmp_path / "plan.json")) == (environment["HOME"], environment[locust_shell.PLAN_VARIABLE])
    assert environment["PYTHONPATH"].endswith(":/theirs")
