"""A watch calls every ending by its name: no way of failing passes for success, and none is counted twice."""

import datetime as dt
import errno
import socket
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.dialects.openai_chat import OPENAI_CHAT
from brownout.evidence import ClientRecord
from brownout.tape import Tape, TapeRecord
from brownout.workload import DueRequest, Workload
from loadgen.plan import LoadPlan
from loadgen.watch import Watch

HEAD = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
TOKENS = [b"[far-east acme-5 of 4]", b" w1", b" w2", b" fin"]
STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"
ERROR = b'data: {"error":{"message":"x","type":"server_error","code":"server_is_overloaded"}}\n\n'
WHOLE = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"%s"},"finish_reason":%s}]}'
TEXT = b"".join(TOKENS)


def frames(*tokens: bytes) -> bytes:
    """Return the frames of some tokens."""
    return HEAD + b"".join(b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % t for t in tokens)


class HandClock:
    """A clock set by hand."""

    def __init__(self) -> None:
        self.at_s = 100.0

    def now_s(self) -> float:
        """Return the instant it was set to."""
        return self.at_s

    def utc(self) -> dt.datetime:
        """Not needed here."""
        raise NotImplementedError


class Bench:
    """A watch of request 5 of acme, due at 101, with its clock and what it recorded."""

    def __init__(self, plan: LoadPlan, *, stream: bool, tape: Tape | None = None) -> None:
        self.clock = HandClock()
        self.records: list[ClientRecord] = []
        due = DueRequest(
            number=5,
            due_s=1.0,
            tenant="acme",
            traffic_class="interactive",
            stream=stream,
            prompt_tokens=5,
            output_tokens=4,
        )
        self.watch = Watch(
            plan, OPENAI_CHAT, due, start_s=100.0, clock=self.clock, record=self.records.append, tape=tape
        )

    def at(self, at_s: float) -> Watch:
        """Set the clock and return the watch."""
        self.clock.at_s = at_s
        return self.watch

    @property
    def record(self) -> ClientRecord:
        """The one record."""
        assert 1 == len(self.records)
        assert self.watch.result is self.records[0]
        return self.records[0]


@pytest.fixture
def bench(make_plan: Callable[..., LoadPlan]) -> Bench:
    """Return the bench of a streamed request, sent at 101.25, with its 200."""
    bench = Bench(make_plan("http://router", patience_s=2.0), stream=True)
    bench.at(101.25).sent()
    bench.watch.status(200, {})
    return bench


@pytest.fixture
def whole(make_plan: Callable[..., LoadPlan]) -> Bench:
    """Return the bench of a request that is not streamed, sent at 101.25, with its 200."""
    bench = Bench(make_plan("http://router", patience_s=2.0), stream=False)
    bench.at(101.25).sent()
    bench.watch.status(200, {})
    return bench


@pytest.mark.parametrize("how", ["eof", "transport_error", "gave_up"])
def test_all_that_a_client_was_given_is_taped_once(make_plan: Callable[..., LoadPlan], how: str) -> None:
    """Also what came after the answer had ended, and however the connection ended."""
    told: list[TapeRecord] = []
    bench = Bench(make_plan("http://router"), stream=True, tape=Tape("t", b"key", told.append))
    bench.at(101.25).sent()
    bench.watch.status(200, {"X-Served-By": "far-east"})
    bench.at(101.5).received(frames(*TOKENS) + STOP + DONE)
    first = bench.record
    bench.at(101.75).received(b"one word more")
    end: dict[str, Callable[[], None]] = {
        "eof": bench.watch.eof,
        "transport_error": lambda: bench.watch.transport_error(OSError()),
        "gave_up": bench.watch.gave_up,
    }
    end[how]()
    bench.watch.eof()
    expected: list[TapeRecord] = []
    pieces = [(101.5, frames(*TOKENS) + STOP + DONE), (101.75, b"one word more")]
    Tape("t", b"key", expected.append).reply(
        canary="acme-5", status=200, headers=[(b"X-Served-By", b"far-east")], pieces=pieces, at_s=101.25, end_s=101.75
    )
    assert (expected, first) == (told, bench.record)


def test_a_whole_stream_is_ok(bench: Bench) -> None:
    """Terminator seen and text whole: ok, with instants from the clock handed in and what the text says of itself."""
    bench.at(101.5).received(HEAD)
    bench.at(101.625).received(frames(TOKENS[0]))
    bench.at(102.0).received(frames(*TOKENS[1:]) + STOP + DONE)
    record = bench.record
    assert ("ok", "whole", "far-east", 4) == (record.outcome, record.integrity, record.served_by, record.tokens)
    assert (101.0, 101.25, 101.625, 102.0) == (record.due_s, record.sent_s, record.first_token_s, record.end_s)
    assert ("t", "acme-5", "acme", "interactive", True, 200) == (
        record.test,
        record.canary,
        record.tenant,
        record.traffic_class,
        record.stream,
        record.status,
    )


@given(sizes=st.lists(st.integers(1, 60), max_size=60))
def test_how_bytes_are_split_does_not_matter(sizes: list[int]) -> None:
    """A stream split anywhere is judged the same."""
    plan = make_any_plan()
    bench = Bench(plan, stream=True)
    bench.watch.sent()
    bench.watch.status(200, {})
    rest = frames(*TOKENS) + STOP + DONE
    for size in sizes:
        piece, rest = rest[:size], rest[size:]
        bench.watch.received(piece)
    bench.watch.received(rest)
    bench.watch.eof()
    assert ("ok", 4) == (bench.record.outcome, bench.record.tokens)


def test_what_comes_after_the_end_changes_nothing(bench: Bench) -> None:
    """One request is one record: a reset, an EOF or the end of patience after the terminator add none."""
    bench.watch.received(frames(*TOKENS) + STOP + DONE)
    bench.watch.received(frames(b" more"))
    bench.watch.transport_error(ConnectionResetError())
    bench.watch.eof()
    bench.watch.gave_up()
    assert "ok" == bench.record.outcome


@pytest.mark.parametrize(
    ("tokens", "integrity"),
    [
        ([b"[far-east acme-5 of 4]", b" w1", b" fin"], "garbled"),
        ([b"[far-east acme-5 of 4]", b" w1"], "truncated"),
        ([b"[far-east globex-9 of 4]", b" w1", b" w2", b" fin"], "foreign"),
        ([], "empty"),
    ],
)
def test_a_terminated_stream_with_another_text_is_wrong(bench: Bench, tokens: list[bytes], integrity: str) -> None:
    """A terminator does not make a wrong text right."""
    bench.watch.received(frames(*tokens) + STOP + DONE)
    assert ("wrong", integrity) == (bench.record.outcome, bench.record.integrity)


def test_a_stream_without_terminator_is_truncated(bench: Bench) -> None:
    """Every word there, but no terminator: truncated, whatever a lenient SDK would say."""
    bench.watch.received(frames(*TOKENS))
    bench.watch.eof()
    assert ("truncated", "whole") == (bench.record.outcome, bench.record.integrity)


def test_an_empty_stream_is_truncated(bench: Bench) -> None:
    """A 200 without a byte is no answer."""
    bench.watch.eof()
    assert ("truncated", None, None) == (bench.record.outcome, bench.record.integrity, bench.record.first_token_s)


@pytest.mark.parametrize("split_at", [0, 20, -len(ERROR), -1])
def test_an_error_frame_is_an_error(bench: Bench, split_at: int) -> None:
    """An error after the 200 is an error of its kind, and the tokens before it count, in one piece with it or not."""
    data = frames(*TOKENS[:2]) + ERROR
    bench.watch.received(data[:split_at])
    bench.watch.received(data[split_at:])
    assert ("error", "overloaded", 2) == (bench.record.outcome, bench.record.error, bench.record.tokens)


def test_bytes_of_another_dialect_are_an_error(bench: Bench) -> None:
    """A 200 that holds a page of HTML is no answer."""
    bench.watch.received(b"<html>\n\n<h1>Welcome</h1>\n\ndata: hello\n\n")
    bench.watch.eof()
    assert bench.record.outcome in {"error", "truncated"}


def test_a_connection_lost_within_the_stream_is_an_error(bench: Bench) -> None:
    """A reset after the 200 is an error, not a refusal."""
    bench.watch.received(frames(TOKENS[0]))
    bench.watch.transport_error(ConnectionResetError(errno.ECONNRESET, "reset"))
    assert ("error", "reset", 200) == (bench.record.outcome, bench.record.error, bench.record.status)


def test_a_stream_that_goes_quiet_is_hung(bench: Bench) -> None:
    """Patience counts from when the request was due, not from when it was sent."""
    bench.watch.received(frames(TOKENS[0]))
    assert 1.75 == bench.watch.left_s()
    bench.at(103.0).gave_up()
    assert ("hung", 103.0, 101.25) == (bench.record.outcome, bench.record.end_s, bench.record.first_token_s)


def test_a_refusal_keeps_its_kind_and_its_retry_after(make_plan: Callable[..., LoadPlan]) -> None:
    """A status other than 200 is refused, with the dialect's reading of why."""
    bench = Bench(make_plan("http://router"), stream=True)
    bench.watch.sent()
    bench.watch.status(429, {"Retry-After": "3", "Content-Type": "application/json"})
    bench.watch.received(b'{"error":{"message":"slow down","type":"requests",')
    bench.watch.received(b'"code":"rate_limit_exceeded"}}')
    bench.watch.eof()
    record = bench.record
    assert ("refused", 429, "throttled", 3.0) == (record.outcome, record.status, record.error, record.retry_after_s)


def test_a_refusal_cut_short_is_still_a_refusal(make_plan: Callable[..., LoadPlan]) -> None:
    """A connection lost within an error page does not hide its status."""
    bench = Bench(make_plan("http://router"), stream=False)
    bench.watch.sent()
    bench.watch.status(503, {})
    bench.watch.transport_error(ConnectionResetError())
    assert ("refused", 503) == (bench.record.outcome, bench.record.status)


@pytest.mark.parametrize(
    ("error", "outcome", "name"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "error", "connect"),
        (OSError(errno.EHOSTUNREACH, "no route"), "error", "connect"),
        (socket.gaierror(-2, "no such name"), "error", "connect"),
        (ConnectionResetError(errno.ECONNRESET, "reset"), "error", "reset"),
        (ValueError("not HTTP"), "error", "reset"),
        (OSError(errno.EMFILE, "too many open files"), "unsent", "EMFILE"),
    ],
)
def test_a_failure_before_any_status_is_told_apart(
    make_plan: Callable[..., LoadPlan], error: Exception, outcome: str, name: str
) -> None:
    """No connection, a connection lost, and this machine's own failure are three things."""
    bench = Bench(make_plan("http://router"), stream=True)
    bench.watch.sent()
    bench.watch.transport_error(error)
    assert (outcome, name, None) == (bench.record.outcome, bench.record.error, bench.record.status)


def test_a_request_never_sent_is_the_generators_failure(make_plan: Callable[..., LoadPlan]) -> None:
    """When patience ends before the request got out, the target is not blamed."""
    bench = Bench(make_plan("http://router"), stream=True)
    bench.at(130.0).gave_up()
    assert ("unsent", 130.0) == (bench.record.outcome, bench.record.sent_s)


def test_a_whole_reply_is_ok(whole: Bench) -> None:
    """Without streaming, the first token is there when the answer is complete."""
    body = WHOLE % (TEXT, b'"stop"')
    whole.at(101.5).received(body[:40])
    whole.at(101.75).received(body[40:])
    whole.at(101.875).eof()
    record = whole.record
    assert ("ok", 101.875, 101.875, 4) == (record.outcome, record.first_token_s, record.end_s, record.tokens)


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (WHOLE % (TEXT, b"null"), "truncated"),
        (WHOLE % (b"[far-east acme-5 of 4] w1", b'"stop"'), "wrong"),
        (b'{"error":{"message":"x","type":"server_error"}}', "error"),
        (WHOLE[:30], "error"),
        (b"", "error"),
    ],
)
def test_a_whole_reply_that_is_none_is_told_apart(whole: Bench, body: bytes, outcome: str) -> None:
    """No terminating field, another text, an error in a 200, half a body."""
    whole.watch.received(body)
    whole.watch.eof()
    assert outcome == whole.record.outcome


def make_any_plan() -> LoadPlan:
    """Return a plan where fixtures cannot be used (Hypothesis runs a test many times)."""
    fields = dict.fromkeys(["url", "api_key", "tenant_header", "class_header", "client_path"], "")
    return LoadPlan(
        test="t",
        dialect="openai-chat",
        models=["m"],
        tenants=["acme"],
        key_hex="00",
        workload=Workload(),
        seed=1,
        epoch_s=0.0,
        **fields,
    )
