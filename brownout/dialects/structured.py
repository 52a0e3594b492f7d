"""Structured output: where an answer's text stands inside the JSON document that the caller's schema describes.

An emulated model's answer is plain text, and the document must hold it: its first free string does. What stands before
that string is sent before the first token, what stands after it when the answer is over, so that an answer cut short is
broken JSON, as a real one is.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

ANY_OBJECT: Mapping[str, Any] = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
}
"""What stands for "any JSON object": callers who ask for JSON without a schema."""

_MARK = "\ue000answer\ue000"
_MAX_DEPTH = 16
_MAX_ITEMS = 100


class Frame(NamedTuple):
    """What stands before and after the text, and whether there is a place for it at all.

    A schema without any free string (all numbers, all enumerations) has none: then the document is all in ``before``.
    """

    before: str
    after: str
    holds_text: bool

    def inside(self, text: str) -> str:
        """Return a piece of the text as it stands in the document."""
        return json.dumps(text, ensure_ascii=False)[1:-1] if self.holds_text else ""


def frame_of(schema: Mapping[str, Any]) -> Frame:
    """Return the document of a JSON Schema around its first free string.

    Raises:
        ValueError: what was given is no JSON Schema.
    """
    try:
        value = _Maker(schema).value(schema, 0)
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError(f"not a JSON Schema: {error}") from None
    document = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    before, found, after = document.partition(_MARK)
    return Frame(before, after.replace(_MARK, ""), bool(found))


class _Maker:
    """Makes the smallest value of a schema that names all its properties, as strict schemas require them."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root

    def value(self, schema: Any, depth: int) -> Any:
        if depth > _MAX_DEPTH or not isinstance(schema, Mapping):
            return None
        if "$ref" in schema:
            return self.value(self._at(str(schema["$ref"])), depth + 1)
        for key in ("anyOf", "oneOf", "allOf"):
            if schema.get(key):
                return self.value(schema[key][0], depth + 1)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][0]
        kind = schema.get("type", "object")
        return self._of_type(str(kind[0] if isinstance(kind, list) and kind else kind), schema, depth)

    def _of_type(self, kind: str, schema: Mapping[str, Any], depth: int) -> Any:
        match kind:
            case "object":
                properties = schema.get("properties") or {}
                return {name: self.value(part, depth + 1) for name, part in properties.items()}
            case "array":
                count = min(max(int(schema.get("minItems", 1)), 1), _MAX_ITEMS)
                return [self.value(schema.get("items") or {"type": "string"}, depth + 1)] * count
            case "integer" | "number":
                return schema.get("minimum", 0)
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return _MARK

    def _at(self, reference: str) -> Any:
        node: Any = self._root
        for step in reference.removeprefix("#").strip("/").split("/") if reference != "#" else ():
            node = node.get(step) if isinstance(node, Mapping) else None
        return node
