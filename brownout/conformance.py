"""Conformance: what an endpoint must do on the wire for its clients to work, one check at a time.

    Check (a file)  -->  Probe (asks the endpoint)  -->  Finding: pass, fail, unknown or skipped  -->  Conformance

A check says what it saw by how it ends: it returns (pass), or raises `Broken` (fail), `Unjudged` (unknown) or `Lacking`
(skipped). What it raises carries the words of the report; nothing else decides.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from brownout.verdict import Outcome, overall

Level: TypeAlias = Literal["core", "extended"]

LEVELS: Mapping[Level, str] = {
    "core": "must hold for any client of the dialect to work",
    "extended": "holds at the vendor's own endpoint; clients that use the feature need it",
}

FEATURES: Mapping[str, str] = {
    "auth": "callers must prove who they are",
    "bearer-key": "a bearer key is taken where requests are else signed",
    "count-tokens": "a prompt's tokens are counted without generating anything",
    "error-request-id": "an error names its request",
    "json-array-stream": "a stream asked for without server-sent events is one JSON array",
    "rate-limit-headers": "replies say what is left of the caller's quota",
    "request-id": "replies name their request",
    "service-tier": "a service tier can be asked for, and the reply names the one that served it",
    "stop-sequences": "the answer ends before a sequence that the caller names",
    "streaming": "answers can be streamed",
    "system-prompt": "a system prompt can be given",
    "tools": "tools can be offered, demanded and answered",
    "usage-in-stream": "a stream says what it cost",
}
"""What an endpoint may be declared not to have (``--without``); a check names those that it needs."""


class Broken(Exception):  # noqa: N818 - what the endpoint did to the requirement
    """The endpoint does not do what is required: the check fails.

    Args:
        expected: what was required, in few words.
        observed: what was seen instead.
    """

    def __init__(self, *, expected: str, observed: str) -> None:
        super().__init__(f"expected {expected}; observed {observed}")
        self.expected = expected
        self.observed = observed


class Unjudged(Exception):  # noqa: N818 - what became of the check
    """Nothing can be said: the connection failed, we were throttled, a tool is missing. The check is unknown."""


class Lacking(Exception):  # noqa: N818 - what the endpoint is
    """The endpoint was seen not to have an optional feature: the check is skipped, with the evidence in the message."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One requirement and the function that looks whether it is met.

    Attributes:
        name: as reports and ``--only`` say it: the file's name with dashes.
        requires: the behaviour required, in one sentence.
        level: whom it matters to; see `LEVELS`.
        source: where the vendor says so: a document, a service model, an SDK, a specification.
        needs: the features that the endpoint must have for it to make sense; the first is the one it looks at.
        requests: how many requests it sends, about.
        run: takes a probe.
    """

    name: str
    requires: str
    level: Level
    source: str
    needs: tuple[str, ...]
    requests: int
    run: Callable[[Any], Awaitable[None]]


def check(
    *, level: Level, source: str, needs: Sequence[str] = (), requests: int = 1
) -> Callable[[Callable[[Any], Awaitable[None]]], Check]:
    """Make a check of a function that takes a probe. Its docstring says what is required, its file names it."""

    def made(run: Callable[[Any], Awaitable[None]]) -> Check:
        requires = " ".join(inspect.cleandoc(run.__doc__ or "").split())
        if not requires:
            raise TypeError(f"{run.__module__}: a check's docstring says what is required")
        for feature in needs:
            if feature not in FEATURES:
                raise TypeError(f"{run.__module__}: no such feature: {feature!r}; known: {', '.join(sorted(FEATURES))}")
        return Check(
            name=run.__module__.rpartition(".")[2].replace("_", "-"),
            requires=requires,
            level=level,
            source=source,
            needs=tuple(needs),
            requests=requests,
            run=run,
        )

    return made


class Captured(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange as it went over the wire, without secrets.

    ``request`` and ``reply`` are the bytes sent and received, heads included; what is longer than is worth keeping is
    cut, and says so. ``problem`` says how the transfer broke, where it did.
    """

    request: bytes
    reply: bytes
    problem: str = ""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found.

    ``expected``, ``observed`` and ``reproduction`` (commands for a shell) are there for a fail; ``why`` says what made
    it unknown or skipped. ``exchanges`` are kept where the check did not pass.
    """

    id: str
    level: Level
    requires: str
    source: str
    needs: tuple[str, ...]
    outcome: Outcome
    expected: str = ""
    observed: str = ""
    why: str = ""
    reproduction: str = ""
    exchanges: tuple[Captured, ...] = ()


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """How many checks had each outcome."""

    passed: int = 0
    failed: int = 0
    unknown: int = 0
    skipped: int = 0


class Conformance(msgspec.Struct, frozen=True, kw_only=True):
    """One run against one endpoint: all that ``conformance.yaml`` and ``conformance.html`` are made from.

    Attributes:
        endpoint: the address, as given.
        dialect: what was spoken.
        model: which model was asked for.
        outcome: fail over unknown over pass; nothing passed is unknown.
        started_at: the date and time of day, UTC, ISO 8601.
        versions: of brownout, Python and the SDKs used.
        without: the features the endpoint was declared not to have.
        requests: how many requests were sent and captured; those that SDKs send are not among them.
        command: what runs this again.
        findings: by check's id.
    """

    endpoint: str
    dialect: str
    model: str
    outcome: Literal["pass", "fail", "unknown"]
    started_at: str
    versions: Mapping[str, str]
    without: tuple[str, ...]
    requests: int
    command: str
    findings: tuple[Finding, ...]


def outcome_of(findings: Iterable[Finding]) -> Literal["pass", "fail", "unknown"]:
    """Return the run's outcome: fail over unknown over pass, and unknown where nothing passed."""
    return overall(finding.outcome for finding in findings)


def tally(findings: Iterable[Finding], level: Level) -> Tally:
    """Return how many checks of a level had each outcome."""
    seen = [finding.outcome for finding in findings if finding.level == level]
    return Tally(
        passed=seen.count("pass"),
        failed=seen.count("fail"),
        unknown=seen.count("unknown"),
        skipped=seen.count("skipped"),
    )


def standing(findings: Iterable[Finding], level: Level) -> Literal["pass", "partial", "fail", "unknown"]:
    """Return a level's outcome in a word; ``partial``: what could be judged passed, and something was skipped."""
    own = [finding for finding in findings if finding.level == level]
    worst = outcome_of(own)
    return "partial" if worst == "pass" and any(finding.outcome == "skipped" for finding in own) else worst
