"""Condition operators, as the IAM User Guide has them ("JSON policy elements: Condition operators")."""

import pytest

from brownout.iam.arns import covers
from brownout.iam.conditions import hold
from brownout.iam.context import Context, Many, NotKnown, Value
from brownout.iam.policy import Condition
from brownout.iam.wildcards import pattern

_KEY = "aws:key"
_V2012 = "2012-10-17"
_CASES: list[tuple[str, Value, tuple[str, ...], bool | None]] = [
    ("StringEquals", "a", ("a", "b"), True),
    ("StringEquals", "A", ("a",), False),
    ("StringEquals", "ab", ("a*",), False),
    ("StringEquals", None, ("a",), False),
    ("StringEqualsIfExists", None, ("a",), True),
    ("StringNotEquals", None, ("a",), True),
    ("StringNotEquals", "b", ("a", "b"), False),
    ("StringNotEqualsIfExists", None, ("a",), True),
    ("StringEqualsIgnoreCase", "A", ("a",), True),
    ("StringNotEqualsIgnoreCase", "A", ("a",), False),
    ("StringLike", "abc", ("a*",), True),
    ("StringLike", "abc", ("a?",), False),
    ("StringNotLike", "abc", ("a*", "x"), False),
    ("stringlike", "abc", ("*c",), True),
    ("ForAllValues:StringEquals", Many(("a", "b")), ("a", "b", "c"), True),
    ("ForAllValues:StringEquals", Many(("a", "z")), ("a", "b"), False),
    ("ForAllValues:StringEquals", None, ("a",), True),
    ("ForAnyValue:StringEquals", Many(("a", "z")), ("a",), True),
    ("ForAnyValue:StringEquals", None, ("a",), False),
    ("ForAnyValue:StringNotEquals", Many(("a", "z")), ("a",), True),
    ("ForAllValues:StringNotLike", Many(("ab", "z")), ("a*",), False),
    ("StringEquals", Many(("a",)), ("a",), None),
    ("NumericEquals", "10", ("10.0",), True),
    ("NumericNotEquals", "10", ("11",), True),
    ("NumericLessThan", "9", ("10",), True),
    ("NumericLessThanEquals", "10", ("10",), True),
    ("NumericGreaterThan", "10", ("10",), False),
    ("NumericGreaterThanEquals", "x", ("10",), None),
    ("DateLessThan", "2026-01-01T00:00:00Z", ("2026-06-01",), True),
    ("DateGreaterThan", "1767225600", ("2025-12-31T23:59:59Z",), True),
    ("DateEquals", "2026-01-01T01:00:00+01:00", ("2026-01-01T00:00:00Z",), True),
    ("DateEquals", "yesterday", ("2026-01-01T00:00:00Z",), None),
    ("Bool", "True", ("true",), True),
    ("Bool", "maybe", ("true",), None),
    ("BoolIfExists", None, ("true",), True),
    ("IpAddress", "10.1.2.3", ("10.0.0.0/8",), True),
    ("IpAddress", "2001:db8::1", ("2001:db8::/32",), True),
    ("IpAddress", "10.1.2.3", ("2001:db8::/32",), False),
    ("NotIpAddress", "192.0.2.1", ("10.0.0.0/8", "192.0.2.1"), False),
    ("NotIpAddress", None, ("10.0.0.0/8",), True),
    ("IpAddress", "10.1.2.3", ("10.0.0.0/40",), None),
    ("ArnLike", "arn:aws:iam::111111111111:role/a/b", ("arn:aws:iam::*:role/*",), True),
    ("ArnEquals", "arn:aws:iam::111111111111:role/a", ("arn:aws:iam::11111111111?:role/a",), True),
    ("ArnLike", "arn:aws:iam::111111111111:role/a", ("arn:*:role/a",), None),
    ("ArnNotLike", "arn:aws:iam::111111111111:role/a", ("arn:aws:iam::*:role/b",), True),
    ("Null", None, ("true",), True),
    ("Null", None, ("false",), False),
    ("Null", "", ("false",), True),
    ("Null", NotKnown("it"), ("true",), None),
    ("BinaryEquals", "YQ==", ("YQ==",), None),
    ("StringMatches", "a", ("a",), None),
    ("StringEquals", NotKnown("it"), ("a",), None),
]


@pytest.mark.parametrize(("operator", "value", "wanted", "holds"), _CASES)
def test_an_operator_holds_as_documented(
    operator: str, value: Value, wanted: tuple[str, ...], *, holds: bool | None
) -> None:
    """None is for what is not known, and then it says why."""
    found = hold([Condition(operator, _KEY, wanted)], _V2012, Context({_KEY: value}))
    assert holds == found.value
    assert (holds is None) == bool(found.why)


def test_a_key_that_nobody_has_said_anything_about_is_not_taken_for_absent() -> None:
    """Its name is what is not known."""
    found = hold([Condition("StringNotEquals", "aws:Novel", ("a",))], _V2012, Context({}))
    assert (None, ("the value of aws:Novel",)) == (found.value, found.why)


@pytest.mark.parametrize(
    ("version", "wanted", "holds"),
    [
        (_V2012, "${aws:username}", True),
        (_V2012, "${AWS:UserName}", True),
        (_V2012, "${aws:nobody, 'ann*'}", True),
        (_V2012, "${aws:nobody}", None),
        (_V2012, "ann${*}", True),
        (_V2012, "${?}nn*", False),
        ("2008-10-17", "${aws:username}", False),
    ],
)
def test_variables_are_filled_in_and_what_comes_out_of_them_is_no_wildcard(
    version: str, wanted: str, *, holds: bool | None
) -> None:
    """The user's name has a star in it."""
    context = Context({_KEY: "ann*", "aws:username": "ann*", "aws:nobody": None})
    assert holds == hold([Condition("StringLike", _KEY, (wanted,))], version, context).value
    other = context.having({_KEY: "anne"})
    assert True is not hold([Condition("StringLike", _KEY, ("${aws:username}",))], _V2012, other).value


@pytest.mark.parametrize(
    ("wanted", "arn", "covered"),
    [
        ("*", "arn:aws:s3:::a/b", True),
        ("arn:aws:s3:::a/*", "arn:aws:s3:::a/b:c", True),
        ("arn:aws:s3:::a", "arn:aws:s3:::a/b", False),
        ("arn:aws:kms:*:111111111111:key/*", "arn:aws:kms:us-east-1:111111111111:key/1", True),
        ("arn:aws:kms:*", "arn:aws:kms:us-east-1:111111111111:key/1", True),
        ("arn:aws:kms:us*key/1", "arn:aws:kms:us-east-1:111111111111:key/1", None),
        ("arn:aws:s3:::A/*", "arn:aws:s3:::a/b", False),
    ],
)
def test_a_wildcard_keeps_to_its_part_of_an_arn_unless_it_ends_it(
    wanted: str, arn: str, *, covered: bool | None
) -> None:
    """Where it is only a star in the middle that reaches over a colon, it is not known."""
    assert covered == covers(pattern(wanted), arn).value
