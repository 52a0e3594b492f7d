"""Wrong answers that were handed over as whole: with a hole in them, or not in one piece."""

from brownout.answer import Integrity
from brownout.metrics.base import NoEvidence, Observation, View, metric, some
from brownout.metrics.falsified import blameless


@metric("truncated_as_success", "count", stands_alone=True)
def truncated_as_success(view: View) -> Observation:
    """Requests whose client was told "complete" for a part of the answer, or for none.

    Where an endpoint itself gave a wrong answer for a whole one, nobody behind it could tell.
    """
    return _passed_off(view, {"truncated", "empty"})


@metric("garbled_as_success", "count", stands_alone=True)
def garbled_as_success(view: View) -> Observation:
    """Requests whose client was told "complete" for an answer that repeats itself, or joins several, or is scrambled.

    Where an endpoint itself gave a wrong answer for a whole one, nobody behind it could tell.
    """
    return _passed_off(view, {"duplicated", "mixed", "garbled"})


def _passed_off(view: View, kinds: set[Integrity]) -> Observation:
    """An answer that nothing happened to on its way proves nothing: it had no reason to be wrong."""
    wrong = [r for r in view.client if r.outcome == "wrong" and r.integrity in kinds]
    wrong, left_out = blameless(view, wrong, only_whole=True)
    struck = [r for r in view.attempts if r.outcome in ("cut", "refused") or r.faults]
    if not wrong and not struck:
        raise NoEvidence(
            f"no endpoint cut, refused or spoiled an answer, so nothing could be passed off as whole{left_out}"
        )
    said = ", ".join(sorted({r.integrity or "?" for r in wrong}))
    return Observation(
        value=len(wrong),
        samples=len(struck),
        witnesses=some([r.canary for r in wrong]),
        why=f"{len(struck)} answers were cut, refused or struck by a fault at endpoints; "
        f"{len(wrong)} reached clients as complete" + (f" ({said})" if wrong else "") + left_out,
    )
