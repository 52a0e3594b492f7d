"""Bodies made of a vendor's model by hypothesis, and single breaks of them at known places."""

import copy
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

from hypothesis import strategies as st

from brownout.dialects.models import _checker

How: TypeAlias = Literal["type", "required", "enum", "low", "unknown"]
STRANGER = "zork"
_WRONG = {STRANGER: 1}
_SCALARS = {"string", "integer", "number", "boolean"}


class Place(NamedTuple):
    """Where a body can be broken, and how."""

    path: tuple[str | int, ...]
    how: How


class Made(NamedTuple):
    """A body that conforms, and the places where it can be broken."""

    body: Any
    places: list[Place]


@st.composite
def bodies(draw: st.DrawFn, model: str) -> Made:
    """Draw a body that conforms to a model."""
    schema = _checker(model)._schema
    maker = _Maker(draw, schema["$defs"])
    return Made(maker.make(schema, (), 5), maker.places)


def broken(made: Made, place: Place) -> Any:
    """Return a copy of the body, broken at one place."""
    body = copy.deepcopy(made.body)
    if not place.path:
        return 5
    *above, last = place.path
    holder = body
    for step in above:
        holder = holder[step]
    if place.how == "required":
        del holder[last]
    elif place.how == "low":
        holder[last] = type(holder[last])() if isinstance(holder[last], str | list | dict) else -1
    else:
        holder[last] = {"type": _WRONG, "enum": STRANGER, "unknown": 1}[place.how]
    return body


class _Maker:
    def __init__(self, draw: st.DrawFn, defs: Mapping[str, Any]) -> None:
        self.places: list[Place] = []
        self._draw = draw
        self._defs = defs

    def make(self, schema: Mapping[str, Any], path: tuple[str | int, ...], depth: int) -> Any:
        if "$ref" in schema:
            return self.make(self._defs[schema["$ref"].rpartition("/")[2]], path, depth)
        if "anyOf" in schema:
            rest = {key: value for key, value in schema.items() if key != "anyOf"}
            branches = [branch for branch in schema["anyOf"] if depth > 0 or "$ref" not in branch] or schema["anyOf"]
            return self.make({**self._draw(st.sampled_from(branches)), **rest}, path, depth)
        if "const" in schema or "enum" in schema:
            self.places.append(Place(path, "enum"))
            return self._draw(st.sampled_from(schema.get("enum") or [schema["const"]]))
        kinds = schema.get("type", "string")
        kind = kinds if isinstance(kinds, str) else self._draw(st.sampled_from(kinds))
        if kind == "null":
            return None
        if kind in _SCALARS and "type" in schema and isinstance(kinds, str):
            self.places.append(Place(path, "type"))
        if "minimum" in schema or any(schema.get(name) for name in ("minLength", "minItems", "minProperties")):
            self.places.append(Place(path, "low"))
        return {"object": self._object, "array": self._array}.get(kind, self._scalar)(
            {**schema, "type": kind}, path, depth
        )

    def _object(self, schema: Mapping[str, Any], path: tuple[str | int, ...], depth: int) -> Any:
        members: Mapping[str, Any] = schema.get("properties", {})
        if schema.get("additionalProperties") is False:
            self.places.append(Place((*path, STRANGER), "unknown"))
        names = list(schema.get("required", ()))
        if "oneOf" in schema:
            names = self._draw(st.sampled_from(schema["oneOf"]))["required"]
        elif depth > 0 and members:
            names += self._draw(st.lists(st.sampled_from(sorted(members)), max_size=3, unique=True))
        self.places += [Place((*path, name), "required") for name in schema.get("required", ())]
        body = {name: self.make(members[name], (*path, name), depth - 1) for name in dict.fromkeys(names)}
        entries = schema.get("additionalProperties")
        if isinstance(entries, dict) and not members:
            keys = self._draw(
                st.lists(self._string(schema.get("propertyNames", {})), min_size=1, max_size=2, unique=True)
            )
            body = {key: self.make(entries, (*path, key), depth - 1) for key in keys}
        return body

    def _array(self, schema: Mapping[str, Any], path: tuple[str | int, ...], depth: int) -> Any:
        least = schema.get("minItems", 0)
        count = self._draw(st.integers(least, max(least, min(schema.get("maxItems", 2), 2 if depth > 0 else 0))))
        return [self.make(schema.get("items", {}), (*path, place), depth - 1) for place in range(count)]

    def _scalar(self, schema: Mapping[str, Any], path: tuple[str | int, ...], depth: int) -> Any:
        del path, depth
        match schema["type"]:
            case "boolean":
                return self._draw(st.booleans())
            case "integer":
                low = schema.get("minimum", schema.get("exclusiveMinimum", -1000) + 1)
                return self._draw(st.integers(int(low), int(schema.get("maximum", 2**31 - 1))))
            case "number":
                low, high = schema.get("minimum", -1000), schema.get("maximum", 1000)
                return self._draw(st.floats(low, high) | st.integers(int(low) + 1, int(high)))
            case _:
                return self._draw(self._string(schema))

    def _string(self, schema: Mapping[str, Any]) -> st.SearchStrategy[str]:
        if schema.get("format") == "date-time":
            return st.just("2026-01-02T03:04:05Z")
        least, most = schema.get("minLength", 0), schema.get("maxLength", 100)
        if "pattern" not in schema:
            return st.text(min_size=least, max_size=max(least, min(most, 8)))
        # Python's classes are wider than ECMAScript's, and so is its end of a line.
        text = st.from_regex(
            schema["pattern"], fullmatch=True, alphabet=st.characters(min_codepoint=32, max_codepoint=126)
        )
        return text.filter(lambda drawn: least <= len(drawn) <= most)
