"""What the tests of the sealed world share: a lab that is up, and programs run sealed in it."""

import contextlib
import functools
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from brownout.canary import CanaryMint, run_key
from brownout.clock import monotonic_s
from brownout.egress import EgressRecord, LayerRecord
from brownout.evidence import read_records
from fixtures.child import rooms_environment
from fixtures.sealed.addresses import NAME_SERVER
from fixtures.sealed.asking import Told
from fixtures.sealed.raising import LabProcess
from fixtures.sealed.sealing import Seal
from fixtures.sealed.trial import Trial, try_to_seal

SEED, TENANT = 3, "acme"
MINT = CanaryMint(run_key(SEED), [TENANT])
PYTHON = [sys.executable, "-I", "-S"]


@functools.cache
def trial() -> Trial:
    """Return whether this machine lets us seal, tried once."""
    return try_to_seal()


def need_seal() -> None:
    """Leave a test out, by name and with the reason, where this machine lets nobody seal."""
    if not trial().sealed:
        pytest.skip(f"a target cannot be sealed here: {trial().why}. {trial().help}")


@dataclass
class Ran:
    """What a sealed program did.

    Attributes:
        code: its exit code.
        said: what it said on stdout.
        complained: and on stderr.
    """

    code: int
    said: str
    complained: str


@dataclass
class SealedLab:
    """A lab that is up.

    Attributes:
        folder: its evidence.
        process: its process.
    """

    folder: Path
    process: LabProcess

    @property
    def own(self) -> Path:
        """The test's own folder, in which what the target writes is kept."""
        return self.folder / "t"

    def seal(self, sees: Sequence[str] = ()) -> Seal:
        """Return how programs are sealed in it."""
        self.own.mkdir(exist_ok=True)
        authority, world = self.own / "ca.pem", self.own / "world.json"
        authority.write_text("an authority\n")
        facts = {"ca_file": str(authority), "dns": {"host": NAME_SERVER}}
        world.write_bytes(msgspec.json.encode(facts))
        return Seal(self.process.lab, folder=self.own, world=world, run=self.folder, sees=sees)

    def run(self, program: str, *words: str, sees: Sequence[str] = (), meant: Mapping[str, str] | None = None) -> Ran:
        """Run a Python program sealed, to its end."""
        command = [*PYTHON, "-c", program, *words]
        sealed = self.seal(sees).command(command, {**os.environ, **(meant or {})}, meant or {}, [])
        done = subprocess.run(  # noqa: S603 - our own program
            sealed, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=30
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def flows(self) -> list[EgressRecord]:
        """End the ledger, and return what it says of flows."""
        self.process.lab.finish()
        found = read_records(self.folder / "egress.jsonl", EgressRecord)
        return [one for one in found if isinstance(one, EgressRecord) and one.layer == "flows"]

    def layer(self) -> LayerRecord:
        """Return what the ledger says of itself, once it has ended."""
        (found,) = read_records(self.folder / "layers.jsonl", LayerRecord)
        assert isinstance(found, LayerRecord)
        return found


@contextlib.asynccontextmanager
async def lab_in(folder: Path) -> AsyncIterator[SealedLab]:
    """Raise a lab whose evidence goes into a folder, and take it down."""
    told = Told(test="t", epoch_s=monotonic_s(), evidence=str(folder), seed=SEED, tenants=[TENANT])
    process = await LabProcess.start(told, log=folder / "lab.log", env=rooms_environment())
    try:
        await process.up()
        yield SealedLab(folder, process)
    finally:
        await process.stop()
