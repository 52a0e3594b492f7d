"""What a generateContent, countTokens or computeTokens request asks for, and what Google has against it.

Members follow the discovery documents of ``aiplatform`` v1 and v1beta1, read as Google's JSON mapping of protocol
buffers reads them: names in lowerCamelCase or as the proto has them, numbers also as strings, one value where a field
repeats. Rules that the documents do not state, and their sentences, are as seen in public captures of the service.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

import msgspec

from brownout.dialects.google_errors import no_such_url
from brownout.dialects.json_body import json_object
from brownout.dialects.models import objections
from brownout.dialects.models.words import google_words
from brownout.dialects.structured import ANY_OBJECT, Frame, frame_of
from brownout.dialects.turns import arguments_of, conversation, named
from brownout.dialects.vertex_places import Place, read_path
from brownout.dialects.vertex_tiers import asked_tier
from brownout.dialects.vertex_turns import OUTPUT
from brownout.wire import Ask, HttpRequest, Part, Refusal, Tool, ToolCall, ToolResult, Turn

CALLS = frozenset({"generateContent", "streamGenerateContent", "countTokens", "computeTokens"})

_MAX_OUTPUT_TOKENS = 65_537
_MAX_STOPS = 5
_LEARN_MORE = "Learn more: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/gemini"
_UPDATE = "Update the value and try again."
_NO_JSON = "Invalid JSON payload received. {}"
_NO_OBJECT = "Invalid JSON payload received. Root element must be a message."


class GenerateAsk(Ask, frozen=True, kw_only=True):
    """An ask whose reply takes another form than the usual.

    Attributes:
        as_array: streamed without ``alt=sse``: the stream is one JSON array, written an element at a time.
        document: the JSON document that holds the answer (``responseSchema``); None for plain text.
    """

    as_array: bool = False
    document: Frame | None = None


class ComputeAsk(Ask, frozen=True, kw_only=True):
    """A count that lists the tokens themselves: each content's role and text."""

    contents: tuple[tuple[str, str], ...] = ()


def is_array(request: HttpRequest) -> bool:
    """Return whether a call's stream is one JSON array: streamed, and not asked for as server-sent events."""
    place = read_path(request.path)
    streamed = place is not None and place.call == "streamGenerateContent"
    return streamed and parse_qs(request.query).get("alt") != ["sse"]


def read_request(request: HttpRequest) -> Ask:
    """Return what is asked for.

    Raises:
        Refusal: ``not-found`` for another path or method, ``invalid`` for what Google rejects.
    """
    place = own_place(request.path)
    if place is None or request.method != "POST":
        raise no_such_url(request.path)
    body = json_object(request.body, no_json=_NO_JSON, no_object=_NO_OBJECT)
    if place.call == "computeTokens":
        return _computation(place, body)
    counting = place.call == "countTokens"
    _check_members(f"vertex/{place.version}/{'CountTokens' if counting else 'GenerateContent'}Request", body)
    contents = _contents(body, required=not (counting and _items(body, "instances")))
    asked = _conversation(body, contents)
    if counting:
        return Ask(model=place.model, stream=False, bounded=False, count=True, **asked)
    generation = _object(body, "generationConfig")
    stream = place.call == "streamGenerateContent"
    asked |= {**_generation(generation), "model": place.model, "stream": stream, "tier": asked_tier(request.headers)}
    form: dict[str, Any] = {
        "as_array": is_array(request),
        "document": _document(generation),
    }
    return GenerateAsk(**asked, **form) if any(form.values()) else Ask(**asked)


def _document(config: Mapping[str, Any]) -> Frame | None:
    if _string(config, "responseMimeType") != "application/json":
        return None
    schema = _object(config, "responseSchema") or _object(config, "responseJsonSchema") or ANY_OBJECT
    try:
        return frame_of(_lower_types(schema))
    except ValueError:
        raise Refusal("invalid", "The specified schema produces a constraint that cannot be served.") from None


def _lower_types(schema: Any) -> Any:
    """Return a schema with its types in JSON Schema's lower case, which Google writes in capitals."""
    if isinstance(schema, list):
        return [_lower_types(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: value.lower() if name == "type" and isinstance(value, str) else _lower_types(value)
        for name, value in schema.items()
    }


def own_place(path: str) -> Place | None:
    """Return what a path of this dialect says; None for another's."""
    place = read_path(path)
    return place if place and place.call in CALLS and place.publisher in {"google", ""} else None


def _computation(place: Place, body: Mapping[str, Any]) -> ComputeAsk:
    contents = tuple(
        (_string(content, "role") or "user", "\n".join(_texts(content)))
        for content in _contents(body, required=not _items(body, "instances"))
    )
    prompt = "\n".join(text for _, text in contents)
    return ComputeAsk(model=place.model, prompt=prompt, stream=False, bounded=False, count=True, contents=contents)


# --- reading -----------------------------------------------------------------------------------------------


def _check_members(model: str, body: Mapping[str, Any]) -> None:
    found = objections(model, body)
    if found:
        raise Refusal("invalid", google_words(*found))


@functools.cache
def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", name)


def _member(message: Mapping[str, Any], name: str) -> Any:
    value = message.get(name)
    return message.get(_snake(name)) if value is None else value


def _object(message: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = _member(message, name)
    return value if isinstance(value, dict) else {}


def _items(message: Mapping[str, Any], name: str) -> list[Any]:
    value = _member(message, name)
    if value is None:
        return []
    return [one for one in value if one is not None] if isinstance(value, list) else [value]


def _messages(message: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    return [one for one in _items(message, name) if isinstance(one, dict)]


def _string(message: Mapping[str, Any], name: str) -> str:
    value = _member(message, name)
    return value if isinstance(value, str) else ""


def _number(message: Mapping[str, Any], name: str) -> float | None:
    value = _member(message, name)
    return None if value is None else float(value)


# --- what is asked for -------------------------------------------------------------------------------------


def _conversation(body: Mapping[str, Any], contents: list[Mapping[str, Any]]) -> dict[str, Any]:
    system = _object(body, "systemInstruction")
    declared = [one for tool in _messages(body, "tools") for one in _messages(tool, "functionDeclarations")]
    tools = [Tool(name=_string(one, "name"), schema=_schema(one)) for one in declared]
    config = _object(_object(body, "toolConfig"), "functionCallingConfig")
    choice, allowed = _choice(config, {tool.name for tool in tools})
    texts = [text for content in [system, *contents] for text in _texts(content)]
    return {
        "prompt": "\n".join(texts),
        "turn": _turn(contents[-1]) if contents else "",
        "turns": _turns(system, contents) if any(map(_calls, contents)) else (),
        "tools": tuple(tool for tool in tools if not allowed or tool.name in allowed),
        "tool_choice": choice,
    }


def _schema(declaration: Mapping[str, Any]) -> Mapping[str, Any]:
    return _object(declaration, "parameters") or _object(declaration, "parametersJsonSchema")


def _choice(config: Mapping[str, Any], declared: set[str]) -> tuple[str, set[str]]:
    """Return the choice in our words, and the names that it is bound to where these are several."""
    mode = str(_member(config, "mode") or "").upper()
    allowed = [name for name in _items(config, "allowedFunctionNames") if isinstance(name, str)]
    if allowed and mode not in {"ANY", "VALIDATED"}:
        raise Refusal("invalid", "Please set allowed_function_names only when function calling mode is ANY.")
    stranger = next((name for name in allowed if name not in declared), None)
    if stranger is not None:
        raise Refusal("invalid", f"allowed_function_names names `{stranger}`, which no function declaration has.")
    if mode in {"ANY", "VALIDATED"} and not declared:
        raise Refusal("invalid", "Function calling config is set without function_declarations.")
    if mode == "ANY":
        return (allowed[0], set()) if len(allowed) == 1 else ("any", set(allowed))
    return "none" if mode == "NONE" else "", set()


def _turn(content: Mapping[str, Any]) -> str:
    if _string(content, "role") not in {"", "user"} or _responses(content):
        return ""
    return "\n".join(_texts(content))


def _turns(system: Mapping[str, Any], contents: list[Mapping[str, Any]]) -> tuple[Turn, ...]:
    said = [Turn("assistant" if _string(one, "role") == "model" else "user", tuple(_parts(one))) for one in contents]
    return conversation(named([Turn("system", tuple(_texts(system))), *said]))


def _parts(content: Mapping[str, Any]) -> Iterator[Part]:
    for part in _messages(content, "parts"):
        if text := _string(part, "text"):
            yield text
        if call := _object(part, "functionCall"):
            arguments = arguments_of(_object(call, "args"))
            yield ToolCall(id=_string(call, "id"), name=_string(call, "name"), arguments=arguments)
        if given := _object(part, "functionResponse"):
            response = _object(given, "response")
            text = str(response[OUTPUT]) if response.keys() == {OUTPUT} else arguments_of(response)
            yield ToolResult(id=_string(given, "id"), name=_string(given, "name"), text=text)


def _responses(content: Mapping[str, Any]) -> int:
    return sum(bool(_member(part, "functionResponse")) for part in _messages(content, "parts"))


def _calls(content: Mapping[str, Any]) -> int:
    return sum(bool(_member(part, "functionCall")) for part in _messages(content, "parts"))


def _texts(content: Mapping[str, Any]) -> Iterator[str]:
    for part in _messages(content, "parts"):
        text = _string(part, "text")
        if text:
            yield text
        response = _object(part, "functionResponse")
        if response:
            yield msgspec.json.encode(_object(response, "response")).decode()


def _generation(config: Mapping[str, Any]) -> dict[str, Any]:
    bound = _number(config, "maxOutputTokens")
    stops = [stop for stop in _items(config, "stopSequences") if isinstance(stop, str)]
    _check_range("maxOutputTokens", bound, 1, _MAX_OUTPUT_TOKENS)
    _check_range("candidateCount", _number(config, "candidateCount"), 1, 9)
    _check_range("temperature", _number(config, "temperature"), 0, 2, closed=True)
    _check_range("topP", _number(config, "topP"), 0, 1, closed=True)
    if len(stops) > _MAX_STOPS:
        raise _unable(f"it has {len(stops)} stop sequences but the most that is supported is {_MAX_STOPS}. {_UPDATE}")
    return {
        "max_tokens": 256 if bound is None else int(bound),
        "bounded": bound is not None,
        "stops": tuple(stops),
    }


def _check_range(name: str, value: float | None, low: int, high: int, *, closed: bool = False) -> None:
    """Raise `Refusal` for a value below ``low`` or beyond ``high``, which itself is allowed where ``closed``."""
    if value is None or low <= value < high or (closed and value == high):
        return
    supported = f"from {low} (inclusive) to {high} ({'inclusive' if closed else 'exclusive'})"
    raise _unable(f"it has a {name} value of {value:g} but the supported range is {supported}. {_UPDATE}")


def _unable(why: str) -> Refusal:
    return Refusal("invalid", f"Unable to submit request because {why} {_LEARN_MORE}")


# --- the conversation's rules ------------------------------------------------------------------------------


def _contents(body: Mapping[str, Any], *, required: bool) -> list[Mapping[str, Any]]:
    """Return the contents; raises `Refusal` where they make no conversation."""
    contents = _messages(body, "contents")
    if not contents and required:
        raise _unable("at least one contents field is required.")
    called = 0
    for content in contents:
        _check_content(content, one_of_many=len(contents) > 1)
        given = _responses(content)
        if given and not called:
            raise Refusal(
                "invalid", "Please ensure that function response turn comes immediately after a function call turn."
            )
        if called and given != called:
            raise Refusal(
                "invalid",
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn.",
            )
        called = _calls(content)
    return contents


def _check_content(content: Mapping[str, Any], *, one_of_many: bool) -> None:
    role = _string(content, "role")
    if role not in {"user", "model", "function"} and (role or one_of_many):
        raise Refusal("invalid", "Please use a valid role: user, model.")
    parts = _messages(content, "parts")
    if not parts:
        raise _unable("it must include at least one parts field, which describes the prompt input.")
    for part in parts:
        filled = [name for name, value in part.items() if value is not None]
        if filled in ([], ["text"]) and not _string(part, "text"):
            raise _unable("it has an empty text parameter. Add a value to the parameter and try again.")
