"""What a topology must have for a metric to see anything: where it has not, the promise is left out, and it is said."""

from collections.abc import Sequence

from brownout.plan import PlannedInjection
from brownout.topology import Topology


def provisioned(topology: Topology, planned: Sequence[PlannedInjection]) -> str:
    """Return that there is no purchased capacity, where there is none."""
    del planned
    return "" if topology.has("provisioned") else "an endpoint of capacity provisioned"


def credentials_that_end(topology: Topology, planned: Sequence[PlannedInjection]) -> str:
    """Return that no endpoint takes credentials that end, where none does."""
    del planned
    ends = topology.has("auth:sigv4") or topology.has("auth:google-oauth")
    return "" if ends else "an endpoint whose credentials end (AWS, Google)"


def two_dialects(topology: Topology, planned: Sequence[PlannedInjection]) -> str:
    """Return that all endpoints speak alike, where they do."""
    del planned
    return "" if len({endpoint.dialect for endpoint in topology.endpoints}) > 1 else "endpoints of two dialects"


def neighbours(topology: Topology, planned: Sequence[PlannedInjection]) -> str:
    """Return that nothing is beside what faults touch, in its region, where nothing is.

    Beside what only one tenant meets is everybody else.
    """
    hit = {name for one in planned if not one.tenants for name in one.endpoints}
    regions = {topology.endpoint(name).region for name in hit}
    beside = {endpoint.name for endpoint in topology.endpoints if endpoint.region in regions} - hit
    return "" if beside or not hit else "an endpoint beside the faulted one in its region"
