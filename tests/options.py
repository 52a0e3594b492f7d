"""What a gate on the reference router is asked for, unless a test says otherwise."""

from typing import Any

from brownout.target import load_target
from fixtures.catalogue import REFERENCE_TARGET, load_topology
from fixtures.gate import GateOptions
from fixtures.suites import all_suites


def reference_options(**changes: Any) -> GateOptions:
    """Return all suites on the reference router and the usual topology; changes as told."""
    target, folder = load_target(str(REFERENCE_TARGET))
    known: dict[str, Any] = {
        "target": target,
        "folder": folder,
        "topology": load_topology("slack"),
        "suites": all_suites(),
    }
    return GateOptions(**(known | changes))
