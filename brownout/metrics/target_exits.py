"""Whether the target stayed up."""

from brownout.metrics.base import NoEvidence, Observation, View, metric
from brownout.plan import TARGET


@metric("target_exits", "count", stands_alone=True, factual=True, in_hindsight=True)
def target_exits(view: View) -> Observation:
    """Times the target's process ended by itself, or did not come up again after a fault had ended it."""
    died = view.history.phases.get("target-died")
    if died is None and "load-end" not in view.history.phases:
        raise NoEvidence("the test did not run to its end")
    struck = any(window.injection.at == TARGET for window in view.history.windows)
    ran = "the target never ended by itself" if struck else "the target ran to the end"
    return Observation(value=1 if died else 0, samples=1, why=died.why if died else ran)
