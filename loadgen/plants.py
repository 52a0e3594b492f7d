"""Canaries of every kind, each where such data is in a real request: who copies only a part of it is seen, too.

The user's prompt bears the one that ties a request to its attempts. Around it go, where a workload is ``planted``: the
application's instructions, what was retrieved, a call of a tool with a file's name and a credential in its arguments,
what the tool gave back, and what the model has answered so far.

Each is near the beginning of its text, and the prompt's is at its end, too: a preview in a log, a conversation's title,
a truncated attribute of a span hold the first words of something, or the last, and are its tenant's all the same.
"""

import json
from collections.abc import Mapping
from typing import Any

from brownout.canary import CanaryMint, Kind

PLANTED: tuple[Kind, ...] = ("system", "context", "file", "credential", "tool", "completion")
_TOOL = "open_document"
_CALL_ID = "call_planted_1"
_PARAMETERS = {
    "type": "object",
    "properties": {"path": {"type": "string"}, "token": {"type": "string"}},
    "required": ["path"],
}


def marks_of(mint: CanaryMint, tenant: str, request: int) -> dict[Kind, str]:
    """Return one request's canaries by what they mark."""
    return {kind: mint.value(tenant, request, kind) for kind in PLANTED}


def planted(body: bytes, canary: str, marks: Mapping[Kind, str]) -> bytes:
    """Return a chat completion's body with a conversation before its messages that bears the marks.

    The conversation is one that every provider takes: turns alternate, and each call of a tool has its result.

    Args:
        body: a body with one message, the user's.
        canary: the prompt's own, which that message begins and ends with, too.
        marks: the other kinds' canaries.
    """
    told: dict[str, Any] = json.loads(body)
    (asked,) = told["messages"]
    asked["content"] = f"As for {canary}: {asked['content']} (case {canary})"
    told["messages"] = [*_conversation(marks), asked]
    told["tools"] = [{"type": "function", "function": {"name": _TOOL, "parameters": _PARAMETERS}}]
    return json.dumps(told, separators=(",", ":")).encode()


def _conversation(marks: Mapping[Kind, str]) -> list[dict[str, Any]]:
    arguments = json.dumps({"path": f"drafts/{marks['file']}.txt", "token": marks["credential"]})
    call = {"id": _CALL_ID, "type": "function", "function": {"name": _TOOL, "arguments": arguments}}
    return [
        {"role": "system", "content": f"Case {marks['system']} is confidential. Answer briefly."},
        {"role": "user", "content": f"Agreed: {marks['context']}, says the knowledge base."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": _CALL_ID, "content": f"It says {marks['tool']}."},
        {"role": "assistant", "content": f"I read {marks['completion']}."},
    ]
