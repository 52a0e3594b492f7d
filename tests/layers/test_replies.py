"""Every byte that clients are given is looked at for data that is somebody else's."""

import asyncio
import base64
import gzip
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from brownout.canary import ANSWERED, COMMON, KINDS, Kind, tenant_of
from brownout.clock import MonotonicClock
from brownout.egress import EgressRecord, LayerRecord
from brownout.evidence import ClientRecord
from brownout.virtual import VirtualConnector, run_virtual
from brownout.workload import Arrival, Workload
from loadgen.driver import drive
from loadgen.plan import LoadPlan
from loadgen.replies import HELD_BYTES, Replies
from tests.layers.looking import MINT, TENANTS, value

OTHER = "globex"
CUT = gzip.compress(b"x" * 999, mtime=0)[:-9]
Respond = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Given:
    """Replies to europa's requests, and what was seen in them."""

    def __init__(self) -> None:
        self.seen: list[EgressRecord] = []
        self.replies = Replies("t", MINT, clock=MonotonicClock(), record=self.seen.append)

    def look(self, body: bytes, headers: dict[str, str] | None = None, *, whole: bool = True) -> None:
        """Give a client of europa's a reply."""
        self.replies.look("europa-1", "europa", headers or {}, body, whole=whole)


@pytest.mark.parametrize("kind", KINDS)
def test_anothers_data_in_a_reply_is_told(kind: Kind) -> None:
    """Of whatever kind: whose it was, to whom it was given, in which part."""
    given_to = Given()
    given_to.look(f"data: {value(kind=kind)}".encode())
    assert [("acme-7", kind, "europa-1", "europa", "body", 6)] == [
        (one.canary, one.kind, one.place, one.to, one.part, one.offset) for one in given_to.seen
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_ones_own_data_is_no_news(kind: Kind) -> None:
    """An answer bears its own canary, and an error may quote one's own prompt."""
    given_to = Given()
    given_to.look(f"data: {value('europa', 1, kind)} {value('europa', 2, kind)}".encode())
    assert [] == given_to.seen


def test_headers_and_packed_bodies_are_looked_at() -> None:
    """A header is a way out like any other, and so is a coding."""
    given_to = Given()
    body = gzip.compress(value(OTHER, 2).encode())
    given_to.look(body, {"Content-Encoding": "gzip", "X-Cached-For": value(OTHER, 1)})
    assert [("globex-1", "headers", "raw"), ("globex-2", "body", "gzip")] == [
        (one.canary, one.part, one.chain) for one in given_to.seen
    ]


@given(st.lists(st.sampled_from(TENANTS), max_size=6), st.text(max_size=20))
def test_what_is_told_is_what_is_anothers(tenants: list[str], between: str) -> None:
    """Each of others' data once, whatever stands between, and none of one's own."""
    given_to = Given()
    given_to.look(between.join(["", *(value(tenant, n) for n, tenant in enumerate(tenants)), ""]).encode())
    others = [f"{tenant}-{n}" for n, tenant in enumerate(tenants) if tenant != "europa"]
    assert others == [one.canary for one in given_to.seen]


def test_a_reply_to_every_request_was_looked_at() -> None:
    """Then the layer is complete, and says how much it has seen."""
    given_to = Given()
    given_to.look(b"abc")
    assert LayerRecord(
        test="t",
        layer="replies",
        complete=True,
        counted=1,
        seen=1,
        size_bytes=3,
        why="every reply that a client was given was looked at",
    ) == given_to.replies.layer(1)


@pytest.mark.parametrize(
    ("body", "headers", "whole", "why"),
    [
        (b"x" * HELD_BYTES, {}, True, f"the reply to europa-1: it was longer than {HELD_BYTES} bytes"),
        (b"x", {"content-encoding": "snappy"}, True, "the reply to europa-1: unknown-encoding"),
        (CUT, {"content-encoding": "gzip"}, True, "the reply to europa-1: truncated"),
        (CUT, {"content-encoding": "gzip"}, False, ""),
        (b"", {"content-encoding": "snappy"}, True, ""),
    ],
    ids=["too-long", "unknown-coding", "damaged", "cut-off", "nothing"],
)
def test_a_reply_that_could_not_be_looked_into_is_missed(
    body: bytes,
    headers: dict[str, str],
    why: str,
    *,
    whole: bool,
) -> None:
    """It is named. One that was cut off has held no more than came."""
    given_to = Given()
    given_to.look(body, headers, whole=whole)
    says = given_to.replies.layer(1)
    assert (not why, why or "every reply that a client was given was looked at") == (says.complete, says.why)


def test_a_reply_that_nobody_looked_at_is_missed() -> None:
    """As many as were asked for, or the layer is not complete."""
    given_to = Given()
    given_to.look(b"x")
    says = given_to.replies.layer(2)
    assert (False, "1 of 2 replies were looked at") == (says.complete, says.why)


# -- as the driver hands them over


def _played(respond: Respond) -> tuple[list[ClientRecord], list[EgressRecord], LayerRecord]:
    """Play a few planted requests of europa's at a server."""
    workload = Workload(
        arrival=Arrival(process="constant", rate_rps=2), duration_s=2, tenants={"europa": 1}, patience_s=3, planted=True
    )

    async def play() -> tuple[list[ClientRecord], list[EgressRecord], LayerRecord]:
        loop = asyncio.get_running_loop()
        server = web.Server(respond)
        listener = await loop.create_server(server, "127.0.0.1", 0)
        plan = LoadPlan(
            test="t",
            url=f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}",
            dialect="openai-chat",
            api_key="k",
            tenant_header="x-tenant",
            class_header="x-class",
            models=["m"],
            tenants=TENANTS,
            key_hex=MINT._key.hex(),
            workload=workload,
            seed=1,
            epoch_s=0.0,
            client_path="",
        )
        told, seen, clock = list[ClientRecord](), list[EgressRecord](), _LoopTime(loop)
        replies = Replies("t", MINT, clock=clock, record=seen.append)
        connector = VirtualConnector(limit=0)
        requests = await drive(plan, clock=clock, start_s=0.0, record=told.append, connector=connector, replies=replies)
        await connector.close()
        listener.close()
        return told, seen, replies.layer(requests)

    return run_virtual(play())


class _LoopTime(MonotonicClock):
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def now_s(self) -> float:
        return self._loop.time()


async def _error_body(_: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=500, text=f"failed, like {value()}")


async def _behind_the_end(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b"data: [DONE]\n\n")
    await asyncio.sleep(0.1)
    await response.write(f": {value()}\n\n".encode())
    await response.write_eof()
    return response


async def _cut_short(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "99999"})
    await response.prepare(request)
    await response.write(value().encode())
    assert request.transport is not None
    await asyncio.sleep(0.1)
    request.transport.close()
    return response


async def _hanging(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(f": {value()}\n\n".encode())
    await asyncio.sleep(60)
    return response


async def _header(_: web.BaseRequest) -> web.StreamResponse:
    raise web.HTTPFound(f"/{value()}")


async def _nothing(request: web.BaseRequest) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


@pytest.mark.parametrize(
    ("respond", "part"),
    [
        (_error_body, "body"),
        (_behind_the_end, "body"),
        (_cut_short, "body"),
        (_hanging, "body"),
        (_header, "headers"),
        (_nothing, ""),
    ],
)
def test_whatever_a_client_was_given_is_looked_at(respond: Respond, part: str) -> None:
    """Errors, what comes behind an answer's end, what is cut short or never ends, redirects: every request has one."""
    told, seen, says = _played(respond)
    assert ([part] * len(told) if part else []) == [one.part for one in seen]
    assert {one.canary for one in told} == ({one.place for one in seen} if part else {one.canary for one in told})
    assert (True, len(told)) == (says.complete, says.seen)


# -- answers to common questions


ANSWER = MINT.value(ANSWERED, 3, "completion")
QUESTION = f"{COMMON}-2"


class Answered:
    """Replies to requests of several tenants, and whose answer was told to be in whose reply."""

    def __init__(self) -> None:
        self._seen: list[EgressRecord] = []
        self.replies = Replies("t", MINT, clock=MonotonicClock(), record=self._seen.append)

    def give(self, request: str, body: str, *, question: str = QUESTION, headers: dict[str, str] | None = None) -> None:
        """Give a request an answer."""
        self.replies.look(request, tenant_of(request), headers or {}, body.encode(), whole=True, question=question)

    @property
    def told(self) -> list[tuple[str, str, str, str]]:
        """What was seen: whose, of what kind, in the reply to which request, of whom."""
        return [(one.canary, one.kind, one.place, one.to) for one in self._seen]


def test_an_answer_that_two_tenants_are_given_is_the_firsts() -> None:
    """It is told as theirs who were given it first: there is one of it, and it was made for somebody."""
    answered = Answered()
    for request in ("acme-1", "europa-2", "acme-3", "europa-4"):
        answered.give(request, ANSWER)
    assert [
        ("acme-1", "completion", "europa-2", "europa"),
        ("acme-1", "completion", "europa-4", "europa"),
    ] == answered.told


def test_a_cache_of_ones_own_may_hit() -> None:
    """Within a tenant an answer may be given as often as it is asked for, and that is said."""
    answered = Answered()
    for number in range(5):
        answered.give(f"acme-{number}", ANSWER)
        answered.give(f"europa-{number}", MINT.value(ANSWERED, 4, "completion"))
    says = answered.replies.layer(10)
    assert ([], True) == (answered.told, says.complete)
    assert says.why.endswith("looked at; 2 answers to common questions were given, and 8 times one of them again")


@pytest.mark.parametrize(
    ("body", "headers"),
    [(base64.b64encode(ANSWER.encode()).decode(), {}), ("", {"x-cached": ANSWER}), (f"err: {ANSWER}", {})],
)
def test_anothers_answer_is_seen_wherever_it_is(body: str, headers: dict[str, str]) -> None:
    """Under an encoding, in a header, in an error."""
    answered = Answered()
    answered.give("acme-1", ANSWER)
    answered.give("europa-2", body, headers=headers)
    assert [("acme-1", "completion", "europa-2", "europa")] == answered.told


def test_who_asked_no_common_question_owns_no_answer_to_one() -> None:
    """An endpoint that mixed answers up gave it there; whoever did ask is not to be told apart by that."""
    answered = Answered()
    answered.give("europa-1", ANSWER, question="")
    answered.give("acme-2", ANSWER)
    assert [] == answered.told
    answered.give("europa-3", ANSWER, question="")
    assert [("acme-2", "completion", "europa-3", "europa")] == answered.told


@given(st.lists(st.tuples(st.sampled_from(TENANTS), st.integers(0, 3)), max_size=30))
def test_whatever_is_shared_is_told_once_for_each_reply(given_to: list[tuple[str, int]]) -> None:
    """Every reply with an answer that another tenant was given first, and no other."""
    answered, first, expected = Answered(), dict[int, str](), []
    for number, (tenant, answer) in enumerate(given_to):
        answered.give(f"{tenant}-{number}", MINT.value(ANSWERED, answer, "completion"))
        owner = first.setdefault(answer, f"{tenant}-{number}")
        if tenant_of(owner) != tenant:
            expected.append((owner, "completion", f"{tenant}-{number}", tenant))
    assert expected == answered.told
