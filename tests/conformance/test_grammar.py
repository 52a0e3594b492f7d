"""The grammar: what a check is, and how outcomes add up."""

import pytest

from brownout.conformance import FEATURES, Check, Finding, check, outcome_of, standing, tally
from brownout.dialects import DIALECTS
from brownout.errors import BadInput
from brownout.verdict import Outcome
from fixtures.conform.checks import checks_for, conform_dialect, folders_of, selected
from fixtures.conform.forms import FORMS
from fixtures.conform.sdks import SDKS
from fixtures.suites import suite_names


def _finding(outcome: Outcome, level: str = "core") -> Finding:
    return Finding(
        id="d/c",
        level=level,  # type: ignore[arg-type]
        requires="r",
        source="s",
        needs=(),
        outcome=outcome,
    )


def _all_checks() -> list[tuple[str, Check]]:
    return [(name, one) for name in FORMS for one in checks_for(DIALECTS[name])]


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (["pass", "pass"], "pass"),
        (["pass", "skipped"], "pass"),
        (["pass", "unknown"], "unknown"),
        (["unknown", "fail", "pass"], "fail"),
        (["skipped", "skipped"], "unknown"),
        ([], "unknown"),
    ],
)
def test_fail_outranks_unknown_outranks_pass(outcomes: list[Outcome], expected: str) -> None:
    """A run in which nothing passed is unknown, never a pass."""
    assert expected == outcome_of(map(_finding, outcomes))


def test_a_level_with_something_skipped_is_partial() -> None:
    """A level is never called a pass while a part of it was not looked at."""
    findings = [_finding("pass"), _finding("skipped"), _finding("pass", "extended")]
    assert "partial" == standing(findings, "core")
    assert "pass" == standing(findings, "extended")
    assert "unknown" == standing([_finding("skipped")], "core")
    assert (1, 0, 0, 1) == (
        tally(findings, "core").passed,
        tally(findings, "core").failed,
        tally(findings, "core").unknown,
        tally(findings, "core").skipped,
    )


def test_a_check_says_what_it_requires() -> None:
    """A check's docstring is its requirement, on one line; without one it is no check."""

    @check(level="core", source="here")
    async def made(_probe: object) -> None:
        """What holds.

        And why.
        """

    assert "What holds. And why." == made.requires
    assert __name__.rpartition(".")[2].replace("_", "-") == made.name
    with pytest.raises(TypeError, match="docstring"):

        @check(level="core", source="here")
        async def silent(_probe: object) -> None: ...


def test_a_check_needs_a_feature_that_there_is() -> None:
    """A misspelt feature is found when the check is loaded, not by its never being skipped."""
    with pytest.raises(TypeError, match="straeming"):

        @check(level="core", source="here", needs=("straeming",))
        async def misspelt(_probe: object) -> None:
            """Whatever."""


def test_every_dialect_has_its_form_and_its_sdk() -> None:
    """No dialect is left out of the conformance run."""
    assert DIALECTS.keys() == FORMS.keys() == SDKS.keys()


def test_checks_are_found_with_all_that_a_report_needs() -> None:
    """Every file below suites/conformance is found, and says level, requirement and source; all features are used."""
    found = _all_checks()
    assert all(one.source and one.requires.endswith(".") and one.requests >= 1 for _, one in found)
    assert FEATURES.keys() == {feature for _, one in found for feature in one.needs}
    assert {"core", "extended"} == {one.level for _, one in found}


def test_a_dialects_own_checks_come_with_its_families() -> None:
    """A folder says for which dialects its checks are."""
    assert ["bedrock_invoke", "every_dialect"] == [
        folder for folder in folders_of(DIALECTS["bedrock-invoke"]) if folder in {"bedrock_invoke", "every_dialect"}
    ]
    assert {"signed_by_aws", "event_stream", "claude", "claude_in_a_cloud", "bedrock"} <= set(
        folders_of(DIALECTS["bedrock-invoke"])
    )
    assert "signed_by_aws" not in folders_of(DIALECTS["openai-chat"])


def test_the_gate_does_not_take_checks_for_a_suite() -> None:
    """``brownout gate --suite conformance`` does not exist: checks are not scenarios."""
    assert "conformance" not in suite_names()


def test_a_check_may_be_named_with_its_dialect_or_without() -> None:
    """Both ``usage`` and ``openai-chat/usage`` name the check; a misspelt one is bad input with the nearest match."""
    checks = checks_for(DIALECTS["openai-chat"])
    assert ["usage"] == [one.name for one in selected(checks, ["openai-chat/usage"], "openai-chat")]
    assert ["usage"] == [one.name for one in selected(checks, ["usage"], "openai-chat")]
    assert len(checks) == len(selected(checks, [], "openai-chat"))
    with pytest.raises(BadInput, match="Did you mean 'usage'"):
        selected(checks, ["usge"], "openai-chat")


def test_an_unknown_dialect_is_bad_input() -> None:
    """The nearest dialect is named."""
    with pytest.raises(BadInput, match="Did you mean 'bedrock-converse'"):
        conform_dialect("bedrock-convers")
