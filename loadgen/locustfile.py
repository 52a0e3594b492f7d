"""The Locust load driver: the only file that imports Locust. `loadgen/locust_shell.py` says how it is run.

Open loop: one Locust user paces the due list and starts a greenlet for each request at its due time, so that the
number of users never bounds the rate.

Requests go through FastHttpUser's session: a third of the CPU of HttpUser's (requests and urllib3), and its response
keeps a feedable parser, so that each piece of a reply is seen when it arrives. Its ``iter_content`` is not used: it
waits until its buffer is full, which would time the first token of a short answer at the answer's end.
"""

import gc
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import gevent.pool
import gevent.socket
from gevent.event import Event
from geventhttpclient.response import HTTPParseError, HTTPSocketResponse
from locust import FastHttpUser, events, task
from locust.contrib.fasthttp import LocustUserAgent
from locust.exception import StopUser
from multidict import CIMultiDict

from brownout.canary import CanaryMint
from brownout.clock import MonotonicClock
from brownout.dialects import dialect_named
from brownout.errors import BadInput
from brownout.evidence import ClientRecord, Journal
from brownout.tape import Tape
from brownout.wire import Dialect, HttpRequest
from brownout.workload import DueRequest
from loadgen.arrivals import due_requests
from loadgen.batch_talk import BatchTalk
from loadgen.batches import DueBatch, due_batches
from loadgen.fetch import Fetch
from loadgen.locust_shell import ABORT, EXIT_FAILED, PLAN_VARIABLE, READY
from loadgen.plan import LoadPlan, read_load_plan
from loadgen.prompts import address, http_request
from loadgen.replies import Replies
from loadgen.steps import Pause
from loadgen.watch import Watch

_UNBOUNDED = 1_000_000
_READ_BYTES = 65536
LocustUserAgent.valid_response_codes = frozenset(range(100, 1000))  # a refusal is an answer, for `Watch` to read


class Load(FastHttpUser):
    """The one user, who plays the whole plan."""

    # A session allows 10 connections unless told otherwise; the eleventh hung request would hold up all the rest.
    concurrency = _UNBOUNDED
    max_redirects = 0

    plan: LoadPlan
    dialect: Dialect
    requests: list[DueRequest]
    batches: list[DueBatch]

    def __init__(self, environment: Any) -> None:
        # Patience is kept by `Watch`; the sockets' own limits stand behind it and must not be first.
        self.network_timeout = self.connection_timeout = self.plan.workload.patience_s + 60.0
        super().__init__(environment)
        agent = self.client.client
        agent.cookiejar = None  # a session cookie would tie every user to one backend
        self._clock = MonotonicClock(self.plan.epoch_s)
        key = bytes.fromhex(self.plan.key_hex)
        self._mint = CanaryMint(key, self.plan.tenants, self.plan.other_secret_of)
        self._journal = Journal(Path(self.plan.client_path))
        self._egress, self._layers = _journal_at(self.plan.egress_path), _journal_at(self.plan.layers_path)
        self._replies = (
            Replies(self.plan.test, self._mint, clock=self._clock, record=self._egress.write)
            if self.plan.workload.planted and self._egress
            else None
        )
        self._taped = _journal_at(self.plan.tape_path)
        self._tape = Tape(self.plan.test, key, self._taped.write) if self._taped else None
        self._talks: list[BatchTalk] = []
        self._in_flight = gevent.pool.Group()
        self._failed: list[gevent.Greenlet] = []
        self._over = Event()

    @task
    def play(self) -> None:
        """Say ``ready``, wait for ``go``, play the plan, and end the process."""
        self.environment.process_exit_code = EXIT_FAILED
        try:
            # What is loaded by now stays: collecting it again and again would be a pause of milliseconds each time.
            gc.collect()
            gc.freeze()
            sys.stdout.write(f"{READY}\n")
            sys.stdout.flush()
            orders = _orders()
            first = next(orders, ABORT)
            if first != ABORT:
                self._play_until_done_or_told(_start_s(first), orders)
            if self._replies and self._layers:
                said = sum(talk.fetched for talk in self._talks)
                self._layers.write(self._replies.layer(len(self.requests) + said))
            self.environment.process_exit_code = 0
        except Exception:  # noqa: BLE001 - Locust would log it and play the plan once more
            traceback.print_exc()
        finally:
            for journal in filter(None, (self._journal, self._egress, self._layers, self._taped)):
                journal.close()
            gevent.spawn(self.environment.runner.quit)
        raise StopUser

    def _play_until_done_or_told(self, start_s: float, orders: Iterator[str]) -> None:
        pacer = gevent.spawn(self._pace, start_s)
        listener = gevent.spawn(_wait_for_abort, orders)
        for greenlet in (pacer, listener):
            greenlet.link(lambda _: self._over.set())
        self._over.wait()
        gevent.killall([pacer, listener])
        self._in_flight.kill()
        for greenlet in (pacer, listener, *self._failed):
            greenlet.get()  # raises what went wrong in it

    def _pace(self, start_s: float) -> None:
        """Start each request at its due time; return when all have ended."""
        for batch in self.batches:
            self._begin(self._converse, self._talk(batch, start_s))
        for due in self.requests:
            watch = Watch(
                self.plan,
                self.dialect,
                due,
                start_s=start_s,
                clock=self._clock,
                record=self._ended,
                replies=self._replies,
                tape=self._tape,
            )
            request = http_request(self.plan, self.dialect, due, self._mint)
            pause_s = watch.due_s - self._clock.now_s()
            if pause_s > 0:
                gevent.sleep(pause_s)
            self._begin(self._play_one, watch, request)
        self._in_flight.join()

    def _begin(self, play: Callable[..., None], *arguments: object) -> None:
        greenlet = gevent.Greenlet(play, *arguments)
        greenlet.link_exception(self._fail)
        self._in_flight.start(greenlet)

    def _talk(self, due: DueBatch, start_s: float) -> BatchTalk:
        talk = BatchTalk(
            self.plan,
            self.dialect,
            due,
            self._mint,
            start_s=start_s,
            clock=self._clock,
            record=self._ended,
            replies=self._replies,
        )
        self._talks.append(talk)
        return talk

    def _converse(self, talk: BatchTalk) -> None:
        for step in talk.steps():
            if isinstance(step, Pause):
                gevent.sleep(step.for_s)
            else:
                self._play_one(step, step.request)

    def _fail(self, greenlet: gevent.Greenlet) -> None:
        """Stop at a defect of our own: a load that silently lacks requests is worse than none."""
        self._failed.append(greenlet)
        self._over.set()

    def _play_one(self, watch: Watch | Fetch, request: HttpRequest) -> None:
        left_s = watch.left_s()
        if left_s > 0:
            patience = gevent.Timeout.start_new(left_s)
            try:
                self._exchange(watch, request, patience)
            except gevent.Timeout as timeout:
                if timeout is not patience:
                    raise
                watch.gave_up()
            finally:
                patience.close()
        else:
            watch.gave_up()
        watch.over()

    def _exchange(self, watch: Watch | Fetch, request: HttpRequest, patience: gevent.Timeout) -> None:
        """Send one request and feed its watch. Reads on after the end, so that the connection can be used again."""
        watch.sent()
        reply = self.client.request(
            request.method,
            address(self.plan, request),
            data=request.body,  # type: ignore[arg-type] # bytes pass untouched; the annotation forgets them
            headers=dict(request.headers),
            stream=True,
            catch_response=True,  # and never entered: what goes into the statistics is `_report`'s to say
        )
        error = getattr(reply, "error", None)
        if error is not None:
            error = getattr(error, "original", error)  # geventhttpclient wraps some
            if error is patience:
                raise error
            watch.transport_error(error)
            return
        raw = reply._response  # noqa: SLF001 - the parser; Locust's wrapper has no way to read what has arrived
        assert raw is not None, "Locust gives every reply without an error its parser"
        try:
            watch.status(raw.get_code(), CIMultiDict(raw.items()))
            for data in _as_it_arrives(raw):
                watch.received(data)
            watch.eof()
        except (OSError, HTTPParseError) as broken:
            watch.transport_error(broken)
        finally:
            raw.release()

    def _ended(self, record: ClientRecord) -> None:
        self._journal.write(record)
        self._report(record)

    def _report(self, record: ClientRecord) -> None:
        """Add a request to Locust's statistics: response times from when it was due, and all but ok as failures."""
        self.environment.events.request.fire(
            request_type="stream" if record.stream else "whole",
            name=record.traffic_class,
            response_time=record.e2e_s * 1000,
            response_length=record.tokens,
            exception=None if record.outcome == "ok" else f"{record.outcome} {record.error}".rstrip(),
            context={},
        )


@events.init.add_listener  # type: ignore[untyped-decorator]
def _prepare(**_: Any) -> None:
    """Read the plan before any user is made; what is wrong with it ends the process (exit code 1)."""
    Load.plan = read_load_plan(Path(os.environ[PLAN_VARIABLE]))
    Load.host = Load.plan.url
    Load.dialect = dialect_named(Load.plan.dialect, where="load plan")
    plan = Load.plan
    Load.requests = due_requests(plan.workload, plan.seed, plan.tenants)
    Load.batches = due_batches(plan.workload, plan.seed, plan.tenants, first=len(Load.requests))


def _journal_at(path: str) -> Journal | None:
    return Journal(Path(path)) if path else None


def _as_it_arrives(raw: HTTPSocketResponse) -> Iterator[bytes]:
    """Yield a reply's body in the pieces it arrives in.

    geventhttpclient's own ``read`` waits until as much is there as was asked for, and ``read(1)`` receives one byte
    at a time; so this receives and feeds the parser itself.

    Raises:
        OSError: the connection broke.
        HTTPParseError: it ended within the reply, or what came is not HTTP.
    """
    sock, body = raw._sock, raw._body_buffer  # noqa: SLF001 - see above
    while True:
        if body:
            yield bytes(body)
            body.clear()
        if raw.message_complete or sock is None:
            return
        try:
            raw.feed(sock.recv(_READ_BYTES))
        except HTTPParseError:
            yield bytes(body)  # what came before the break came
            raise


def _orders() -> Iterator[str]:
    """Yield the lines on stdin, until its end, without holding up other greenlets."""
    rest = b""
    while True:
        gevent.socket.wait_read(sys.stdin.fileno())
        data = os.read(sys.stdin.fileno(), 4096)
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        yield from (line.decode().strip() for line in lines)


def _wait_for_abort(orders: Iterator[str]) -> None:
    """Return at a line ``abort``, or at the end."""
    for order in orders:
        if order == ABORT:
            return


def _start_s(order: str) -> float:
    word, _, instant_s = order.partition(" ")
    if word != "go":
        raise BadInput(f"stdin: expected 'go <start_s>' or {ABORT!r}, got {order[:80]!r}.")
    return float(instant_s)
