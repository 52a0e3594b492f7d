"""Claude's three platforms, each with the client that Anthropic makes for it."""

from collections.abc import Callable
from typing import Any, TypeAlias

import anthropic
import pytest

from tests.wire.world import CLAUDE, CLAUDE_NATIVE, CLAUDE_VERTEX, World

Client: TypeAlias = anthropic.Anthropic | anthropic.AnthropicBedrock | anthropic.AnthropicVertex
NATIVE, BEDROCK, VERTEX = "anthropic-messages", "bedrock-invoke", "vertex-rawpredict"
ENDPOINT = {NATIVE: "claude", BEDROCK: "bedrock", VERTEX: "vertex-claude"}
MODEL = {NATIVE: CLAUDE_NATIVE, BEDROCK: CLAUDE, VERTEX: CLAUDE_VERTEX}
WHOLE = {NATIVE: "messages.create", BEDROCK: "InvokeModel", VERTEX: "rawPredict"}
STREAMED = {NATIVE: "messages.create", BEDROCK: "InvokeModelWithResponseStream", VERTEX: "streamRawPredict"}
_MAKERS: dict[str, Callable[[World], Client]] = {
    NATIVE: World.claude,
    BEDROCK: World.anthropic_bedrock,
    VERTEX: World.anthropic_vertex,
}
_made: dict[str, Client] = {}


def client_of(world: World, platform: str) -> Client:
    """Return a platform's client, made once: the certificates that one loads take longer than a test."""
    where = world.url(ENDPOINT[platform])
    if where not in _made:
        _made[where] = _MAKERS[platform](world)
    return _made[where]


def on(operations: dict[str, str], what: str) -> pytest.MarkDecorator:
    """Run a test on each platform, marked by what it shows of which operation."""
    params = [
        pytest.param(name, id=name, marks=pytest.mark.wire(name, operation, what))
        for name, operation in operations.items()
    ]
    return pytest.mark.parametrize("platform", params)


def asked(world: World, platform: str, **changes: Any) -> dict[str, Any]:
    """Return a request for an answer of six tokens."""
    prompt = f"hello {world.mint.value('acme', 3)}"
    messages = [{"role": "user", "content": prompt}]
    return {"model": MODEL[platform], "max_tokens": 6, "messages": messages} | changes
