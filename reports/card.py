"""What a scorecard is made from: a run's verdicts, and what a page has to say about how they came to be."""

import re
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from brownout.cli import build_parser
from brownout.errors import BadInput
from brownout.plan import Plan
from brownout.rundir import RunDir
from brownout.target import load_target
from brownout.verdict import Promise, Verdicts

_LOG_TAIL = re.compile(r"; its log, .*", re.DOTALL)  # as `fixtures.launch` says how a target ended
_TOP = Path(__file__).resolve().parent.parent


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A promise that was not asked of the target, or a test of which nothing was, and what it lacks."""

    what: str
    lacks: list[str]


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What a page is made from.

    Attributes:
        product: what people call it; the target's name, where its file does not say.
        packages: the installed versions of what it is made of, the product's own first.
        target_file: where its configuration lies, from the top of the checkout.
        declares: what its file says it does.
        topology: which world it was judged in.
        profile: how long its tests were.
        clock: real or virtual time.
        replay: the command that does all this again.
        machine: what it ran on: the kind of system, and how many processors it had.
        git: the state of brownout.
        uncommitted: whether that state had changes besides.
        lenient: what the emulated clouds overlooked, and how many requests were let in only thus.
        left_out: what was skipped.
        verdicts: ``verdicts.json`` as the judge wrote it.
    """

    product: str
    packages: dict[str, str]
    target_file: str
    declares: list[str]
    topology: str
    profile: str
    clock: str
    replay: str
    machine: str
    git: str
    uncommitted: bool
    lenient: dict[str, int]
    left_out: list[LeftOut]
    verdicts: Verdicts


class _Environment(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed of ``env.json``."""

    argv: list[str]
    machine: str = ""
    git: str = ""
    uncommitted: bool = False
    target_packages: dict[str, str] = msgspec.field(default_factory=dict)


def read_card(path: Path) -> Card:
    """Read what a page is made from; raises `BadInput` where it is something else."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Card)
    except (OSError, msgspec.DecodeError) as error:
        raise BadInput(
            f"{path}: no scorecard's data ({error}). Publish the run again: brownout scorecard RUN"
        ) from None


def card_of(run: RunDir) -> Card:
    """Return what a run's page is made from; raises `BadInput` where it was not judged, or names no target file."""
    plan, verdicts = run.plan(), run.verdicts()
    environment = msgspec.json.decode(run.file("env.json").read_bytes(), type=_Environment)
    file = _target_file(environment.argv, run)
    target, _ = load_target(file)
    return Card(
        product=target.product or target.target,
        packages=environment.target_packages,
        target_file=file,
        declares=target.declares or [],
        topology=plan.topology.topology,
        profile=plan.profile,
        clock=plan.clock,
        replay=plan.replay,
        machine=environment.machine,
        git=environment.git,
        uncommitted=environment.uncommitted,
        lenient=_leniencies(plan, run),
        left_out=_left_out(plan, verdicts.promises),
        verdicts=published(verdicts),
    )


def published(verdicts: Verdicts) -> Verdicts:
    """Return verdicts without the tails of logs: paths of a machine, and what a product logs, are nobody else's."""
    cut = [msgspec.structs.replace(one, why=_LOG_TAIL.sub("", one.why)) for one in verdicts.promises]
    return msgspec.structs.replace(verdicts, promises=cut)


def _target_file(argv: Sequence[str], run: RunDir) -> str:
    try:
        file = getattr(build_parser().parse_args(list(argv[1:])), "target", "")
    except BadInput:
        file = ""  # a command of another age
    if not file or file.startswith("http"):
        raise BadInput(
            f"{run.path}: a scorecard is about a target's file, and this run ({shlex.join(argv)}) names none. "
            "Run: brownout gate --target FILE"
        )
    path = Path(file).resolve()
    return str(path.relative_to(_TOP) if path.is_relative_to(_TOP) else path)


def _leniencies(plan: Plan, run: RunDir) -> dict[str, int]:
    used = Counter(record.leniency for record in run.provider())
    return {name: used[name] for name in plan.lenient}


def _left_out(plan: Plan, promises: Sequence[Promise]) -> list[LeftOut]:
    firsts = [group[0] for group in plan.groups()]
    whole = [LeftOut(what=f"{test.suite}/{test.base}", lacks=test.skipped) for test in firsts if test.skipped]
    tests = {test.base: test for test in firsts if not test.skipped}
    alone = [
        LeftOut(what=one.id, lacks=tests[one.test].lacking.get(one.id.removeprefix(f"{one.suite}/{one.test}/"), []))
        for one in promises
        if one.outcome == "skipped" and one.test in tests
    ]
    return whole + alone
