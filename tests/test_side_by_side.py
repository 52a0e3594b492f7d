"""Whether tests disturb each other is measured so that it would show."""

from pathlib import Path

from bench.side_by_side import MEASURED, plan_of, strays
from brownout.evidence import Journal
from tests.histories import Story, attempt


def test_each_test_has_a_key_of_its_own() -> None:
    """Only so a canary that strays is one that proves itself nowhere; the measured test is the same as alone."""
    plan, alone = plan_of(6, 1), plan_of(1, 1)
    assert 6 == len({plan.seed_of(test) for test in plan.tests})
    assert plan.tests[0] == alone.tests[0]
    assert (MEASURED, plan.seed) == (plan.tests[0].test, plan.seed_of(plan.tests[0]))


def test_a_request_at_anothers_endpoint_is_a_stray(tmp_path: Path) -> None:
    """One that no client of the test has sent, and one whose canary does not prove itself there."""
    story = Story(tmp_path)
    run = story.write()
    assert 0 == strays(run)
    journal = Journal(run.file("provider.jsonl"))
    journal.write(attempt(7, 12.0, test="another"))
    journal.write(attempt(0, 12.0, canary=None, tenant=None))
    journal.write(attempt(999, 12.0))
    journal.close()
    assert 3 == strays(run)
