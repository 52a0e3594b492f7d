"""Answers that an endpoint itself had made wrong: no router can be held to know what a model should have said."""

from collections.abc import Sequence

from brownout.evidence import ClientRecord
from brownout.metrics.base import View


def blameless(
    view: View, records: Sequence[ClientRecord], *, only_whole: bool = False
) -> tuple[list[ClientRecord], str]:
    """Return the records without those whose answer an endpoint had falsified, and how many these are, in words.

    Args:
        view: where the attempts are looked up.
        records: requests.
        only_whole: leave out only those that an endpoint also ended as whole: what it broke off said of itself that
            it was not to be passed on.
    """
    kept = [record for record in records if not _falsified(view, record, only_whole=only_whole)]
    lost = len(records) - len(kept)
    return kept, f"; {lost} left out that an endpoint itself had falsified" if lost else ""


def _falsified(view: View, record: ClientRecord, *, only_whole: bool) -> bool:
    attempts = view.history.answering.to(record.canary)
    return any(one.falsified and (one.outcome == "ok" or not only_whole) for one in attempts)
