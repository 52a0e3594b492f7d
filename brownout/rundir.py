"""The run directory: ``runs/<name>/<UTC time>/``, with a ``latest`` link beside it."""

import os
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import msgspec
import yaml

from brownout import __version__
from brownout.clock import utc_now
from brownout.egress import EgressRecord, LayerRecord
from brownout.errors import BadInput
from brownout.evidence import (
    ClientRecord,
    CredentialRecord,
    FaultRecord,
    PhaseRecord,
    ProviderRecord,
    TelemetryRecord,
    read_records,
)
from brownout.plan import Plan
from brownout.tape import TapeRecord
from brownout.verdict import Verdicts

# A whole profile's plan has some six thousand lines: in C, where there is libyaml (both write and read the same YAML).
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class RunDir:
    """The files of one run, by name.

    Evidence: ``plan.yaml env.json client.jsonl provider.jsonl credentials.jsonl faults.jsonl phases.jsonl
    telemetry.jsonl egress.jsonl layers.jsonl tape.jsonl``; judged from it: ``verdicts.json junit.xml summary.md
    report.html``. Each test has a folder of its own for the target's config and logs.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()

    @classmethod
    def create(cls, base: Path, name: str) -> "RunDir":
        """Make a new run directory under ``base/name`` and point ``latest`` at it.

        Raises:
            BadInput: nothing can be made there.
        """
        stamp = utc_now().strftime("%Y%m%dT%H%M%S.%fZ")
        path = base / name / stamp
        try:
            path.mkdir(parents=True)
            link = base / name / "latest"
            spare = base / name / f".latest-{stamp}"
            spare.symlink_to(stamp)
            spare.replace(link)
        except OSError as error:
            raise BadInput(f"--out {base}: no run directory can be made there ({error.strerror}).") from None
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> "RunDir":
        """Open an existing run; raises `BadInput` when there is no plan in it."""
        if not (path / "plan.yaml").is_file():
            raise BadInput(f"{path}: no run here (no plan.yaml). Give a run directory such as runs/gate/latest.")
        return cls(path)

    def file(self, name: str) -> Path:
        """Return the path of one file of the run."""
        return self.path / name

    @property
    def debts(self) -> Path:
        """Where the run writes down what it will have to undo (see `brownout.debts`)."""
        return self.path / "debts"

    def folder(self, test: str) -> Path:
        """Return (and make) a test's own folder."""
        folder = self.path / test
        folder.mkdir(exist_ok=True)
        return folder

    def write_plan(self, plan: Plan) -> None:
        """Write ``plan.yaml``."""
        self.file("plan.yaml").write_text(yaml.dump(msgspec.to_builtins(plan), Dumper=_DUMPER, sort_keys=False))

    def write_environment(self, argv: list[str], seed: int, target: Mapping[str, str] | None = None) -> None:
        """Write ``env.json``: versions, the checkout's state, the command line and the seed.

        ``target``: the versions of what the target is made of, as they are installed.
        """
        facts = {
            "brownout": __version__,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
            "git": _git("rev-parse", "HEAD"),
            "uncommitted": bool(_git("status", "--porcelain")),
            "argv": ["brownout", *argv],
            "seed": seed,
            "packages": {name: _version(name) for name in ("aiohttp", "locust", "toxiproxy-python", "uvloop")},
            "target_packages": dict(target or {}),
        }
        self.file("env.json").write_bytes(msgspec.json.format(msgspec.json.encode(facts), indent=2) + b"\n")

    def plan(self) -> Plan:
        """Read ``plan.yaml`` back."""
        return msgspec.convert(yaml.load(self.file("plan.yaml").read_text(), Loader=_LOADER), Plan)  # noqa: S506 - safe, both

    def verdicts(self) -> Verdicts:
        """Read ``verdicts.json``; raises `BadInput` when the run was not judged."""
        path = self.file("verdicts.json")
        if not path.is_file():
            raise BadInput(f"{path}: this run was not judged yet. Run: brownout judge {self.path}")
        return msgspec.json.decode(path.read_bytes(), type=Verdicts)

    def client(self) -> list[ClientRecord]:
        """What clients saw."""
        return read_records(self.file("client.jsonl"), ClientRecord)

    def provider(self) -> list[ProviderRecord]:
        """What each endpoint received."""
        return read_records(self.file("provider.jsonl"), ProviderRecord)

    def credentials(self) -> list[CredentialRecord]:
        """What was asked of the services that give out credentials."""
        return read_records(self.file("credentials.jsonl"), CredentialRecord)

    def faults(self) -> list[FaultRecord]:
        """When each fault was on, and how often it fired."""
        return read_records(self.file("faults.jsonl"), FaultRecord)

    def phases(self) -> list[PhaseRecord]:
        """The marks in each test's life."""
        return read_records(self.file("phases.jsonl"), PhaseRecord)

    def telemetry(self) -> list[TelemetryRecord]:
        """What the target said of itself."""
        return read_records(self.file("telemetry.jsonl"), TelemetryRecord)

    def egress(self) -> list[EgressRecord]:
        """What was seen where it does not belong."""
        return read_records(self.file("egress.jsonl"), EgressRecord)

    def layers(self) -> list[LayerRecord]:
        """What each layer of evidence says of itself."""
        return read_records(self.file("layers.jsonl"), LayerRecord)

    def tape(self) -> list[TapeRecord]:
        """What was received everywhere in tests that have a twin, as digests."""
        return read_records(self.file("tape.jsonl"), TapeRecord)


def _git(*words: str) -> str:
    """Return what git says of the code that runs; nothing where it is no checkout."""
    try:
        said = subprocess.run(  # noqa: S603 - our own words
            ["git", *words],  # noqa: S607 - the user's git
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return said.stdout.strip() if said.returncode == 0 else ""


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
