"""Conversations with tools as Converse has them: ``toolUse`` and ``toolResult`` blocks (botocore's service model)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from brownout.dialects.turns import apart, arguments_of, calls_of, conversation, named, raw, results_of, texts_of
from brownout.wire import Part, ToolCall, ToolResult, Turn


def read_turns(body: Mapping[str, Any]) -> tuple[Turn, ...]:
    """Return a checked body's conversation; none where no tool was called in it (see `conversation`)."""
    messages = body.get("messages") or []
    if not any(block.get("toolUse") for message in messages for block in message["content"]):
        return ()
    system = tuple(block["text"] for block in body.get("system") or () if block.get("text") is not None)
    said = [Turn(message["role"], tuple(_parts(message["content"]))) for message in messages]
    return conversation(named([Turn("system", system), *said]))


def _parts(blocks: Sequence[Mapping[str, Any]]) -> Iterator[Part]:
    for block in blocks:
        if block.get("text") is not None:
            yield block["text"]
        if use := block.get("toolUse"):
            yield ToolCall(id=use["toolUseId"], name=use["name"], arguments=arguments_of(use["input"]))
        if result := block.get("toolResult"):
            yield ToolResult(id=result["toolUseId"], text="\n".join(map(_text, result["content"])))


def _text(content: Mapping[str, Any]) -> str:
    text = content.get("text")
    return text if text is not None else arguments_of(content.get("json"))


def members_of(turns: Sequence[Turn]) -> dict[str, Any]:
    """Return the members of a request that tell a conversation."""
    system, others = apart(turns)
    members: dict[str, Any] = {"messages": [{"role": one.role, "content": list(_blocks(one))} for one in others]}
    return {**members, "system": [{"text": text} for text in system]} if system else members


def _blocks(turn: Turn) -> Iterator[dict[str, Any]]:
    for result in results_of(turn):
        yield {"toolResult": {"toolUseId": result.id, "content": [{"text": result.text}]}}
    for text in texts_of(turn):
        yield {"text": text}
    for call in calls_of(turn):
        yield {"toolUse": {"toolUseId": call.id, "name": call.name, "input": raw(call.arguments)}}
