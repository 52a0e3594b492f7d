"""Crossing: which of what was received and seen lies outside a tenant's boundary.

Judges count by these rules, and reports tell and the selftest looks by the same: what is red and what is told as a
violation cannot differ.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from brownout.answering import Answering
from brownout.canary import tenant_of
from brownout.egress import EgressRecord, Layer
from brownout.evidence import ClientRecord, ProviderRecord
from brownout.owners import is_public
from brownout.topology import Topology

OUTWARD: frozenset[Layer] = frozenset({"plaintext", "flows", "names"})
"""The layers that see what leaves a target for somewhere else."""

MADE = "answer"
"""The part that `made_abroad` names: nothing was seen on its way there, an answer says that it was made there."""

_BESIDE: Mapping[Layer, str] = MappingProxyType(
    {"replies": "data_in_replies", "telemetry": "data_in_telemetry", "files": "data_written"}
)


def crossing(topology: Topology, attempt: ProviderRecord) -> str:
    """Return how an attempt crossed its tenant's boundary; empty where it did not.

    One for a common question, with nobody's prompt besides, is nobody's: of its answer see `made_abroad`.
    """
    if attempt.tenant is None and is_public(tenant_of(attempt.canary or "")):
        return ""
    tenant = attempt.tenant or ""
    if tenant not in topology.tenants:
        return f"{tenant or 'nobody'} at {attempt.endpoint}"
    if attempt.endpoint not in topology.tenants[tenant].allow:
        return f"{tenant} at {attempt.endpoint}" if "prompt" in topology.boundary_of(tenant).never else ""
    if not topology.boundary_of(tenant).lets(attempt.profile):
        return f"{tenant} at {attempt.endpoint} by an inference profile {attempt.profile}., which reaches wider"
    return ""


def kept_in(topology: Topology, record: EgressRecord) -> bool:
    """Return whether what was seen is of a kind that its tenant's boundary keeps in.

    What is of nobody that is known is kept in; common questions, and answers to them, are known to be nobody's.
    """
    if is_public(record.tenant):
        return False
    return record.tenant not in topology.tenants or record.kind in topology.boundary_of(record.tenant).never


def left(topology: Topology, record: EgressRecord) -> bool:
    """Return whether what was seen is a tenant's data, of a kind that its boundary keeps in, where it may not be."""
    return record.layer in OUTWARD and bool(record.canary) and not record.to and kept_in(topology, record)


def made_abroad(topology: Topology, client: Iterable[ClientRecord], answering: Answering) -> Iterator[EgressRecord]:
    """Yield, of requests that asked a common question, the answers that were made outside their tenant's boundary.

    Its endpoint could not know who asked; what a client is given tells where it was made. Whether its own question went
    there, or it was given another's answer: it has an answer from where it may have none.

    Args:
        topology: the boundaries.
        client: the requests.
        answering: tells what an endpoint has falsified itself: that may name any place.
    """
    for one in client:
        if not one.question or one.served_by is None or one.served_by in topology.tenants[one.tenant].allow:
            continue
        record = EgressRecord(
            test=one.test,
            at_s=one.end_s,
            layer="plaintext",
            place=one.served_by,
            canary=one.canary,
            kind="completion",
            chain="raw",
            part=MADE,
            why=f"to {one.question}",
        )
        if kept_in(topology, record) and not any(attempt.falsified for attempt in answering.to(one.canary)):
            yield record


def mixed_up(answering: Answering, record: EgressRecord) -> bool:
    """Return whether an endpoint gave another request's answer itself: no router can be held to know whose it is.

    An answer to a common question is whose who was given it first, so that either may be who was given the wrong one.

    Args:
        answering: a test's attempts, by what was asked.
        record: what was seen.
    """
    if record.layer != "replies" or record.kind != "completion":
        return False
    requests = [record.place, *([record.canary] if answering.question_of(record.canary) else [])]
    return any(attempt.falsified for one in requests for attempt in answering.to(one))


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
