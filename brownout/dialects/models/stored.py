"""Models of OpenAI and Anthropic: the schemas committed beside this file, made from the SDKs' types by `generate`."""

import functools
import json
from importlib import resources
from typing import Any

from brownout.dialects.models.engine import Checker

_TOP_ONLY = frozenset({"openai/ChatCompletionRequest"})
"""Models that refuse members they do not know at the top alone; all others do anywhere."""
_IN_THE_PATH = {"bedrock": frozenset({"model", "stream"}), "vertex": frozenset({"model"})}
"""What stands in the path, not in the body, where another cloud hosts Anthropic's models."""


def checker(name: str) -> Checker:
    """Return the model of a name such as ``openai/ChatCompletionRequest`` or ``anthropic/MessageRequest:bedrock``.

    Raises:
        KeyError: no such model.
    """
    vendor, _, what = name.partition("/")
    model, _, host = what.partition(":")
    held = _file(vendor)
    root = held["models"][model]
    if host:
        root = _hosted(root, host)
    whole = {**root, "$defs": held["$defs"]}
    if name in _TOP_ONLY:
        return Checker({**whole, "additionalProperties": False})
    return Checker(_closed(whole))


@functools.cache
def _file(vendor: str) -> dict[str, Any]:
    text = resources.files(__package__).joinpath(f"{vendor}.json").read_text(encoding="utf-8")
    held: dict[str, Any] = json.loads(text)
    return held


def _hosted(root: dict[str, Any], host: str) -> dict[str, Any]:
    """Return a request as another cloud takes it.

    Bedrock: "Anthropic Claude Messages API"; Vertex AI: "Claude: request body".
    """
    elsewhere = _IN_THE_PATH[host]
    members = {name: member for name, member in root["properties"].items() if name not in elsewhere}
    members["anthropic_version"] = {"type": "string"}
    members["anthropic_beta"] = {"type": "array", "items": {"type": "string"}}
    required = ["anthropic_version", *(name for name in root["required"] if name not in elsewhere)]
    return {**root, "properties": members, "required": required}


def _closed(schema: Any) -> Any:
    """Return a schema whose objects hold what they name and nothing else, unless they say otherwise."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(part) for key, part in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed
