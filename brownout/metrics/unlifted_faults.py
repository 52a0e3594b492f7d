"""Whether every fault was taken off again: a harness that leaves one on has done harm, whatever the target did."""

from brownout.history import Window
from brownout.metrics.base import NoEvidence, Observation, View, metric


@metric("unlifted_faults", "count", stands_alone=True)
def unlifted_faults(view: View) -> Observation:
    """Faults whose undo was not read back from the thing itself: they may be on still."""
    history = view.history
    left = [window for window in history.windows if window.undone is False]
    if "done" in history.phases:
        left += [window for window in history.windows if window.undone is None]
    if not history.windows or (not left and any(window.undone is None for window in history.windows)):
        raise NoEvidence("no fault was on" if not history.windows else "the test was not taken down in order")
    why = "; ".join(map(_said, left)) or f"{len(history.windows)} put on, each lifted and read back"
    return Observation(value=len(left), samples=len(history.windows), why=why)


def _said(window: Window) -> str:
    places = ", ".join(window.injection.endpoints) or window.injection.at
    why = window.why or "no reason given"
    return f"{window.injection.id} MAY BE ON STILL at {places}: its undo was not confirmed ({why})"
