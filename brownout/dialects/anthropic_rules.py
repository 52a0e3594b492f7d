"""What Anthropic rejects in a request though its types allow it: how messages, tools and bounds go together.

The rules are those of the public reference of the Messages API ("Messages", "Tool use", "Extended thinking"), the
sentences those of public captures of its 400s.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def why_rejected(body: Mapping[str, Any]) -> str:
    """Return Anthropic's objection to a request; empty when there is none.

    Args:
        body: the request's body. Members of shapes that the types do not allow are passed over.
    """
    return next(
        (sentence for rule in (_messages, _tools, _tool_pairs, _bounds) for sentence in rule(body) if sentence), ""
    )


def blocks_of(content: object) -> list[dict[str, Any]]:
    """Return a message's content as blocks; a string is short for one of text."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return objects_of(content)


def objects_of(value: object) -> list[dict[str, Any]]:
    """Return the objects in a list; of what is no list, none: what betas allow is held against no type."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def strings_of(value: object) -> list[str]:
    """Return the strings in a list; of what is no list, none."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _messages(body: Mapping[str, Any]) -> Iterator[str]:
    messages = objects_of(body.get("messages"))
    if not messages:
        yield "messages: at least one message is required"
        return
    if next((message.get("role") for message in messages if message.get("role") != "system"), "user") != "user":
        yield 'messages: first message must use the "user" role'
    for index, message in enumerate(messages):
        prefill = index == len(messages) - 1 and message.get("role") == "assistant"
        if not message.get("content") and not prefill:
            yield (
                f"messages.{index}: all messages must have non-empty content except for the optional final assistant "
                f"message"
            )
        texts = [block.get("text") for block in blocks_of(message.get("content")) if block.get("type") == "text"]
        yield from _texts([text for text in texts if isinstance(text, str)], prefill=prefill)


def _texts(texts: Sequence[str], *, prefill: bool) -> Iterator[str]:
    if "" in texts:
        yield "messages: text content blocks must be non-empty"
    if any(not text.strip() for text in texts):
        yield "messages: text content blocks must contain non-whitespace text"
    if prefill and texts and texts[-1] != texts[-1].rstrip():
        yield "messages: final assistant content cannot end with trailing whitespace"


def _tools(body: Mapping[str, Any]) -> Iterator[str]:
    tools = objects_of(body.get("tools"))
    names = [str(tool.get("name") or "") for tool in tools]
    for index, tool in enumerate(tools):
        if "input_schema" not in tool:
            continue  # one of Anthropic's own
        kind = tool["input_schema"].get("type") if isinstance(tool["input_schema"], dict) else None
        if kind is None:
            yield f"tools.{index}.custom.input_schema.type: Field required"
        elif kind != "object":
            yield f"tools.{index}.custom.input_schema.type: Input should be 'object'"
    if len(set(names)) != len(names):
        yield "tools: Tool names must be unique."
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        if not tools:
            yield "tool_choice: tool_choice may only be specified while providing tools."
        elif choice.get("type") == "tool" and choice.get("name") not in names:
            yield f"tool_choice.tool.name: Tool '{choice.get('name')}' not found in provided tools"


def _tool_pairs(body: Mapping[str, Any]) -> Iterator[str]:
    """Hold each tool's result against the call in the message before it."""
    messages = objects_of(body.get("messages"))
    pending: list[str] = []
    for index, message in enumerate(messages):
        blocks = blocks_of(message.get("content"))
        results = [str(block.get("tool_use_id")) for block in blocks if block.get("type") == "tool_result"]
        for place, block in enumerate(blocks):
            identifier = block.get("tool_use_id")
            if block.get("type") == "tool_result" and identifier not in pending:
                yield (
                    f"messages.{index}.content.{place}: unexpected `tool_use_id` found in `tool_result` blocks: "
                    f"{identifier}. Each `tool_result` block must have a corresponding `tool_use` block in the "
                    f"previous message."
                )
        missing = [identifier for identifier in pending if identifier not in results]
        if missing:
            yield _no_result(index - 1, missing)
        pending = [str(block.get("id")) for block in blocks if block.get("type") == "tool_use"]
    if pending:
        yield _no_result(len(messages) - 1, pending)


def _no_result(index: int, identifiers: Sequence[str]) -> str:
    return (
        f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: "
        f"{', '.join(identifiers)}. Each `tool_use` block must have a corresponding `tool_result` block in the next "
        f"message."
    )


def _bounds(body: Mapping[str, Any]) -> Iterator[str]:
    if any(not stop.strip() for stop in strings_of(body.get("stop_sequences"))):
        yield "stop_sequences: each stop sequence must contain non-whitespace"
    thinking, max_tokens = body.get("thinking"), body.get("max_tokens")
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    if isinstance(budget, int) and isinstance(max_tokens, int) and max_tokens <= budget:
        yield "`max_tokens` must be greater than `thinking.budget_tokens`."
