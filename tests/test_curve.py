"""Load curves: their arithmetic, their words, the command, and that slowness and refusals come out of load alone."""

import json
import math
import multiprocessing
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.cli import build_parser
from brownout.curve import FAILING_RATIO, SLOW_TIMES, Curve, Point, Reply, knee, point
from brownout.errors import BadInput
from brownout.topology import Topology
from fixtures.catalogue import load_topology
from fixtures.load_curve import Sweep, curve_command, measure, parse_rates
from fixtures.load_point import ANSWER_TOKENS, NO_ANSWER, PROMPT_TOKENS, load_point
from reports.load_curve import chart, reading
from tests.live import endpoint
from tests.waiting import came_true

FROM_S, UNTIL_S = 60.0, 120.0
NAMES = ("", "", "", "ThrottlingException", NO_ANSWER)


@st.composite
def _replies(draw: st.DrawFn) -> list[Reply]:
    made = []
    for _ in range(draw(st.integers(0, 40))):
        due_s, took_s = draw(st.floats(0, 130)), draw(st.floats(0, 90))
        error = draw(st.sampled_from(NAMES))
        ttft_s = draw(st.none() | st.floats(0, took_s)) if error else draw(st.floats(0, took_s))
        made.append(
            Reply(due_s=due_s, end_s=due_s + took_s, ttft_s=ttft_s, tokens=draw(st.integers(0, 9)), error=error)
        )
    return made


@given(_replies())
def test_a_point_counts_every_request_that_was_due_in_the_window_once(replies: list[Reply]) -> None:
    """Errors by name add up to the share of errors, and both to the requests due."""
    made = point(3.0, replies, from_s=FROM_S, until_s=UNTIL_S)
    due = [reply for reply in replies if FROM_S <= reply.due_s < UNTIL_S]
    assert (3.0, len(due)) == (made.offered_rps, made.requests)
    assert sum(made.errors.values()) == round(made.error_share * len(due))
    assert all(made.errors[name] == sum(reply.error == name for reply in due) > 0 for name in made.errors)
    assert "" not in made.errors


@given(_replies())
def test_a_point_serves_what_ended_in_the_window(replies: list[Reply]) -> None:
    """Answers a second, and their tokens, are of those that ended in it, whenever they were due."""
    made = point(3.0, replies, from_s=FROM_S, until_s=UNTIL_S)
    ended = [reply for reply in replies if FROM_S <= reply.end_s < UNTIL_S and not reply.error]
    assert math.isclose(len(ended), made.served_rps * 60, abs_tol=1e-9)
    assert math.isclose(sum(reply.tokens for reply in ended), made.output_tokens_per_s * 60, abs_tol=1e-9)


@given(_replies())
def test_a_points_quantiles_are_of_answers_that_were_due_in_the_window(replies: list[Reply]) -> None:
    """Each is some answer's TTFT that at least its share of them do not exceed; none where nobody was answered."""
    made = point(3.0, replies, from_s=FROM_S, until_s=UNTIL_S)
    ttfts_s = [reply.ttft_s for reply in replies if FROM_S <= reply.due_s < UNTIL_S and not reply.error]
    for share, value_s in ((0.5, made.ttft_p50_s), (0.99, made.ttft_p99_s)):
        assert (value_s is None) == (not ttfts_s)
        if value_s is not None:
            below = [one for one in ttfts_s if one is not None and one <= value_s]
            assert value_s in ttfts_s
            assert len(below) >= share * len(ttfts_s)


def _point(offered_rps: float, *, errors: float = 0.0, p99_s: float | None = 0.2, served: float = 1.0) -> Point:
    return Point(
        offered_rps=offered_rps,
        requests=100,
        served_rps=served,
        output_tokens_per_s=0.0,
        ttft_p50_s=p99_s,
        ttft_p99_s=p99_s,
        error_share=errors,
        errors={"overloaded": round(100 * errors)} if errors else {},
    )


_POINTS = st.lists(
    st.builds(
        lambda errors, p99_s: (errors, p99_s),
        st.floats(0, 1),
        st.none() | st.floats(0.1, 10),
    ),
    min_size=1,
    max_size=8,
).map(lambda pairs: [_point(1.0 + at, errors=errors, p99_s=p99_s) for at, (errors, p99_s) in enumerate(pairs)])


@given(_POINTS)
def test_a_knee_lies_between_neighbours(points: list[Point]) -> None:
    """All is well up to the load that holds; the next one is the first at which it is not, for the reason given."""
    found = knee(points)
    well = [one for one in points if found.beyond is None or one.offered_rps < found.beyond.offered_rps]
    assert found.holds == (well[-1] if well else None)
    assert all(one.error_share <= FAILING_RATIO for one in well)
    if found.beyond is None:
        assert not found.slow
        assert not found.failing
    else:
        assert found.failing == (found.beyond.error_share > FAILING_RATIO)
        assert found.failing or found.slow


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([_point(1), _point(2)], "not full at any load offered, up to 2/s"),
        (
            [_point(1), _point(2, errors=0.4, served=1.2)],
            "holds 1/s; at 2/s 40% fail (overloaded); of the heaviest load, 2/s, 1.2/s are served",
        ),
        (
            [_point(1), _point(2, p99_s=12.4), _point(3, errors=1, p99_s=None, served=0)],
            (
                "holds 1/s; at 2/s TTFT p99 is 12 s (0.20 s at the lightest load); "
                "of the heaviest load, 3/s, 0/s are served"
            ),
        ),
        (
            [_point(1, errors=0.5)],
            (
                "full at the lightest load offered already; at 1/s 50% fail (overloaded); "
                "of the heaviest load, 1/s, 1/s are served"
            ),
        ),
    ],
)
def test_a_reading_says_what_the_loads_show(points: list[Point], said: str) -> None:
    """One sentence: up to which load all is well, what is not at the next, and what the heaviest got."""
    assert said == reading(Curve(endpoint="e", capacity="paced", dialect="openai-chat", points=points))
    assert SLOW_TIMES < 12.4 / 0.2


def test_a_chart_shows_loads_errors_and_steep_waits() -> None:
    """Each load is a tick, each error a line in percent, and TTFT that explodes stands on a logarithmic axis."""
    points = [_point(1), _point(2.5, errors=0.25, p99_s=40.0)]
    made = chart(Curve(endpoint="e", capacity="paced", dialect="openai-chat", points=points))
    lines = {line["name"]: line for line in made["data"]}
    assert ["1", "2.5"] == made["layout"]["xaxis"]["ticktext"]
    assert [0, 25] == lines["overloaded"]["y"]
    assert "log" == made["layout"]["yaxis"]["type"]
    flat = chart(Curve(endpoint="e", capacity="paced", dialect="openai-chat", points=points[:1]))
    assert "type" not in flat["layout"]["yaxis"]


# --- out of load alone ---------------------------------------------------------------------------------------------

LIGHT_RPS, HEAVY_RPS = 0.3, 3.0
_COST = PROMPT_TOKENS + ANSWER_TOKENS
_SMALL: dict[str, tuple[str, dict[str, Any]]] = {
    "gpu-vllm": ("openai-chat", {"kind": "gpu-pool", "max_batch": 4, "max_batched_tokens": 2048}),
    "gpu-tgi": ("openai-chat", {"kind": "gpu-pool", "max_batch": 4, "server": "tgi", "queue_limit": 8}),
    "gpu-triton": ("sagemaker-invoke", {"kind": "gpu-pool", "max_batch": 4, "server": "triton", "queue_limit": 4}),
    "gpu-sagemaker": (
        "sagemaker-invoke",
        {"kind": "gpu-pool", "max_batch": 4, "server": "tgi", "queue_limit": 8, "front": "sagemaker"},
    ),
    "bedrock": ("bedrock-converse", {"kind": "on-demand", "tokens_per_minute": 60 * _COST}),
    "openai": ("openai-chat", {"kind": "on-demand", "provider": "openai", "tokens_per_minute": 60 * _COST}),
    "anthropic": (
        "anthropic-messages",
        {"kind": "on-demand", "provider": "anthropic", "output_tokens_per_minute": 60 * ANSWER_TOKENS},
    ),
    "model-units": ("bedrock-converse", {"kind": "provisioned", "model_units": 1, "tokens_per_minute": 60 * _COST}),
    "gsus": (
        "vertex-generate",
        {"kind": "provisioned", "gsus": 1, "tokens_per_s": _COST, "estimate_output_tokens": ANSWER_TOKENS},
    ),
    "spilling": (
        "vertex-generate",
        {
            "kind": "provisioned",
            "gsus": 1,
            "tokens_per_s": _COST,
            "spill": {"kind": "shared-quota", "pool": {"tokens_per_s": 2 * _COST, "background": 0.4, "swing": 0}},
        },
    ),
    "shared-quota": (
        "vertex-generate",
        {"kind": "shared-quota", "pool": {"tokens_per_s": 2 * _COST, "background": 0.4, "swing": 0}},
    ),
}
REFUSES = {
    "gpu-tgi": "overloaded",
    "gpu-triton": "ModelError",
    "gpu-sagemaker": "ModelError",
    "bedrock": "ThrottlingException",
    "openai": "rate_limit_exceeded",
    "anthropic": "rate_limit_error",
    "model-units": "ThrottlingException",
    "gsus": "RESOURCE_EXHAUSTED",
    "spilling": "RESOURCE_EXHAUSTED",
    "shared-quota": "RESOURCE_EXHAUSTED",
}


def _small(folder: Path) -> Topology:
    """All kinds of capacity, small enough that three requests a second are too many."""
    made = [
        {**msgspec.to_builtins(endpoint(name, dialect)), "behind": behind, "limits": {}}
        for name, (dialect, behind) in _SMALL.items()
    ]
    made.append({**msgspec.to_builtins(endpoint("paced", "openai-chat")), "limits": {"rate_rps": 1.0, "burst": 8}})
    path = folder / "small.yaml"
    path.write_text(json.dumps({"topology": "small", "endpoints": made, "tenants": {"acme": {"allow": ["paced"]}}}))
    return load_topology(str(path))


@pytest.mark.parametrize("name", [*REFUSES, "paced"])
def test_refusals_come_of_load_alone(name: str, tmp_path: Path) -> None:
    """Without any fault: below its capacity an endpoint serves, beyond it it refuses, by the provider's own name."""
    topology = _small(tmp_path)
    light, heavy = (load_point(topology, name, rate_rps, seed=1) for rate_rps in (LIGHT_RPS, HEAVY_RPS))
    assert light.error_share <= FAILING_RATIO
    assert light.requests > 5
    assert 0.2 < heavy.error_share < 0.95
    assert [REFUSES.get(name, "rate_limit_exceeded")] == list(heavy.errors)
    assert LIGHT_RPS < heavy.served_rps < HEAVY_RPS


def test_slowness_comes_of_load_alone(tmp_path: Path) -> None:
    """Without any fault: vLLM's first tokens come at once below its capacity, and ever later beyond it."""
    topology = _small(tmp_path)
    light, heavy = (load_point(topology, "gpu-vllm", rate_rps, seed=1) for rate_rps in (LIGHT_RPS, HEAVY_RPS / 2))
    assert light.ttft_p99_s is not None
    assert heavy.ttft_p50_s is not None
    assert ({}, {}) == (light.errors, heavy.errors)
    assert heavy.ttft_p50_s > 20 * light.ttft_p99_s


# --- the command ---------------------------------------------------------------------------------------------------


def _tiny(folder: Path) -> Path:
    _small(folder)
    return folder / "small.yaml"


def _command(folder: Path, *words: str) -> list[str]:
    return ["curve", "--topology", str(_tiny(folder)), "--out", str(folder / "runs"), *words]


def test_the_command_prints_a_sentence_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The console has a sentence and a table for each endpoint; the page and the figures are in the run."""
    words = _command(tmp_path, "--at", "paced", "--rates", "2,0.5")
    assert 0 == curve_command(build_parser().parse_args(words), words)
    out = capsys.readouterr().out
    assert re.search(r"paced: holds 0\.5/s; at 2/s \d+% fail \(rate_limit_exceeded\)", out)
    latest = tmp_path / "runs" / "curve" / "latest"
    (curve,) = json.loads((latest / "curves.json").read_bytes())
    assert ["paced", [0.5, 2.0]] == [curve["endpoint"], [one["offered_rps"] for one in curve["points"]]]
    page = (latest / "curve.html").read_text()
    assert "holds 0.5/s; at 2/s" in page
    assert "https://" not in page.split("<script>")[0]
    assert ["brownout", *words] == json.loads((latest / "env.json").read_bytes())["argv"]


def test_one_seed_draws_one_curve_however_many_processes(tmp_path: Path) -> None:
    """Side by side or one after another, in this process or in others, every figure is the same."""
    topology = _small(tmp_path)
    curves = []
    for jobs in (1, 2):
        sweeps = [Sweep(topology, name, [0.5, 1.0]) for name in ("paced", "bedrock")]
        told: list[str] = []
        measure(sweeps, topology, seed=4, jobs=jobs, told=lambda one, told=told: told.append(one.endpoint.name))
        assert ["bedrock", "bedrock", "paced", "paced"] == sorted(told)
        curves.append([sweep.curve for sweep in sweeps])
    assert curves[0] == curves[1]
    assert [] == multiprocessing.active_children()


def test_rising_loads_stop_when_most_requests_fail(tmp_path: Path) -> None:
    """Without rates, loads rise until nothing more is to be learned."""
    sweep = Sweep(_small(tmp_path), "paced", [])
    offered = []
    while loads := sweep.loads():
        assert 1 == len(loads), "the next load depends on what the last one showed"
        offered += loads
        failed = 0.8 if loads[0] > 5 else 0.0
        sweep.take(_point(loads[0], errors=failed))
    assert sweep.ended
    assert offered == sorted(offered)
    assert offered[-2] <= 5 < offered[-1]


@pytest.mark.parametrize("text", ["x", ",", "1,,2", "0", "-1", "nan", "inf", "0.01", "1e9", "1;2"])
def test_rates_that_are_none_are_bad_input(text: str) -> None:
    """The error says what was given and what is expected."""
    with pytest.raises(BadInput, match=re.escape(repr(text)) + ": expected requests/s from"):
        parse_rates(text)


def test_rates_are_sorted_and_each_measured_once() -> None:
    """A curve is drawn from the lightest load to the heaviest."""
    assert [0.5, 2.0, 10.0] == parse_rates("10, 2,0.5,2.0,10.0001")
    assert [] == parse_rates("")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--at", "nowhere"], "--at: unknown place 'nowhere'"),
        (["--rates", "fast"], "--rates 'fast': expected requests/s"),
    ],
)
def test_bad_input_starts_nothing(tmp_path: Path, words: list[str], said: str) -> None:
    """No run directory is made for a command that cannot be run."""
    given_words = _command(tmp_path, *words)
    with pytest.raises(BadInput, match=re.escape(said)):
        curve_command(build_parser().parse_args(given_words), given_words)
    assert not (tmp_path / "runs").exists()


def test_a_topology_that_does_not_exist_is_bad_input(tmp_path: Path) -> None:
    """The error names those that do."""
    words = ["curve", "--topology", "capacity", "--out", str(tmp_path / "runs")]
    with pytest.raises(BadInput, match="Did you mean 'capacities'"):
        curve_command(build_parser().parse_args(words), words)


def test_what_was_measured_before_a_ctrl_c_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table and the page have the loads that were measured; the endpoints without any are left out."""

    def interrupted(sweeps: list[Sweep], *_: Any, told: Callable[[Sweep], None], **__: Any) -> None:
        (load,) = sweeps[0].loads()
        sweeps[0].take(_point(load))
        told(sweeps[0])
        raise KeyboardInterrupt

    monkeypatch.setattr("fixtures.load_curve.measure", interrupted)
    words = _command(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        curve_command(build_parser().parse_args(words), words)
    latest = tmp_path / "runs" / "curve" / "latest"
    (curve,) = json.loads((latest / "curves.json").read_bytes())
    assert (1, True) == (len(curve["points"]), (latest / "curve.html").is_file())
    assert curve["endpoint"] in capsys.readouterr().out


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_process_is_left_when_it_is_stopped(tmp_path: Path, how: signal.Signals) -> None:
    """Ctrl-C and kill -9 alike end the processes that measure, in the middle of a load."""
    words = [sys.executable, "-m", "brownout.cli", *_command(tmp_path, "--at", "paced", "--rates", "800,900")]
    log = tmp_path / "log"
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background work is started without
    with log.open("w") as output:
        # In a session of its own, as if no terminal told its children of a Ctrl-C.
        command = subprocess.Popen(words, stdout=output, stderr=output, start_new_session=True)  # noqa: S603 - ours
    signal.signal(signal.SIGINT, before)
    try:
        above = psutil.Process(command.pid)
        assert came_true(lambda: max(map(_busy_s, [above, *above.children()])) > 2.0), log.read_text()
        children = above.children()
        command.send_signal(how)
        assert (3 if how == signal.SIGINT else -how) == command.wait(20)
        assert came_true(lambda: not any(child.is_running() for child in children), 10)
        assert (how == signal.SIGINT) == ("brownout: interrupted" in log.read_text())
        assert "Traceback" not in log.read_text()
    finally:
        command.kill()
        command.wait()


def _busy_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:  # some children live for a moment only, and are gone between being listed and asked
        return 0.0
    return float(times.user + times.system)
