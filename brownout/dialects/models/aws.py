"""Models of AWS services: botocore's shapes, turned into JSON Schema for the operations asked for.

Only what stands in a JSON body is turned; what travels in the path, the query and the headers has a model of its own.
Unknown members of requests are passed over, as AWS's JSON protocols do; in replies the model has every member. Bodies
that the model leaves to the caller (InvokeModel, InvokeEndpoint) are never objected to.
"""

import functools
from collections.abc import Iterable
from typing import Any

import jsonschema_rs
from botocore.loaders import Loader
from botocore.model import (
    ListShape,
    MapShape,
    NoShapeFoundError,
    OperationModel,
    ServiceModel,
    Shape,
    StringShape,
    StructureShape,
)

from brownout.dialects.models.engine import Checker

SERVICES = ("bedrock-runtime", "sagemaker-runtime", "sagemaker", "bedrock")
_ANYTHING = {"type": ["object", "array", "string", "number", "boolean"]}
"""A document. Null is left out: a member that is null is absent."""
_BASE64 = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
"""A pattern beside ``contentEncoding``, which the engine does not assert."""
_MACHINE_BITS = {"integer": 32, "long": 64}
_NOTHING = StructureShape("Nothing", {"type": "structure", "members": {}})
"""The input or output of an operation that has none."""
_JAVA_CLASSES = {r"\p{Print}": r"\x20-\x7E", r"\p{ASCII}": r"[\x00-\x7F]", r"\A": "", r"\z": ""}
"""Java's names that ECMAScript's regular expressions do not know."""


def checker(name: str) -> Checker:
    """Return the model of a name such as ``bedrock-runtime/Converse:output``.

    Raises:
        KeyError: no such service, operation or shape.
    """
    service_name, _, what = name.partition("/")
    shape_name, _, part = what.partition(":")
    if service_name not in SERVICES:
        raise KeyError(name)
    service = _service(service_name)
    if shape_name not in service.operation_names:
        return _Schemas(strict=True).checker(_shape(service, shape_name))
    operation = service.operation_model(shape_name)
    if part in {"", "parameters"}:
        return _request(operation, parameters=part == "parameters")
    if part == "output":
        return _reply(operation)
    events = operation.get_event_stream_output()
    if events is None:
        raise KeyError(name)
    return _Schemas(strict=True).checker(events.members[part])


@functools.cache
def _service(name: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


def _shape(service: ServiceModel, name: str) -> Shape:
    try:
        return service.shape_for(name)
    except NoShapeFoundError:
        raise KeyError(name) from None


def _request(operation: OperationModel, *, parameters: bool) -> Checker:
    shape = operation.input_shape or _NOTHING
    apart = _travelling_apart(shape)
    schemas = _Schemas(strict=False)
    if parameters:
        return schemas.checker(shape, only=apart)
    return _body(schemas, shape, apart)


def _reply(operation: OperationModel) -> Checker:
    shape = operation.output_shape or _NOTHING
    return _body(_Schemas(strict=True), shape, _travelling_apart(shape))


def _travelling_apart(shape: StructureShape) -> set[str]:
    """Return the members that travel in the path, the query and the headers."""
    return {name for name, member in shape.members.items() if member.serialization.get("location")}


def _body(schemas: "_Schemas", shape: StructureShape, apart: set[str]) -> Checker:
    payload = shape.serialization.get("payload")
    if payload is not None and shape.members[payload].type_name == "blob":
        return Checker({"$defs": {}})  # the body is the caller's and the container's business
    if payload is not None:
        return schemas.checker(shape.members[payload])
    return schemas.checker(shape, only=set(shape.members) - apart)


class _Schemas:
    """The schemas of the shapes reached from one root."""

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self._defs: dict[str, Any] = {}

    def checker(self, shape: Shape, *, only: Iterable[str] | None = None) -> Checker:
        """Compile the schema of a shape, of a structure perhaps only some members."""
        root = self._structure(shape, only) if only is not None else self._of(shape)
        return Checker({**root, "$defs": self._defs}, nulls_absent=True)

    def _of(self, shape: Shape) -> dict[str, Any]:
        if isinstance(shape, StructureShape) and not shape.is_document_type:
            if shape.name not in self._defs:
                self._defs[shape.name] = {}  # a shape may hold itself
                self._defs[shape.name] = self._structure(shape, shape.members)
            return {"$ref": f"#/$defs/{shape.name}"}
        if isinstance(shape, ListShape):
            bounds = _bounds(shape, "minItems", "maxItems")
            return {"type": "array", "items": self._of(shape.member), **bounds, "x-type": "List"}
        if isinstance(shape, MapShape):
            return {
                "type": "object",
                "propertyNames": _scalar(shape.key),
                "additionalProperties": self._of(shape.value),
                **_bounds(shape, "minProperties", "maxProperties"),
                "x-type": "Map",
            }
        return _scalar(shape)

    def _structure(self, shape: StructureShape, only: Iterable[str]) -> dict[str, Any]:
        wire = {name: shape.members[name].serialization.get("name", name) for name in shape.members if name in only}
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {wire[name]: self._of(shape.members[name]) for name in wire},
            "x-type": "Structure",
        }
        required = [wire[name] for name in shape.required_members if name in wire]
        if required:
            schema["required"] = required
        if shape.is_tagged_union:
            schema["oneOf"] = [{"required": [name]} for name in wire.values()]
        if self._strict:
            schema["additionalProperties"] = False
        return schema


def _scalar(shape: Shape) -> dict[str, Any]:
    if getattr(shape, "is_document_type", False):
        return dict(_ANYTHING)
    return {**_plain(shape), "x-type": shape.type_name.title()}


def _plain(shape: Shape) -> dict[str, Any]:
    match shape.type_name:
        case "string" | "character":
            return _string(shape)
        case "integer" | "long":
            edge = 2 ** (_MACHINE_BITS[shape.type_name] - 1)
            bounds = _bounds(shape, "minimum", "maximum")
            return {"type": "integer", "exclusiveMinimum": -edge - 1, "exclusiveMaximum": edge, **bounds}
        case "float" | "double":
            return {"type": "number", **_bounds(shape, "minimum", "maximum")}
        case "boolean":
            return {"type": "boolean"}
        case "timestamp":
            return {"type": "number" if shape.serialization.get("timestampFormat") is None else "string"}
        case _:
            return _blob(shape)


def _string(shape: StringShape) -> dict[str, Any]:
    schema = {"type": "string", **_bounds(shape, "minLength", "maxLength")}
    if shape.enum:
        schema["enum"] = list(shape.enum)
    # The services match a pattern against the whole value, whether or not it is anchored.
    pattern = f"^(?:{_ecma(shape.metadata.get('pattern', ''))})$"
    if "pattern" in shape.metadata and _is_regular(pattern):
        schema["pattern"] = pattern
    return schema


def _blob(shape: Shape) -> dict[str, Any]:
    """Return the schema of base64, whose length is bounded by the bytes it stands for."""
    schema: dict[str, Any] = {"type": "string", "pattern": _BASE64, "contentEncoding": "base64"}
    if "max" in shape.metadata:
        schema["maxLength"] = (shape.metadata["max"] + 2) // 3 * 4
    if "min" in shape.metadata:
        schema["minLength"] = (shape.metadata["min"] + 2) // 3 * 4
    return schema


def _bounds(shape: Shape, low: str, high: str) -> dict[str, float]:
    named = {low: shape.metadata.get("min"), high: shape.metadata.get("max")}
    return {name: bound for name, bound in named.items() if bound is not None}


def _ecma(pattern: str) -> str:
    for java, ecma in _JAVA_CLASSES.items():
        pattern = pattern.replace(java, ecma)
    return pattern


@functools.cache
def _is_regular(pattern: str) -> bool:
    """Return whether the engine can match a pattern; of the classes of Unicode it knows fewer than Java."""
    try:
        return jsonschema_rs.is_valid({"pattern": pattern}, {})
    except jsonschema_rs.ValidationError:
        return False
