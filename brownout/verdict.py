"""Verdict: pass, fail or unknown, with the figure and the witnesses. fail > unknown > pass."""

import re
from collections.abc import Iterable
from enum import IntEnum
from typing import Literal, TypeAlias

import msgspec

from brownout.egress import Grade

Outcome: TypeAlias = Literal["pass", "fail", "unknown", "skipped"]

_NOT_A_WORD = re.compile(r"[^a-z0-9_]")


class ExitCode(IntEnum):
    """What every command says to its shell."""

    PASS = 0
    FAIL = 1
    UNKNOWN = 2
    ABORTED = 3
    BAD_INPUT = 64
    OUR_BUG = 70


class Promise(msgspec.Struct, kw_only=True):
    """One promise of one test, judged.

    ``id`` is ``suite/test/metric...``; ``observed`` is None when nothing could be observed, or when the figure is
    without end (it never failed over, it never recovered: then the outcome is fail and ``why`` says so); ``witnesses``
    are the ids of up to ten requests (canaries) that show it, those of a test's n-th repeat as ``ID.n``; ``why`` says
    what was seen, or what was missing.

    ``low`` and ``high`` bound the figure behind the sample, each with 95 % confidence (see `brownout.intervals`); None
    where nothing bounds it, or where it is no sample but a fact. ``repeats``, of a figure too near its bound: how many
    repeats in all (``--repeat``) would tell; None where none are needed, or none would do.

    One that was skipped has an ``observed`` only if it is about data, and data was seen where it may not be: nobody
    promised anything, and yet it is to be known (``seen_all_the_same``). Of a target that keeps boundaries, and has not
    said that it forgoes this, it is unknown.

    ``grade`` is, of a promise that nothing was seen where it may not be, how strong the proof of that is (see
    `brownout.egress`), and ``grade_why`` what keeps it from being stronger; empty for all other promises.
    """

    id: str
    suite: str
    test: str
    slo: str
    outcome: Outcome
    observed: float | None
    unit: str
    samples: int
    witnesses: list[str]
    why: str
    low: float | None = None
    high: float | None = None
    repeats: int | None = None
    grade: Grade | Literal[""] = ""
    grade_why: str = ""
    seen_all_the_same: bool = False

    @property
    def metric(self) -> str:
        """The metric that it is about: the first word of its text."""
        return _NOT_A_WORD.split(self.slo, maxsplit=1)[0]


class Verdicts(msgspec.Struct, kw_only=True):
    """The whole of ``verdicts.json``.

    ``stopped`` says which stop condition ended the run before its end, and by which figure; empty when none did.
    """

    outcome: Literal["pass", "fail", "unknown"]
    target: str
    seed: int
    started_at: str
    duration_s: float
    promises: list[Promise]
    stopped: str = ""


def never_fired(injection: str) -> str:
    """Return what a promise's ``why`` says of an injection that was on and met nothing."""
    return f"{injection} never fired"


def overall(outcomes: Iterable[Outcome]) -> Literal["pass", "fail", "unknown"]:
    """Return the worst outcome. Nothing judged (none, or all skipped) is unknown, never a pass."""
    seen = set(outcomes)
    if "fail" in seen:
        return "fail"
    if "unknown" in seen or "pass" not in seen:
        return "unknown"
    return "pass"


def exit_code(outcome: str) -> ExitCode:
    """Return the exit code of an overall outcome."""
    return {"pass": ExitCode.PASS, "fail": ExitCode.FAIL}.get(outcome, ExitCode.UNKNOWN)
