"""Whether the target stayed up."""

from brownout.metrics.base import NoEvidence, Observation, View, metric


@metric("target_exits", "count", stands_alone=True, factual=True)
def target_exits(view: View) -> Observation:
    """Times the target's process ended while it should have been serving."""
    died = view.history.phases.get("target-died")
    if died is None and "load-end" not in view.history.phases:
        raise NoEvidence("the test did not run to its end")
    return Observation(value=1 if died else 0, samples=1, why=died.why if died else "the target ran to the end")
