"""The guard: what is not allowed gets no packet; what is allowed is told, and asked about, before it begins."""

import dataclasses
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from brownout.cli import build_parser
from brownout.errors import BadInput
from brownout.fault import FAULTS, Reaching, make_fault
from brownout.live import left_runs
from brownout.target import load_target
from fixtures.catalogue import REFERENCE_TARGET, load_topology
from fixtures.commands import COMMANDS
from fixtures.gate import GateOptions, make_plan
from fixtures.guard import guarded
from fixtures.plugin import play_scenario
from fixtures.stakes import Reached, Stakes, stakes_of_plan
from fixtures.suites import load_suite
from fixtures.worldd import Raised

SOMEWHERE = "http://10.254.254.9:8474"
GAMEDAY = """\
gameday: real
why: to see that it is refused
sources: ["https://example.com"]
happened: never
compression: 1
load: {rate_rps: 5, duration_s: 10}
timeline:
  - {fault: aws-fis, at: us-east-1, at_s: 3, for_s: 4, settings: {template_id: EXT1, region: us-east-1}}
must: ["availability >= 90%"]
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder that is in no repository, with nobody at a terminal."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.delenv("TOXIPROXY_URL", raising=False)
    return folder


def _brownout(*words: str) -> None:
    argv = list(words)
    arguments = build_parser().parse_args(argv)
    COMMANDS[arguments.command](arguments, argv)


def _gate_url() -> None:
    _brownout("gate", "--target", "https://router.staging.example.com/v1", "--profile", "smoke", "--yes")


def _gate_toxiproxy() -> None:
    _brownout("gate", "--profile", "smoke", "--yes")


def _up() -> None:
    _brownout("up", "--yes")


def _inject() -> None:
    raised = Raised(
        world="/w/world.json", control="http://127.0.0.1:9", token="t", toxiproxy="http://127.0.0.1:9", seed=1
    )
    folder = Path("runs/up/latest")
    folder.mkdir(parents=True)
    (folder / "control.json").write_bytes(msgspec.json.encode(raised))
    _brownout("inject", "toxiproxy", f"url={SOMEWHERE}", "proxy=checkout", "--at", "us-east-1", "--yes")


def _play() -> None:
    Path("day.yaml").write_text(GAMEDAY)
    _brownout("play", "day.yaml", "--yes")


def _pytest() -> None:
    target, folder = load_target(SOMEWHERE)
    options = GateOptions(
        target=target,
        folder=folder,
        topology=load_topology("slack"),
        suites=[("failover", load_suite("failover"))],
        profile="smoke",
        only=["region-refused"],
    )
    play_scenario(options, yes=True)


@pytest.mark.parametrize(
    ("command", "thing"),
    [
        (_gate_url, "target:https://router.staging.example.com"),
        (_gate_toxiproxy, f"toxiproxy-server:{SOMEWHERE}"),
        (_up, f"toxiproxy-server:{SOMEWHERE}"),
        (_inject, f"toxiproxy:{SOMEWHERE}/checkout"),
        (_play, "aws-fis:us-east-1/EXT1"),
        (_pytest, f"target:{SOMEWHERE}"),
    ],
)
def test_what_is_not_allowed_gets_no_packet(
    command: Callable[[], None], thing: str, here: Path, packets: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even a name is looked up, no run directory is made, and --yes makes no difference."""
    if command in (_gate_toxiproxy, _up):
        monkeypatch.setenv("TOXIPROXY_URL", SOMEWHERE)

    with pytest.raises(BadInput) as error:
        command()

    assert f"write into {here / 'brownout.yaml'}:\nmay_inject:\n  - {thing}" in str(error.value)
    assert [] == packets
    assert not list(here.glob("runs/*/2*"))
    assert [] == left_runs()


def test_what_is_allowed_is_dialled(here: Path, packets: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The counter of packets counts."""
    monkeypatch.setenv("TOXIPROXY_URL", SOMEWHERE)
    _allow(here, f"toxiproxy-server:{SOMEWHERE}")

    with pytest.raises(AssertionError, match="a packet was to be sent"):
        _gate_toxiproxy()
    assert packets


def test_a_world_on_another_machine_is_none_of_ours(here: Path, packets: list[Any]) -> None:
    """A control.json that leads elsewhere is refused before it is followed."""
    raised = Raised(world="/w", control="http://10.254.254.9:9", token="t", toxiproxy="http://127.0.0.1:9", seed=1)
    (here / "runs/up/latest").mkdir(parents=True)
    (here / "runs/up/latest/control.json").write_bytes(msgspec.json.encode(raised))

    for words in (["inject", "region-down", "--at", "us-east-1"], ["gate", "--target", "http://127.0.0.1:9"]):
        with pytest.raises(BadInput, match="not on this machine"):
            _brownout(*words)
    assert [] == packets


def test_something_real_knows_no_virtual_time(here: Path, packets: list[Any]) -> None:
    """However it is allowed."""
    (here / "brownout.yaml").write_text("may_inject: ['aws-fis:us-east-1/*']\n")
    (here / "day.yaml").write_text(GAMEDAY)

    with pytest.raises(BadInput, match="real"):
        _brownout("play", "day.yaml", "--clock", "virtual", "--yes")
    assert [] == packets


def test_every_real_fault_says_what_it_reaches() -> None:
    """Else there would be nothing to allow."""
    settings: dict[str, dict[str, Any]] = {
        "aws-fis": {"template_id": "EXT1", "region": "us-east-1"},
        "toxiproxy": {"url": SOMEWHERE, "proxy": "p"},
    }
    real = {kind for kind, cls in FAULTS.items() if cls.entry.real}  # type: ignore[attr-defined]

    assert real == settings.keys()
    for kind in real:
        made = make_fault(kind, settings[kind])
        assert isinstance(made, Reaching)
        assert made.reaches()


def _stakes(*things: str) -> Stakes:
    reached = [
        Reached(thing=thing, by="fault f at here", when="now, for 30 s", undone="at once", others="all")
        for thing in things
    ]
    return Stakes(reached=reached, loads=["test t: 9 requests in 3 s (3.0 a second) to x"], alone=things)


def _allow(here: Path, *things: str) -> None:
    (here / "brownout.yaml").write_text("may_inject:\n" + "".join(f"  - {thing}\n" for thing in things))


def test_nobody_to_ask_is_no_yes(here: Path) -> None:
    """Without a terminal, --yes has to be given."""
    _allow(here, "a:b")
    with pytest.raises(BadInput, match="--yes"), guarded(_stakes("a:b"), ["gate"]):
        pass
    assert [] == left_runs()


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "goes_on"), [("yes\n", True), ("y\n", False), ("\n", False), ("", False)])
def test_only_yes_is_yes(
    typed: str,
    goes_on: bool,  # noqa: FBT001
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever types anything else has read something that made them doubt."""
    _allow(here, "a:b")
    monkeypatch.setattr("sys.stdin", _Terminal(typed))
    went_on = False
    try:
        with guarded(_stakes("a:b"), ["gate"]):
            went_on = True
    except BadInput:
        pass

    assert goes_on == went_on


def test_what_is_reached_is_told_before_it_begins(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What, by which fault, when, how it is undone, who else, and the load; with --yes all the same."""
    _allow(here, "a:b", "c:d")
    with guarded(_stakes("a:b", "c:d"), ["gate"], yes=True):
        told = capsys.readouterr().err

    for words in ("a:b", "c:d", "fault f at here", "now, for 30 s", "at once", "9 requests in 3 s (3.0 a second)"):
        assert words in told
    assert "type yes" not in told


def test_a_run_that_reaches_nothing_asks_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """The usual gate in the emulated clouds needs neither file nor yes."""
    with guarded(Stakes(), ["gate"]):
        pass

    assert ("", "") == capsys.readouterr()


def test_two_runs_cannot_break_the_same_real_thing(here: Path) -> None:
    """The second is told, before it asks anybody."""
    _allow(here, "a:b")
    with (
        guarded(_stakes("a:b"), ["gate", "first"], yes=True),
        pytest.raises(BadInput, match="brownout gate first"),
        guarded(_stakes("a:b"), ["gate", "second"], yes=True),
    ):
        pass


def _plan(url: str = "") -> Any:
    target, folder = load_target(url or str(REFERENCE_TARGET))
    return make_plan(
        GateOptions(
            target=target,
            folder=folder,
            topology=load_topology("slack"),
            suites=[("failover", load_suite("failover"))],
            profile="smoke",
            only=["region-refused"],
        )
    )


@pytest.mark.parametrize(
    ("url", "toxiproxy", "reached", "alone"),
    [
        ("", "", [], []),
        ("", "http://127.0.0.1:8474", [], ["toxiproxy-server:http://127.0.0.1:8474"]),
        ("", SOMEWHERE, [f"toxiproxy-server:{SOMEWHERE}"], [f"toxiproxy-server:{SOMEWHERE}"]),
        ("http://localhost:9", "", [], ["target:http://127.0.0.1:9"]),
        ("http://router:9/v1", "", ["target:http://router:9"], ["target:http://router:9"]),
    ],
)
def test_what_a_gate_reaches_and_holds(url: str, toxiproxy: str, reached: Sequence[str], alone: Sequence[str]) -> None:
    """Loopback needs no leave, but is held by one run at a time."""
    stakes = stakes_of_plan(_plan(url), url, toxiproxy=toxiproxy)

    assert reached == [one.thing for one in stakes.reached]
    assert alone == stakes.alone


def test_a_gate_holds_the_world_it_attaches_to() -> None:
    """The world's Toxiproxy is the world's to hold."""
    raised = Raised(
        world="/w/1/world.json", control="http://127.0.0.1:9", token="t", toxiproxy="http://127.0.0.1:8", seed=1
    )
    stakes = stakes_of_plan(_plan("http://127.0.0.1:9"), "http://127.0.0.1:9", attach=raised, toxiproxy=SOMEWHERE)

    assert ([], ["target:http://127.0.0.1:9", "world:/w/1"]) == (stakes.reached, stakes.alone)


def test_the_load_is_told_with_its_figures() -> None:
    """How many requests, how many a second, and to whom."""
    plan = _plan("http://router:9")
    (load,) = stakes_of_plan(plan, "http://router:9").loads
    duration_s = plan.tests[0].workload.duration_s

    assert load.startswith("test region-refused: ")
    assert load.endswith("to http://router:9")
    assert f" requests in {duration_s:g} s (" in load


def test_stakes_name_real_faults_of_a_plan() -> None:
    """Once for each injection, with its time."""
    plan = _plan()
    fis = dataclasses.asdict(make_fault("aws-fis", {"template_id": "EXT1", "region": "us-east-1"}))  # type: ignore[call-overload]
    test = plan.tests[0]
    injection = msgspec.structs.replace(test.injections[0], fault="aws-fis", settings=fis, for_s=7.0)
    plan = msgspec.structs.replace(plan, tests=[msgspec.structs.replace(test, injections=[injection])])
    stakes = stakes_of_plan(plan, "")

    assert ["aws-fis:us-east-1/EXT1"] == [one.thing for one in stakes.reached] == stakes.alone
    assert stakes.reached[0].when.endswith(f"load start + {injection.at_s:g} s, for 7 s")
