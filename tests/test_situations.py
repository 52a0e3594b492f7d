"""Situations that tests of the boundary are about: they come about in the plan, and not by chance."""

from brownout.plan import TestPlan
from fixtures.gate import make_plan
from tests.options import reference_options


def _planned(*names: str) -> list[TestPlan]:
    plan = make_plan(reference_options(only=names, profile="fast", clock="virtual"))
    return sorted(plan.tests, key=lambda one: names.index(one.test))


def test_who_is_in_a_hurry_hangs_up_amid_an_answer() -> None:
    """The shortest answer takes longer than a client waits, and its second token comes while it still does."""
    hurried, usual = (one.workload for one in _planned("inside-when-clients-leave", "inside-while-flapping"))
    (slow,) = _planned("inside-when-clients-leave")[0].injections
    pause_s = slow.settings["inter_token_s"]
    shortest, _ = hurried.output_tokens

    assert (3.0, 8.0) == (hurried.patience_s, usual.patience_s)
    assert pause_s < hurried.patience_s < (shortest - 1) * pause_s


def test_who_is_killed_has_much_in_flight() -> None:
    """Answers have become so slow by then that a dozen requests are under way at any instant."""
    (restart,) = _planned("inside-after-a-restart")
    on = {one.fault: one for one in restart.injections}
    slow, killed = on["slow-tokens"], on["router-killed"]
    shortest, _ = restart.workload.output_tokens
    takes_s = (shortest - 1) * slow.settings["inter_token_s"]

    assert slow.at_s + takes_s <= killed.at_s < slow.at_s + slow.for_s
    assert restart.workload.arrival.rate_rps * takes_s >= 12
