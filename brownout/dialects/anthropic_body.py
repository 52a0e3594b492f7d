"""The body of a Messages request, on whatever platform it is sent: read as an `Ask`, and written from one.

Members follow the public reference of Anthropic's Messages API, held against the types of its official client.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any

from brownout.dialects.anthropic_rules import blocks_of, objects_of, strings_of, why_rejected
from brownout.dialects.anthropic_turns import members_of, read_turns
from brownout.dialects.json_body import json_object
from brownout.dialects.models import objection
from brownout.dialects.models.words import anthropic_words
from brownout.wire import Ask, Refusal, Tool

REQUEST = "anthropic/MessageRequest"
COUNT_REQUEST = "anthropic/CountTokensRequest"

_EXTRA = "{}: Extra inputs are not permitted"
_CHOICES = {"any": "any", "none": "none"}


def read_object(raw: bytes) -> dict[str, Any]:
    """Return the JSON object in a request's bytes; raises ``Refusal("invalid")`` when there is none."""
    return json_object(
        raw, no_json="The request body is not valid JSON: {}", no_object="Input should be a valid dictionary"
    )


def check(body: Mapping[str, Any], *, request: str = REQUEST, apart: Container[str] = (), betas: bool = False) -> None:
    """Hold a body against the Messages API.

    Args:
        body: the body, whole; a platform that says the model elsewhere puts it in.
        request: which of the API's requests it is: `REQUEST` or `COUNT_REQUEST`.
        apart: members of the platform's own, which it checks itself.
        betas: whether the caller named beta features. What those allow is written in no model, so only the rules
            of conduct are applied.

    Raises:
        Refusal: ``invalid``.
    """
    if not betas:
        found = objection(request, {name: value for name, value in body.items() if name not in apart})
        if found is not None:
            raise Refusal("invalid", anthropic_words(found))
    why = why_rejected(body)
    if why:
        raise Refusal("invalid", why)


def forbid(body: Mapping[str, Any], names: Iterable[str]) -> None:
    """Raise ``Refusal("invalid")`` where a body has a member that its platform says elsewhere."""
    stranger = next((name for name in names if name in body), None)
    if stranger is not None:
        raise Refusal("invalid", _EXTRA.format(stranger))


def ask_of(body: Mapping[str, Any], *, model: str, stream: bool, tier: str = "", count: bool = False) -> Ask:
    """Return what a checked body asks for.

    Args:
        body: the body.
        model: the model's id, which platforms say in the path.
        stream: whether the answer is streamed, which Bedrock says in the path.
        tier: the service tier asked for, which platforms say in headers.
        count: whether only the prompt's tokens are to be counted.
    """
    max_tokens = body.get("max_tokens")
    return Ask(
        model=model,
        prompt="\n".join(_prompt(body)),
        max_tokens=max_tokens if isinstance(max_tokens, int) else 256,
        stream=stream,
        stops=tuple(strings_of(body.get("stop_sequences"))),
        tools=tuple(_tools(body)),
        tool_choice=_choice(body),
        turn=_turn(body),
        turns=read_turns(body),
        tier=tier,
        count=count,
    )


def body_of(ask: Ask) -> dict[str, Any]:
    """Return the members of a request that are the same on every platform."""
    before = ask.prompt.removesuffix(f"\n{ask.turn}") if ask.turn else ask.prompt
    body: dict[str, Any] = {}
    if ask.turns:
        body |= members_of(ask.turns)
    elif before == ask.prompt:
        body["messages"] = [{"role": "user", "content": ask.prompt}]
    else:
        # What comes before the user's own words is not said in the user's name.
        body |= {"system": before, "messages": [{"role": "user", "content": ask.turn}]}
    if not ask.count:
        body["max_tokens"] = ask.max_tokens
        if ask.stops:
            body["stop_sequences"] = list(ask.stops)
    if ask.tools:
        body["tools"] = [{"name": tool.name, "input_schema": {"type": "object", **tool.schema}} for tool in ask.tools]
        if ask.tool_choice:
            kind = _CHOICES.get(ask.tool_choice)
            body["tool_choice"] = {"type": kind} if kind else {"type": "tool", "name": ask.tool_choice}
    return body


def _prompt(body: Mapping[str, Any]) -> Iterator[str]:
    yield from _texts(blocks_of(body.get("system")))
    for message in objects_of(body.get("messages")):
        yield from _texts(blocks_of(message.get("content")))


def _texts(blocks: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Return the text in blocks, a tool's results and documents included."""
    for block in blocks:
        source = block.get("source")
        match block.get("type"):
            case "text" if isinstance(block.get("text"), str):
                yield block["text"]
            case "document" if isinstance(source, dict):
                if source.get("type") == "text" and isinstance(source.get("data"), str):
                    yield source["data"]
                yield from _texts(blocks_of(source.get("content")))
            case _:
                yield from _texts(blocks_of(block.get("content")))


def _tools(body: Mapping[str, Any]) -> Iterator[Tool]:
    for tool in objects_of(body.get("tools")):
        # Anthropic's own tools have no schema, and run on its servers.
        if isinstance(tool.get("input_schema"), dict):
            yield Tool(str(tool.get("name", "")), tool["input_schema"])


def _choice(body: Mapping[str, Any]) -> str:
    choice = body.get("tool_choice")
    if not isinstance(choice, dict):
        return ""
    if choice.get("type") == "tool":
        return str(choice.get("name", ""))
    return _CHOICES.get(str(choice.get("type")), "")


def _turn(body: Mapping[str, Any]) -> str:
    messages = objects_of(body.get("messages"))
    if not messages or messages[-1].get("role") != "user":
        return ""
    blocks = blocks_of(messages[-1].get("content"))
    if any(block.get("type") == "tool_result" for block in blocks):
        return ""
    return "\n".join(_texts(blocks))
