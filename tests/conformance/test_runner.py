"""How a check ends is what it found, whatever ends it."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from brownout.conformance import Broken, Check, Finding, Lacking, Unjudged
from brownout.wire import HttpReply
from fixtures.conform.judging import conforms, equal, must
from fixtures.conform.probe import Probe, Subject
from fixtures.conform.redaction import Redactor
from fixtures.conform.runner import Runner
from tests.conformance.mutants import refusing
from tests.conformance.world import Aborted, Endpoints, Silent, Visit, checked

DIALECT = "openai-chat"


def _check(run: Callable[[Probe], Awaitable[None]], *needs: str) -> Check:
    return Check(name="c", requires="r.", level="core", source="{reference}: x", needs=needs, requests=1, run=run)


def _found(subject: Subject, check: Check, *, within_s: float = 5, without: tuple[str, ...] = ()) -> Finding:
    runner = Runner(subject, Redactor(subject.credentials.secrets()), within_s=within_s, without=without)
    (found,) = asyncio.run(runner.run([check], Silent()))
    return found


async def _asks(probe: Probe) -> None:
    await probe.whole()


def test_returning_is_passing(endpoints: Endpoints) -> None:
    """A check that returns has passed; nothing of its exchanges is kept, and its source names the vendor's document."""
    found = _found(endpoints.subject(DIALECT), _check(_asks))
    assert ("pass", (), "") == (found.outcome, found.exchanges, found.reproduction)
    assert "OpenAI API reference, 'Create chat completion': x" == found.source
    assert f"{DIALECT}/c" == found.id


def test_passing_without_asking_is_unknown(endpoints: Endpoints) -> None:
    """A check that asked nothing has no evidence."""

    async def lazy(_probe: Probe) -> None: ...

    assert ("unknown", "the check asked nothing") == (
        (found := _found(endpoints.subject(DIALECT), _check(lazy))).outcome,
        found.why,
    )


def test_broken_is_a_fail_with_all_that_a_vendor_needs(endpoints: Endpoints) -> None:
    """A fail says what was expected, what was observed, what went over the wire, and how to see it again."""

    async def breaks(probe: Probe) -> None:
        await probe.whole()
        raise Broken(expected="this", observed="that")

    found = _found(endpoints.subject(DIALECT), _check(breaks))
    assert ("fail", "this", "that") == (found.outcome, found.expected, found.observed)
    assert found.reproduction.startswith("brownout conform --only c\ncurl -sS")
    assert '"Authorization: Bearer $OPENAI_API_KEY"' in found.reproduction
    assert found.exchanges[0].request.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
    assert found.exchanges[0].reply.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    ("error", "outcome", "why"),
    [
        (Unjudged("nobody knows"), "unknown", "nobody knows"),
        (Lacking("seen"), "skipped", "tools: seen"),
        (ZeroDivisionError("oops"), "unknown", "the check crashed: ZeroDivisionError: oops"),
        (TimeoutError(), "unknown", "it did not end within 5 s"),
    ],
)
def test_other_ends(endpoints: Endpoints, error: Exception, outcome: str, why: str) -> None:
    """What could not be judged is unknown, a feature seen absent is skipped by its name, a crash is never a pass."""

    async def ends(probe: Probe) -> None:
        await probe.whole()
        raise error

    found = _found(endpoints.subject(DIALECT), _check(ends, "tools"))
    assert outcome == found.outcome
    assert found.why.startswith(why)


def test_what_takes_too_long_is_unknown(endpoints: Endpoints) -> None:
    """An endpoint that does not answer in time is not judged."""

    async def waits(probe: Probe) -> None:
        await probe.whole()
        await asyncio.Event().wait()

    found = _found(endpoints.subject(DIALECT), _check(waits), within_s=0.5)
    assert ("unknown", "it did not end within 0.5 s") == (found.outcome, found.why)


def test_a_declared_absence_is_skipped_unasked(endpoints: Endpoints) -> None:
    """``--without`` skips what needs the feature, says so, and sends nothing for it."""
    found = _found(endpoints.subject(DIALECT), _check(_asks, "tools"), without=("tools",))
    assert ("skipped", "declared not to have tools (--without)") == (found.outcome, found.why)


def test_throttling_is_unknown(endpoints: Endpoints) -> None:
    """An endpoint that throttles us, and goes on when we come back at the time it names, is not judged."""

    async def throttled(_visit: Visit) -> HttpReply:
        return HttpReply(status=429, headers={"Retry-After": "0", "Content-Type": "application/json"}, body=b"{}")

    proxy = endpoints.proxies[DIALECT]
    proxy.mutation, before = throttled, proxy.seen
    (found,) = checked(endpoints.subject(DIALECT, proxy.url), ["whole-reply"])
    assert "unknown" == found.outcome
    assert "throttled us 3 times over: 429" in found.why
    assert 3 == proxy.seen - before


def test_throttling_that_passes_is_waited_for(endpoints: Endpoints) -> None:
    """One 429 is no finding."""
    refused: list[int] = []

    async def once(visit: Visit) -> HttpReply:
        if not refused:
            refused.append(1)
            return HttpReply(status=429, headers={"Retry-After": "0"}, body=b"{}")
        return await visit.reply()

    proxy = endpoints.proxies[DIALECT]
    proxy.mutation = once
    assert ["pass"] == [one.outcome for one in checked(endpoints.subject(DIALECT, proxy.url), ["whole-reply"])]


def test_nobody_there_is_unknown_and_asked_once(endpoints: Endpoints) -> None:
    """An endpoint that cannot be reached makes every check unknown, for that one reason."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    findings = checked(endpoints.subject(DIALECT, f"http://127.0.0.1:{port}"))
    assert {"unknown"} == {found.outcome for found in findings}
    (why,) = {found.why for found in findings}
    assert "no connection" in why


def test_refused_credentials_make_all_unknown(endpoints: Endpoints) -> None:
    """Wrong credentials say nothing about the endpoint: it is asked once, and the report says what to mend."""
    proxy = endpoints.proxies[DIALECT]
    before = proxy.seen
    wrong = msgspec.structs.replace(endpoints.credentials(DIALECT), api_key="sk-of-another")
    findings = checked(endpoints.subject(DIALECT, proxy.url, credentials=wrong))
    assert {"unknown"} == {found.outcome for found in findings}
    assert "refuses the credentials (401" in findings[0].why
    assert 1 == proxy.seen - before


def test_a_dialect_that_is_not_served_makes_all_unknown(endpoints: Endpoints) -> None:
    """Where the dialect's own path is not there, one line says so instead of sixty failures."""
    proxy = endpoints.proxies[DIALECT]
    proxy.mutation = refusing(lambda _visit: True, 404)
    before = proxy.seen
    findings = checked(endpoints.subject(DIALECT, proxy.url))
    assert {"unknown"} == {found.outcome for found in findings}
    assert findings[0].why.startswith("POST /v1/chat/completions is answered with 404 Not Found")
    assert 1 == proxy.seen - before


def test_a_connection_lost_before_a_reply_is_unknown(endpoints: Endpoints) -> None:
    """A reset before any reply may be the network's."""

    async def lost(visit: Visit) -> HttpReply:
        if visit.number > first + 1:
            raise Aborted
        return await visit.reply()

    proxy = endpoints.proxies[DIALECT]
    first = proxy.seen
    proxy.mutation = lost
    (found,) = checked(endpoints.subject(DIALECT, proxy.url), ["whole-reply"])
    assert "unknown" == found.outcome


def test_findings_come_in_the_order_of_the_checks(endpoints: Endpoints) -> None:
    """Which check ends first does not show in the report."""
    names = ["usage", "whole-reply", "get-refused"]
    findings = checked(endpoints.subject(DIALECT), names)
    assert sorted(names) == [found.id.partition("/")[2] for found in findings]


def test_judging_says_what_was_expected_and_seen() -> None:
    """The small helpers raise `Broken` with both halves, in a reader's words."""
    with pytest.raises(Broken) as caught:
        equal(1, 2, "connections")
    assert ("connections: 1", "connections: 2") == (caught.value.expected, caught.value.observed)
    with pytest.raises(Broken) as caught:
        must([], expected="frames", observed="none")
    assert ("frames", "none") == (caught.value.expected, caught.value.observed)
    with pytest.raises(Broken) as caught:
        conforms("openai/ChatCompletion", {"id": 1})
    assert "openai/ChatCompletion" in caught.value.expected
    assert caught.value.observed


def test_what_was_found_before_an_interruption_is_kept(endpoints: Endpoints) -> None:
    """A run that is cancelled half-way keeps its findings; of the checks that had not ended nothing is known."""
    subject = endpoints.subject(DIALECT)
    runner = Runner(subject, Redactor(subject.credentials.secrets()), jobs=1)

    async def interrupted() -> list[Finding]:
        async def hangs(_probe: Probe) -> None:
            running.cancel()
            await asyncio.Event().wait()

        checks = [_check(_asks), msgspec.structs.replace(_check(hangs), name="d")]
        running = asyncio.ensure_future(runner.run(checks, Silent()))
        with pytest.raises(asyncio.CancelledError):
            await running
        return runner.so_far(checks)

    outcomes = [(found.outcome, found.why) for found in asyncio.run(interrupted())]
    assert [("pass", ""), ("unknown", "interrupted before its end")] == outcomes
