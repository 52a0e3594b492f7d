"""An objection as AWS's services say it: an unreadable body is one error, what breaks constraints is counted."""

from collections.abc import Mapping
from typing import Any

from brownout.dialects.models.objection import Objection, Path, Rule, json_type

_CONSTRAINTS: Mapping[Rule, str] = {
    "required": "Member must not be null",
    "enum": "Member must satisfy enum value set: [{}]",
    "minimum": "Member must have value greater than or equal to {}",
    "maximum": "Member must have value less than or equal to {}",
    "min-length": "Member must have length greater than or equal to {}",
    "max-length": "Member must have length less than or equal to {}",
    "pattern": "Member must satisfy regular expression pattern: {}",
}
_TOKENS = {"number": "NUMBER_VALUE", "integer": "NUMBER_VALUE", "string": "STRING_VALUE", "null": "NULL_VALUE"}
_UNREADABLE: frozenset[Rule] = frozenset({"type", "encoding", "one-of", "unknown"})


def aws_words(*objections: Objection) -> str:
    """Return the message for one or several objections to the same body.

    Where one is that the body cannot be read, it stands alone: nothing is validated then.
    """
    first = objections[0]
    if first.rule in _UNREADABLE:
        return _unreadable(first)
    broken = "; ".join(_broken(objection) for objection in objections)
    count = f"{len(objections)} validation error{'s' if len(objections) > 1 else ''}"
    return f"{count} detected: {broken}"


def aws_code(objection: Objection) -> str:
    """Return the name of the exception that an objection comes as."""
    return "SerializationException" if objection.rule in _UNREADABLE else "ValidationException"


def _unreadable(objection: Objection) -> str:
    value = objection.value
    if objection.rule == "one-of":
        return f"{_dotted(objection.path)}: a union must have exactly one member set, of {', '.join(objection.allowed)}"
    if objection.rule == "unknown":
        return f"Unknown member: {_dotted(objection.path)}"
    if isinstance(value, list):
        return "Start of list found where not expected"
    if isinstance(value, dict):
        return "Start of structure or map found where not expected."
    wanted = objection.wanted or "Structure"
    token = f"{value}_VALUE".upper() if isinstance(value, bool) else _TOKENS[json_type(value)]
    return f"{token} can not be converted to {'an' if wanted[0] in 'AEIOU' else 'a'} {wanted}"


def _broken(objection: Objection) -> str:
    rule, allowed = objection.rule, objection.allowed
    subject = f"Value{_shown(objection)} at '{_dotted(objection.path)}'"
    if rule == "key":
        subject = f"Value at '{_dotted(objection.path[:-1])}'"
        key_rule, key_allowed = allowed
        constraint = f"Map keys must satisfy constraint: [{_constraint(key_rule, key_allowed)}]"
    else:
        constraint = _constraint(rule, allowed)
    return f"{subject} failed to satisfy constraint: {constraint}"


def _constraint(rule: Rule, allowed: Any) -> str:
    if rule == "enum":
        allowed = ", ".join(str(value) for value in allowed)
    elif rule == "pattern":
        allowed = allowed.removeprefix("^(?:").removesuffix(")$")
    return _CONSTRAINTS[rule].format(allowed)


def _shown(objection: Objection) -> str:
    if objection.rule == "required":
        return " null"
    return "" if isinstance(objection.value, dict | list) else f" '{objection.value}'"


def _dotted(path: Path) -> str:
    """Return a path as AWS's frameworks write it: a list's members are counted from one."""
    return ".".join(f"{step + 1}.member" if isinstance(step, int) else step for step in path)
