"""Promising: from SLO texts, as suites and game days write them, to the promises of one target on one topology."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from brownout.errors import BadInput, unknown
from brownout.metrics import METRICS
from brownout.plan import PlannedInjection, TestPlan
from brownout.shaping import Shaping
from brownout.slo import Slo, parse_slo
from brownout.target import FEATURES, Target
from brownout.topology import Topology

# What may be left to the topology and the target, and what it is called where there is none.
_ROLES = {
    "home": "topology: a tenant that may use the primary endpoint",
    "pinned": "topology: a tenant that may use nothing in the primary region",
    "neighbour": "topology: a second tenant that may use the primary endpoint",
    "vendor": "topology: an endpoint for the home tenant whose model's id tells its vendor",
    "failover_within_s": "",
    "cooldown_s": "",
    "recover_within_s": "",
    "experiment": "shaping.experiment",
    "shadowed": "shaping.shadow",
    "shadow": "shaping.shadow",
    "rollback": "shaping.rollback",
    "rollback_back": "shaping.rollback",
    "rollback_within_s": "shaping.rollback",
}


class Roles:
    """Fills ``{home}``, ``{pinned}``, ``{neighbour}``, ``{vendor}`` and the target's timings in texts.

    Of what the target shapes, ``{experiment}`` and ``{shadowed}`` are models, ``{shadow}`` is a place, ``{rollback}``
    and ``{rollback_back}`` are calls, ``{rollback_within_s}`` a time.

    Args:
        topology: it names the tenants; one may be without a role.
        target: it says how long it takes.
        recover_within_s: how long the way back to normal may take, where that is not the target's to say.
    """

    def __init__(self, topology: Topology, target: Target, recover_within_s: float | None = None) -> None:
        within_s = target.recover_within_s if recover_within_s is None else recover_within_s
        self._names = {
            "home": topology.home_tenant,
            "pinned": topology.pinned_tenant,
            "neighbour": topology.neighbour_tenant,
            "vendor": topology.home_vendor,
            "failover_within_s": f"{target.failover_within_s:g}s",
            "cooldown_s": f"{target.cooldown_s:g}s",
            "recover_within_s": f"{within_s:g}s",
            **_shaped(target.shaping),
        }

    def missing(self, text: str) -> list[str]:
        """Return what the topology lacks of what a text names."""
        return [_ROLES[role] for role, name in self._names.items() if name is None and "{" + role + "}" in text]

    def filled(self, text: str) -> str:
        """Return the text with its roles filled; one that is lacking is called by its role, and a time is 0 s."""
        for role, name in self._names.items():
            text = text.replace("{" + role + "}", name or ("0s" if role.endswith("_within_s") else role))
        return text


def _shaped(shaping: Shaping) -> dict[str, str | None]:
    experiment, rollback, shadow = shaping.experiment, shaping.rollback, shaping.shadow
    return {
        "experiment": experiment.model if experiment else None,
        "shadowed": shadow.model if shadow else None,
        "shadow": shadow.to if shadow else None,
        "rollback": rollback.call if rollback else None,
        "rollback_back": rollback.back if rollback else None,
        "rollback_within_s": f"{rollback.within_s:g}s" if rollback else None,
    }


def make_promises(
    must: Mapping[str, Sequence[str]],
    *,
    target: Target,
    topology: Topology,
    roles: Roles,
    windows: Sequence[str],
    planned: Sequence[PlannedInjection],
    started: bool,
    where: Callable[[str], str],
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return SLO texts by the promises' short names, and what is lacking for those that are to be skipped.

    Args:
        must: SLO texts, each with the features that a target must declare to be held to it.
        target: whose promises.
        topology: where.
        roles: what the texts leave open.
        windows: what a window may name: kinds of faults, and ``burst`` where the load has one.
        planned: what is injected, as far as chance let it come.
        started: whether brownout starts the target's process.
        where: from a text to what an error about it begins with.

    Raises:
        BadInput: an unknown metric, unit, filter, fault or feature, or two promises about the same thing.
    """
    promises: dict[str, str] = {}
    lacking = {}
    for text, needs in (dict(must) | _always(started=started, broken=bool(planned))).items():
        for feature in needs:
            if feature not in FEATURES:
                raise unknown("feature", feature, FEATURES, where=where(text))
        resolved = roles.filled(text)
        slo = parse_slo(resolved, where=where(text), faults=windows)
        if promises.get(slo.short_name, resolved) != resolved:
            raise BadInput(f"{where(text)}: two promises about {slo.short_name}: {promises[slo.short_name]!r} before.")
        missing = [*roles.missing(text), *target.lacks(list(needs))]
        if "failover" in needs and not missing:
            missing = _nowhere_to_go(slo, topology, planned)
        lacks = METRICS[slo.metric].lacks
        if lacks and not missing and (lack := lacks(topology, planned)):
            missing = [f"topology: {lack}"]
        if not missing:
            check_filters(slo, topology, where(text))
        promises[slo.short_name] = resolved
        if missing:
            lacking[slo.short_name] = missing
    return promises, lacking


def _always(*, started: bool, broken: bool) -> dict[str, tuple[str, ...]]:
    """Return what is promised in every test."""
    texts = ["foreign_answers <= 0"]  # whatever is tested, nobody may be given another's answer
    if broken:
        texts.append("unlifted_faults <= 0")  # the harness's own promise: nobody could trust it else
    if started:
        texts.append("target_exits <= 0")  # a target that crashes fails every test it crashes in
    return dict.fromkeys(texts, ())


def sealed_too(test: TestPlan) -> TestPlan:
    """Return a test whose target is sealed: who calls anybody it was not told of is seen, so that it is promised."""
    slo = parse_slo("undeclared_destinations <= 0")
    return msgspec.structs.replace(test, promises={**test.promises, slo.short_name: slo.text})


def _nowhere_to_go(slo: Slo, topology: Topology, planned: Sequence[PlannedInjection]) -> list[str]:
    """Nobody can be asked to fail over who has nowhere to go: neither one tenant, nor all that faults touch."""
    touched, stuck = set(), set()
    for hit in _hit_together(planned):
        for name, tenant in topology.tenants.items():
            if hit & set(tenant.allow):
                touched.add(name)
            if hit >= set(tenant.allow):
                stuck.add(name)
    asked = {slo.filters["tenant"]} if "tenant" in slo.filters else touched
    if not stuck & asked or asked - stuck:
        return []
    names = ", ".join(name for name in topology.tenants if name in stuck & asked)
    return [f"topology: an endpoint for {names} that the fault leaves alone"]


def _hit_together(planned: Sequence[PlannedInjection]) -> list[set[str]]:
    """Return, for the instant at which each injection comes on, all the endpoints that have one on."""
    return [
        {name for other in planned if other.at_s <= one.at_s < other.at_s + other.for_s for name in other.endpoints}
        for one in planned
    ]


def check_filters(slo: Slo, topology: Topology, where: str) -> None:
    """Refuse a filter that nobody can match: a promise about nobody is one that nobody can judge.

    Raises:
        BadInput: an unknown tenant or class, or ``stream`` of something else than true or false.
    """
    known = {
        "tenant": list(topology.tenants),
        "class": ["interactive", "background"],
        "stream": ["true", "false"],
    }
    for key, value in slo.filters.items():
        if key in known and value not in known[key]:
            raise unknown(key, value, known[key], where=f"{where}: SLO {slo.text!r}")
