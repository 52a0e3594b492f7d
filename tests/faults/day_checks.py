"""What must hold on every day, whatever faults meet on it."""

from collections.abc import Iterator

from brownout.evidence import FaultRecord
from tests.faults.composition import RECOVERY_S, Outcome

SERVED_MIN = 0.95
LATE_MAX_S = 0.005
_NEVER = (
    "boundary_violations",
    "target_exits",
    "foreign_answers",
    "truncated_as_success",
    "garbled_as_success",
    "unlifted_faults",
)
_STAYS_AWAY = {"throttling", "throttling-bursts"}


def broken(seen: Outcome) -> list[str]:
    """Return what did not hold, in words; empty when all did."""
    if seen.raised:
        return [f"playing raised {seen.raised}"]
    said = [f"said: {line}" for line in seen.said]
    left = [f"left: {line}" for line in seen.left]
    return [*said, *left, *_of_ours(seen), *_on_and_off(seen), *_judged(seen), *_served_again(seen)]


def late_s(seen: Outcome, record: FaultRecord) -> float:
    """Return how much later than planned an injection came on, or went off."""
    planned = next(one for one in seen.day.injections if one.id == record.injection)
    ends_s = planned.for_s if record.event == "off" else 0.0
    return record.at_s - (load_start_s(seen) + planned.at_s + ends_s)


def load_start_s(seen: Outcome) -> float:
    """Return when the load began."""
    return next(phase.at_s for phase in seen.run.phases() if phase.phase == "load-start")


def _of_ours(seen: Outcome) -> Iterator[str]:
    for record in seen.run.provider():
        if record.refusal == "our-bug":
            yield f"our bug at {record.endpoint}, at {record.arrived_s:.3f} s, under {record.faults}"


def _on_and_off(seen: Outcome) -> Iterator[str]:
    records = seen.run.faults()
    for one in seen.day.injections:
        events = [record.event for record in records if record.injection == one.id]
        if events != ["on", "off"]:
            yield f"{one.id} ({one.fault}): {events}"
    for record in records:
        if record.event == "off" and (record.undone is not True or record.why):
            yield f"{record.injection} ({record.fault}): undone {record.undone}, {record.why}"
        if abs(late := late_s(seen, record)) > LATE_MAX_S:
            yield f"{record.injection} ({record.fault}) {record.event}: {late:.3f} s late"


def _judged(seen: Outcome) -> Iterator[str]:
    assert seen.verdicts is not None
    for promise in seen.verdicts.promises:
        name = promise.id.rpartition("/")[2]
        if "crashed" in promise.why or (promise.outcome == "fail" and name in _NEVER):
            yield f"{name}: {promise.why}"


def _served_again(seen: Outcome) -> Iterator[str]:
    from_s = load_start_s(seen) + seen.day.ends_s + RECOVERY_S
    due = [record for record in seen.run.client() if record.due_s >= from_s]
    served = sum(record.outcome == "ok" for record in due)
    if due and served < SERVED_MIN * len(due) and not _told_to_stay_away(seen):
        kinds = sorted({f"{one.tenant} {one.outcome} {one.error}" for one in due if one.outcome != "ok"})
        yield f"served again: {served} of {len(due)}; {kinds}"


def _told_to_stay_away(seen: Outcome) -> bool:
    """A router that obeys a Retry-After has nobody to ask until it is over."""
    until_s = load_start_s(seen) + seen.day.ends_s + RECOVERY_S
    told = any((one.retry_after_s or 0.0) + one.end_s > until_s for one in seen.run.provider())
    return told or any(one.fault in _STAYS_AWAY and one.settings["says"] == "a-day" for one in seen.day.injections)
