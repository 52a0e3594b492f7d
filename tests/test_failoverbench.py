"""The table of FailoverBench's scenarios names promises that there are."""

import re
from pathlib import Path

from brownout.metrics import METRICS
from brownout.scenario import Scenario
from fixtures.suites import all_suites

_TEXT = (Path(__file__).parents[1] / "docs" / "failoverbench.md").read_text()
_NAMED = re.compile(r"`([a-z]+/[a-z0-9-]+)`")
_CODE = re.compile(r"`([^`]+)`")


def _rows() -> dict[str, list[str]]:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in _TEXT.splitlines() if line.startswith("| S")
    ]
    return {cells[0].split()[0]: cells for cells in rows}


def _scenarios() -> dict[str, Scenario]:
    return {f"{suite}/{made.test}": made for suite, scenarios in all_suites() for made in scenarios}


def test_every_scenario_has_a_row() -> None:
    """S01 to S16, each with tests and metrics."""
    assert [f"S{number:02}" for number in range(1, 17)] == list(_rows())
    assert all(_NAMED.search(tests) and _CODE.search(metrics) for _, tests, metrics, _ in _rows().values())


def test_every_test_that_is_named_is_there() -> None:
    """In the table, and below it."""
    known = _scenarios()
    assert [] == [name for name in _NAMED.findall(_TEXT) if name not in known]


def test_the_tests_of_a_row_promise_its_metrics() -> None:
    """Each metric that a row names is promised by a test that it names; what every test promises, by none."""
    known, always = _scenarios(), {"target_exits", "foreign_answers", "unlifted_faults"}
    for scenario, (_, tests, metrics, _) in _rows().items():
        promised = {re.split(r"[ \[]", text)[0] for name in _NAMED.findall(tests) for text in known[name].must}
        named = set(_CODE.findall(metrics))
        assert set() == named - METRICS.keys(), scenario
        assert set() == named - promised - always, scenario
