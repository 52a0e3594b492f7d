"""The asyncio load driver: open loop, on whatever clock its event loop has. Plays the same plan as Locust does."""

import asyncio
from collections.abc import Callable

import aiohttp
from yarl import URL

from brownout.canary import CanaryMint
from brownout.clock import Clock
from brownout.dialects import dialect_named
from brownout.evidence import ClientRecord
from brownout.tape import Tape
from brownout.wire import HttpRequest
from loadgen.arrivals import due_requests
from loadgen.batch_talk import BatchTalk
from loadgen.batches import due_batches
from loadgen.fetch import Fetch
from loadgen.plan import LoadPlan
from loadgen.prompts import address, http_request
from loadgen.replies import Replies
from loadgen.steps import Pause
from loadgen.watch import Watch

# Patience is counted from the due time by us. aiohttp's own limits would count from elsewhere.
_NO_LIMIT = aiohttp.ClientTimeout(total=None, connect=None, sock_read=None, sock_connect=None)


async def drive(
    plan: LoadPlan,
    *,
    clock: Clock,
    start_s: float,
    record: Callable[[ClientRecord], None],
    connector: aiohttp.BaseConnector | None = None,
    replies: Replies | None = None,
    tape: Tape | None = None,
) -> int:
    """Play a plan's requests, each at its due time whatever became of the others; return how many, when all have ended.

    What is said about batches counts, too; their lines, which are answered in what is said, do not. Cancelling it drops
    the requests in flight, without records for them.

    Args:
        plan: what to play; its ``epoch_s`` and its paths are not used here.
        clock: the test's clock, which must tell the running loop's time.
        start_s: when load starts, on ``clock``; due times count from it.
        record: takes each record as its request ends.
        connector: a connector of the caller's (who also closes it) instead of a TCP one. It must have ``limit=0``:
            aiohttp's default of 100 would make the hundred-and-first request wait for the others.
        replies: looks at what clients are given, where somebody does.
        tape: takes what they are given, the same.

    Raises:
        BadInput: the workload cannot be played, or the dialect is unknown.
    """
    dialect = dialect_named(plan.dialect, where="load plan")
    mint = CanaryMint(bytes.fromhex(plan.key_hex), plan.tenants, plan.other_secret_of)
    requests = due_requests(plan.workload, plan.seed, plan.tenants)
    batches = due_batches(plan.workload, plan.seed, plan.tenants, first=len(requests))
    talks = [
        BatchTalk(plan, dialect, due, mint, start_s=start_s, clock=clock, record=record, replies=replies)
        for due in batches
    ]
    async with _session(connector) as session, asyncio.TaskGroup() as in_flight:
        for talk in talks:
            in_flight.create_task(_converse(session, plan, talk))
        for due in requests:
            watch = Watch(plan, dialect, due, start_s=start_s, clock=clock, record=record, replies=replies, tape=tape)
            request = http_request(plan, dialect, due, mint)
            url = URL(address(plan, request), encoded=True)
            pause_s = watch.due_s - clock.now_s()
            if pause_s > 0:
                await asyncio.sleep(pause_s)
            in_flight.create_task(_play(session, url, request, watch))
    return len(requests) + sum(talk.fetched for talk in talks)


def _session(connector: aiohttp.BaseConnector | None) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector or aiohttp.TCPConnector(limit=0),
        connector_owner=connector is None,
        cookie_jar=aiohttp.DummyCookieJar(),  # a session cookie would tie every user to one backend
        timeout=_NO_LIMIT,
        auto_decompress=False,
    )


async def _converse(session: aiohttp.ClientSession, plan: LoadPlan, talk: BatchTalk) -> None:
    for step in talk.steps():
        if isinstance(step, Pause):
            await asyncio.sleep(step.for_s)
        else:
            await _play(session, URL(address(plan, step.request), encoded=True), step.request, step)


async def _play(session: aiohttp.ClientSession, url: URL, request: HttpRequest, watch: Watch | Fetch) -> None:
    """Send one request within its client's patience, and feed its watch."""
    left_s = watch.left_s()
    if left_s > 0:
        await _exchange(session, url, request, watch, left_s)
    else:
        watch.gave_up()
    watch.over()


async def _exchange(
    session: aiohttp.ClientSession, url: URL, request: HttpRequest, watch: Watch | Fetch, left_s: float
) -> None:
    """Read on after the answer's end, so that the connection can be used again."""
    try:
        async with asyncio.timeout(left_s):
            watch.sent()
            async with session.request(
                request.method, url, data=request.body, headers=request.headers, allow_redirects=False
            ) as reply:
                watch.status(reply.status, reply.headers)
                while data := await reply.content.readany():
                    watch.received(data)
                watch.eof()
    except TimeoutError:
        watch.gave_up()
    except (aiohttp.ClientError, OSError) as error:
        watch.transport_error(error)
