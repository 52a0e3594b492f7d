"""Canaries of every kind, each where such data is in a real request: who copies only a part of it is seen, too.

The user's prompt bears the one that ties a request to its attempts. Around it go, where a workload is ``planted``: the
application's instructions, what was retrieved, a call of a tool with a file's name and a credential in its arguments,
what the tool gave back, and what the model has answered so far.
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


def planted(body: bytes, marks: Mapping[Kind, str]) -> bytes:
    """Return a chat completion's body with a conversation before its messages that bears the marks.

    The conversation is one that every provider takes: turns alternate, and each call of a tool has its result.
    """
    told: dict[str, Any] = json.loads(body)
    told["messages"] = [*_conversation(marks), *told["messages"]]
    told["tools"] = [{"type": "function", "function": {"name": _TOOL, "parameters": _PARAMETERS}}]
    return json.dumps(told, separators=(",", ":")).encode()


def _conversation(marks: Mapping[Kind, str]) -> list[dict[str, Any]]:
    arguments = json.dumps({"path": f"drafts/{marks['file']}.txt", "token": marks["credential"]})
    call = {"id": _CALL_ID, "type": "function", "function": {"name": _TOOL, "arguments": arguments}}
    return [
        {"role": "system", "content": f"Answer briefly. Case {marks['system']} is confidential."},
        {"role": "user", "content": f"From the knowledge base: {marks['context']} was agreed in spring."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": _CALL_ID, "content": f"The draft says {marks['tool']}."},
        {"role": "assistant", "content": f"I have read {marks['completion']}."},
    ]
