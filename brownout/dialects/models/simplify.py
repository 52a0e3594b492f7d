"""Cuts a JSON Schema that pydantic made from an SDK's types down to the facts."""

from collections.abc import Mapping
from typing import Any

_PROSE = frozenset({"title", "description", "default", "examples", "deprecated"})
_BY_NAME = frozenset({"properties", "$defs"})
_NULL = {"type": "null"}


def simplified(schema: Any) -> Any:
    """Return a schema without prose, without formats but those of times, and without unions that say nothing."""
    if isinstance(schema, list):
        return [simplified(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    out = {
        key: {name: simplified(part) for name, part in value.items()} if key in _BY_NAME else simplified(value)
        for key, value in schema.items()
        if key not in _PROSE
    }
    if out.get("format") != "date-time":
        out.pop("format", None)
    if out.get("additionalProperties") is True and "properties" not in out:
        del out["additionalProperties"]
    return _union(out) if "anyOf" in out else out


def _union(schema: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    branches = [branch for at, branch in enumerate(schema["anyOf"]) if branch not in schema["anyOf"][:at]]
    if {"type": "string"} in branches:  # the values an SDK names beside any string are hints
        branches = [branch for branch in branches if branch.get("type") != "string" or branch == {"type": "string"}]
    if any("$ref" in branch for branch in branches):  # a free-form object beside a typed one is the SDK's leniency
        branches = [branch for branch in branches if branch != {"type": "object"}]
    plain = [branch for branch in branches if branch != _NULL]
    if len(plain) == 1 and isinstance(plain[0].get("type"), str) and not {"const", "enum"} & plain[0].keys():
        types = [plain[0]["type"], *("null" for branch in branches if branch == _NULL)]
        return {**plain[0], **rest, "type": types[0] if len(types) == 1 else types}
    if all(branch.keys() == {"type"} for branch in branches):
        return {**rest, "type": [branch["type"] for branch in branches]}
    return {**branches[0], **rest} if len(branches) == 1 else {**rest, "anyOf": branches}


def without_branches(schema: Any, unwanted: frozenset[str]) -> Any:
    """Return a schema whose unions refer to some definitions no more, where they have others to choose from."""
    if isinstance(schema, list):
        return [without_branches(part, unwanted) for part in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: without_branches(value, unwanted) for key, value in schema.items()}
    if isinstance(out.get("anyOf"), list):
        kept = [branch for branch in out["anyOf"] if _referred(branch) not in unwanted]
        out["anyOf"] = kept or out["anyOf"]
    return out


def reachable(roots: Any, defs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definitions that the roots refer to, at first or second hand."""
    found: dict[str, Any] = {}
    waiting = [roots]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            name = _referred(part)
            if name and name not in found:
                found[name] = defs[name]
                waiting.append(defs[name])
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
    return found


def _referred(schema: Any) -> str:
    """Return the definition's name that a schema refers to; empty when it refers to none."""
    target = schema.get("$ref") if isinstance(schema, dict) else None
    return target.rpartition("/")[2] if isinstance(target, str) else ""
