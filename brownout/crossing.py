"""Crossing: which of what was received and seen lies outside a tenant's boundary.

Judges count by these rules, and reports tell and the selftest looks by the same: what is red and what is told as a
violation cannot differ.
"""

from collections.abc import Mapping
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
        return f"{tenant} at {attempt.endpoint}"
    if not topology.boundary_of(tenant).lets(attempt.profile):
        return f"{tenant} at {attempt.endpoint} by an inference profile {attempt.profile}., which reaches wider"
    return ""


def left(topology: Topology, record: EgressRecord) -> bool:
    """Return whether what was seen is a tenant's data, of a kind that its boundary keeps in, where it may not be."""
    if record.layer not in OUTWARD or not record.canary or record.to:
        return False
    return record.tenant not in topology.tenants or record.kind in topology.boundary_of(record.tenant).never


def broken_by(topology: Topology, record: EgressRecord) -> str:
    """Return the metric that counts what was seen; empty for what is on record and belongs where it was."""
    if left(topology, record):
        return "boundary_violations"
    if record.layer in _BESIDE:
        return _BESIDE[record.layer]
    if record.layer == "plaintext" and record.to:
        return "mixed_requests"
    return "undeclared_destinations" if record.denied and record.layer != "plaintext" else ""
