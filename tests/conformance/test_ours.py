"""The emulated clouds pass their own conformance run, and a proxy that changes nothing passes with them."""

import pytest

from brownout.conformance import Finding
from fixtures.conform.forms import FORMS
from tests.conformance.world import Endpoints, checked

# What an endpoint may lack, and why ours does in this run.
_LACKING = {"bearer-key": "the credentials file has no bearer_token to try"}


def _bad(findings: list[Finding]) -> list[str]:
    return [f"{one.outcome} {one.id}: {one.why or one.observed}" for one in findings if one.outcome != "pass"]


@pytest.mark.parametrize("dialect", FORMS)
def test_ours_pass(endpoints: Endpoints, dialect: str) -> None:
    """Every check of every dialect passes at our endpoint; what is skipped is a feature that it says it lacks."""
    findings = checked(endpoints.subject(dialect))
    assert {"core", "extended"} == {finding.level for finding in findings}
    allowed = {f"skipped {dialect}/{feature}: {feature}: {why}" for feature, why in _LACKING.items()}
    assert [] == [line for line in _bad(findings) if line not in allowed]


@pytest.mark.parametrize("dialect", FORMS)
def test_a_proxy_that_changes_nothing_passes(endpoints: Endpoints, dialect: str) -> None:
    """The proxy of the mutation tests breaks nothing by itself."""
    findings = checked(endpoints.subject(dialect, endpoints.proxies[dialect].url))
    assert [] == [line for line in _bad(findings) if not line.startswith("skipped")]
