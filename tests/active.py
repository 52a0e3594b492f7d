"""Faults of a test's own, on at an endpoint without an injector."""

from typing import Any

from brownout.clock import Clock
from brownout.plan import PlannedInjection
from fixtures.providers.active import ActiveFault


def active_fault(fault: Any, clock: Clock, injection: str = "i1") -> ActiveFault:
    """Return a fault that is on for good, for everybody."""
    planned = PlannedInjection(id=injection, fault="own", settings={}, at="", endpoints=[], at_s=0.0, for_s=1e9)
    return ActiveFault(planned, fault, clock, clock.now_s())
