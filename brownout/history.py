"""History: one test's evidence, joined by canary, with the windows its faults were really on."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from brownout.answering import Answering
from brownout.egress import EgressRecord, LayerRecord, merged
from brownout.evidence import (
    ClientRecord,
    CredentialRecord,
    FaultRecord,
    PhaseRecord,
    ProviderRecord,
    TelemetryRecord,
)
from brownout.plan import BURST, TARGET, PlannedInjection, Play, TestPlan
from brownout.tape import TapeRecord
from brownout.topology import Topology

Record = TypeVar("Record")


class Window(NamedTuple):
    """When an injection was really on (instants on the test's clock), and what it touched."""

    injection: PlannedInjection
    on_s: float
    off_s: float
    fired: int
    undone: bool | None
    why: str = ""

    @property
    def half_s(self) -> float:
        """When half of it was over: what a router does then, it has had time to decide."""
        return (self.on_s + self.off_s) / 2

    def __contains__(self, instant_s: object) -> bool:
        return isinstance(instant_s, float) and self.on_s <= instant_s < self.off_s


class History:
    """One test's evidence, whole: what a metric may ask about.

    ``client`` and ``attempts`` are sorted by due time and by arrival; ``asked`` are the former by canary, and
    ``attempts`` those that carry one; ``asides`` are what else came to endpoints (a target's own health checks).
    ``answering`` are the attempts that a request's answer may be of, and ``by_canary`` those of each request that asked
    a question of its own. ``credentials`` are calls to the services that give them out, in order, whoever's
    request was behind them. ``telemetry`` is what the target said of itself, before load and after it. ``egress`` is
    what was seen where it does not belong, ``layers`` what each layer that looks for it says of itself. ``began_s`` is
    when load began. ``tape`` is what was received everywhere, as digests, of a test that has a twin; ``others`` are
    then the histories of its other plays. ``virtual``: whether it was played in virtual time, in which one seed makes
    one history.
    """

    def __init__(
        self,
        plan: TestPlan,
        topology: Topology,
        *,
        client: Sequence[ClientRecord],
        provider: Sequence[ProviderRecord],
        faults: Sequence[FaultRecord],
        phases: Sequence[PhaseRecord],
        credentials: Sequence[CredentialRecord] = (),
        telemetry: Sequence[TelemetryRecord] = (),
        egress: Sequence[EgressRecord] = (),
        layers: Sequence[LayerRecord] = (),
        tape: Sequence[TapeRecord] = (),
        others: "Mapping[Play, History] | None" = None,
        virtual: bool = False,
    ) -> None:
        self.plan = plan
        self.tape, self.others, self.virtual = tape, others or {}, virtual
        self.topology = topology
        self.client = sorted(client, key=lambda record: (record.due_s, record.canary))
        self.attempts = sorted(
            (record for record in provider if record.canary is not None),
            key=lambda record: (record.arrived_s, record.canary or ""),
        )
        self.asides = [record for record in provider if record.canary is None]
        self.credentials = sorted(credentials, key=lambda record: (record.at_s, record.service, record.principal))
        self.egress = sorted(egress, key=lambda record: (record.at_s, record.layer, record.place, record.canary))
        self.layers = merged(layers)
        self.phases = {phase.phase: phase for phase in phases}
        self.telemetry = {record.when: record for record in telemetry}
        self.last_s = max([r.end_s for r in client] + [r.end_s for r in provider] + [p.at_s for p in phases] + [0.0])
        self.windows = list(_windows(plan.injections, faults, self.last_s))
        began = self.phases.get("load-start")
        self.began_s = began.at_s if began else 0.0
        self.bursts = list(_bursts(plan, self.began_s)) if began else []
        self.asked = {record.canary: record for record in self.client}
        self.answering = Answering(self.client, self.attempts)
        self.by_canary = self.answering.by_canary

    def class_of(self, canary: str | None) -> str | None:
        """Return the traffic class of the request that a canary is of; None where no client knows of it."""
        asked = self.asked.get(canary or "")
        return asked.traffic_class if asked else None

    @property
    def senders(self) -> set[str]:
        """The tenants who have a share of the load: of the others nothing can be seen."""
        load = self.plan.workload
        shares = [load.tenants or dict.fromkeys(self.topology.tenants, 1.0), *(b.tenants for b in load.arrival.bursts)]
        return {name for mix in shares for name, share in mix.items() if share > 0}

    def windows_of(self, fault: str) -> list[Window]:
        """Return the windows of a kind of fault; ``faults`` or nothing means all, ``burst`` the load's own bursts."""
        if fault == BURST:
            return self.bursts
        return [w for w in self.windows if fault in ("", "faults", w.injection.fault)]

    def affected(self, window: Window) -> set[str]:
        """Return the tenants with load whose endpoints the fault touches; who strikes the router touches all."""
        if window.injection.at == TARGET:
            return self.senders
        hit = set(window.injection.endpoints)
        meant = self.senders & (set(window.injection.tenants) or self.senders)
        return {name for name in meant if hit & set(self.topology.tenants[name].allow)}

    def servable(self, window: Window) -> set[str]:
        """Return the affected tenants that still have an allowed endpoint without a fault on it at that time.

        A fault of the router itself is on no endpoint: that nobody is served meanwhile is what it costs.
        """
        beside = [w.injection for w in self.windows if w.on_s < window.off_s and window.on_s < w.off_s]
        return {
            tenant
            for tenant in self.affected(window)
            if set(self.topology.tenants[tenant].allow)
            - {name for one in beside if not one.tenants or tenant in one.tenants for name in one.endpoints}
        }

    def is_last_for(self, window: Window, tenants: set[str]) -> bool:
        """Return whether no other fault on any of these tenants outlasts the window: only then can they recover."""
        return not any(other.off_s > window.off_s and tenants & self.affected(other) for other in self.windows)

    def before_s(self) -> float:
        """Return when the first fault came on, or the load's first burst did (the end of evidence when none did)."""
        return min((w.on_s for w in [*self.windows, *self.bursts]), default=self.last_s)


def _windows(injections: Sequence[PlannedInjection], faults: Sequence[FaultRecord], last_s: float) -> Iterator[Window]:
    for injection in injections:
        events = {record.event: record for record in faults if record.injection == injection.id}
        off = events.get("off")
        # What could not be put on was on for no time at all; it counts where what was begun of it may be on still.
        on = events.get("on") or (off if off and off.undone is False else None)
        if on:
            yield Window(
                injection,
                on.at_s,
                off.at_s if off else last_s,
                off.fired if off else 0,
                off.undone if off else None,
                off.why if off else "nothing says that it went off",
            )


def _bursts(plan: TestPlan, began_s: float) -> Iterator[Window]:
    for number, burst in enumerate(plan.workload.arrival.bursts, start=1):
        injection = PlannedInjection(
            id=f"{BURST}-{number}",
            fault=BURST,
            settings={},
            at="load",
            endpoints=[],
            at_s=burst.at_s,
            for_s=burst.for_s,
        )
        yield Window(injection, began_s + burst.at_s, began_s + burst.ends_s, fired=0, undone=True)


def grouped(records: Iterable[Record], key: Callable[[Record], str]) -> Mapping[str, list[Record]]:
    """Return the records by what the key says of each, in order within each group."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(key(record), []).append(record)
    return groups
