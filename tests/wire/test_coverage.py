"""Everything that a dialect says can happen is seen by a test here, through an unmodified client."""

from argparse import Namespace
from pathlib import Path
from types import MappingProxyType

import pytest

from brownout.dialects import DIALECTS
from brownout.verdict import ExitCode
from fixtures.wire_table import beyond_of, make_table, markdown, operations_of, wire_command
from fixtures.wire_tests import WireTest, WireTests

OPERATIONS = MappingProxyType({"bedrock-converse": {"Converse": ("ThrottlingException",)}})
BEYOND = MappingProxyType({"bedrock-converse": frozenset({"ExpiredTokenException"})})


def _test(case: str) -> WireTest:
    where = "tests/wire/test_boto3.py::test_it"
    return WireTest(test=where, dialect="bedrock-converse", operation="Converse", case=case)


def test_every_operation_and_error_is_tested_by_a_client(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Whatever a dialect says can happen, a test has seen through an unmodified client; and no mark is wrong."""
    page = tmp_path / "wire.md"
    code = wire_command(Namespace(run=False, markdown=page), [])
    said = capsys.readouterr().out
    assert ExitCode.PASS == code, [line for line in said.splitlines() if " gap " in line or "mistake" in line]
    needed = sum(len({"ok", *errors}) for its in operations_of(DIALECTS)[0].values() for errors in its.values())
    assert f"{needed} of {needed} operations and errors tested" in said
    assert set(DIALECTS) | {"sagemaker-control"} == {
        line.removeprefix("## ") for line in page.read_text().splitlines() if line.startswith("## ")
    }


def test_a_misspelt_error_of_the_protocol_is_a_mistake() -> None:
    """What is nearly one of AWS's generic errors is said to be a mistake, with the name that was meant."""
    table = make_table(OPERATIONS, WireTests(tests=[_test("ExpiredTokenExeption")]), beyond=BEYOND)
    (mistake,) = table.mistakes
    assert "Did you mean 'ExpiredTokenException'?" in mistake


@pytest.mark.parametrize("case", ["InvalidSignatureException", "ExpiredTokenException"])
def test_without_the_protocols_list_its_errors_are_mistakes(case: str) -> None:
    """A dialect of no such protocol lists every error it has."""
    table = make_table(OPERATIONS, WireTests(tests=[_test(case)]))
    assert 1 == len(table.mistakes)


def test_errors_of_the_protocol_are_extra() -> None:
    """What is not the operation's own may be named; it is shown, and closes no gap."""
    table = make_table(OPERATIONS, WireTests(tests=[_test("ExpiredTokenException")]), beyond=BEYOND)
    assert ((), 2) == (table.mistakes, len(table.gaps))
    assert "*ExpiredTokenException*" in markdown(table)


def test_errors_beyond_an_operation_are_those_of_its_service() -> None:
    """A service's operations may answer with AWS's generic errors and one another's; other providers' with none."""
    operations, unlisted = operations_of(DIALECTS)
    beyond = beyond_of(DIALECTS, operations)
    assert () == unlisted
    assert {"bedrock-converse", "bedrock-invoke", "sagemaker-invoke"} == set(beyond)
    assert {"ExpiredTokenException", "ServiceQuotaExceededException"} <= beyond["bedrock-converse"]
    assert {"ExpiredTokenException", "ModelNotReadyException"} <= beyond["sagemaker-invoke"]
    assert "ServiceQuotaExceededException" not in beyond["sagemaker-invoke"]
