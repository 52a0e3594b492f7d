"""Figures as people read them."""

from typing import Any

import pytest

from brownout.verdict import Promise
from reports.wording import figure, headline


def _promise(slo: str, unit: str, observed: float | None) -> Promise:
    facts: dict[str, Any] = {"id": "s/t/p", "suite": "s", "test": "t", "samples": 9, "witnesses": [], "why": ""}
    return Promise(slo=slo, outcome="pass", observed=observed, unit=unit, **facts)


@pytest.mark.parametrize(
    ("slo", "unit", "observed", "expected"),
    [
        ("availability >= 95%", "ratio", 1.0, "100%"),
        ("availability >= 95%", "ratio", 0.960396, "96.04%"),
        ("availability >= 0.95", "ratio", 0.960396, "0.9604"),
        ("hung_requests <= 0", "count", 0.0, "0"),
        ("ttft_p99_s <= 2s", "s", 3.148, "3.148 s"),
        ("ttft_p99_s <= 2s", "s", None, "-"),
    ],
)
def test_a_figure_is_in_the_terms_of_its_promise(slo: str, unit: str, observed: float | None, expected: str) -> None:
    """A bare 1 beside "665 samples" reads as one request, not as all of them."""
    assert expected == figure(_promise(slo, unit, observed))


def test_what_was_left_out_and_seen_not_to_hold_is_in_the_first_line() -> None:
    """Nobody promised it, and whoever reads no further has to know of it all the same."""
    kept, seen = _promise("hung_requests <= 0", "count", 0.0), _promise("data_in_telemetry <= 0", "count", 899.0)
    seen.outcome, seen.seen_all_the_same = "skipped", True
    assert "1 kept, 1 skipped (1 of them seen not to hold)" == headline([kept, seen])
