"""From the engine's errors to objections: what a keyword says, and which branch of a union was meant."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import jsonschema_rs
import msgspec
from jsonschema_rs import ValidationErrorKind as Kind

from brownout.dialects.models.objection import Objection, Path, Rule, json_type

_TYPE = "x-type"
_BOUNDS: Mapping[type, tuple[Rule, str]] = {
    Kind.Minimum: ("minimum", "limit"),
    Kind.Maximum: ("maximum", "limit"),
    Kind.MinLength: ("min-length", "limit"),
    Kind.MinItems: ("min-length", "limit"),
    Kind.MinProperties: ("min-length", "limit"),
    Kind.MaxLength: ("max-length", "limit"),
    Kind.MaxItems: ("max-length", "limit"),
    Kind.MaxProperties: ("max-length", "limit"),
    Kind.Pattern: ("pattern", "pattern"),
}


class Finding(NamedTuple):
    """An objection, whether it only says that a union's branch was not meant, and which steps name a map's entries."""

    objection: Objection
    tag: bool = False
    entries: tuple[int, ...] = ()


def findings(errors: Iterable[jsonschema_rs.ValidationError], schema: Mapping[str, Any], body: object) -> list[Finding]:
    """Return what the engine's errors say of a body; of a union, what its best branch says."""
    return [finding for error in errors for finding in _of_error(error, schema, body)]


def _of_error(error: jsonschema_rs.ValidationError, schema: Mapping[str, Any], body: object) -> list[Finding]:
    kind = error.kind
    value: Any = error.instance
    path, entries = _walk(error, body)
    node = _node(schema, error.schema_path[:-1])
    match kind:
        case Kind.AnyOf() if _TYPE not in node:
            return _of_union([findings(branch, schema, body) for branch in kind.context], path, value)
        case Kind.AdditionalProperties():
            known = tuple(sorted(node.get("properties", ())))
            return [
                Finding(
                    Objection(path=(*path, name), rule="unknown", value=value[name], allowed=known), entries=entries
                )
                for name in kind.unexpected
            ]
        case Kind.Required():
            found = Objection(path=(*path, kind.property), rule="required", allowed=kind.property)
        case Kind.OneOfNotValid() | Kind.OneOfMultipleValid():
            members = tuple(branch["required"][0] for branch in node["oneOf"])
            found = Objection(path=path, rule="one-of", value=value, allowed=members)
        case Kind.PropertyNames():
            broken = _simple(kind.error, path, {})
            name = str(kind.error.instance)
            found = Objection(path=(*path, name), rule="key", value=name, allowed=(broken.rule, broken.allowed))
        case Kind.AnyOf():
            found = _leaf(value, node, path)
        case _:
            found = _simple(error, path, node)
    return [Finding(found, tag=isinstance(kind, Kind.Constant), entries=entries)]


def _leaf(value: object, node: Mapping[str, Any], path: Path) -> Objection:
    """Return the objection of a union that is one type to the vendor."""
    named: tuple[Any, ...] = tuple(node.get("x-enum", ()))
    if named and isinstance(value, str):
        return Objection(path=path, rule="enum", value=value, allowed=named, wanted=node[_TYPE])
    return Objection(path=path, rule="type", value=value, allowed=(node[_TYPE],), wanted=node[_TYPE])


def _simple(error: jsonschema_rs.ValidationError, path: Path, node: Mapping[str, Any]) -> Objection:
    """Return the objection of a keyword that says all by itself."""
    kind = error.kind
    rule: Rule = "type"
    allowed: Any = _type_names(node)
    if isinstance(kind, Kind.Constant):
        rule, allowed = "enum", (kind.expected_value,)
    elif isinstance(kind, Kind.Enum):
        rule, allowed = "enum", tuple(kind.options)
    elif type(kind) in _BOUNDS:
        rule, limit = _BOUNDS[type(kind)]
        allowed = getattr(kind, limit)
        if rule == "pattern" and "contentEncoding" in node:
            rule, allowed = "encoding", node["contentEncoding"]
    wanted = node.get(_TYPE) or next((name for name in _type_names(node) if name != "null"), "")
    return Objection(path=path, rule=rule, value=error.instance, allowed=allowed, wanted=wanted)


def _type_names(node: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the JSON types a schema takes, an array's with what it holds."""
    types = node.get("type", ())
    names = (types,) if isinstance(types, str) else tuple(types)
    held = node.get("items", {}).get("type")
    array = f"array of {held}s" if isinstance(held, str) else "array of objects"
    return tuple(array if name == "array" else name for name in names)


def _of_union(branches: list[list[Finding]], path: Path, value: object) -> list[Finding]:
    """Return the findings of the branch that was meant: by its JSON type, then by its tag, then by how far it fits."""
    fitting = [branch for branch in branches if not any(_is_type_at(finding, path) for finding in branch)]
    if not fitting:
        return [_wrong_type([finding.objection for branch in branches for finding in branch], path, value)]
    tag = _tag_name(fitting, path)
    meant = [branch for branch in fitting if not any(_denies(finding, (*path, tag)) for finding in branch)]
    if not meant:
        return [_wrong_tag([f.objection for branch in fitting for f in branch if _denies(f, (*path, tag))])]
    best = max(meant, key=lambda branch: (min(len(finding.objection.path) for finding in branch), -len(branch)))
    if tag != "type" or len(meant) == len(fitting) or not isinstance(value, dict) or tag not in value:
        return best
    return [_tagged(finding, (len(path), str(value[tag]))) for finding in best]


def _is_type_at(finding: Finding, path: Path) -> bool:
    return finding.objection.rule == "type" and finding.objection.path == path


def _denies(finding: Finding, path: Path) -> bool:
    return finding.objection.rule == "enum" and finding.objection.path == path


def _tag_name(branches: list[list[Finding]], path: Path) -> str:
    """Return the member that tells the branches apart: the one that most of them say is not theirs."""
    depth = len(path) + 1
    names = Counter(
        str(finding.objection.path[-1])
        for branch in branches
        for finding in branch
        if finding.tag and len(finding.objection.path) == depth
    )
    return names.most_common(1)[0][0] if names else ""


def _wrong_type(found: list[Objection], path: Path, value: object) -> Finding:
    names = dict.fromkeys(name for one in found for name in one.allowed)
    wanted = next((one.wanted for one in reversed(found) if one.wanted), "")
    if json_type(value) == "array":  # where an array may stand, it is what the array holds that is wrong
        names = dict.fromkeys(name for name in names if not name.startswith("array")) or names
    return Finding(Objection(path=path, rule="type", value=value, allowed=tuple(names), wanted=wanted))


def _wrong_tag(found: list[Objection]) -> Finding:
    values = dict.fromkeys(value for one in found for value in one.allowed)
    return Finding(msgspec.structs.replace(found[0], allowed=tuple(values)), tag=True)


def _tagged(finding: Finding, tag: tuple[int, str]) -> Finding:
    found = finding.objection
    return finding._replace(objection=msgspec.structs.replace(found, tags=(tag, *found.tags)))


def _node(schema: Any, path: Iterable[str | int]) -> Mapping[str, Any]:
    for step in path:
        schema = schema[step]
    return schema if isinstance(schema, dict) else {}


def _walk(error: jsonschema_rs.ValidationError, body: Any) -> tuple[Path, tuple[int, ...]]:
    """Return the way to what an error is about, and which of its steps name the entries of maps.

    The engine's own path takes names that look like numbers for places in an array, and leaves empty names out; the
    keywords on the way say which is which.
    """
    path: list[str | int] = []
    entries: list[int] = []
    given = list(reversed(error.instance_path))
    keywords = iter(error.evaluation_path[:-1])
    for keyword in keywords:
        follows = next(keywords, None) if keyword in {"properties", "anyOf", "oneOf"} else None
        if keyword not in {"properties", "items", "additionalProperties"}:
            continue
        if keyword == "additionalProperties":
            entries.append(len(path))
            path.append(_entry(body, given))
        else:
            step = given.pop()
            path.append(str(follows) if keyword == "properties" else step)
        body = _inside(body, path[-1])
    return tuple(path), tuple(entries)


def _entry(container: Any, given: list[str | int]) -> str:
    """Return the name of a map's entry, taken off the steps that the engine gave, where an empty name is missing."""
    names = container if isinstance(container, dict) and given else ()
    for name in names:
        if given[-1] in {name, _number(name)}:
            given.pop()
            return str(name)
    return ""


def _number(name: str) -> int | None:
    return int(name) if name.isascii() and name.isdecimal() else None


def _inside(container: Any, step: str | int) -> Any:
    """Return what a step leads to; None where two names stand for one number and the other was meant."""
    try:
        return container[step]
    except (LookupError, TypeError):
        return None
