"""Conversations with tools as Gemini has them: parts with a ``functionCall`` or a ``functionResponse``."""

from collections.abc import Iterator, Sequence
from typing import Any

from brownout.dialects.turns import apart, calls_of, raw, results_of, texts_of
from brownout.wire import Turn

OUTPUT = "output"
"""The member of a response that holds what a tool gave back, in the discovery documents' own word."""


def members_of(turns: Sequence[Turn]) -> dict[str, Any]:
    """Return the members of a request that tell a conversation."""
    system, others = apart(turns)
    contents = [{"role": "model" if one.role == "assistant" else "user", "parts": list(_parts(one))} for one in others]
    members: dict[str, Any] = {"contents": contents}
    return {**members, "systemInstruction": {"parts": [{"text": text} for text in system]}} if system else members


def _parts(turn: Turn) -> Iterator[dict[str, Any]]:
    for result in results_of(turn):
        yield {"functionResponse": {"id": result.id, "name": result.name, "response": {OUTPUT: result.text}}}
    for text in texts_of(turn):
        yield {"text": text}
    for call in calls_of(turn):
        yield {"functionCall": {"id": call.id, "name": call.name, "args": raw(call.arguments)}}
