"""How long users suffered before the router had moved them elsewhere."""

from brownout.history import Window
from brownout.metrics.base import NoEvidence, Observation, View, metric, need, some
from brownout.metrics.promptness import RUN_LENGTH, good_again_s, is_prompt


@metric("time_to_failover_s", "s", timed=True, in_hindsight=True)
def time_to_failover_s(view: View) -> Observation:
    """Seconds from a fault's start until affected users are answered promptly again, 18 of 20.

    The worst fault counts. Where that does not happen while the fault is on, the figure is infinite: it is at least so
    long, and nobody knows how much longer.
    """
    if not view.windows:
        raise NoEvidence("no fault was on")
    return max((_of(view, window) for window in view.windows), key=lambda seen: seen.value)


def _of(view: View, window: Window) -> Observation:
    tenants = view.history.servable(window)
    due = [r for r in view.client if r.due_s in window and r.tenant in tenants]
    need(due, RUN_LENGTH, "requests of servable tenants due during the fault")
    good_s = good_again_s(due)
    lost = [r.canary for r in due if not is_prompt(r)]
    if good_s is None:
        return Observation(
            value=float("inf"),
            samples=len(due),
            witnesses=some(lost),
            why=f"never in the {window.off_s - window.on_s:.1f} s that {window.injection.id} was on: "
            f"{len(lost)} of {len(due)} requests were not answered promptly",
        )
    why = f"{len(lost)} of {len(due)} requests due during {window.injection.id} were not answered promptly"
    return Observation(value=good_s - window.on_s if lost else 0.0, samples=len(due), witnesses=some(lost), why=why)
