"""What a Converse, ConverseStream or CountTokens request asks for, and what Bedrock has against it.

Shapes are those of botocore's ``bedrock-runtime`` service model; the rules of a conversation, which the model cannot
say, and their sentences are as seen in public captures of the service.
"""

import base64
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

import msgspec

from brownout.dialects.bedrock_errors import no_operation
from brownout.dialects.bedrock_ids import read_model_id
from brownout.dialects.bedrock_invoke import counted_ask
from brownout.dialects.converse_turns import read_turns
from brownout.dialects.json_body import json_object
from brownout.dialects.models import objections
from brownout.dialects.models.words import aws_code, aws_words
from brownout.dialects.structured import Frame, frame_of
from brownout.wire import Ask, HttpRequest, Refusal, Tool

PATH = re.compile(r"/model/(?P<model>[^/]+)/(?P<call>converse|converse-stream|count-tokens)")
_OPERATIONS = {"converse": "Converse", "converse-stream": "ConverseStream", "count-tokens": "CountTokens"}
_TEXT_MEMBERS = frozenset({"text", "prompt", "inputText", "content", "system", "message"})
"""Where the models' own request bodies keep their text."""

_decode = msgspec.json.Decoder().decode


class ConverseAsk(Ask, frozen=True, kw_only=True):
    """An ask whose reply repeats something of its request.

    Attributes:
        latency: ``performanceConfig.latency``: ``standard`` or ``optimized``.
        guardrail: the guardrail's identifier; a filtered answer is then its work.
        guardrail_trace: whether the reply says what the guardrail did.
        response_fields: ``additionalModelResponseFieldPaths``: JSON pointers into the model's own reply.
        document: the JSON document that holds the answer (``outputConfig.textFormat``); None for plain text.
    """

    latency: str = ""
    guardrail: str = ""
    guardrail_trace: bool = False
    response_fields: tuple[str, ...] = ()
    document: Frame | None = None


def read_request(request: HttpRequest) -> Ask:
    """Return what is asked for.

    Raises:
        Refusal: ``not-found`` for another path or method, ``invalid`` for what Bedrock rejects.
    """
    match = PATH.fullmatch(request.path)
    if match is None or request.method != "POST":
        raise no_operation(request)
    model, operation = unquote(match["model"]), _OPERATIONS[match["call"]]
    body = _read_body(request.body)
    _check(f"bedrock-runtime/{operation}:parameters", {"modelId": model})
    _check(f"bedrock-runtime/{operation}", body)
    if operation == "CountTokens":
        return _count(model, body["input"])
    _check_conversation(model, body)
    return _generation(model, body, stream=operation == "ConverseStream")


def _read_body(raw: bytes) -> dict[str, Any]:
    body = json_object(
        raw,
        no_json="The request body is not valid JSON: {}",
        no_object="The request body must be a JSON object.",
        code="SerializationException",
    )
    # In AWS's JSON protocols a member that is null is absent.
    return {name: value for name, value in body.items() if value is not None}


def _check(model: str, body: Mapping[str, Any]) -> None:
    found = objections(model, body)
    if found:
        raise Refusal("invalid", aws_words(*found), code=aws_code(found[0]))


def _generation(model: str, body: Mapping[str, Any], *, stream: bool) -> Ask:
    inference = body.get("inferenceConfig") or {}
    guardrail = body.get("guardrailConfig") or {}
    max_tokens = inference.get("maxTokens")
    told: dict[str, Any] = {
        "latency": (body.get("performanceConfig") or {}).get("latency") or "",
        "guardrail": guardrail.get("guardrailIdentifier") or "",
        "guardrail_trace": guardrail.get("trace") not in {None, "disabled"},
        "response_fields": tuple(body.get("additionalModelResponseFieldPaths") or ()),
        "document": _document((body.get("outputConfig") or {}).get("textFormat")),
    }
    asked: dict[str, Any] = {
        **_conversation(body),
        "model": model,
        "max_tokens": 256 if max_tokens is None else max_tokens,
        "bounded": max_tokens is not None,
        "stops": tuple(inference.get("stopSequences") or ()),
        "stream": stream,
        "tier": (body.get("serviceTier") or {}).get("type") or "",
    }
    return ConverseAsk(**asked, **told) if any(told.values()) else Ask(**asked)


def _document(wanted: Mapping[str, Any] | None) -> Frame | None:
    if wanted is None:
        return None
    try:
        return frame_of(_decode(wanted["structure"]["jsonSchema"]["schema"]))
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        raise Refusal("invalid", "The JSON schema in outputConfig.textFormat is not valid.") from None


def _count(model: str, given: Mapping[str, Any]) -> Ask:
    if read_model_id(model).kind != "foundation-model":
        # What serves on demand only by a profile is counted by its own id all the same.
        raise Refusal("invalid", "The provided model doesn't support counting tokens.")
    asked: dict[str, Any] = {"model": model, "stream": False, "bounded": False, "count": True}
    if given.get("converse") is not None:
        body = {name: value for name, value in given["converse"].items() if value is not None}
        _check_conversation(model, body)
        return Ask(**asked, **_conversation(body))
    return _count_own(model, given["invokeModel"]["body"], asked)


def _count_own(model: str, encoded: str, asked: Mapping[str, Any]) -> Ask:
    """Return what is asked for in a model's own body, which Claude's models read as InvokeModel does."""
    try:
        raw = base64.b64decode(encoded, validate=True)
        if model.startswith("anthropic."):
            return counted_ask(model, raw)
        body = _decode(raw)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise Refusal("invalid", "Malformed input request, please reformat your input and try again.") from None
    return Ask(**asked, prompt="\n".join(_texts_in(body)))


def _texts_in(value: object, member: str = "") -> Iterator[str]:
    """Return the texts in a model's own request body, whichever model's it is."""
    if isinstance(value, str):
        if member in _TEXT_MEMBERS:
            yield value
    elif isinstance(value, dict):
        for name, inside in value.items():
            yield from _texts_in(inside, name)
    elif isinstance(value, list):
        for inside in value:
            yield from _texts_in(inside, member)


# --- the conversation --------------------------------------------------------------------------------------


def _conversation(body: Mapping[str, Any]) -> dict[str, Any]:
    messages = body.get("messages") or []
    variables = body.get("promptVariables") or {}
    texts = [
        *(text for block in body.get("system") or () for text in _texts(block)),
        *(value["text"] for value in variables.values()),
        *(text for message in messages for block in message["content"] for text in _texts(block)),
    ]
    config = body.get("toolConfig") or {}
    return {
        "prompt": "\n".join(texts),
        "turn": _turn(messages[-1]) if messages else "",
        "turns": read_turns(body),
        "tools": tuple(_tool(entry["toolSpec"]) for entry in config.get("tools") or () if entry.get("toolSpec")),
        "tool_choice": _choice(config.get("toolChoice") or {}),
    }


def _tool(spec: Mapping[str, Any]) -> Tool:
    schema = spec["inputSchema"].get("json")
    return Tool(name=spec["name"], schema=schema if isinstance(schema, dict) else {})


def _choice(choice: Mapping[str, Any]) -> str:
    if choice.get("tool") is not None:
        return str(choice["tool"]["name"])
    return "any" if choice.get("any") is not None else ""


def _turn(message: Mapping[str, Any]) -> str:
    blocks = message["content"]
    if message["role"] != "user" or any(block.get("toolResult") for block in blocks):
        return ""
    return "\n".join(block["text"] for block in blocks if block.get("text") is not None)


def _texts(block: Mapping[str, Any]) -> Iterator[str]:
    """Return the texts of a content block, whatever it is."""
    for name, inside in block.items():
        if inside is None:
            continue
        if name == "text":
            yield inside
        elif name == "json":
            yield msgspec.json.encode(inside).decode()
        elif name in {"guardContent", "reasoningContent"}:
            text = inside.get("text") or inside.get("reasoningText") or {}
            yield from _texts({"text": text.get("text")})
        elif name == "document":
            source = inside.get("source") or {}
            yield from _texts({"text": source.get("text")})
            yield from _all(source.get("content"))
        elif name in {"toolResult", "searchResult", "citationsContent"}:
            yield from _all(inside.get("content"))


def _all(blocks: list[Mapping[str, Any]] | None) -> Iterator[str]:
    for block in blocks or ():
        yield from _texts(block)


def _check_conversation(model: str, body: Mapping[str, Any]) -> None:
    """Raise `Refusal` for what the service model allows and the service does not."""
    messages = body.get("messages") or []
    if messages or read_model_id(model).kind != "prompt":
        _check_turns(messages)
    for index, message in enumerate(messages):
        _check_content(index, message["content"])
    _check_tools(messages, body.get("toolConfig"))
    for pointer in body.get("additionalModelResponseFieldPaths") or ():
        if not pointer.startswith("/"):
            raise Refusal("invalid", f"The additionalModelResponseFieldPaths entry {pointer} is not a JSON Pointer.")


def _check_turns(messages: list[Mapping[str, Any]]) -> None:
    roles = [message["role"] for message in messages if message["role"] != "system"]
    if not roles or roles[0] != "user":
        start = "A conversation must start with a user message."
        raise Refusal("invalid", f"{start} Try again with a conversation that starts with a user message.")
    if any(role == after for role, after in pairwise(roles)):
        must = "A conversation must alternate between user and assistant roles."
        how = "Make sure the conversation alternates between user and assistant roles and try again."
        raise Refusal("invalid", f"{must} {how}")


def _check_content(index: int, blocks: list[Mapping[str, Any]]) -> None:
    if not blocks:
        raise Refusal(
            "invalid",
            f"The content field in the Message object at messages.{index} is empty. Add a ContentBlock object to the "
            f"content field and try again.",
        )
    for place, block in enumerate(blocks):
        text = block.get("text")
        if text is not None and not text.strip():
            raise Refusal(
                "invalid",
                f"The text field in the ContentBlock object at messages.{index}.content.{place} is blank. Add text to "
                f"the text field, and try again.",
            )


def _check_tools(messages: list[Mapping[str, Any]], config: Mapping[str, Any] | None) -> None:
    due: list[str] = []
    for index, message in enumerate(messages):
        used = [block["toolUse"]["toolUseId"] for block in message["content"] if block.get("toolUse")]
        given = [block["toolResult"]["toolUseId"] for block in message["content"] if block.get("toolResult")]
        if (used or given) and not config:
            must = "The toolConfig field must be defined when using toolUse and toolResult content blocks."
            raise Refusal("invalid", must)
        if len(given) > len(due):
            raise Refusal(
                "invalid",
                f"The number of toolResult blocks at messages.{index}.content exceeds the number of toolUse blocks of "
                f"previous turn.",
            )
        missing = [one for one in due if one not in given]
        if missing:
            raise Refusal(
                "invalid",
                f"Expected toolResult blocks at messages.{index}.content for the following Ids: {', '.join(missing)}",
            )
        due = used
    choice = _choice((config or {}).get("toolChoice") or {})
    names = {entry["toolSpec"]["name"] for entry in (config or {}).get("tools") or () if entry.get("toolSpec")}
    if choice not in {"", "any", *names}:
        raise Refusal("invalid", f"The tool {choice} in toolChoice is none of the tools in toolConfig.")
