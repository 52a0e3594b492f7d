"""A batch's file is read strictly: what is well-formed is kept to the letter, what is not is told by its line."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.router.batch_file import ERRORS_MAX, BadFile, FileError, Line, read_batch_file

ENDPOINT = "/v1/chat/completions"
LINES_MAX = 40

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=3,
)
BODIES = st.dictionaries(st.text(), VALUES, max_size=3).map(lambda more: {**more, "model": "m"})
FILES = st.dictionaries(st.text(min_size=1, max_size=20), BODIES, min_size=1, max_size=6)


def line(custom_id: str = "a", **changes: Any) -> dict[str, Any]:
    """Return a line as it should be, with changes; a field changed to ``...`` is left out."""
    known = {"custom_id": custom_id, "method": "POST", "url": ENDPOINT, "body": {"model": "m"}} | changes
    return {name: value for name, value in known.items() if value is not ...}


def jsonl(*lines: Any, end: bytes = b"\n") -> bytes:
    """Return lines as a file; bytes as they are."""
    return b"\n".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in lines) + end


def read(content: bytes) -> list[Line]:
    """Read a file."""
    return read_batch_file(content, endpoint=ENDPOINT, lines_max=LINES_MAX)


def lines_or_errors(content: bytes) -> tuple[list[Line], list[FileError]]:
    """Return a file's lines, or what is wrong with it."""
    try:
        return read(content), []
    except BadFile as bad:
        return [], bad.errors


def errors_in(content: bytes) -> list[FileError]:
    """Return what is wrong with a file that something is wrong with."""
    lines, errors = lines_or_errors(content)
    assert errors, lines
    return errors


@given(FILES, st.sampled_from([b"", b"\n"]))
def test_what_is_well_formed_is_read_as_it_stands(bodies: dict[str, Any], end: bytes) -> None:
    """Every line, in order, its body what was written; whether the file ends with a line break or not."""
    lines = read(jsonl(*(line(custom_id, body=body) for custom_id, body in bodies.items()), end=end))
    assert list(bodies.items()) == [(one.custom_id, json.loads(one.body)) for one in lines]


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_told_to_be_wrong(content: bytes) -> None:
    """No file makes the reader fail in another way, and no error is without a word."""
    lines, errors = lines_or_errors(content)
    assert bool(lines) != bool(errors)
    assert all(one.code and one.message for one in errors)


@given(FILES, st.data())
def test_one_byte_that_is_lost_is_never_a_line_more(bodies: dict[str, Any], data: st.DataObject) -> None:
    """A file that a byte was lost from has as many lines still, or its errors are told by lines that it has."""
    content = jsonl(*(line(custom_id, body=body) for custom_id, body in bodies.items()), end=b"")
    place = data.draw(st.integers(0, len(content) - 1))
    lines, errors = lines_or_errors(content[:place] + content[place + 1 :])
    assert errors or len(bodies) == len(lines)
    assert all(one.line is not None and 1 <= one.line <= len(bodies) for one in errors)


@pytest.mark.parametrize(
    ("wrong", "code", "param"),
    [
        (b"{not json", "invalid_json_line", None),
        (b"", "invalid_json_line", None),
        (b"  \t", "invalid_json_line", None),
        (b'{"custom_id": "\xff"}', "invalid_json_line", None),
        (b'{"custom_id": "\\ud800"', "invalid_json_line", None),
        (b'{"body": ' + b"[" * 100_000, "invalid_json_line", None),
        (b"[]", "invalid_value", None),
        (b"null", "invalid_value", None),
        (line(custom_id=...), "missing_required_parameter", "custom_id"),
        (line(custom_id=7), "invalid_value", "custom_id"),
        (line(custom_id=""), "invalid_value", "custom_id"),
        (line(custom_id="x" * 257), "invalid_value", "custom_id"),
        (line("first"), "duplicate_custom_id", "custom_id"),
        (line(method="GET"), "invalid_method", "method"),
        (line(method=...), "missing_required_parameter", "method"),
        (line(url="/v1/embeddings"), "url_mismatch", "url"),
        (line(body=...), "missing_required_parameter", "body"),
        (line(body="text"), "invalid_value", None),
        (line(body={}), "missing_required_parameter", "body.model"),
        (line(body={"model": 3}), "invalid_value", "body.model"),
        (line(body={"model": "other"}), "model_mismatch", "body.model"),
        (line(priority="high"), "unknown_parameter", "priority"),
    ],
)
def test_what_is_wrong_with_a_line_is_told(wrong: Any, code: str, param: str | None) -> None:
    """By its number, OpenAI's code, and the field at fault; good lines around it are no errors."""
    (error,) = errors_in(jsonl(line("first"), wrong, line("last")))
    assert (2, code, param) == (error.line, error.code, error.param), error.message


def test_all_that_is_wrong_is_told_at_once() -> None:
    """Whoever mends a file mends it once; of very many errors the first are told."""
    wrong = line("b", method="GET", url="/v1/embeddings")
    assert [(1, "invalid_method"), (1, "url_mismatch"), (3, "invalid_json_line")] == [
        (one.line, one.code) for one in errors_in(jsonl(wrong, line("c"), b"x"))
    ]
    many = errors_in(jsonl(*(line(str(n), method="PUT", url="/x") for n in range(LINES_MAX))))
    assert ERRORS_MAX == len(many)


@pytest.mark.parametrize("content", [b"", b"\n", b" \n \n"])
def test_an_empty_file_is_no_batch(content: bytes) -> None:
    """It is said, about no line."""
    assert [("empty_file", None)] == [(one.code, one.line) for one in errors_in(content)]


def test_a_file_that_is_too_long_is_told_how_long_it_may_be() -> None:
    """At the bound it is taken."""
    most = [line(str(number)) for number in range(LINES_MAX)]
    assert LINES_MAX == len(read(jsonl(*most)))
    (error,) = errors_in(jsonl(*most, line("more")))
    assert ("too_many_tasks", None) == (error.code, error.line)
    assert f"{LINES_MAX + 1} lines; at most {LINES_MAX}" in error.message
