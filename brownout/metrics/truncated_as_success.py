"""Answers with a hole in them that were handed over as whole."""

from brownout.metrics.base import NoEvidence, Observation, View, metric, some
from brownout.metrics.falsified import blameless


@metric("truncated_as_success", "count", stands_alone=True)
def truncated_as_success(view: View) -> Observation:
    """Requests whose client was told "complete" for an answer that is not the whole right one.

    Where an endpoint itself gave a wrong answer for a whole one, nobody behind it could tell.
    """
    wrong, left_out = blameless(view, [r for r in view.client if r.outcome == "wrong"], only_whole=True)
    cut = [r for r in view.attempts if r.outcome in ("cut", "refused")]
    if not wrong and not cut:
        raise NoEvidence(f"no endpoint cut or refused an answer, so nothing could be passed off as whole{left_out}")
    kinds = sorted({r.integrity or "?" for r in wrong})
    return Observation(
        value=len(wrong),
        samples=len(cut),
        witnesses=some([r.canary for r in wrong]),
        why=f"{len(cut)} answers were cut or refused by endpoints; {len(wrong)} reached clients as complete"
        + (f" ({', '.join(kinds)})" if wrong else "")
        + left_out,
    )
