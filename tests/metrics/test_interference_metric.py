"""What the metric says of a test that was played three times: red, green, and why it is neither."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from brownout.evidence import Journal, PhaseRecord, TelemetryRecord
from brownout.judge import judge
from brownout.rundir import RunDir
from brownout.tape import TapeRecord
from brownout.verdict import Promise
from tests.histories import ACME, EUROPA, TEST, Story
from tests.tapes import message, tape

PROMISE = "interference <= 0"
AGAIN, TWIN = f"{TEST}.again", f"{TEST}.twin"


class Twins:
    """A story that is played three times, to be changed and then judged."""

    def __init__(self, folder: Path, *, clock: str = "virtual", twin: str = ACME) -> None:
        self.story = Story(folder, PROMISE, twin=twin)
        self.clock = clock
        self.tapes = {
            TEST: tape(),
            AGAIN: tape(play=AGAIN),
            TWIN: tape(play=TWIN, secret="another"),
        }
        self.left_out: set[str] = set()
        self.telemetry: list[TelemetryRecord] = []

    def verdict(self) -> Promise:
        """Write it, judge it, and return the verdict."""
        run = self.story.write()
        self._again(run)
        plan = msgspec.structs.replace(run.plan(), clock=self.clock)
        run.write_plan(plan)
        _append(run, "tape", [one for name, told in self.tapes.items() if name not in self.left_out for one in told])
        _append(run, "telemetry", self.telemetry)
        (promise,) = judge(run).promises
        return promise

    def _again(self, run: RunDir) -> None:
        """Give the other plays the evidence of the first."""
        for name in {AGAIN, TWIN} - self.left_out:
            for file, records in (
                ("client", self.story.client),
                ("provider", self.story.provider),
                ("faults", self.story.faults),
                ("phases", self.story.phases),
            ):
                _append(run, file, [msgspec.structs.replace(one, test=name) for one in records])  # type: ignore[attr-defined]


def _append(run: RunDir, name: str, records: Sequence[msgspec.Struct]) -> None:
    journal = Journal(run.file(f"{name}.jsonl"))
    for one in records:
        journal.write(one)
    journal.close()


def leaking(told: Sequence[TapeRecord]) -> list[TapeRecord]:
    """Return a tape in which each request of others bears what the play's secret makes it."""
    return [
        msgspec.structs.replace(one, parts=one.parts | {"header x-hint": f"{one.test} {one.canary}"})
        if one.tenant == EUROPA and one.kind == "request"
        else one
        for one in told
    ]


@pytest.mark.parametrize("clock", ["virtual", "real"])
def test_what_others_receive_is_the_same(tmp_path: Path, clock: str) -> None:
    """Green: all of it could be compared."""
    verdict = Twins(tmp_path, clock=clock).verdict()
    assert ("pass", 0.0, 80) == (verdict.outcome, verdict.observed, verdict.samples)


@pytest.mark.parametrize("clock", ["virtual", "real"])
def test_a_header_that_depends_on_the_secret_is_red_and_named(tmp_path: Path, clock: str) -> None:
    """With a request to look at, and nothing of what the header says."""
    twins = Twins(tmp_path, clock=clock)
    twins.tapes[TWIN] = leaking(twins.tapes[TWIN])
    verdict = twins.verdict()
    assert ("fail", 40.0) == (verdict.outcome, verdict.observed)
    assert "header x-hint 40 times at abroad, as of europa-0" in verdict.why
    assert "europa-0" == verdict.witnesses[0]


def test_one_message_is_one_too_many_in_virtual_time(tmp_path: Path) -> None:
    """There, nothing else could have changed it."""
    twins = Twins(tmp_path)
    twins.tapes[TWIN].append(message(3, play=TWIN, at_s=20.0))
    verdict = twins.verdict()
    assert ("fail", 1.0) == (verdict.outcome, verdict.observed)


def test_few_messages_are_unknown_in_real_time(tmp_path: Path) -> None:
    """There, chance could have."""
    twins = Twins(tmp_path, clock="real")
    twins.tapes[TWIN][:20] = leaking(twins.tapes[TWIN][:20])
    verdict = twins.verdict()
    assert "unknown" == verdict.outcome
    assert "5 messages differ with the other secret alone" in verdict.why


def test_metrics_of_the_target_s_own_are_received_by_others_too(tmp_path: Path) -> None:
    """A line that depends on the secret is red."""
    twins = Twins(tmp_path)
    for play, text in ((TEST, "a 1\nb 2"), (AGAIN, "a 1\nb 2"), (TWIN, "a 1\nb 3")):
        twins.telemetry.append(TelemetryRecord(test=play, at_s=1.0, when="after", text=text))
    verdict = twins.verdict()
    assert ("fail", ["the target's own metrics"]) == (verdict.outcome, verdict.witnesses)


def by_chance(folder: Path) -> Twins:
    """Return plays in virtual time of a target that draws a request's id anew each time."""
    twins = Twins(folder)
    for play, told in twins.tapes.items():
        twins.tapes[play] = [
            msgspec.structs.replace(one, parts=one.parts | {"header x-drawn": f"{play} {one.canary} {one.kind}"})
            for one in told
        ]
    return twins


def test_who_draws_ids_by_chance_is_not_blamed_for_them(tmp_path: Path) -> None:
    """All else is compared, and the verdict says that chance was allowed for, and where it was seen."""
    verdict = by_chance(tmp_path).verdict()
    assert ("pass", 0.0, 80) == (verdict.outcome, verdict.observed, verdict.samples)
    assert "the same secret twice makes 80 differences (header x-drawn 40 times at abroad" in verdict.why
    assert "to the byte" not in verdict.why


def test_what_depends_on_the_secret_is_red_amid_chance(tmp_path: Path) -> None:
    """And it alone is told."""
    twins = by_chance(tmp_path)
    twins.tapes[TWIN] = leaking(twins.tapes[TWIN])
    verdict = twins.verdict()
    assert ("fail", 40.0) == (verdict.outcome, verdict.observed)
    assert "with another secret of acme's: header x-hint 40 times at abroad" in verdict.why


def _late(twins: Twins) -> None:
    twins.tapes[TWIN][4] = msgspec.structs.replace(twins.tapes[TWIN][4], at_s=0.1001)


def _in_other_pieces(twins: Twins) -> None:
    parts = twins.tapes[TWIN][5].parts | {"pace": "odd"}
    twins.tapes[TWIN][5] = msgspec.structs.replace(twins.tapes[TWIN][5], parts=parts)


def _once_more(twins: Twins) -> None:
    twins.tapes[TWIN].append(message(3, play=TWIN, at_s=20.0))


def _other_counts(twins: Twins) -> None:
    for play, text in ((TEST, "a 1"), (AGAIN, "a 1"), (TWIN, "a 2")):
        twins.telemetry.append(TelemetryRecord(test=play, at_s=1.0, when="after", text=text))


@pytest.mark.parametrize("spoil", [_late, _in_other_pieces, _once_more, _other_counts])
def test_what_was_in_step_twice_and_is_not_with_the_other_secret_is_unknown(
    tmp_path: Path, spoil: Callable[[Twins], None]
) -> None:
    """A target that draws by chance may have done so by chance; green it is not."""
    twins = by_chance(tmp_path)
    spoil(twins)
    verdict = twins.verdict()
    assert "unknown" == verdict.outcome
    assert "differ with the other secret alone" in verdict.why


def test_who_is_in_step_with_nothing_is_not_held_to_its_instants(tmp_path: Path) -> None:
    """Where the same secret twice makes other instants, a third time tells nothing."""
    twins = by_chance(tmp_path)
    for play, late_s in ((AGAIN, 0.001), (TWIN, 0.002)):
        twins.tapes[play] = [msgspec.structs.replace(one, at_s=one.at_s + late_s) for one in twins.tapes[play]]
    assert "pass" == twins.verdict().outcome


def _nobody_s_secret(twins: Twins) -> None:
    twins.story.plan = msgspec.structs.replace(twins.story.plan, twin="")


def _no_twin(twins: Twins) -> None:
    twins.left_out.add(TWIN)


def _no_tape(twins: Twins) -> None:
    twins.tapes[AGAIN] = []


def _no_change(twins: Twins) -> None:
    twins.tapes[TWIN] = tape(play=TWIN)


def _nothing_outside(twins: Twins) -> None:
    for name, told in twins.tapes.items():
        twins.tapes[name] = [one for one in told if one.tenant == ACME]


def _no_undo(twins: Twins) -> None:
    twins.story.faults = [one for one in twins.story.faults if one.event == "on"]


def _no_load(twins: Twins) -> None:
    twins.story.phases = [PhaseRecord(test=TEST, phase="target-failed", at_s=0.0, why="it did not start")]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_nobody_s_secret, "its scenario names no twin"),
        (_no_twin, "of the play t.twin: the test did not run to its end"),
        (_no_tape, "of the play t.again there is no tape"),
        (_no_change, "no request of acme's was received that says another thing"),
        (_nothing_outside, "0 messages outside acme's boundary"),
        (_no_undo, "not confirmed as undone"),
        (_no_load, "the target never became ready"),
    ],
)
def test_what_cannot_be_told_is_unknown(tmp_path: Path, spoil: Callable[[Twins], None], why: str) -> None:
    """It is never green for want of evidence."""
    twins = Twins(tmp_path)
    spoil(twins)
    verdict = twins.verdict()
    assert "unknown" == verdict.outcome
    assert why in verdict.why


def test_where_hardly_anything_could_be_compared_it_is_unknown(tmp_path: Path) -> None:
    """In real time requests go other ways; too many of them, and nothing is told."""
    twins = Twins(tmp_path, clock="real")
    twins.tapes[TWIN] += [message(number, place="spare", play=TWIN) for number in range(40)]
    assert "only 0 messages could be compared, 120 could not" in twins.verdict().why
