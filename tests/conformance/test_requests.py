"""Whoever pays for requests is told how many there will be."""

import pytest

from fixtures.conform.checks import checks_for
from fixtures.conform.forms import FORMS
from tests.conformance.world import Endpoints, checked


@pytest.mark.parametrize("dialect", FORMS)
def test_a_check_sends_as_many_requests_as_it_says(endpoints: Endpoints, dialect: str) -> None:
    """Whoever pays is told how much: a check's figure is what arrives, its SDK's requests included."""
    proxy = endpoints.proxies[dialect]
    subject = endpoints.subject(dialect, proxy.url)
    sent = {}
    for check in checks_for(subject.dialect):
        before = proxy.seen
        (found,) = checked(subject, [check.name])
        if found.outcome == "pass":
            sent[check.name] = proxy.seen - before - 1  # the first contact
    told = {check.name: check.requests for check in checks_for(subject.dialect)}
    assert {name: told[name] for name in sent} == sent
