"""Conversations with tools as Chat Completions has them: a result is a message of its own."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from brownout.dialects.turns import calls_of, conversation, named, results_of, texts_of
from brownout.wire import Part, ToolCall, ToolResult, Turn, Who

_ROLES: Mapping[str, Who] = {"system": "system", "developer": "system", "assistant": "assistant"}


def read_turns(messages: Sequence[Mapping[str, Any]]) -> tuple[Turn, ...]:
    """Return a checked body's conversation; none where no tool was called in it (see `conversation`)."""
    if not any(message.get("tool_calls") for message in messages):
        return ()
    return conversation(named(Turn(_ROLES.get(one["role"], "user"), tuple(_parts(one))) for one in messages))


def _parts(message: Mapping[str, Any]) -> Iterator[Part]:
    texts = texts_in(message.get("content"))
    if message["role"] == "tool":
        yield ToolResult(id=message["tool_call_id"], text="\n".join(texts))
        return
    yield from texts
    for call in message.get("tool_calls") or ():
        function = call.get("function") or {}
        yield ToolCall(id=call["id"], name=function.get("name", ""), arguments=function.get("arguments", ""))


def texts_in(content: str | list[dict[str, Any]] | None) -> list[str]:
    """Return the texts in a message's content."""
    if isinstance(content, str):
        return [content]
    return [part["text"] for part in content or () if part["type"] == "text"]


def messages_of(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """Return the messages of a conversation."""
    return [message for turn in turns for message in _messages(turn)]


def _messages(turn: Turn) -> Iterator[dict[str, Any]]:
    for result in results_of(turn):
        yield {"role": "tool", "tool_call_id": result.id, "content": result.text}
    texts, calls = texts_of(turn), calls_of(turn)
    if not texts and not calls:
        return
    said: Any = texts[0] if len(texts) == 1 else [{"type": "text", "text": text} for text in texts] or None
    message: dict[str, Any] = {"role": turn.role, "content": said}
    if calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in calls
        ]
    yield message
