"""The evidence of a run, by test, read as far as it can be read: a report of a broken run is needed most."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import msgspec

from brownout.egress import EgressRecord, LayerRecord
from brownout.evidence import ClientRecord, FaultRecord, PhaseRecord, ProviderRecord
from brownout.rundir import RunDir


class _OfTest(Protocol):
    test: str


T = TypeVar("T", bound=_OfTest)


@dataclass(frozen=True)
class Evidence:
    """Records by test; ``problems`` says which files were missing, empty or not readable.

    That nothing was seen where it may not be is no problem, and what no layer recorded is in the grade of the proof.
    """

    client: dict[str, list[ClientRecord]]
    provider: dict[str, list[ProviderRecord]]
    faults: dict[str, list[FaultRecord]]
    phases: dict[str, list[PhaseRecord]]
    egress: dict[str, list[EgressRecord]] = field(default_factory=dict)
    layers: dict[str, list[LayerRecord]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read(run: RunDir) -> Evidence:
    """Read a run's evidence. Never raises for evidence that is not there or not whole; it says so in ``problems``."""
    problems: list[str] = []
    return Evidence(
        client=_by_test(run, "client.jsonl", run.client, problems),
        provider=_by_test(run, "provider.jsonl", run.provider, problems),
        faults=_by_test(run, "faults.jsonl", run.faults, problems),
        phases=_by_test(run, "phases.jsonl", run.phases, problems),
        egress=_by_test(run, "egress.jsonl", run.egress, problems, may_be_empty=True),
        layers=_by_test(run, "layers.jsonl", run.layers, problems, may_be_empty=True),
        problems=problems,
    )


def _by_test(
    run: RunDir, name: str, reader: Callable[[], Sequence[T]], problems: list[str], *, may_be_empty: bool = False
) -> dict[str, list[T]]:
    grouped: dict[str, list[T]] = defaultdict(list)
    try:
        for record in reader():
            grouped[record.test].append(record)
    except (msgspec.DecodeError, UnicodeDecodeError, OSError) as error:
        problems.append(f"{name} could not be read: {error}")
        return {}
    if not grouped and not may_be_empty:
        problems.append(f"{name} holds no records" if run.file(name).exists() else f"{name} is missing")
    return dict(grouped)
