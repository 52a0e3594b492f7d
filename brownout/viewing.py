"""Viewing: the part of a history that an SLO is about."""

import math
from collections.abc import Callable

from brownout.egress import EgressRecord
from brownout.evidence import ClientRecord, ProviderRecord
from brownout.history import History
from brownout.metrics import View
from brownout.slo import Slo


def view_of(history: History, slo: Slo, *, since_s: float = -math.inf) -> View:
    """Return the requests and attempts that an SLO's filters and window mean.

    Args:
        history: the test's.
        slo: what is asked.
        since_s: leave out requests that ended, and attempts that arrived, at this instant or before.
    """
    within = _within(history, slo)
    return View(
        history=history,
        client=[r for r in history.client if r.end_s > since_s and within(r.due_s) and _matches_client(r, slo)],
        attempts=[
            r
            for r in history.attempts
            if r.arrived_s > since_s and within(r.arrived_s) and _matches_attempt(history, r, slo)
        ],
        windows=history.windows_of(slo.fault),
        credentials=[r for r in history.credentials if r.at_s > since_s and within(r.at_s)],
        egress=[
            r
            for r in history.egress
            if (not r.dated or (r.at_s > since_s and within(r.at_s))) and _matches_egress(history, r, slo)
        ],
    )


def _within(history: History, slo: Slo) -> Callable[[float], bool]:
    windows = history.windows_of(slo.fault)
    if slo.span == "during":
        return lambda at_s: any(at_s in window for window in windows)
    if slo.span == "before":
        first_s = min((window.on_s for window in windows), default=history.last_s)
        return lambda at_s: at_s < first_s
    if slo.span == "after":
        last_s = max((window.off_s for window in windows), default=math.inf)
        return lambda at_s: at_s >= last_s
    return lambda at_s: True  # noqa: ARG005 - the whole test


def _matches_client(record: ClientRecord, slo: Slo) -> bool:
    if not slo.filters:
        return True
    facts = {
        "class": record.traffic_class,
        "tenant": record.tenant,
        "stream": str(record.stream).lower(),
    }
    return all(facts[key] == value for key, value in slo.filters.items())


def _matches_egress(history: History, record: EgressRecord, slo: Slo) -> bool:
    """What bears no canary is nobody's, and of no class: it is in no filter's part."""
    asked = history.asked.get(record.canary)
    facts = {
        "class": asked and asked.traffic_class,
        "tenant": record.tenant,
        "stream": asked and str(asked.stream).lower(),
    }
    return all(facts[key] == value for key, value in slo.filters.items())


def _matches_attempt(history: History, record: ProviderRecord, slo: Slo) -> bool:
    """An attempt is of the class of the request that caused it; the canary tells which."""
    if not slo.filters:
        return True
    facts = {
        "class": history.class_of(record.canary),
        "tenant": record.tenant,
        "stream": str(record.stream).lower(),
    }
    return all(facts[key] == value for key, value in slo.filters.items())
