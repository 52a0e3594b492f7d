"""``brownout up`` and ``brownout inject``: clouds to develop against, broken by hand."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from fixtures.ports import free_port, is_free
from tests.waiting import came_true

CLI = [sys.executable, "-m", "brownout.cli"]


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Path]:
    """A world that is up; its folder."""
    process = subprocess.Popen(  # noqa: S603 - ours
        [*CLI, "up", "--out", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    folder = tmp_path / "up" / "latest"
    assert came_true(lambda: (folder / "control.json").exists() or process.poll() is not None)
    assert process.poll() is None, process.communicate()[0]
    yield folder
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=20)
    assert 0 == process.returncode, said
    assert not (folder / "control.json").exists()


def _ask(folder: Path) -> str:
    world = json.loads((folder / "world.json").read_text())
    own = next(endpoint for endpoint in world["endpoints"] if endpoint["name"] == "selfhosted-us")
    client = openai.OpenAI(base_url=own["url"] + "/v1", api_key=own["credentials"]["api_key"], max_retries=0)
    reply = client.chat.completions.create(
        model=own["model"], messages=[{"role": "user", "content": "hello"}], max_tokens=3
    )
    return reply.choices[0].message.content or ""


def test_a_fault_put_on_by_hand_bites_and_is_lifted(up: Path) -> None:
    """The endpoint answers, then refuses while the fault is on, then answers again; the evidence says both."""
    out = str(up.parent.parent)
    assert _ask(up).startswith("[selfhosted-us")

    words = ["inject", "region-down", "how=5xx", "--at", "us-dc1", "--for", "3s", "--out", out]
    hand = subprocess.Popen([*CLI, *words], stdout=subprocess.PIPE, text=True)  # noqa: S603 - ours
    assert hand.stdout is not None
    assert "is on at selfhosted-us" in hand.stdout.readline()
    with pytest.raises(openai.InternalServerError):
        _ask(up)
    hand.communicate(timeout=20)

    assert 0 == hand.returncode
    assert _ask(up).startswith("[selfhosted-us")
    events = [json.loads(line) for line in (up / "faults.jsonl").read_text().splitlines()]
    assert [("on", None), ("off", True)] == [(one["event"], one.get("undone")) for one in events]


def test_a_target_that_runs_already_is_judged_in_the_world_it_was_set_up_for(up: Path) -> None:
    """``gate --target URL`` breaks the world of ``brownout up``, whose world.json the target reads, and heals it."""
    out, port = up.parent.parent, str(free_port("url target"))
    router = subprocess.Popen(  # noqa: S603 - ours
        [sys.executable, "-m", "fixtures.router", "--world", str(up / "world.json"), "--port", port]
    )
    try:
        assert came_true(lambda: not is_free(int(port)))
        words = ["--target", f"http://127.0.0.1:{port}", "--profile", "smoke", "--test", "region-refused"]
        done = subprocess.run(  # noqa: S603 - ours
            [*CLI, "gate", *words, "--out", str(out), "--seed", "5", "--json"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        router.terminate()
        router.wait(10)

    outcomes = {promise["slo"]: promise["outcome"] for promise in json.loads(done.stdout)["promises"]}
    assert "pass" == outcomes["boundary_violations <= 0"], done.stderr
    assert "pass" == outcomes["served_during_fault >= 90%"], done.stderr
    assert _ask(up).startswith("[selfhosted-us")


def test_injecting_without_a_world_says_how_to_raise_one(tmp_path: Path) -> None:
    """Exit code 64 and the command to run first."""
    done = subprocess.run(  # noqa: S603 - ours
        [*CLI, "inject", "region-down", "--at", "us-east-1", "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert 64 == done.returncode
    assert "Start one: brownout up" in done.stderr
