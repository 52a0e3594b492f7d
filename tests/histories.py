"""Small literal histories on disk: a plan, records, and the run directory that holds them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brownout.egress import LAYERS, EgressRecord, LayerRecord
from brownout.evidence import ClientRecord, CredentialRecord, FaultRecord, Journal, PhaseRecord, ProviderRecord
from brownout.judge import judge
from brownout.plan import Plan, PlannedInjection, TestPlan
from brownout.rundir import RunDir
from brownout.topology import Endpoint, Tenant, Topology
from brownout.verdict import Promise
from brownout.workload import Workload

if TYPE_CHECKING:
    import msgspec

TEST = "t"
NEAR, SPARE, ABROAD = "near", "spare", "abroad"
ACME, EUROPA = "acme", "europa"
ON_S, OFF_S, LAST_S = 10.0, 20.0, 30.0


def _endpoint(name: str, region: str) -> Endpoint:
    return Endpoint(
        name=name,
        cloud="aws",
        provider="bedrock",
        region=region,
        capacity="on-demand",
        dialect="bedrock-converse",
        model="m",
    )


TOPOLOGY = Topology(
    topology="small",
    endpoints=[_endpoint(NEAR, "us-east-1"), _endpoint(SPARE, "us-west-2"), _endpoint(ABROAD, "eu-west-1")],
    tenants={ACME: Tenant(allow=[NEAR, SPARE]), EUROPA: Tenant(allow=[ABROAD])},
)


def injection(name: str = "region-down-1", *endpoints: str, fault: str = "region-down") -> PlannedInjection:
    """Return a planned injection, at the near endpoint unless told."""
    return PlannedInjection(
        id=name,
        fault=fault,
        settings={},
        at="us-east-1",
        endpoints=list(endpoints or (NEAR,)),
        at_s=ON_S,
        for_s=OFF_S - ON_S,
    )


def a_test(*promises: str, injections: Sequence[PlannedInjection] | None = None, **changes: Any) -> TestPlan:
    """Return a test with these promises (named by their texts), and one injection unless told."""
    known: dict[str, Any] = {
        "test": TEST,
        "suite": "s",
        "why": "",
        "workload": Workload(patience_s=8.0),
        "injections": [injection()] if injections is None else list(injections),
        "promises": {text: text for text in promises},
        "recover_within_s": 5.0,
    }
    return TestPlan(**(known | changes))


def ask(number: int, due_s: float, *, tenant: str = ACME, **changes: Any) -> ClientRecord:
    """Return a request served by the near endpoint 0.1 s after it was due, whole after 0.3 s; changes as told."""
    known: dict[str, Any] = {
        "test": TEST,
        "canary": f"{tenant}-{number}",
        "tenant": tenant,
        "traffic_class": "interactive",
        "stream": True,
        "due_s": due_s,
        "sent_s": due_s,
        "end_s": due_s + 0.3,
        "outcome": "ok",
        "first_token_s": due_s + 0.1,
        "status": 200,
        "integrity": "whole",
        "served_by": NEAR,
        "tokens": 5,
    }
    return ClientRecord(**(known | changes))


def lost(number: int, due_s: float, outcome: str = "refused", **changes: Any) -> ClientRecord:
    """Return a request that was not served and never had a token."""
    nothing = {"first_token_s": None, "integrity": None, "served_by": None, "outcome": outcome}
    return ask(number, due_s, **(nothing | changes))


def attempt(
    number: int, arrived_s: float, endpoint: str = NEAR, *, tenant: str | None = ACME, **changes: Any
) -> ProviderRecord:
    """Return an attempt that the endpoint served."""
    known: dict[str, Any] = {
        "test": TEST,
        "endpoint": endpoint,
        "arrived_s": arrived_s,
        "end_s": arrived_s + 0.2,
        "outcome": "ok",
        "canary": f"{tenant}-{number}",
        "tenant": tenant,
        "status": 200,
        "stream": True,
    }
    return ProviderRecord(**(known | changes))


def fault_records(
    name: str = "region-down-1",
    *endpoints: str,
    on_s: float = ON_S,
    off_s: float | None = OFF_S,
    fired: int = 3,
    undone: bool | None = True,
    fault: str = "region-down",
) -> list[FaultRecord]:
    """Return the records of a fault that came on and, unless ``off_s`` is None, went off."""
    known: dict[str, Any] = {
        "test": TEST,
        "injection": name,
        "fault": fault,
        "at": "us-east-1",
        "endpoints": list(endpoints or (NEAR,)),
    }
    records = [FaultRecord(event="on", at_s=on_s, **known)]
    if off_s is not None:
        records.append(FaultRecord(event="off", at_s=off_s, fired=fired, undone=undone, **known))
    return records


def phases(*names: str, why: Mapping[str, str] | None = None) -> list[PhaseRecord]:
    """Return marks, by name; all those of a test that ran to its end unless told."""
    at_s = {"load-start": 0.0, "target-ready": 0.0}
    return [
        PhaseRecord(test=TEST, phase=name, at_s=at_s.get(name, LAST_S), why=(why or {}).get(name, ""))
        for name in (names or ("target-ready", "load-start", "load-end", "done"))
    ]


class Story:
    """One test's evidence, to be changed and then judged. It begins as a healthy run in which a fault hurt nobody.

    A hundred and twenty requests, four a second unless told, each with its attempt: at the near endpoint, or at the
    spare one while the fault was on; every fourth is of the tenant abroad.
    """

    def __init__(self, folder: Path, *promises: str, rate_rps: int = 4, **plan: Any) -> None:
        self.run = RunDir(folder)
        self.plan = a_test(*promises, **plan)
        self.client: list[ClientRecord] = []
        self.provider: list[ProviderRecord] = []
        self.credentials: list[CredentialRecord] = []
        self.faults = fault_records()
        self.phases = phases()
        self.egress: list[EgressRecord] = []
        self.layers = [
            LayerRecord(test=TEST, layer=layer, complete=True, seen=10_000, why="all seen") for layer in LAYERS
        ]
        for number in range(30 * rate_rps):
            due_s = number / rate_rps
            tenant = EUROPA if number % 4 == 3 else ACME
            place = ABROAD if tenant == EUROPA else SPARE if ON_S <= due_s < OFF_S else NEAR
            self.client.append(ask(number, due_s, tenant=tenant, served_by=place))
            self.provider.append(attempt(number, due_s + 0.01, place, tenant=tenant))

    def during(self) -> list[int]:
        """Return the places in ``client`` of the requests of the hit tenant that were due while the fault was on."""
        return [place for place, one in enumerate(self.client) if ON_S <= one.due_s < OFF_S and one.tenant == ACME]

    def write(self) -> RunDir:
        """Write the run directory."""
        plan = Plan(
            run="r",
            target="a-router",
            dialect="openai-chat",
            clock="virtual",
            profile="fast",
            seed=1,
            replay="",
            topology=TOPOLOGY,
            tests=[self.plan],
        )
        self.run.write_plan(plan)
        layers: dict[str, Sequence[msgspec.Struct]] = {
            "client": self.client,
            "provider": self.provider,
            "credentials": self.credentials,
            "faults": self.faults,
            "phases": self.phases,
            "egress": self.egress,
            "layers": self.layers,
        }
        for name, records in layers.items():
            path = self.run.file(f"{name}.jsonl")
            path.unlink(missing_ok=True)
            journal = Journal(path)
            for record in records:
                journal.write(record)
            journal.close()
        return self.run

    def judged(self) -> list[Promise]:
        """Write it, judge it, and return the promises in order."""
        return judge(self.write()).promises

    def verdict(self) -> Promise:
        """Return the verdict on the one promise."""
        (promise,) = self.judged()
        return promise
