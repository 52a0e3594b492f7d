"""Models of Vertex AI: the discovery document's schemas, committed in ``vertex.json``, turned into JSON Schema.

A request is read as Google's JSON mapping of protocol buffers reads one: names in lowerCamelCase or as the proto has
them, numbers also as strings, enumerations by name in either case or by number, one value where a field repeats. A
reply is held to what Google writes: lowerCamelCase, 64-bit integers as strings.
"""

import functools
import json
import re
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any

from brownout.dialects.models.engine import Checker

ERROR = "Error"
_STATUS_NAMES = [
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "UNAUTHENTICATED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
]
"""The names of google.rpc.Code."""
_BASE64 = "^([A-Za-z0-9+/_-]{4})*([A-Za-z0-9+/_-]{2}(==)?|[A-Za-z0-9+/_-]{3}=?)?$"
"""Either alphabet, padded or not."""
_INTEGER = r"^-?[0-9]+(\.0+)?$"
_NUMBER = r"^(-?([0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?|Infinity)|NaN)$"
_DURATION = r"^-?[0-9]+(\.[0-9]{1,9})?s$"
_BITS = {"int32": 32, "int64": 64, "uint32": 32, "uint64": 64}
_MESSAGE = re.compile(r"Google(CloudAiplatform|Rpc|Type)(V1beta1|V1)?(\w+)")
_OF_THE_PATH = {"GenerateContentRequest": "model", "CountTokensRequest": "endpoint"}
"""Members that a call's path fills.

The discovery document lists them as parameters of the path and leaves them out of the message; the proto has them
(``google/cloud/aiplatform/v1/prediction_service.proto``), and the mapping of HTTP to gRPC (``google/api/http.proto``)
reads a body as the whole message. So one that repeats them is no unknown name: Portkey's gateway sends ``model`` with
every call to Vertex AI, a bare id that is no resource's name, and is answered for the model in the path.
"""
_PACKAGES = {"CloudAiplatform": "google.cloud.aiplatform.", "Rpc": "google.rpc", "Type": "google.type"}


def checker(name: str) -> Checker:
    """Return the model of a name such as ``vertex/v1/GenerateContentRequest``.

    Raises:
        KeyError: no such version or message.
    """
    _, version, message = name.split("/")
    schemas = _file()["versions"][version]["schemas"]
    reading = _Reading(schemas, exact=not message.endswith("Request"))
    if message == ERROR:
        return reading.checker(_error(reading))
    return reading.checker(reading.of({"$ref": f"GoogleCloudAiplatform{version.capitalize()}{message}"}))


@functools.cache
def _file() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("vertex.json").read_text(encoding="utf-8")
    held: dict[str, Any] = json.loads(text)
    return held


def _error(reading: "_Reading") -> dict[str, Any]:
    """Return the schema of an error's body: google.rpc.Status, with its code's name beside the HTTP status."""
    reading.of({"$ref": "GoogleRpcStatus"})
    status = reading.defs["GoogleRpcStatus"]
    members = {**status["properties"], "status": {"enum": _STATUS_NAMES}}
    named = {**status, "properties": members, "required": ["code", "message", "status"]}
    return {"type": "object", "properties": {"error": named}, "required": ["error"], "additionalProperties": False}


class _Reading:
    """The schemas reached from one message, read as a request is or held to what Google writes."""

    def __init__(self, schemas: Mapping[str, Any], *, exact: bool) -> None:
        self.defs: dict[str, Any] = {}
        self._schemas = schemas
        self._exact = exact

    def checker(self, root: Mapping[str, Any]) -> Checker:
        """Compile a schema together with all it refers to."""
        return Checker({**root, "$defs": self.defs}, nulls_absent=True)

    def of(self, described: Mapping[str, Any], member: str = "") -> dict[str, Any]:
        """Return the JSON Schema of what the discovery document describes."""
        if "$ref" in described:
            return self._message(described["$ref"])
        kind = described["type"]
        if kind == "array":
            return self._repeated(self.of(described["items"], member))
        if kind == "object":
            entries = described.get("additionalProperties")
            return {"type": "object", **({"additionalProperties": self.of(entries)} if entries else {})}
        if "enum" in described:
            return self._enum(described["enum"], member)
        makers: Mapping[str, Callable[[str], dict[str, Any]]] = {
            "string": self._string,
            "integer": self._integer,
            "number": self._number,
        }
        if kind in makers:
            return makers[kind](described.get("format", ""))
        return {"type": "boolean", "x-type": "TYPE_BOOL"} if kind == "boolean" else {}

    def _message(self, name: str) -> dict[str, Any]:
        if name not in self.defs:
            self.defs[name] = {}  # a message may hold itself
            members: dict[str, Any] = {}
            for member, described in self._schemas[name].get("properties", {}).items():
                members[member] = self.of(described, member)
                if not self._exact:
                    members[snake_case(member)] = members[member]
            match = _MESSAGE.fullmatch(name)
            if match and match[3] in _OF_THE_PATH:
                members[_OF_THE_PATH[match[3]]] = self._string("")
            self.defs[name] = {
                "type": "object",
                "properties": members,
                "additionalProperties": False,
                "x-type": type_url(name),
            }
        return {"$ref": f"#/$defs/{name}"}

    def _repeated(self, item: dict[str, Any]) -> dict[str, Any]:
        array = {"type": "array", "items": item}
        return array if self._exact else {"anyOf": [array, item]}

    def _enum(self, values: list[str], member: str) -> dict[str, Any]:
        if self._exact:
            return {"enum": values}
        spelt = [*values, *(value.lower() for value in values)]
        zero = values[0].removesuffix("_UNSPECIFIED") if values[0].endswith("_UNSPECIFIED") else snake_case(member)
        # The document does not name its enumerations; their zero value is named after them.
        name = zero.title().replace("_", "")
        package = type_url(next(iter(self._schemas))).rpartition(".")[0]
        return {"anyOf": [{"enum": spelt}, {"type": "integer"}], "x-type": f"{package}.{name}", "x-enum": values}

    def _string(self, form: str) -> dict[str, Any]:
        if form in _BITS:
            return {"type": "string", "pattern": _INTEGER} if self._exact else self._integer(form)
        if form == "byte":
            return {"type": "string", "pattern": _BASE64, "contentEncoding": "base64", "x-type": "TYPE_BYTES"}
        if form == "google-duration":
            return {"type": "string", "pattern": _DURATION, "x-type": "type.googleapis.com/google.protobuf.Duration"}
        return {"type": "string", "x-type": "TYPE_STRING"}

    def _integer(self, form: str) -> dict[str, Any]:
        edge = 2 ** (_BITS[form] - 1)
        number = {"type": "integer", "exclusiveMinimum": -edge - 1, "exclusiveMaximum": edge}
        return self._scalar(number, _INTEGER, f"TYPE_{form.upper()}")

    def _number(self, form: str) -> dict[str, Any]:
        return self._scalar({"type": "number"}, _NUMBER, f"TYPE_{form.upper()}")

    def _scalar(self, number: dict[str, Any], text: str, named: str) -> dict[str, Any]:
        if self._exact:
            return {**number, "x-type": named}
        return {"anyOf": [number, {"type": "string", "pattern": text}], "x-type": named}


def snake_case(name: str) -> str:
    """Return the proto's name of a lowerCamelCase one."""
    return re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", name)


def type_url(schema: str) -> str:
    """Return the type URL of a message by its schema's name.

    The document runs the names of nested messages together, so these are told without their dots.
    """
    match = _MESSAGE.fullmatch(schema)
    if match is None:
        return f"type.googleapis.com/{schema}"
    return f"type.googleapis.com/{_PACKAGES[match[1]]}{(match[2] or '').lower()}.{match[3]}"
