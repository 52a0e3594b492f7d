"""What an emulated model says: deterministic text, so that cuts, repeats and mix-ups are seen.

    [bedrock-od-us-east-1 acme-17 of 6] w1 w2 w3 w4 fin

The first token names the endpoint, the canary's id and the number of tokens; the last is ``fin``. In a planted load
it bears a canary of the answer's own besides, so that an answer is known wherever it goes.

A model obeys. Its answer is as long as ``max_tokens`` allows (at most `MAX_ANSWER_TOKENS`), unless the prompt asks
for another length by ``((answer 40 tokens))``; then a smaller ``max_tokens`` cuts it, as it would a real one.
``((filter))`` in the prompt lets the provider's filter end the answer. A tool is called where one must be, or where the
model may choose and the user's last message names it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from brownout.wire import Ask, StopReason, Tool, ToolCall

Integrity: TypeAlias = Literal["whole", "truncated", "duplicated", "mixed", "garbled", "foreign", "empty"]

MAX_ANSWER_TOKENS = 512
"""The longest answer that is not asked for by a directive: enough to cut anywhere, short enough for thousands."""

_LONGEST_TOKENS = 16_384
_WORDS = [f" w{n}" for n in range(1, MAX_ANSWER_TOKENS)]  # made once: every answer begins with the same ones
_CHARS_PER_TOKEN = 4
_HEAD = re.compile(r"\[(?P<endpoint>\S+) (?P<canary>\S+) of (?P<tokens>[0-9]{1,6})(?: (?P<mark>[A-Z2-7]+))?\]")
_LENGTH = re.compile(r"\(\(answer (?P<tokens>[0-9]{1,6}) tokens\)\)")
_FILTER = "((filter))"
_FILTERED_AFTER_TOKENS = 2


class Said(NamedTuple):
    """An answer before it has a pace: its tokens, the tool it calls, and why it ends."""

    tokens: list[str]
    call: ToolCall | None
    stop: StopReason
    stop_sequence: str


class Reading(NamedTuple):
    """What a reply's text says of itself: who made it, and whether all of it is there."""

    endpoint: str | None
    integrity: Integrity


def estimated_tokens(prompt: str) -> int:
    """Return a prompt's length in tokens, by the rule of thumb that OpenAI's help pages give for English."""
    return max(1, len(prompt) // _CHARS_PER_TOKEN)


def reply_tokens(endpoint: str, canary: str | None, tokens: int, mark: str = "") -> list[str]:
    """Return the reply's tokens (at least two): head, words, ``fin``. ``mark`` is the answer's own canary."""
    count = max(tokens, 2)
    words = _WORDS if count <= MAX_ANSWER_TOKENS else [f" w{n}" for n in range(1, count)]
    marked = f" {mark}" if mark else ""
    return [f"[{endpoint} {canary or 'none'} of {count}{marked}]", *words[: count - 2], " fin"]


def say(endpoint: str, canary: str | None, ask: Ask, *, reply_id: str, mark: str = "") -> Said:
    """Return what the model answers.

    Args:
        endpoint: the endpoint's name.
        canary: the id of the request's canary; None when it has none.
        ask: what is asked for.
        reply_id: makes a tool call's id.
        mark: the answer's own canary; empty for none.
    """
    tool = _called(ask)
    if tool is not None:
        arguments = json.dumps(_example(tool.schema, f"{endpoint} {canary or 'none'}"), separators=(",", ":"))
        return Said([], ToolCall(id=f"call_{reply_id}", name=tool.name, arguments=arguments), "tool", "")
    wish = _LENGTH.search(ask.prompt) if "((" in ask.prompt else None
    wanted = min(int(wish["tokens"]), _LONGEST_TOKENS) if wish else min(ask.max_tokens, MAX_ANSWER_TOKENS)
    tokens = reply_tokens(endpoint, canary, wanted, mark)
    if _FILTER in ask.prompt:
        return Said(tokens[:_FILTERED_AFTER_TOKENS], None, "filtered", "")
    return _bounded(tokens, ask)


def _bounded(tokens: list[str], ask: Ask) -> Said:
    """Cut an answer at the bound on its length, and at the first sequence that the caller named."""
    kept = tokens[: ask.max_tokens]
    stop: StopReason = "stop" if len(kept) == len(tokens) else "length"
    if not ask.stops:
        return Said(kept, None, stop, "")
    text = "".join(kept)
    met = min(((text.find(stop), stop) for stop in ask.stops if stop and stop in text), default=None)
    if met is None:
        return Said(kept, None, stop, "")
    place, sequence = met
    before: list[str] = []
    for token in kept:
        if place <= 0:
            break
        before.append(token[:place])
        place -= len(token)
    return Said(before, None, "stop-sequence", sequence)


def _called(ask: Ask) -> Tool | None:
    if not ask.tools or ask.tool_choice == "none":
        return None
    if ask.tool_choice == "any":
        return ask.tools[0]
    if ask.tool_choice:
        return next((tool for tool in ask.tools if tool.name == ask.tool_choice), None)
    return next((tool for tool in ask.tools if re.search(rf"\b{re.escape(tool.name)}\b", ask.turn)), None)


def _example(schema: Mapping[str, Any], word: str) -> Any:
    """Return a value that a JSON Schema describes: what it requires and names, strings being ``word``."""
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type", "object")
    # Google writes the types in capitals, and JSON Schema allows several.
    kind = str(kind[0] if isinstance(kind, list) and kind else kind).lower()
    if kind == "object":
        return {name: _example(part, word) for name, part in (schema.get("properties") or {}).items()}
    if kind == "array":
        return [_example(schema.get("items") or {"type": "string"}, word)]
    if kind in {"integer", "number"}:
        return schema.get("minimum", 1)
    return {"boolean": True, "null": None}.get(kind, word)


def read_reply(text: str, canary: str) -> Reading:
    """Judge a reply's text against the canary of the request it answers, or of the common question that it asked.

    Returns:
        ``whole``; ``truncated`` (a true beginning of the reply); ``duplicated`` (nothing out of order, but some of it
        again); ``mixed`` (another answer to the same request begins within it); ``garbled`` (words missing, strange or
        out of order); ``foreign`` (some of it is another request's); ``empty``.
    """
    if not text.strip():
        return Reading(None, "empty")
    heads = list(_HEAD.finditer(text))
    first = heads[0] if heads and heads[0].start() == 0 else None
    endpoint = first["endpoint"] if first else None
    if any(head["canary"] != canary for head in heads):
        return Reading(endpoint, "foreign")
    if first is None:
        return Reading(None, "garbled")
    if len(heads) > 1:
        return Reading(endpoint, "mixed")
    right = reply_tokens(first["endpoint"], canary, int(first["tokens"]), first["mark"] or "")
    whole = "".join(right)
    if text.strip() == whole:
        return Reading(endpoint, "whole")
    kind: Integrity = "duplicated" if _repeats(text[first.end() :].split(), right) else "garbled"
    return Reading(endpoint, "truncated" if whole.startswith(text.rstrip()) else kind)


def _repeats(words: Sequence[str], right: Sequence[str]) -> bool:
    """Return whether words, each taken where it first comes, are those that should follow the head, or a beginning."""
    once = list(dict.fromkeys(words))
    return len(once) < len(words) and once == [word.strip() for word in right[1 : len(once) + 1]]
