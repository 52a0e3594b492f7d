"""Crossing: which of what was received and seen lies outside a tenant's boundary.

Judges count by these rules, and reports tell and the selftest looks by the same: what is red and what is told as a
violation cannot differ.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from brownout.egress import EgressRecord, Layer
from brownout.evidence import ProviderRecord
from brownout.topology import Topology

OUTWARD: frozenset[Layer] = frozenset({"plaintext", "flows", "names"})
"""The layers that see what leaves a target for somewhere else."""

_BESIDE: Mapping[Layer, str] = MappingProxyType(
    {"replies": "data_in_replies", "telemetry": "data_in_telemetry", "files": "data_written"}
)


def crossing(topology: Topology, attempt: ProviderRecord) -> str:
    """Return how an attempt crossed its tenant's boundary; empty where it did not."""
    tenant = attempt.tenant or ""
    if tenant not in topology.tenants:
        return f"{tenant or 'nobody'} at {attempt.endpoint}"
    if attempt.endpoint not in topology.tenants[tenant].allow:
        return f"{tenant} at {attempt.endpoint}" if "prompt" in topology.boundary_of(tenant).never else ""
    if not topology.boundary_of(tenant).lets(attempt.profile):
        return f"{tenant} at {attempt.endpoint} by an inference profile {attempt.profile}., which reaches wider"
    return ""


def kept_in(topology: Topology, record: EgressRecord) -> bool:
    """Return whether what was seen is of a kind that its tenant's boundary keeps in. What is nobody's is kept in."""
    return record.tenant not in topology.tenants or record.kind in topology.boundary_of(record.tenant).never


def left(topology: Topology, record: EgressRecord) -> bool:
    """Return whether what was seen is a tenant's data, of a kind that its boundary keeps in, where it may not be."""
    return record.layer in OUTWARD and bool(record.canary) and not record.to and kept_in(topology, record)


def mixed_up(by_canary: Mapping[str, Sequence[ProviderRecord]], record: EgressRecord) -> bool:
    """Return whether an endpoint gave another request's answer itself: no router can be held to know whose it is.

    Args:
        by_canary: a test's attempts, by the canary that each bore.
        record: what was seen.
    """
    attempts = by_canary.get(record.place, ()) if record.layer == "replies" and record.kind == "completion" else ()
    return any(one.falsified for one in attempts)


def broken_by(topology: Topology, record: EgressRecord) -> str:
    """Return the metric that counts what was seen; empty for what is on record and belongs where it was.

    Of a reply see also `mixed_up`.
    """
    if record.canary and not kept_in(topology, record):
        return ""
    if left(topology, record):
        return "boundary_violations"
    if record.layer in _BESIDE:
        return _BESIDE[record.layer]
    if record.layer == "plaintext" and record.to:
        return "mixed_requests"
    return "undeclared_destinations" if record.denied and record.layer != "plaintext" else ""
