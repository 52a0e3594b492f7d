"""The command line. It knows the flags; what they mean is the rooms' business, found at run time."""

import argparse
import importlib
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from brownout import __version__
from brownout.errors import BadInput, TargetFailed
from brownout.unread import reader_left
from brownout.verdict import ExitCode

EXIT_CODES = """\
exit codes:
  0   pass: every promise was kept
  1   fail: at least one promise was broken
  2   unknown: nothing broken was seen, but not every promise could be judged
  3   aborted: stopped before its end
  64  bad input: nothing was started
  70  brownout's own bug
"""
_SEAL = (
    "run the target where no way leads but to the world, and all that it tries is on record: on; auto: where this "
    "machine can (brownout doctor); honeypot: on, and other names lead to one that takes all (default: off)"
)
_YES = "reach what is not brownout's own without asking (it must be allowed all the same; see docs/safety.md)"


class _Parser(argparse.ArgumentParser):
    """argparse, but bad input is exit code 64."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message}. See: {self.prog} --help")


def rooms_on_path() -> None:
    """Put the rooms first on this process's path, and refuse if another package answers to their names.

    Raises:
        BadInput: a package called ``fixtures`` (there is one on PyPI) came first.
    """
    here = Path(__file__).resolve().parent
    home = here / "_rooms" if (here / "_rooms").is_dir() else here.parent
    sys.path.insert(0, str(home))
    for room in ("fixtures", "reports", "faults", "loadgen"):
        found = Path(next(iter(importlib.import_module(room).__path__), ""))
        if found.resolve() != (home / room).resolve():
            raise BadInput(
                f"'import {room}' found {found}, not {home / room}. Uninstall the other package, or use a fresh venv."
            )


def build_parser() -> argparse.ArgumentParser:
    """Return the whole command line's parser."""
    parser = _Parser(
        prog="brownout",
        description="Break a multi-cloud LLM serving stack on purpose, and judge whether it held.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"brownout {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser, metavar="COMMAND")
    _add_gate(commands)
    _add_play(commands)
    _add_selftest(commands)
    _add_soak(commands)
    _add_sensitivity(commands)
    _add_world(commands)
    _add_abort(commands)
    _add_conform(commands)
    _add_curve(commands)
    _add_iam(commands)
    doctor = _command(commands, "doctor", "say what this machine can prove of where data goes, and what would raise it")
    doctor.add_argument("--json", action="store_true", help="print it as JSON")
    judge = _command(commands, "judge", "judge a run again from its directory alone")
    judge.add_argument("run", type=Path, metavar="RUN", help="a run directory, such as runs/gate/latest")
    judge.add_argument("--json", action="store_true", help="print verdicts.json")
    report = _command(commands, "report", "render a run's reports again")
    report.add_argument("run", type=Path, metavar="RUN", help="a run directory")
    faults = _command(commands, "faults", "list the faults: what each does, where it was seen, its settings")
    faults.add_argument("fault", metavar="NAME", nargs="?", default="", help="all of this one")
    faults.add_argument("--json", action="store_true", help="print the catalogue as JSON")
    install = _command(commands, "install", "make a target's own environment and install what it needs")
    install.add_argument("target", metavar="FILE", nargs="+", help="target files")
    scorecard = _command(commands, "scorecard", "publish a run's findings as a page, and make all pages again")
    scorecard.add_argument(
        "run", type=Path, metavar="RUN", nargs="?", default=None, help="a judged run; none: the pages only, again"
    )
    scorecard.add_argument(
        "--out", metavar="DIR", type=Path, default=Path("docs/scorecard"), help="where pages go (docs/scorecard)"
    )
    return parser


def _command(commands: Any, name: str, about: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(
        name, help=about, description=about, epilog=EXIT_CODES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    return made


def _add_gate(commands: Any) -> None:
    gate = _command(commands, "gate", "break the world around a router on schedule, and judge the router")
    gate.add_argument(
        "--target", metavar="FILE|URL", default="", help="the router under test (default: the reference router)"
    )
    gate.add_argument(
        "--topology",
        metavar="NAME|FILE",
        default="",
        help="the endpoints and tenants (default: the target's, or slack)",
    )
    gate.add_argument(
        "--suite", metavar="NAME", action="append", help="which suites (default: all); may be given again"
    )
    gate.add_argument("--test", metavar="NAME", action="append", help="only this test; may be given again")
    gate.add_argument("--profile", metavar="smoke|fast|full", default="fast", help="how long (default: fast)")
    gate.add_argument(
        "--repeat", metavar="N", type=int, default=1, help="play every test N times, and judge them as one (default: 1)"
    )
    gate.add_argument(
        "--settle",
        metavar="N",
        type=int,
        default=5,
        help="play a test again, up to N times in all, where its figures are too near their bound to tell (default: 5; "
        "1: never)",
    )
    gate.add_argument(
        "--grade",
        choices=["enforced", "observed"],
        default="",
        help="how strong a proof must be that nothing left its boundary; a weaker one is unknown (default: any)",
    )
    gate.add_argument(
        "--clock", choices=["real", "virtual"], default="real", help="real processes, or virtual time (default: real)"
    )
    gate.add_argument("--out", metavar="DIR", type=Path, default=Path("runs"), help="where runs go (default: runs)")
    gate.add_argument("--seed", metavar="N", type=int, default=None, help="the seed (default: drawn, and printed)")
    gate.add_argument(
        "--jobs",
        metavar="N",
        type=int,
        default=None,
        help="tests played side by side in real time",
    )
    gate.add_argument(
        "--arrival",
        metavar="PROCESS",
        default="poisson",
        help="when requests are due: poisson, constant, or trace:FILE[@SPEED] with columns "
        "TIMESTAMP,ContextTokens,GeneratedTokens (default: poisson)",
    )
    gate.add_argument("--seal", choices=["off", "on", "auto", "honeypot"], default="off", help=_SEAL)
    gate.add_argument("--json", action="store_true", help="print verdicts.json on stdout, and nothing else there")
    gate.add_argument("--verbose", action="store_true", help="list kept promises too")
    gate.add_argument("--yes", action="store_true", help=_YES)


def _add_play(commands: Any) -> None:
    play = _command(commands, "play", "play a game day: a real incident's shape, with stop conditions")
    play.add_argument("file", metavar="FILE", type=Path, help="the game day (see docs/gamedays.md)")
    play.add_argument(
        "--target", metavar="FILE|URL", default="", help="the router under test (default: the reference router)"
    )
    play.add_argument("--topology", metavar="NAME|FILE", default="", help="instead of the game day's own")
    play.add_argument(
        "--clock", choices=["real", "virtual"], default="real", help="real processes, or virtual time (default: real)"
    )
    play.add_argument("--out", metavar="DIR", type=Path, default=Path("runs"), help="where runs go (default: runs)")
    play.add_argument("--seed", metavar="N", type=int, default=None, help="instead of the game day's own")
    play.add_argument("--seal", choices=["off", "on", "auto", "honeypot"], default="off", help=_SEAL)
    play.add_argument("--json", action="store_true", help="print verdicts.json on stdout, and nothing else there")
    play.add_argument("--verbose", action="store_true", help="list kept promises too")
    play.add_argument("--yes", action="store_true", help=_YES)


def _add_selftest(commands: Any) -> None:
    selftest = _command(commands, "selftest", "prove that every promise turns red on a router that breaks it")
    selftest.add_argument("--seed", metavar="N", type=int, default=1, help="the seed (default: 1)")
    selftest.add_argument("--out", metavar="DIR", type=Path, default=Path("runs"), help="where runs go (default: runs)")
    selftest.add_argument(
        "--only", metavar="DEFECT", action="append", help="only this defect and the reference router; again for more"
    )
    extent = selftest.add_mutually_exclusive_group()
    extent.add_argument("--brief", action="store_true", help="play each defect on one test that shows it")
    extent.add_argument(
        "--all",
        action="store_true",
        help="play every defect on every test, also where it is like another or does what the reference router does",
    )
    selftest.add_argument("--json", action="store_true", help="print the matrix as JSON")


def _add_sensitivity(commands: Any) -> None:
    sensitivity = _command(
        commands, "sensitivity", "play graded defects in virtual time: from which strength on are they caught?"
    )
    sensitivity.add_argument(
        "--only", metavar="DEFECT", action="append", help="only this graded defect; again for more"
    )
    sensitivity.add_argument(
        "--profile", metavar="smoke|fast|full", default="fast", help="how long, and which tests (default: fast)"
    )
    sensitivity.add_argument("--seeds", metavar="N", type=int, default=5, help="runs of each strength (default: 5)")
    sensitivity.add_argument("--seed", metavar="N", type=int, default=1, help="the first seed (default: 1)")
    sensitivity.add_argument(
        "--out", metavar="DIR", type=Path, default=Path("runs"), help="where runs go (default: runs)"
    )
    sensitivity.add_argument("--json", action="store_true", help="print what was found as JSON")


def _add_soak(commands: Any) -> None:
    soak = _command(commands, "soak", "play the suites with one seed after another, in virtual time, and tally")
    soak.add_argument("--target", metavar="FILE", default="", help="an embedded router (default: the reference router)")
    soak.add_argument(
        "--topology", metavar="NAME|FILE", default="slack", help="the endpoints and tenants (default: slack)"
    )
    soak.add_argument("--suite", metavar="NAME", action="append", help="which suites (default: all); again for more")
    soak.add_argument("--test", metavar="NAME", action="append", help="only this test; may be given again")
    soak.add_argument("--profile", metavar="smoke|fast|full", default="full", help="how long (default: full)")
    soak.add_argument("--runs", metavar="N", type=int, default=20, help="how many runs (default: 20)")
    soak.add_argument("--minutes", metavar="N", type=float, default=60.0, help="begin none after that (default: 60)")
    soak.add_argument("--seed", metavar="N", type=int, default=1, help="the first seed (default: 1)")
    soak.add_argument("--out", metavar="DIR", type=Path, default=Path("runs"), help="where runs go (default: runs)")
    soak.add_argument("--json", action="store_true", help="print the tally as JSON")


def _add_world(commands: Any) -> None:
    up = _command(commands, "up", "raise the emulated clouds and keep them up until Ctrl-C")
    up.add_argument(
        "--topology", metavar="NAME|FILE", default="slack", help="the endpoints and tenants (default: slack)"
    )
    up.add_argument("--out", metavar="DIR", type=Path, default=Path("runs"), help="where runs go (default: runs)")
    up.add_argument("--seed", metavar="N", type=int, default=1, help="the seed (default: 1)")
    up.add_argument("--yes", action="store_true", help=_YES)
    inject = _command(commands, "inject", "put a fault on in a world raised by 'brownout up', and take it off again")
    inject.add_argument("fault", metavar="FAULT", help="see: brownout faults")
    inject.add_argument("settings", metavar="NAME=VALUE", nargs="*", help="the fault's settings")
    inject.add_argument("--at", metavar="PLACE", required=True, help="an endpoint, region, cloud or provider")
    inject.add_argument("--for", dest="for_s", metavar="DURATION", default="30s", help="how long (default: 30s)")
    inject.add_argument("--ramp", metavar="DURATION", default="0s", help="how long it rises to its full strength")
    inject.add_argument("--ramp-down", metavar="DURATION", default="0s", help="how long, at its end, it falls")
    inject.add_argument("--share", metavar="RATIO", default="1", help="the part of the requests that it touches")
    inject.add_argument("--tenant", metavar="NAME", action="append", help="only this tenant's requests; again for more")
    inject.add_argument("--model", metavar="PATTERN", action="append", help="only requests for these models")
    inject.add_argument("--yes", action="store_true", help=_YES)
    inject.add_argument("--out", metavar="DIR", type=Path, default=Path("runs"), help="where runs go (default: runs)")


def _add_abort(commands: Any) -> None:
    abort = _command(commands, "abort", "end every run of yours on this machine, and undo what any has left on")
    abort.add_argument(
        "run", type=Path, metavar="RUN", nargs="*", help="run directories whose debts to settle too, wherever they ran"
    )
    abort.add_argument("--json", action="store_true", help="print what was done as JSON")


def _add_curve(commands: Any) -> None:
    curve = _command(
        commands, "curve", "offer endpoints more and more load, in virtual time, and draw what callers get"
    )
    curve.add_argument(
        "--topology", metavar="NAME|FILE", default="capacities", help="whose endpoints (default: capacities)"
    )
    curve.add_argument("--at", metavar="PLACE", default="all", help="which of them (default: all)")
    curve.add_argument(
        "--rates", metavar="N,N,...", default="", help="requests/s to offer (default: rising until most fail)"
    )
    curve.add_argument("--out", metavar="DIR", type=Path, default=Path("runs"), help="where runs go (default: runs)")
    curve.add_argument("--seed", metavar="N", type=int, default=1, help="the seed (default: 1)")


def _add_conform(commands: Any) -> None:
    conform = _command(commands, "conform", "run a dialect's wire checks against any endpoint")
    conform.add_argument("--endpoint", metavar="URL", default="", help="the endpoint's base address")
    conform.add_argument("--dialect", metavar="NAME", required=True, help="what it speaks, such as openai-chat")
    conform.add_argument("--credentials", metavar="FILE", type=Path, default=None, help="see docs/conformance.md")
    conform.add_argument("--model", metavar="NAME", default="", help="the model (SageMaker: endpoint) to ask for")
    conform.add_argument("--only", metavar="ID", action="append", help="only this check; may be given again")
    conform.add_argument(
        "--without", metavar="FEATURE", action="append", help="skip what needs this feature; may be given again"
    )
    conform.add_argument("--ca", metavar="FILE", type=Path, default=None, help="certificates to trust, in PEM")
    conform.add_argument("--jobs", metavar="N", type=int, default=2, help="checks at the same time (default: 2)")
    conform.add_argument(
        "--out", metavar="DIR", type=Path, default=Path("runs"), help="where reports go (default: runs)"
    )
    conform.add_argument("--list", action="store_true", help="list the checks and send nothing")
    conform.add_argument("--yes", action="store_true", help="send requests to another machine, at somebody's cost")
    wire = _command(commands, "wire", "print which operations and errors of each dialect are tested, by which client")
    wire.add_argument("--run", action="store_true", help="run the tests, and say which passed")
    wire.add_argument("--markdown", metavar="FILE", type=Path, default=None, help="write the table as Markdown too")


def _add_iam(commands: Any) -> None:
    iam = _command(
        commands, "iam", "judge exported AWS policies: does the escrow keep what it promises, failing over too?"
    )
    iam.add_argument(
        "policies", metavar="POLICY_DIR", type=Path, help="escrow.yaml and what the AWS CLI printed (docs/iam.md)"
    )
    iam.add_argument(
        "--topology", metavar="NAME|FILE", default="", help="every AWS region that it has must be one of the escrow's"
    )
    iam.add_argument("--verbose", action="store_true", help="list every way in, not the first few")
    iam.add_argument("--json", action="store_true", help="print what was found as JSON")


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run a command and exit with its code."""
    arguments_given = list(sys.argv[1:] if argv is None else argv)
    try:
        arguments = build_parser().parse_args(arguments_given)
        rooms_on_path()
        commands = importlib.import_module("fixtures.commands")
        code = int(commands.COMMANDS[arguments.command](arguments, arguments_given))
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last place: whatever it is gets its exit code
        code = _said(_single(error))
    sys.exit(code)


def _single(error: BaseException) -> BaseException:
    """Tests played side by side fail as a group; where all fail for one reason, that is the reason."""
    while isinstance(error, BaseExceptionGroup) and len({str(one) for one in error.exceptions}) == 1:
        error = error.exceptions[0]
    return error


def _said(error: BaseException) -> ExitCode:
    """Tell the user, and return the exit code."""
    if isinstance(error, KeyboardInterrupt):
        sys.stderr.write("brownout: interrupted\n")
        return ExitCode.ABORTED
    if isinstance(error, BrokenPipeError) and reader_left():
        return ExitCode.ABORTED
    if isinstance(error, BadInput | TargetFailed):
        sys.stderr.write(f"brownout: {error}\n")
        return ExitCode.BAD_INPUT if isinstance(error, BadInput) else ExitCode.UNKNOWN
    traceback.print_exception(error)
    sys.stderr.write(
        "brownout: this is a bug in brownout, not in your router. Please report it with the lines above.\n"
    )
    return ExitCode.OUR_BUG


if __name__ == "__main__":
    main()
