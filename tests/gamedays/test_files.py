"""Game days as files: what is written becomes a plan, and what is wrong is said with its line."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brownout.errors import BadInput
from tests.gamedays.days import SMALL, resolved, write

Change = Callable[[dict[str, Any]], object]


def _changed(change: Change) -> dict[str, Any]:
    day = copy.deepcopy(SMALL)
    change(day)
    return day


def _line(path: Path, word: str) -> int:
    """Return the number of the first line that holds a word."""
    return next(number for number, line in enumerate(path.read_text().splitlines(), start=1) if word in line)


@pytest.mark.parametrize(
    ("change", "word", "said"),
    [
        (lambda day: day.update(happend="x"), "happend", "Did you mean 'happened'"),
        (lambda day: day["timeline"][0].update(fault="region-dwn"), "region-dwn", "Did you mean 'region-down'"),
        (lambda day: day["timeline"][0].update(at="us-east-9"), "fault:", "Did you mean 'us-east-1'"),
        (lambda day: day["timeline"][0].update(for_s=23), "fault:", "the load ends at 30 s"),
        (lambda day: day["timeline"][0].update(ramp_s=7), "fault:", "together must be at most for_s"),
        (lambda day: day["timeline"][0].update(repeat={"times": 3, "every_s": 9}), "fault:", "the load ends at 30 s"),
        (lambda day: day["timeline"][0].update(settings={"hwo": "5xx"}), "fault:", "Did you mean 'how'"),
        (lambda day: day["timeline"][0].update(tenants=["acne"]), "fault:", "Did you mean 'acme'"),
        (lambda day: day["timeline"][0].update(share=2), "share", "<= 1.0"),
        (lambda day: day["load"].update(tenants={"acne": 1}), "acne", "Did you mean 'acme'"),
        (lambda day: day["load"].update(rate_rps=0), "rate_rps", "> 0.0"),
        (lambda day: day["load"].update(rate_rps=1e308), "rate_rps", "<= 10000.0"),
        (lambda day: day["load"].update(duration_s=float("inf")), "duration_s", "<= 86400.0"),
        (lambda day: day["load"].update(bursts=[{"at_s": 9, "for_s": 5, "rate_rps": 12345}]), "12345", "<= 10000.0"),
        (lambda day: day.update(compression=float("inf")), "compression", "<= 1000000000.0"),
        (lambda day: day["load"].update(prompt_tokens=[9, 3]), "rate_rps", "prompt_tokens"),
        (lambda day: day["load"].update(bursts=[{"at_s": 29, "for_s": 5, "rate_rps": 9}]), "at_s: 29", "end with"),
        (lambda day: day["load"].update(bursts=[{"at_s": 9, "for_s": 5, "rate_rps": 0}]), "at_s: 9", "above 0"),
        (lambda day: day["must"].append("availabilty >= 9%"), "availabilty", "Did you mean 'availability'"),
        (lambda day: day["must"].append("availability >= 9%"), "9%", "two promises about availability"),
        (lambda day: day["must"].append(day["must"][0]), None, "is promised twice"),
        (lambda day: day["must"].append({"slo": "hung_requests <= 0", "need": []}), "need:", "Did you mean 'needs'"),
        (lambda day: day["must"].append({"slo": "hung_requests <= 0", "needs": ["fail-over"]}), "slo:", "'failover'"),
        (lambda day: day.update(abort_if=["availability < 50% for 5"]), "for 5", "'for' takes"),
        (lambda day: day.update(abort_if=["availability[tenant=acne] < 5%"]), "acne", "Did you mean 'acme'"),
        (lambda day: day.update(topology="slak"), "slak", "Did you mean 'slack'"),
        (lambda day: day.update(gameday="../up"), "gameday", "matching regex"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, change: Change, word: str | None, said: str) -> None:
    """Before anything starts: the file, the line, what was allowed, and the nearest match."""
    path = write(tmp_path, _changed(change))

    with pytest.raises(BadInput) as caught:
        resolved(path)

    assert said in str(caught.value)
    if word is not None:
        assert str(caught.value).startswith(f"{path}:{_line(path, word)}: ")


def test_a_promise_about_a_fault_that_may_not_come_is_refused(tmp_path: Path) -> None:
    """It could not be judged with every seed."""

    def by_chance(day: dict[str, Any]) -> None:
        day["timeline"][0]["probability"] = 0.5
        day["must"].append("availability during region-down >= 50%")

    with pytest.raises(BadInput, match="comes by chance"):
        resolved(write(tmp_path, _changed(by_chance)))


def test_all_that_is_written_is_in_the_plan(tmp_path: Path) -> None:
    """Timing, scope, notes, load, promises, stop conditions and the story."""

    def full(day: dict[str, Any]) -> None:
        day["timeline"][0] |= {
            "share": 0.5,
            "ramp_down_s": 2,
            "tenants": ["{home}"],
            "repeat": {"times": 2, "every_s": 7},
            "note": "n",
        }
        day["load"]["bursts"] = [{"at_s": 3, "for_s": 2, "rate_rps": 20}]
        day["load"]["tenants"] = {"{pinned}": 1}
        day["abort_if"] = ["availability[tenant={home}] < 5% for 500ms"]
        day["must"].append("availability[tenant={pinned}] >= 99%")
        day["recover_within_s"] = 4

    plan = resolved(write(tmp_path, _changed(full)))
    [test] = plan.tests

    assert [("region-down-1.1", 8.0), ("region-down-1.2", 15.0)] == [(one.id, one.at_s) for one in test.injections]
    assert {(0.5, 2.0, "acme", "n")} == {(o.share, o.ramp_down_s, *o.tenants, o.note) for o in test.injections}
    assert {"europa": 1} == dict(test.workload.tenants)
    assert [20.0] == [burst.rate_rps for burst in test.workload.arrival.bursts]
    assert ["availability[tenant=acme] < 5% for 0.5s"] == test.abort_if
    assert "availability[tenant=europa] >= 99%" in test.promises.values()
    assert {"foreign_answers <= 0", "unlifted_faults <= 0"} < set(test.promises.values())
    assert 4.0 == test.recover_within_s
    assert test.story is not None
    assert (["https://example.test/incident"], 60.0) == (test.story.sources, test.story.compression)


def test_the_command_lines_seed_wins_over_the_files(tmp_path: Path) -> None:
    """A file has a seed, so that its game day is the same for everybody; whoever asks for another gets it."""
    path = write(tmp_path, SMALL | {"seed": 5})

    assert (5, 9) == (resolved(path).seed, resolved(path, seed=9).seed)


def test_chance_is_the_seeds(tmp_path: Path) -> None:
    """A fault that comes by chance comes for some seeds, and for one seed always or never."""
    path = write(tmp_path, _changed(lambda day: day["timeline"][0].update(probability=0.5)))

    came = [len(resolved(path, seed=seed).tests[0].injections) for seed in range(20)]

    assert {0, 1} == set(came)
    assert came == [len(resolved(path, seed=seed).tests[0].injections) for seed in range(20)]
