"""Batches are drawn beside the load, handed in by either driver, and judged line by line."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.answer import reply_tokens
from brownout.canary import CanaryMint, run_key
from brownout.clock import LoopClock
from brownout.dialects.openai_chat import OPENAI_CHAT
from brownout.egress import EgressRecord
from brownout.errors import BadInput
from brownout.evidence import ClientRecord
from brownout.virtual import VirtualConnector, run_virtual
from brownout.wire import Answer, End, HttpReply, HttpRequest, Refusal
from brownout.workload import Batches, Workload
from fixtures.router.batch_file import read_batch_file
from loadgen.arrivals import due_requests
from loadgen.batch_lines import batch_file, filed
from loadgen.batch_talk import BatchTalk
from loadgen.batches import DueBatch, due_batches
from loadgen.driver import drive
from loadgen.fetch import Fetch
from loadgen.plan import LoadPlan
from loadgen.replies import Replies
from loadgen.steps import Pause
from tests.batching import serving
from tests.loadgen.test_locust import played

TENANTS = ["acme", "globex"]
SEED = 7
MINT = CanaryMint(run_key(SEED), TENANTS)


# --- which, and when -----------------------------------------------------------------------------------------


@given(seed=st.integers(0, 2**32), lines=st.integers(1, 9), every_s=st.floats(0.3, 9.0), first=st.integers(0, 999))
def test_batches_come_at_equal_distances_and_have_numbers_of_their_own(
    seed: int, lines: int, every_s: float, first: int
) -> None:
    """Within the load, after the numbers of single requests, each of one tenant, the same again from one seed."""
    load = Workload(batches=Batches(lines=lines, every_s=every_s), duration_s=20.0)
    made = due_batches(load, seed, TENANTS, first=first)
    assert made == due_batches(load, seed, TENANTS, first=first)
    assert all(0 < one.due_s < load.duration_s and lines == len(one.lines) for one in made)
    requests = [line for one in made for line in one.lines]
    assert list(range(first, first + len(requests))) == [line.number for line in requests]
    assert all({(one.tenant, one.due_s)} == {(line.tenant, line.due_s) for line in one.lines} for one in made)
    assert {("background", False)} >= {(line.traffic_class, line.stream) for line in requests}


def test_a_load_without_batches_is_what_it_was() -> None:
    """And one with batches asks the same single requests besides."""
    plain, with_them = Workload(), Workload(batches=Batches(lines=6))
    assert [] == due_batches(plain, SEED, TENANTS, first=0)
    assert due_requests(plain, SEED, TENANTS) == due_requests(with_them, SEED, TENANTS)


def test_tenants_take_turns_by_their_shares() -> None:
    """Nobody with a share goes without by chance; who has none hands nothing in."""
    load = Workload(batches=Batches(lines=1, every_s=1.0), duration_s=8.0, tenants={"acme": 3, "globex": 1, "x": 0})
    made = due_batches(load, SEED, [*TENANTS, "x"], first=0)
    assert Counter(acme=6, globex=2) == Counter(one.tenant for one in made)
    assert {"acme", "globex"} == {one.tenant for one in made[:4]}


@pytest.mark.parametrize("wrong", [{"lines": -1}, {"every_s": 0.0}, {"patience_s": float("inf")}])
def test_what_cannot_be_handed_in_is_refused(wrong: dict[str, Any]) -> None:
    """Before anything is played, with its field."""
    load = Workload(batches=msgspec.structs.replace(Batches(lines=1), **wrong))
    with pytest.raises(BadInput, match=f"workload.batches.{next(iter(wrong))}"):
        due_batches(load, SEED, TENANTS, first=0)


# --- the files -----------------------------------------------------------------------------------------------


@given(st.dictionaries(st.text(min_size=1, max_size=9), st.text(), min_size=1, max_size=5))
def test_what_is_handed_in_is_what_a_strict_reader_reads(prompts: dict[str, str]) -> None:
    """Under any names, whatever is asked."""
    bodies = {name: json.dumps({"model": "m", "said": said}).encode() for name, said in prompts.items()}
    asked = {name: HttpRequest(method="POST", path="/v1/x", body=body) for name, body in bodies.items()}
    lines = read_batch_file(batch_file(asked), endpoint="/v1/x", lines_max=9)
    assert bodies == {line.custom_id: line.body for line in lines}


@given(st.lists(st.binary(max_size=60), max_size=3))
def test_no_file_of_a_targets_breaks_its_reader(files: list[bytes]) -> None:
    """What is no line is none; a good one beside it is read."""
    good = b'{"custom_id":"a","response":null,"error":{"code":"batch_expired"}}'
    assert "a" in [one.custom_id for one in filed([*files, good])]


# --- one batch, step by step ---------------------------------------------------------------------------------


class _Now:
    """A clock that a conversation's pauses move on."""

    at_s = 0.0

    def now_s(self) -> float:
        return self.at_s

    def utc(self) -> Any:
        raise NotImplementedError


def _plan(**batches: Any) -> LoadPlan:
    load = Workload(batches=Batches(lines=2, every_s=4.0, **batches), duration_s=4.0, patience_s=5.0)
    return LoadPlan(
        test="t",
        url="http://127.0.0.1:1",
        dialect="openai-chat",
        api_key="",
        tenant_header="x-tenant",
        class_header="x-class",
        models=["m1", "m2"],
        tenants=TENANTS,
        key_hex=run_key(SEED).hex(),
        workload=load,
        seed=SEED,
        epoch_s=0.0,
        client_path="",
    )


def _right(number: int) -> dict[str, Any]:
    """Return the right answer to a line, as a file has it."""
    asked = OPENAI_CHAT.server.read_ask(HttpRequest(method="POST", path="/v1/chat/completions", body=_ASK))
    text = "".join(reply_tokens("near", f"acme-{number}", 4))
    reply = OPENAI_CHAT.server.reply(asked, Answer(text=text, end=End()), reply_id="r")
    return {"response": {"status_code": 200, "body": json.loads(reply.body)}, "error": None}


_ASK = b'{"model": "m", "messages": [{"role": "user", "content": "x"}]}'
_TOO_LONG = {"error": {"message": "x", "type": "invalid_request_error", "code": "context_length_exceeded"}}
_SAYS: dict[str, dict[str, Any]] = {
    "refused": {"response": {"status_code": 400, "body": _TOO_LONG}},
    "expired": {"response": None, "error": {"code": "batch_expired"}},
    "wrong": {"response": {"status_code": 200, "body": {"choices": []}}},
    "foreign": _right(99),
}


def _jsonl(lines: list[tuple[int, dict[str, Any]]]) -> bytes:
    return b"".join(json.dumps({"id": "x", "custom_id": f"line-{n}", **said}).encode() + b"\n" for n, said in lines)


def _feed(fetch: Fetch, reply: HttpReply | Exception | None) -> None:
    fetch.sent()
    if reply is None:
        fetch.gave_up()
    elif isinstance(reply, Exception):
        fetch.transport_error(reply)
    else:
        fetch.status(reply.status, reply.headers)
        fetch.received(reply.body)
        fetch.eof()
    fetch.over()


def _json(told: Any, status: int = 200) -> HttpReply:
    return HttpReply(status=status, body=json.dumps(told).encode())


Replied = HttpReply | Exception | None


class Played:
    """One batch of two lines, 10 and 11, of acme's, at a target that answers by path; what was asked, and recorded."""

    def __init__(
        self, answers: dict[str, list[Replied]], *, nosy: bool = False, planted: bool = False, **batches: Any
    ) -> None:
        plan, clock = _plan(**batches), _Now()
        plan = msgspec.structs.replace(plan, workload=msgspec.structs.replace(plan.workload, planted=planted))
        (due,) = due_batches(plan.workload, SEED, TENANTS, first=10)
        assert isinstance(due, DueBatch)
        self.records: list[ClientRecord] = []
        self.seen = list[EgressRecord]()
        self.asked: list[tuple[str, str]] = []
        self.sent: list[HttpRequest] = []
        replies = Replies("t", MINT, clock=clock, record=self.seen.append) if nosy else None
        talk = BatchTalk(
            plan, OPENAI_CHAT, due, MINT, start_s=0.0, clock=clock, record=self.records.append, replies=replies
        )
        left = {path: list(replies) for path, replies in answers.items()}
        for step in talk.steps():
            if isinstance(step, Pause):
                clock.at_s += step.for_s
                continue
            path = step.request.path
            self.asked.append((step.request.headers["x-tenant"], path))
            self.sent.append(step.request)
            queue = left.get(path, [_json({}, 404)])
            _feed(step, queue.pop(0) if len(queue) > 1 else queue[0])
        self.took_s = clock.at_s
        self.layer = replies.layer(talk.fetched) if replies else None

    @property
    def outcomes(self) -> list[tuple[str, str, int | None, int]]:
        """Each line's outcome, error, status, and how often it was filed."""
        return [(one.outcome, one.error, one.status, one.filed) for one in self.records]


def _target(output: bytes = b"", error: bytes = b"", status: str = "completed") -> dict[str, list[Replied]]:
    done = {"status": status, "output_file_id": "out", "error_file_id": "err"}
    return {
        "/v1/files": [_json({"id": "in"})],
        "/v1/batches": [_json({"id": "b"})],
        "/v1/batches/b": [_json({"status": "in_progress"}), _json(done)],
        "/v1/files/in/content": [_json({}, 404)],
        "/v1/files/out/content": [HttpReply(status=200, body=output)],
        "/v1/files/err/content": [HttpReply(status=200, body=error)],
    }


def test_each_line_is_judged_as_a_request_is() -> None:
    """Its text too; it was due with the batch, and ended when its files were read."""
    played = Played(_target(_jsonl([(10, _right(10)), (11, _right(11))])))
    assert [("ok", "", 200, 1)] * 2 == played.outcomes
    (one, _) = played.records
    assert ("acme-10", "batch-0", 2.0, 2.0, 3.0) == (one.canary, one.batch, one.due_s, one.sent_s, one.end_s)
    assert ("background", None, "near", "whole") == (
        one.traffic_class,
        one.first_token_s,
        one.served_by,
        one.integrity,
    )


@pytest.mark.parametrize(
    ("says", "outcome"),
    [
        ("refused", ("refused", "invalid", 400, 1)),
        ("expired", ("error", "unknown", None, 1)),
        ("wrong", ("error", "unknown", 200, 1)),
        ("foreign", ("wrong", "", 200, 1)),
    ],
)
def test_what_a_file_says_of_a_line_is_what_became_of_it(says: str, outcome: tuple[Any, ...]) -> None:
    """The other line is not touched by it."""
    played = Played(_target(_jsonl([(10, _right(10))]), _jsonl([(11, _SAYS[says])])))
    assert [("ok", "", 200, 1), outcome] == played.outcomes


def test_a_line_in_no_file_was_not_answered() -> None:
    """It is an end without a word, and filed nowhere; a line that is there twice is filed twice."""
    played = Played(_target(_jsonl([(10, _right(10)), (10, _right(10)), (77, _right(77))])))
    assert [("ok", "", 200, 2), ("error", "reset", None, 0)] == played.outcomes


@pytest.mark.parametrize("at", ["/v1/files", "/v1/batches"])
@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (_json({"error": {"message": "x", "code": "rate_limit_exceeded"}}, 429), ("refused", "throttled", 429, 0)),
        (ConnectionResetError(104, "x"), ("error", "reset", None, 0)),
        (ConnectionRefusedError(111, "x"), ("error", "connect", None, 0)),
        (None, ("hung", "", None, 0)),
    ],
)
def test_a_batch_that_is_not_taken_takes_its_lines_with_it(
    at: str, reply: HttpReply | Exception | None, outcome: tuple[Any, ...]
) -> None:
    """They ended as the exchange did, and were lines of no batch."""
    played = Played(_target() | {at: [reply]})
    assert [outcome] * 2 == played.outcomes
    assert {""} == {one.batch for one in played.records}


@pytest.mark.parametrize("status", [201, 202])
def test_what_was_made_may_be_told_as_made(status: int) -> None:
    """As any client of the API takes it, and not only with a 200."""
    made: dict[str, list[Replied]] = {
        "/v1/files": [_json({"id": "in"}, status)],
        "/v1/batches": [_json({"id": "b"}, status)],
    }
    assert [("ok", "", 200, 1)] * 2 == Played(_target(_jsonl([(10, _right(10)), (11, _right(11))])) | made).outcomes


@pytest.mark.parametrize("where", ["/kept/out?ticket=7", "http://127.0.0.1:1/kept/out?ticket=7"])
def test_a_file_may_lie_elsewhere_at_the_target(where: str) -> None:
    """A client is sent on, as any of the API's goes on; so is the other tenant, who is looked at there as well."""
    output = _jsonl([(10, _right(10)), (11, _right(11))])
    sent_on = HttpReply(status=307, headers={"Location": where})
    there: dict[str, list[Replied]] = {"/kept/out?ticket=7": [HttpReply(status=200, body=output)]}
    played = Played(_target() | {"/v1/files/out/content": [sent_on]} | there, nosy=True)
    assert [("ok", "", 200, 1)] * 2 == played.outcomes
    assert {"acme", "globex"} == {tenant for tenant, path in played.asked if path in there}


@pytest.mark.parametrize(
    "where", ["http://127.0.0.1:2/kept", "https://elsewhere.example/kept", "//elsewhere.example/", "http://[", "/ö", ""]
)
def test_nobody_is_sent_on_to_anybody_else(where: str) -> None:
    """Whatever a target says, its load goes to it alone."""
    played = Played(
        _target() | {"/v1/files/out/content": [HttpReply(status=307, headers={"Location": where})]}, patience_s=9.0
    )
    assert [("error", "reset", None, 0)] * 2 == played.outcomes
    assert {"/v1/files", "/v1/batches"} | set(_target()) >= {path for _, path in played.asked}


def test_sending_on_ends() -> None:
    """A file that is always elsewhere is nowhere."""
    round_and_round = HttpReply(status=302, headers={"location": "/v1/files/out/content"})
    played = Played(_target() | {"/v1/files/out/content": [round_and_round]}, patience_s=9.0)
    assert [("error", "reset", None, 0)] * 2 == played.outcomes


def test_a_client_waits_out_what_passes() -> None:
    """A refusal and a reset while it asks how far it has come, and one while it reads a file, lose nothing."""
    good = _target(_jsonl([(10, _right(10)), (11, _right(11))]))
    busy: list[Replied] = [_json({}, 503), ConnectionResetError(104, "x")]
    good["/v1/batches/b"] = [*busy, *good["/v1/batches/b"]]
    good["/v1/files/out/content"] = [*busy, *good["/v1/files/out/content"]]
    assert [("ok", "", 200, 1)] * 2 == Played(good).outcomes


def test_patience_ends() -> None:
    """A batch that never ends is hung, when it was waited for as long as that."""
    played = Played(_target() | {"/v1/batches/b": [_json({"status": "in_progress"})]}, patience_s=20.0)
    assert [("hung", "", None, 0)] * 2 == played.outcomes
    assert (22.0, {"batch-0"}) == (played.took_s, {one.batch for one in played.records})


def test_a_batch_that_is_gone_is_not_asked_for_again() -> None:
    """Its lines are refused, and lost."""
    played = Played(_target() | {"/v1/batches/b": [_json({}, 404)]})
    assert [("refused", "not-found", 404, 0)] * 2 == played.outcomes
    assert 1 == [path for _, path in played.asked].count("/v1/batches/b")


_MADE_ONCE: dict[str, list[Replied]] = {"/v1/batches": [_json({"id": "b"}), _json({}, 404)]}


def test_another_tenant_asks_for_all_of_it_and_what_it_is_given_is_looked_at() -> None:
    """Where somebody looks, early and late: what it is shown of the batch and its files is a sighting in a reply."""
    output = _jsonl([(10, _right(10) | {"id": MINT.value("acme", 10, "completion")})])
    played = Played(_target(output) | _MADE_ONCE, nosy=True)
    nosy = [path for tenant, path in played.asked if tenant == "globex"]
    early, *late = [
        [f"/v1/files/{one}/content", f"/v1/files/{one}"] if one else ["/v1/batches", "/v1/files"]
        for one in ("in", "", "out", "err", "")
    ]
    lists = late.pop(0)
    wanted = ["/v1/batches/b", *early, *lists, "/v1/batches/b", *early, *late[0], *late[1], *late[2], "/v1/batches"]
    assert wanted == nosy
    assert [("replies", "batch-0/output", "acme-10", "completion", "globex")] == [
        (one.layer, one.place, one.canary, one.kind, one.to) for one in played.seen
    ]
    assert played.layer is not None
    assert (True, len(played.asked)) == (played.layer.complete, played.layer.seen)


@pytest.mark.parametrize(("path", "place"), [("/v1/files", "files"), ("/v1/batches", "batches")])
def test_a_list_that_names_what_is_another_tenants_is_a_sighting(path: str, place: str) -> None:
    """It is asked for early and late."""
    shown = _json({"id": "b", "data": [{"filename": MINT.value("acme", 10, "file")}]})
    played = Played(_target() | {"/v1/files": [_json({"id": "in"})]} | _MADE_ONCE | {path: [shown]}, nosy=True)
    assert [(f"batch-0/{place}", "acme-10", "file", "globex")] * 2 == [
        (one.place, one.canary, one.kind, one.to) for one in played.seen if one.place == f"batch-0/{place}"
    ]


def test_what_comes_of_another_tenants_file_in_a_batch_of_ones_own_is_looked_at() -> None:
    """A target that plays anybody's file has its output read by who handed in none."""
    output = _jsonl([(10, _right(10) | {"id": MINT.value("acme", 10, "completion")})])
    copied = {"id": "copy", "status": "completed", "output_file_id": "copied"}
    played = Played(
        _target()
        | {"/v1/batches": [_json({"id": "b"}), _json({}, 404), _json({}, 404), _json(copied)]}
        | {"/v1/batches/copy": [_json({"status": "in_progress"}), _json(copied)]}
        | {"/v1/files/copied/content": [HttpReply(status=200, body=output)]},
        nosy=True,
    )
    assert [("batch-0/copy-output", "acme-10", "completion", "globex")] == [
        (one.place, one.canary, one.kind, one.to) for one in played.seen
    ]


def test_a_planted_batch_is_marked_in_what_is_said_about_it() -> None:
    """Its file's name and its metadata are its tenant's as well, and are what lists would show of it."""
    played = Played(_target(), planted=True)
    (sent,), (made,) = ([one for one in played.sent if one.path == path] for path in ("/v1/files", "/v1/batches"))
    assert MINT.value("acme", 10, "file").encode() in sent.body.split(b"\r\n\r\n")[1]
    assert MINT.value("acme", 10, "context") == json.loads(made.body)["metadata"]["case"]


def test_nobody_is_nosy_where_nobody_looks() -> None:
    """It would be load for nothing."""
    played = Played(_target())
    assert {"acme"} == {tenant for tenant, _ in played.asked}


# --- by both drivers -----------------------------------------------------------------------------------------


async def _as_a_model(ask: HttpRequest) -> HttpReply:
    asked = OPENAI_CHAT.server.read_ask(ask)
    (canary,) = MINT.find(asked.prompt)
    if int(canary.rpartition("-")[2]) % 3 == 0:
        raise Refusal("invalid", "too long")
    text = "".join(reply_tokens("near", canary, asked.max_tokens))
    return OPENAI_CHAT.server.reply(asked, Answer(text=text, end=End()), reply_id="r")


def _views(records: list[ClientRecord]) -> set[tuple[Any, ...]]:
    fields = ("canary", "batch", "filed", "outcome", "error", "status", "integrity", "served_by", "tokens")
    return {tuple(getattr(one, name) for name in fields) for one in records if one.batch}


def test_both_drivers_hand_in_the_same(make_plan: Callable[..., LoadPlan]) -> None:
    """One plan at one router: of each line the same outcome, from either."""

    async def main() -> tuple[list[ClientRecord], list[ClientRecord]]:
        async with serving(_as_a_model) as (url, _):
            clock = LoopClock()
            batches = Batches(lines=3, every_s=0.4)
            plan = make_plan(url, rate_rps=5, duration_s=1.0, epoch_s=clock.epoch_s, batches=batches)
            by_locust, _said = await played(plan, clock)
            by_asyncio: list[ClientRecord] = []
            await drive(plan, clock=clock, start_s=clock.now_s(), record=by_asyncio.append)
            return by_locust, by_asyncio

    by_locust, by_asyncio = (_views(records) for records in asyncio.run(main()))
    assert by_asyncio == by_locust
    assert Counter(ok=4, refused=2) == Counter(one[3] for one in by_locust)


def test_one_seed_gives_one_history_of_batches(make_plan: Callable[..., LoadPlan]) -> None:
    """In virtual time, in every field."""

    async def main() -> list[ClientRecord]:
        records, connector = list[ClientRecord](), VirtualConnector(limit=0)
        async with serving(_as_a_model) as (url, _):
            plan = make_plan(url, rate_rps=2, duration_s=20, batches=Batches(lines=3))
            await drive(plan, clock=LoopClock(), start_s=1.0, record=records.append, connector=connector)
        await connector.close()
        return records

    first, second = run_virtual(main()), run_virtual(main())
    assert first == second
    assert 24 == sum(bool(one.batch) for one in first)
