"""Writes the committed models anew from the SDKs installed: ``python -m brownout.dialects.models.generate``.

With ``--check`` it writes nothing, names the files that are not what the SDKs give, and exits with 1 if there are any.
The SDKs are needed for this alone. What is committed holds facts only: names, types, values and bounds.
"""

import importlib
import inspect
import json
import re
import sys
from collections.abc import Callable, Mapping
from importlib import metadata, resources
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from brownout.dialects.models.prose import ANTHROPIC, OPENAI, Said
from brownout.dialects.models.simplify import reachable, simplified, without_branches

FOLDER = Path(__file__).parent
COMMAND = "python -m brownout.dialects.models.generate"
_DISCOVERY = "googleapiclient.discovery_cache.documents"
_VERSIONS = ("v1", "v1beta1")
_MESSAGES = ("GenerateContentRequest", "GenerateContentResponse", "CountTokensRequest", "CountTokensResponse")
_FACTS = frozenset({"type", "format", "enum", "items", "properties", "additionalProperties", "$ref"})


def main() -> int:
    """Write every committed file that is not what the SDKs give, or only name them; return the exit code."""
    check = "--check" in sys.argv[1:]
    stale = {name: text for name, text in generated().items() if text != _committed(FOLDER / name)}
    for name, text in stale.items():
        sys.stdout.write(f"{name} is not what the installed SDKs give\n")
        if not check:
            (FOLDER / name).write_text(text, encoding="utf-8")
    return int(check and bool(stale))


def _committed(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def generated() -> dict[str, str]:
    """Return what the committed files ought to hold, by their names.

    In a process that has imported the SDKs in another order, enumerations may come in another order: `typing` keeps one
    of several equal literals.
    """
    makers: Mapping[str, Callable[[], dict[str, Any]]] = {
        "openai.json": _openai,
        "anthropic.json": _anthropic,
        "vertex.json": _vertex,
    }
    return {
        name: json.dumps(make(), indent=1, sort_keys=True, ensure_ascii=False) + "\n" for name, make in makers.items()
    }


# --- OpenAI and Anthropic: the types of their SDKs -----------------------------------------------------------


class _Sdk(NamedTuple):
    """An SDK: its types by our models' names, what its documentation adds to them, the module that sends them."""

    name: str
    requests: Mapping[str, Any]
    replies: Mapping[str, Any]
    said: tuple[Said, ...]
    sender: str


def _openai() -> dict[str, Any]:
    from openai.types import shared  # noqa: PLC0415 - the SDKs are dear to import, and only wanted here
    from openai.types.chat import ChatCompletion, ChatCompletionChunk, completion_create_params  # noqa: PLC0415

    requests = {"ChatCompletionRequest": completion_create_params.CompletionCreateParamsBase}
    replies = {
        "ChatCompletion": ChatCompletion,
        "ChatCompletionChunk": ChatCompletionChunk,
        "Error": shared.ErrorObject,
    }
    made = _models(_Sdk("openai", requests, replies, OPENAI, "openai.resources.chat.completions.completions"))
    error = made["models"]["Error"]
    made["models"]["Error"] = {"type": "object", "properties": {"error": error}, "required": ["error"]}
    return made


def _anthropic() -> dict[str, Any]:
    from anthropic import types  # noqa: PLC0415
    from anthropic.types import message_count_tokens_params, message_create_params, shared  # noqa: PLC0415

    requests = {
        "MessageRequest": message_create_params.MessageCreateParamsBase,
        "CountTokensRequest": message_count_tokens_params.MessageCountTokensParams,
    }
    replies = {
        "Message": types.Message,
        "StreamEvent": types.RawMessageStreamEvent,
        "TokenCount": types.MessageTokensCount,
        "Error": shared.ErrorResponse,
    }
    return _models(_Sdk("anthropic", requests, replies, ANTHROPIC, "anthropic.resources.messages.messages"))


def _models(sdk: _Sdk) -> dict[str, Any]:
    """Return the schemas of an SDK's types, what they share in ``$defs``."""
    types = {**sdk.requests, **sdk.replies}
    schemas, shared = TypeAdapter.json_schemas(
        [(name, "validation", TypeAdapter[Any](kind)) for name, kind in types.items()]
    )
    defs = shared["$defs"]
    # In requests the SDKs take the objects of replies too, which go out in the same form as the params.
    answers = frozenset(reachable([schemas[name, "validation"] for name in sdk.replies], defs))
    defs = {name: schema if name in answers else without_branches(schema, answers) for name, schema in defs.items()}
    plain = {name: _closed(simplified(schema), name in answers) for name, schema in defs.items()}
    models = {name: _closed(_root(schemas[name, "validation"], plain), closed=True) for name in types}
    headers = _headers(sdk)
    for name, kind in sdk.requests.items():
        _complete(models[name], headers, streams=kind.__name__.endswith("Base"))
    for said in sdk.said:
        _lay_over(said, sdk, models, plain)
    versions = {package: metadata.version(package) for package in (sdk.name, "pydantic")}
    return {"$defs": reachable(models, plain), "made_from": versions, "models": models}


def _root(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return dict(defs[name]) if name else dict(simplified(schema))


def _closed(schema: dict[str, Any], closed: bool) -> dict[str, Any]:  # noqa: FBT001 - which kind of type it is
    """Return a reply's schema without the leave to hold more: the leave is a client's, not the model's."""
    return {key: value for key, value in schema.items() if not (closed and key == "additionalProperties")}


def _headers(sdk: _Sdk) -> frozenset[str]:
    """Return the params that the SDK sends as headers."""
    source = inspect.getsource(importlib.import_module(sdk.sender))
    return frozenset(re.findall(rf'"{sdk.name}-[a-z-]+": (\w+),', source))


def _complete(schema: dict[str, Any], headers: frozenset[str], *, streams: bool) -> None:
    """Take out what travels as headers, put back what the SDKs' overloads tell apart: ``stream``."""
    members = {name: member for name, member in schema["properties"].items() if name not in headers}
    schema["properties"] = {**members, "stream": {"type": ["boolean", "null"]}} if streams else members


def _lay_over(said: Said, sdk: _Sdk, models: Mapping[str, Any], defs: Mapping[str, Any]) -> None:
    """Lay a rule over a schema, if its words stand in the SDK's documentation still.

    Raises:
        LookupError: the documentation says it no more.
    """
    module, _, name = said.where.partition(":")
    schema = defs[name] if name else models[said.where]
    source = inspect.getsource(importlib.import_module(module if name else sdk.requests[said.where].__module__))
    if said.words not in " ".join(source.split()):
        raise LookupError(f"{said.where} says of {said.member} no more: {said.words!r}. Set prose.py right.")
    members = schema["properties"]
    members[said.member] = _merged(members.get(said.member, {}), said.rules)


def _merged(schema: Mapping[str, Any], rules: Mapping[str, Any]) -> dict[str, Any]:
    deeper = {
        key: _merged(schema[key], value)
        for key, value in rules.items()
        if isinstance(value, dict) and isinstance(schema.get(key), dict)
    }
    return {**schema, **rules, **deeper}


# --- Vertex: the discovery documents -------------------------------------------------------------------------


def _vertex() -> dict[str, Any]:
    package = "google-api-python-client"
    return {
        "made_from": {package: metadata.version(package)},
        "versions": {version: _discovered(version) for version in _VERSIONS},
    }


def _discovered(version: str) -> dict[str, Any]:
    """Return a discovery document's revision, and the facts of the schemas that our messages reach."""
    text = resources.files(_DISCOVERY).joinpath(f"aiplatform.{version}.json").read_text(encoding="utf-8")
    document = json.loads(text)
    roots = [{"$ref": f"GoogleCloudAiplatform{version.capitalize()}{message}"} for message in _MESSAGES]
    schemas = reachable([*roots, {"$ref": "GoogleRpcStatus"}], document["schemas"])
    return {"revision": document["revision"], "schemas": {name: _facts(schema) for name, schema in schemas.items()}}


def _facts(schema: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in schema.items() if key in _FACTS}
    for key in ("items", "additionalProperties"):
        if key in kept:
            kept[key] = _facts(kept[key])
    if "properties" in kept:
        kept["properties"] = {name: _facts(member) for name, member in kept["properties"].items()}
    return kept


if __name__ == "__main__":
    sys.exit(main())
