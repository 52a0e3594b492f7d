"""Where each tenant's data went: attempts by endpoint and inference profile, and what was seen elsewhere. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from brownout.canary import COMMON, tenant_of
from brownout.crossing import MADE
from brownout.evidence import ProviderRecord
from brownout.owners import is_public
from brownout.plan import Plan
from brownout.topology import Endpoint, Topology
from reports.chart import endpoint_colour
from reports.leak_words import place
from reports.leaks import Leak, Way

_ASIDE = {
    "plaintext": "in a request that is no attempt",
    "replies": "in a reply",
    "telemetry": "in telemetry",
    "files": "in a file",
    "flows": "in a packet",
    "names": "in a name",
}
_STRANGERS = {"": "no tenant", COMMON: "common questions"}


class Cell(NamedTuple):
    """How often a tenant's data came to a place, and whether that is inside the tenant's boundary."""

    times: int
    inside: bool


@dataclass(frozen=True)
class Row:
    """Attempts at one endpoint, by the model itself or by one inference profile. ``strangers``: of no known tenant."""

    endpoint: Endpoint
    colour: str
    profile: str
    attempts: int
    refused: int
    tenants: list[Cell]
    strangers: list[int]


class Aside(NamedTuple):
    """What was seen of tenants' data at a place in anything but an attempt of theirs; all of it is outside."""

    place: str
    where: str
    counts: list[int]
    strangers: int


class Inside(NamedTuple):
    """A tenant's boundary: its name (empty for none that has one), what it is for, and what lies inside it."""

    tenant: str
    boundary: str
    why: str
    endpoints: list[str]
    within: str
    profiles: list[str]
    never: list[str]


@dataclass(frozen=True)
class Ledger:
    """The destinations of a run. Counts are in the order of ``tenants`` and ``strangers``."""

    tenants: list[Inside]
    strangers: list[str]
    rows: list[Row]
    aside: list[Aside]


def ledger(plan: Plan, records: Sequence[ProviderRecord], leaks: Iterable[Leak]) -> Ledger:
    """Return where each tenant's data went, over all tests."""
    topology = plan.topology
    strangers = sorted({_whose(record) for record in records} - topology.tenants.keys())
    used = {(record.endpoint, record.profile) for record in records}
    rows = [
        _row(topology, endpoint, endpoint_colour(index), profile, records, strangers)
        for index, endpoint in enumerate(topology.endpoints)
        for profile in _profiles(endpoint, {profile for name, profile in used if name == endpoint.name})
    ]
    played = {one.test: (one.base, one.repeat) for one in plan.tests}
    tried = {(*played.get(record.test, ("", 0)), record.canary, record.endpoint) for record in records}
    aside = [one for one in leaks if one.way.tenant and (one.test, one.repeat, one.canary, one.way.place) not in tried]
    return Ledger(
        [_inside(topology, tenant) for tenant in topology.tenants],
        [_STRANGERS.get(name, name) for name in strangers],
        rows,
        _aside(aside, list(topology.tenants)),
    )


def _whose(record: ProviderRecord) -> str:
    owner = tenant_of(record.canary or "")
    return record.tenant or (owner if is_public(owner) else "")


def _profiles(endpoint: Endpoint, used: set[str]) -> list[str]:
    """Return the profiles to tell of: the endpoint's own first, and others that were used."""
    return [endpoint.profile, *sorted(used - {endpoint.profile})]


def _row(
    topology: Topology,
    endpoint: Endpoint,
    colour: str,
    profile: str,
    records: Sequence[ProviderRecord],
    strangers: Sequence[str],
) -> Row:
    here = [record for record in records if (record.endpoint, record.profile) == (endpoint.name, profile)]
    counts = Counter(map(_whose, here))
    return Row(
        endpoint,
        colour,
        profile,
        attempts=len(here),
        refused=sum(record.outcome == "refused" for record in here),
        tenants=[
            Cell(counts[name], endpoint.name in tenant.allow and topology.boundary_of(name).lets(profile))
            for name, tenant in topology.tenants.items()
        ],
        strangers=[counts[name] for name in strangers],
    )


def _aside(leaks: Sequence[Leak], tenants: Sequence[str]) -> list[Aside]:
    counts: dict[tuple[str, str], Counter[str]] = {}
    for leak in leaks:
        counts.setdefault((place(leak.way), _where(leak.way)), Counter())[leak.way.tenant] += leak.times
    return [
        Aside(at, where, [found[name] for name in tenants], sum(found[name] for name in found if name not in tenants))
        for (at, where), found in counts.items()
    ]


def _where(way: Way) -> str:
    if way.part == MADE:
        return "where an answer was made"
    return "in another's request" if way.layer == "plaintext" and way.to else _ASIDE[way.layer]


def _inside(topology: Topology, name: str) -> Inside:
    tenant, boundary = topology.tenants[name], topology.boundary_of(name)
    named = tenant.boundary in topology.boundaries
    within = [f"regions {', '.join(boundary.regions)}"] if boundary.regions else []
    within += [f"accounts {', '.join(boundary.accounts)}"] if boundary.accounts else []
    return Inside(
        name,
        tenant.boundary if named else "",
        boundary.why if named else "",
        list(tenant.allow),
        "; ".join(within),
        list(boundary.inference_profiles),
        [str(kind) for kind in boundary.never],
    )
