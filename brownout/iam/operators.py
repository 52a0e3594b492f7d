"""Condition operators: each compares one value of the request with one of the policy."""

import ipaddress
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from brownout.iam.arns import arn_like
from brownout.iam.truth import Truth, known, unsure
from brownout.iam.wildcards import glob

Compare = Callable[[str, str], Truth]
"""Given the request's value and the policy's, whether they agree."""


@dataclass(frozen=True, slots=True)
class Operator:
    """How one operator compares.

    Attributes:
        compare: its positive form.
        negated: it holds where nothing agrees, and where the key is absent.
        wild: the policy's value is a pattern.
        variables: policy variables are filled in.
    """

    compare: Compare
    negated: bool = False
    wild: bool = False
    variables: bool = False


def _text(value: str, wanted: str) -> Truth:
    return known(value == wanted)


def _text_of_any_case(value: str, wanted: str) -> Truth:
    return known(value.lower() == wanted.lower())


def _like(value: str, wanted: str) -> Truth:
    return known(glob(wanted, value))


def _arn(value: str, wanted: str) -> Truth:
    return arn_like(wanted, value)


def _bool(value: str, wanted: str) -> Truth:
    words = ("true", "false")
    if value.lower() not in words or wanted.lower() not in words:
        return unsure(f"what Bool makes of {value!r} and {wanted!r}")
    return known(value.lower() == wanted.lower())


def _address(value: str, wanted: str) -> Truth:
    try:
        address, network = ipaddress.ip_address(value), ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return unsure(f"whether the address {value!r} is in {wanted!r}")
    return known(address in network)


def _numeric(compare: Callable[[float, float], bool]) -> Compare:
    def compared(value: str, wanted: str) -> Truth:
        try:
            return known(compare(float(value), float(wanted)))
        except ValueError:
            return unsure(f"how the number {value!r} compares with {wanted!r}")

    return compared


def _dated(compare: Callable[[float, float], bool]) -> Compare:
    def compared(value: str, wanted: str) -> Truth:
        try:
            return known(compare(_epoch_s(value), _epoch_s(wanted)))
        except (ValueError, OverflowError):
            return unsure(f"how the date {value!r} compares with {wanted!r}")

    return compared


def _epoch_s(text: str) -> float:
    """Return a date as seconds since 1970: ISO 8601 (UTC where it names no zone) or such seconds already."""
    try:
        return float(text)
    except ValueError:
        said = datetime.fromisoformat(text)
        return (said if said.tzinfo else said.replace(tzinfo=UTC)).timestamp()


def _listed() -> Mapping[str, Operator]:
    made = {
        "StringEquals": Operator(_text, variables=True),
        "StringNotEquals": Operator(_text, negated=True, variables=True),
        "StringEqualsIgnoreCase": Operator(_text_of_any_case, variables=True),
        "StringNotEqualsIgnoreCase": Operator(_text_of_any_case, negated=True, variables=True),
        "StringLike": Operator(_like, wild=True, variables=True),
        "StringNotLike": Operator(_like, negated=True, wild=True, variables=True),
        "ArnEquals": Operator(_arn, wild=True, variables=True),
        "ArnLike": Operator(_arn, wild=True, variables=True),
        "ArnNotEquals": Operator(_arn, negated=True, wild=True, variables=True),
        "ArnNotLike": Operator(_arn, negated=True, wild=True, variables=True),
        "Bool": Operator(_bool),
        "IpAddress": Operator(_address),
        "NotIpAddress": Operator(_address, negated=True),
    }
    orders: Mapping[str, Callable[[float, float], bool]] = {
        "Equals": operator.eq,
        "LessThan": operator.lt,
        "LessThanEquals": operator.le,
        "GreaterThan": operator.gt,
        "GreaterThanEquals": operator.ge,
    }
    for kind, ordered in (("Numeric", _numeric), ("Date", _dated)):
        made |= {f"{kind}{name}": Operator(ordered(compare)) for name, compare in orders.items()}
        made[f"{kind}NotEquals"] = Operator(ordered(operator.eq), negated=True)
    return MappingProxyType({name.lower(): one for name, one in made.items()})


OPERATORS: Mapping[str, Operator] = _listed()
"""By name in lower case. ``Null`` is not among them: it compares nothing. ``BinaryEquals`` is not supported."""
