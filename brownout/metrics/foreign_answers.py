"""Whether anybody was given somebody else's answer."""

from brownout.metrics.base import Observation, View, metric, need, some
from brownout.metrics.falsified import blameless


@metric("foreign_answers", "count", stands_alone=True)
def foreign_answers(view: View) -> Observation:
    """Answers that were made for another request, and that no endpoint had mixed up itself."""
    answered, left_out = blameless(view, [r for r in view.client if r.integrity is not None])
    need(answered, 1, f"answers{left_out}")
    foreign = [r for r in answered if r.integrity == "foreign"]
    return Observation(
        value=len(foreign),
        samples=len(answered),
        witnesses=some([r.canary for r in foreign]),
        why=f"{len(foreign)} of {len(answered)} answers were another request's{left_out}",
    )
