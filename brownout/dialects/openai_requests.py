"""What OpenAI's Chat Completions is asked for: a body read into an `Ask`, or refused in OpenAI's words.

Shapes and bounds are held against the model of the API (the official Python client's types, and what its documentation
says of them); what a model cannot say, such as which parameters exclude each other and how calls and results pair, is
checked here. The sentences are those of the service's answers.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from brownout.dialects.models import objection, objections
from brownout.dialects.models.words import openai_words
from brownout.dialects.openai_errors import ChatRefusal
from brownout.dialects.openai_turns import read_turns, texts_in
from brownout.dialects.structured import ANY_OBJECT, Frame, frame_of
from brownout.wire import Ask, Tool

DEFAULT_MAX_TOKENS = 256
_MODEL = "openai/ChatCompletionRequest"
_decode = msgspec.json.Decoder().decode

_NO_JSON = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library "
    "correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)"
)


class ChatAsk(Ask, frozen=True, kw_only=True):
    """An ask for a chat completion that wants more than the plain one.

    Attributes:
        metered: whether a stream ends with the usage chunk (``stream_options.include_usage``).
        choices: how many answers are wanted (``n``); the model gives the same one each time.
        frame: the JSON document that holds the answer (``response_format``); None for plain text.
    """

    metered: bool = True
    choices: int = 1
    frame: Frame | None = None


def read_chat(raw: bytes, *, model: str | None = None) -> Ask:
    """Return what a body asks for: a plain `Ask` where nothing but an answer is wanted, else a `ChatAsk`.

    Args:
        raw: the body.
        model: the model where the body need not name it (a container that serves one); None where it must.

    Raises:
        Refusal: ``invalid``, in OpenAI's words and with its parameter and code.
    """
    try:
        body = _decode(raw)
        if isinstance(body, dict) and model is not None:
            body = _known(body | {"model": model})
        _check(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ChatRefusal(_NO_JSON) from None
    return _ask(body)


def _known(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body without the arguments that OpenAI has not: containers have more (``top_k``) and ignore others."""
    strange = {found.path[0] for found in objections(_MODEL, body) if found.rule == "unknown" and len(found.path) == 1}
    return {name: value for name, value in body.items() if name not in strange}


def _check(body: Any) -> None:
    found = objection(_MODEL, body)
    if found is not None:
        words = openai_words(found)
        raise ChatRefusal(words.message, param=words.param, code=words.code or "")
    for rule in _RULES:
        rule(body)


def _check_combinations(body: Mapping[str, Any]) -> None:
    if body.get("stream_options") is not None and not body.get("stream"):
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise ChatRefusal(message, param="stream_options")
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        message = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
        raise ChatRefusal(message, code="invalid_parameter_combination")
    if body.get("logprobs") or body.get("top_logprobs"):
        # The emulated model has no probabilities; OpenAI's models without them refuse so.
        raise ChatRefusal("You are not allowed to request logprobs from this model.", kind="denied")
    for name in ("functions", "function_call"):
        if body.get(name) is not None:
            # Deprecated; OpenAI's newer models refuse them so.
            message = f"Unsupported parameter: '{name}' is not supported with this model."
            raise ChatRefusal(message, param=name, code="unsupported_parameter")
    if body.get("audio") is not None or "audio" in (body.get("modalities") or ()):
        message = "Invalid value: 'audio'. Supported values are: 'text'."
        raise ChatRefusal(message, param="modalities", code="invalid_value")


def _check_tools(body: Mapping[str, Any]) -> None:
    tools = body.get("tools") or []
    for index, tool in enumerate(tools):
        if tool["type"] != "function":
            message = f"Invalid value: '{tool['type']}'. Supported values are: 'function'."
            raise ChatRefusal(message, param=f"tools[{index}].type", code="invalid_value")
    if body.get("tool_choice") is None:
        return
    if not tools:
        message = "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified."
        raise ChatRefusal(message, param="tool_choice")
    for name in _names_chosen(body["tool_choice"]):
        if name not in {_name_of(tool) for tool in tools}:
            raise ChatRefusal(f"Tool choice '{name}' not found in 'tools' parameter.", param="tool_choice")


def _check_conversation(body: Mapping[str, Any]) -> None:
    """Raise where calls and results do not pair: each call has its result before anyone else speaks."""
    waiting: set[str] = set()
    for index, message in enumerate(body["messages"]):
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                raise ChatRefusal(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
                    "'tool_calls'.",
                    param=f"messages.[{index}].role",
                )
            waiting.discard(message["tool_call_id"])
            continue
        _check_answered(waiting, index)
        waiting = {call["id"] for call in message.get("tool_calls") or ()}
    _check_answered(waiting, len(body["messages"]))


def _check_content(body: Mapping[str, Any]) -> None:
    for index, message in enumerate(body["messages"]):
        said = any(message.get(name) is not None for name in ("content", "tool_calls", "refusal", "audio"))
        if message["role"] == "assistant" and not said:
            raise ChatRefusal(
                "Invalid value for 'content': expected a string, got null.", param=f"messages.[{index}].content"
            )


def _check_answered(waiting: set[str], index: int) -> None:
    if waiting:
        raise ChatRefusal(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(sorted(waiting))}",
            param=f"messages.[{index}].role",
        )


_RULES: Sequence[Callable[[Mapping[str, Any]], None]] = (
    _check_combinations,
    _check_tools,
    _check_content,
    _check_conversation,
)


def _ask(body: Mapping[str, Any]) -> Ask:
    messages = body["messages"]
    texts = [text for message in messages for text in texts_in(message.get("content"))]
    bound = body.get("max_completion_tokens", body.get("max_tokens"))
    choice, tools = _tools(body)
    plain = Ask(
        model=body["model"],
        prompt="\n".join(texts),
        max_tokens=DEFAULT_MAX_TOKENS if bound is None else int(bound),
        stream=bool(body.get("stream")),
        bounded=bound is not None,
        stops=_stops(body.get("stop")),
        tools=tools,
        tool_choice=choice,
        turn="\n".join(texts_in(messages[-1].get("content"))) if messages[-1]["role"] == "user" else "",
        turns=read_turns(messages) if tools else (),  # who offers no tools may not tell Bedrock of calls
        tier=body.get("service_tier") or "",
    )
    extra: dict[str, Any] = {
        "metered": not plain.stream or bool((body.get("stream_options") or {}).get("include_usage")),
        "choices": int(body.get("n") or 1),
        "frame": _frame(body.get("response_format")),
    }
    if extra == _NOTHING_EXTRA:
        return plain
    return ChatAsk(**msgspec.structs.asdict(plain), **extra)


_NOTHING_EXTRA = {"metered": True, "choices": 1, "frame": None}


def _stops(stop: str | list[str] | None) -> tuple[str, ...]:
    return (stop,) if isinstance(stop, str) else tuple(stop or ())


def _tools(body: Mapping[str, Any]) -> tuple[str, tuple[Tool, ...]]:
    """Return the choice among tools in the neutral words, and the tools that may be called."""
    tools = {_name_of(tool): Tool(name=_name_of(tool), schema=_schema_of(tool)) for tool in body.get("tools") or ()}
    choice = body.get("tool_choice")
    if not isinstance(choice, dict):
        return {"none": "none", "required": "any"}.get(choice or "", ""), tuple(tools.values())
    names = _names_chosen(choice)
    if choice["type"] != "allowed_tools":
        return names[0], tuple(tools.values())
    required = choice["allowed_tools"]["mode"] == "required"
    return "any" if required else "", tuple(tools[name] for name in names)


def _names_chosen(choice: Any) -> list[str]:
    if not isinstance(choice, dict):
        return []
    if choice["type"] == "allowed_tools":
        return [_name_of(tool) for tool in choice["allowed_tools"]["tools"]]
    return [_name_of(choice)]


def _name_of(tool: Mapping[str, Any]) -> str:
    of_type = tool.get(str(tool.get("type")))
    return str(of_type.get("name", "")) if isinstance(of_type, Mapping) else ""


def _schema_of(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = (tool.get("function") or {}).get("parameters") or {}
    return schema


def _frame(wanted: Mapping[str, Any] | None) -> Frame | None:
    kind = (wanted or {}).get("type", "text")
    if wanted is None or kind == "text":
        return None
    if kind == "json_object":
        return frame_of(ANY_OBJECT)
    given = wanted["json_schema"]
    try:
        return frame_of(given.get("schema") or ANY_OBJECT)
    except ValueError as error:
        message = f"Invalid schema for response_format '{given['name']}': {error}"
        raise ChatRefusal(message, param="response_format", code="invalid_json_schema") from None
