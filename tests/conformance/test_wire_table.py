"""``brownout wire``: what is tested, what is not, and which marks are mistaken."""

import shutil
from pathlib import Path

import pytest

from brownout.cli import build_parser
from brownout.dialects import DIALECTS
from brownout.errors import BadInput
from brownout.verdict import ExitCode
from fixtures import wire_table
from fixtures.wire_table import client_of, headline, make_table, markdown, operations_of, outcome, wire_command
from fixtures.wire_tests import WireTest, WireTests

OPERATIONS = {"d": {"Converse": ("ThrottlingException", "ValidationException"), "Count": ()}}


def _test(case: str, operation: str = "Converse", dialect: str = "d", ended: str = "") -> WireTest:
    return WireTest(
        test="tests/wire/test_boto3_errors.py::test_x", dialect=dialect, operation=operation, case=case, outcome=ended
    )


ALL = [_test("ok"), _test("ThrottlingException"), _test("ValidationException"), _test("ok", "Count")]


def test_all_tested_is_a_pass() -> None:
    """Every operation, and every error of it, seen by a test."""
    table = make_table(OPERATIONS, WireTests(tests=ALL))
    assert ([], ()) == (table.gaps, table.mistakes)
    assert ExitCode.PASS == outcome(table)
    assert "4 of 4 operations and errors tested" == headline(table, run=False)
    assert {("boto3",)} == {cell.clients for cell in table.cells}


def test_a_gap_is_unknown_and_counted() -> None:
    """What no test has seen is said aloud; a gap is never a pass."""
    table = make_table(OPERATIONS, WireTests(tests=ALL[:2]))
    assert [("Converse", "ValidationException"), ("Count", "ok")] == [(c.operation, c.case) for c in table.gaps]
    assert ExitCode.UNKNOWN == outcome(table)
    assert "2 of 4 operations and errors tested; 2 gaps: unknown" == headline(table, run=False)


def test_a_failed_test_is_a_fail() -> None:
    """With ``--run`` one failed test outranks gaps; a skipped test has seen nothing."""
    tests = [_test("ok", ended="passed"), _test("ok", ended="failed"), _test("ThrottlingException", ended="skipped")]
    table = make_table(OPERATIONS, WireTests(tests=tests))
    assert ["failed", "skipped", "gap", "gap"] == [cell.state for cell in table.cells]
    assert 3 == len(table.gaps)
    assert ExitCode.FAIL == outcome(table)


@pytest.mark.parametrize(
    ("test", "said"),
    [
        (_test("ok", dialect="e"), "no dialect 'e'"),
        (_test("ok", "Convers"), "lists no operation 'Convers'. Did you mean 'Converse'"),
        (_test("ThrotlingException"), "lists no error 'ThrotlingException'. Did you mean 'ThrottlingException'"),
        (_test("ThrottlingExceptions"), "lists no error"),
        (_test("SomethingElseException"), "lists no error 'SomethingElseException'"),
        (_test("overloaded_error"), "lists no error 'overloaded_error'"),
    ],
)
def test_a_mistaken_mark_is_a_fail(test: WireTest, said: str) -> None:
    """A misspelt mark would count for nothing, silently; so it is an error."""
    table = make_table(OPERATIONS, WireTests(tests=[*ALL, test]))
    assert 1 == len(table.mistakes)
    assert said in table.mistakes[0]
    assert ExitCode.FAIL == outcome(table)


@pytest.mark.parametrize("word", ["tools", "cut", "rate-limit headers", "max_tokens"])
def test_a_feature_is_extra(word: str) -> None:
    """Any word that is no error's name is a feature: shown, not demanded."""
    table = make_table(OPERATIONS, WireTests(tests=[*ALL, _test(word)]))
    assert [word] == [cell.case for cell in table.cells if not cell.needed]
    assert ExitCode.PASS == outcome(table)


def test_files_that_cannot_be_read_and_dialects_that_list_nothing_are_no_pass() -> None:
    """A test file that does not import hides its marks; a dialect without a list cannot be complete."""
    assert ExitCode.FAIL == outcome(make_table(OPERATIONS, WireTests(tests=ALL, uncollected=["tests/a.py"])))
    assert ExitCode.UNKNOWN == outcome(make_table(OPERATIONS, WireTests(tests=ALL), unlisted=("e",)))


@pytest.mark.parametrize(
    ("test", "client"),
    [
        ("tests/wire/test_boto3_errors.py::test_a[x]", "boto3"),
        ("tests/wire/test_openai.py::test_a", "openai"),
        ("tests/wire/test_rude_clients.py::test_a", "rude_clients"),
    ],
)
def test_the_file_names_the_client(test: str, client: str) -> None:
    """Where a mark names none."""
    assert client == client_of(test)


def test_every_dialect_lists_its_operations() -> None:
    """The table has something to be made against."""
    listed, unlisted = operations_of(DIALECTS)
    assert () == unlisted
    assert DIALECTS.keys() <= listed.keys()


def test_markdown_says_the_same() -> None:
    """A section a dialect, a row a case."""
    written = markdown(make_table(OPERATIONS, WireTests(tests=ALL[:1])))
    assert "## d" in written
    assert "| Converse | ok | tested | boto3 |" in written
    assert "| Count | ok | gap |  |" in written


_TESTS = """
import pytest

@pytest.mark.wire("openai-chat", "chat.completions.create", "ok")
def test_passes():
    pass

@pytest.mark.wire("openai-chat", "chat.completions.create", "invalid_api_key", client="curl")
@pytest.mark.wire("openai-chat", "chat.completions.create", "tools")
def test_fails():
    assert False

@pytest.mark.wire("openai-chat", "only two")
def test_malformed():
    pass

def test_unmarked():
    raise SystemExit("an unmarked test is not run")
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of a few tests."""
    root = Path(wire_table.__file__).parent.parent
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_openai.py").write_text(_TESTS)
    shutil.copy(root / "pyproject.toml", tmp_path)
    for room in ("fixtures", "brownout", "reports", "faults", "loadgen"):
        (tmp_path / room).symlink_to(root / room)
    monkeypatch.setattr(wire_table, "_ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize(("run", "state"), [(False, "tested"), (True, "passed")])
def test_marks_are_collected_and_run(
    checkout: Path, capsys: pytest.CaptureFixture[str], *, run: bool, state: str
) -> None:
    """Collected in a process of their own; with ``--run`` only marked tests run, and each row says how it ended."""
    words = ["wire", "--markdown", str(checkout / "wire.md"), *(["--run"] if run else [])]
    assert ExitCode.FAIL == wire_command(build_parser().parse_args(words), words)
    written = (checkout / "wire.md").read_text()
    assert f"| chat.completions.create | ok | {state} | openai |" in written
    assert f"| chat.completions.create | invalid_api_key | {'failed' if run else 'tested'} | curl |" in written
    assert f"| chat.completions.create | *tools* | {'failed' if run else 'tested'} | openai |" in written
    assert "give dialect, operation and error (or ok)" in capsys.readouterr().out


def test_an_installation_without_tests_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bad input, with the fix."""
    monkeypatch.setattr(wire_table, "_ROOT", tmp_path)
    with pytest.raises(BadInput, match="from a checkout"):
        wire_command(build_parser().parse_args(["wire"]), [])
