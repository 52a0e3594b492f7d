"""Whether anybody was given somebody else's answer."""

from brownout.metrics.base import Observation, View, metric, need, some


@metric("foreign_answers", "count", stands_alone=True)
def foreign_answers(view: View) -> Observation:
    """Answers that were made for another request."""
    answered = [r for r in view.client if r.integrity is not None]
    need(answered, 1, "answers")
    foreign = [r for r in answered if r.integrity == "foreign"]
    return Observation(
        value=len(foreign),
        samples=len(answered),
        witnesses=some([r.canary for r in foreign]),
        why=f"{len(foreign)} of {len(answered)} answers were another request's",
    )
