"""Clients that hang up: in the test that is about them answers take longer than they wait, and in no other."""

from fixtures.gate import make_plan
from tests.options import reference_options


def test_who_is_in_a_hurry_hangs_up_amid_an_answer() -> None:
    """The shortest answer takes longer than a client waits, and its second token comes while it still does."""
    options = reference_options(only=["inside-when-clients-leave", "inside-while-flapping"], profile="fast")
    patience_s = {one.test: one.workload.patience_s for one in make_plan(options).tests}
    hurried = next(one for one in make_plan(options).tests if one.test == "inside-when-clients-leave")
    (slow,) = hurried.injections
    pause_s = slow.settings["inter_token_s"]
    shortest, _ = hurried.workload.output_tokens

    assert {"inside-while-flapping": 8.0, "inside-when-clients-leave": 3.0} == patience_s
    assert pause_s < patience_s["inside-when-clients-leave"] < (shortest - 1) * pause_s
