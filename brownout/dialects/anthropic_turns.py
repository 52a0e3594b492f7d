"""Conversations with tools as Anthropic's Messages have them: ``tool_use`` and ``tool_result`` blocks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from brownout.dialects.anthropic_rules import blocks_of, objects_of
from brownout.dialects.turns import apart, arguments_of, calls_of, conversation, named, raw, results_of, texts_of
from brownout.wire import Part, ToolCall, ToolResult, Turn


def read_turns(body: Mapping[str, Any]) -> tuple[Turn, ...]:
    """Return a checked body's conversation; none where no tool was called in it (see `conversation`)."""
    messages = [(one.get("role"), blocks_of(one.get("content"))) for one in objects_of(body.get("messages"))]
    if not any(block.get("type") == "tool_use" for _, blocks in messages for block in blocks):
        return ()
    said = [Turn("assistant" if role == "assistant" else "user", tuple(_parts(blocks))) for role, blocks in messages]
    return conversation(named([Turn("system", tuple(_parts(blocks_of(body.get("system"))))), *said]))


def _parts(blocks: Sequence[Mapping[str, Any]]) -> Iterator[Part]:
    for block in blocks:
        kind = block.get("type")
        if kind == "text":
            yield str(block.get("text", ""))
        elif kind == "tool_use":
            arguments = arguments_of(block.get("input", {}))
            yield ToolCall(id=str(block.get("id")), name=str(block.get("name")), arguments=arguments)
        elif kind == "tool_result":
            texts = [str(one["text"]) for one in blocks_of(block.get("content")) if one.get("type") == "text"]
            yield ToolResult(id=str(block.get("tool_use_id")), text="\n".join(texts))


def members_of(turns: Sequence[Turn]) -> dict[str, Any]:
    """Return the members of a request that tell a conversation."""
    system, others = apart(turns)
    members: dict[str, Any] = {"messages": [{"role": one.role, "content": list(_blocks(one))} for one in others]}
    return {**members, "system": [{"type": "text", "text": text} for text in system]} if system else members


def _blocks(turn: Turn) -> Iterator[dict[str, Any]]:
    for result in results_of(turn):
        yield {"type": "tool_result", "tool_use_id": result.id, "content": result.text}
    for text in texts_of(turn):
        yield {"type": "text", "text": text}
    for call in calls_of(turn):
        yield {"type": "tool_use", "id": call.id, "name": call.name, "input": raw(call.arguments)}
