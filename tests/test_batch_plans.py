"""Who is handed batches, and who is visibly not."""

import msgspec
import pytest

from brownout.plan import Plan
from brownout.scenario import Load, scenario
from brownout.target import FEATURES
from fixtures.gate import make_plan
from tests.options import reference_options

TESTS = ["inside-in-batches", "batches-are-accounted-for"]


def _planned(**target: object) -> Plan:
    options = reference_options(only=[*TESTS, "inside-while-flapping"], profile="full", clock="virtual")
    return make_plan(msgspec.structs.replace(options, target=msgspec.structs.replace(options.target, **target)))


def test_a_target_that_takes_batches_is_handed_some() -> None:
    """In the tests about them, and in no other; with twice the patience of a request."""
    loads = {one.test: one.workload for one in _planned().tests}
    assert {"inside-while-flapping": 0, **dict.fromkeys(TESTS, 6)} == {
        name: load.batches.lines for name, load in loads.items()
    }
    assert {2.0} == {load.batches.patience_s / load.patience_s for load in loads.values()}


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ({"declares": [name for name in FEATURES if name != "batch"]}, "batch"),
        ({"dialect": "anthropic-messages"}, "here: batches in anthropic-messages (there are some in openai-chat)"),
    ],
)
def test_a_target_that_takes_none_has_these_tests_left_out(target: dict[str, object], why: str) -> None:
    """Visibly, and says why."""
    left_out = {one.test: one.skipped for one in _planned(**target).tests}
    assert all(why in left_out[name] for name in TESTS), left_out


def test_a_test_that_is_played_with_another_secret_has_no_batches() -> None:
    """What is said about a batch is on no tape, so that nothing could be compared."""
    with pytest.raises(TypeError, match="twin has no batches"):
        scenario(must={}, load=Load(batch_lines=1), twin="acme")
