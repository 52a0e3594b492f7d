"""A check that cannot fail checks nothing: an endpoint with the one defect that it is there for turns each red."""

import pytest

from brownout.dialects import DIALECTS
from fixtures.conform.checks import checks_for
from fixtures.conform.forms import FORMS
from tests.conformance.mutants import APART, MUTANTS, ONLY
from tests.conformance.world import Endpoints, checked

_CASES = [
    pytest.param(dialect, check.name, defect, id=f"{dialect}-{check.name}-{defect}")
    for dialect in FORMS
    for check in checks_for(DIALECTS[dialect])
    for defect in MUTANTS.get(check.name, {})
    if ONLY.get((check.name, defect), dialect) == dialect
]


@pytest.mark.parametrize(("dialect", "check", "defect"), _CASES)
def test_the_defect_is_seen(endpoints: Endpoints, dialect: str, check: str, defect: str) -> None:
    """The check fails at an endpoint with the defect: it says what it expected, what it saw, how to see it again."""
    proxy = endpoints.proxies[dialect]
    proxy.mutation = MUTANTS[check][defect]
    (found,) = checked(endpoints.subject(dialect, proxy.url), [check])
    assert "fail" == found.outcome, found.why
    assert found.expected
    assert found.observed
    assert f"--only {check}" in found.reproduction


def test_every_check_has_a_defect_that_breaks_it() -> None:
    """A check without a mutation is unfinished, and a mutation without a check is left over."""
    named = {check.name for dialect in FORMS for check in checks_for(DIALECTS[dialect])}
    assert set() == named - MUTANTS.keys() - APART.keys()
    assert set() == (MUTANTS.keys() | APART.keys()) - named
