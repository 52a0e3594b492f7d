"""The ways through LiteLLM that the wire tests take: which model, which address, which credentials."""

from typing import Any, NamedTuple

import pytest

from tests.wire.world import CLAUDE, CLAUDE_NATIVE, CLAUDE_VERTEX, HOSTED, World


class Route(NamedTuple):
    """A way through LiteLLM: its model's prefix, the endpoint it leads to, that one's dialect and operations."""

    prefix: str
    endpoint: str
    dialect: str
    whole: str
    streamed: str


OPENAI = Route("openai", "own", "openai-chat", "chat.completions.create", "chat.completions.create")
CONVERSE = Route("bedrock/converse", "bedrock", "bedrock-converse", "Converse", "ConverseStream")
INVOKE = Route("bedrock/invoke", "bedrock", "bedrock-invoke", "InvokeModel", "InvokeModelWithResponseStream")
GEMINI = Route("vertex_ai/gemini", "vertex", "vertex-generate", "generateContent", "streamGenerateContent")
VERTEX_CLAUDE = Route("vertex_ai/claude", "vertex-claude", "vertex-rawpredict", "rawPredict", "streamRawPredict")
ANTHROPIC = Route("anthropic", "claude", "anthropic-messages", "messages.create", "messages.create")
SAGEMAKER_CHAT = Route(
    "sagemaker_chat", "sagemaker", "sagemaker-invoke", "InvokeEndpoint", "InvokeEndpointWithResponseStream"
)
SAGEMAKER = Route("sagemaker", "sagemaker", "sagemaker-invoke", "InvokeEndpoint", "InvokeEndpointWithResponseStream")
ROUTES = [OPENAI, CONVERSE, INVOKE, GEMINI, VERTEX_CLAUDE, ANTHROPIC, SAGEMAKER_CHAT, SAGEMAKER]


def where(world: World, route: Route, *, stream: bool) -> dict[str, Any]:
    """Return the model and the address of a route, and the credentials for it."""
    url, given = world.url(route.endpoint), world.cloud.identity.credentials(route.endpoint)
    if route in {OPENAI, ANTHROPIC}:
        model, base = ("llama-3-70b", f"{url}/v1") if route == OPENAI else (CLAUDE_NATIVE, url)
        return {"model": f"{route.prefix}/{model}", "api_base": base, "api_key": given["api_key"]}
    if route in {GEMINI, VERTEX_CLAUDE}:
        publisher, model, location = "google", "gemini-2.0-flash", "us-central1"
        if route == VERTEX_CLAUDE:
            publisher, model, location = "anthropic", CLAUDE_VERTEX, "us-east5"
        project = world.cloud.identity.project
        return {
            "model": f"vertex_ai/{model}",
            "api_base": f"{url}/v1/projects/{project}/locations/{location}/publishers/{publisher}/models/{model}",
            "vertex_project": project,
            "vertex_location": location,
            "vertex_credentials": given["service_account_file"],
        }
    keys = {f"aws_{name}": value for name, value in given.items()} | {"aws_region_name": "us-east-1"}
    if route in {CONVERSE, INVOKE}:
        return keys | {"model": f"{route.prefix}/{CLAUDE}", "aws_bedrock_runtime_endpoint": url}
    operation = "invocations-response-stream" if stream else "invocations"
    base = f"{url}/endpoints/{HOSTED}/{operation}"
    return keys | {"model": f"{route.prefix}/{HOSTED}", "sagemaker_base_url": base}


def asked(world: World, route: Route, *, stream: bool, **changes: Any) -> dict[str, Any]:
    """Return the arguments of a completion of one short message, without LiteLLM's own retries."""
    messages = [{"role": "user", "content": f"hello {world.mint.value('acme', 3)}"}]
    request = {
        "messages": messages,
        "max_tokens": 6,
        "stream": stream,
        "num_retries": 0,
        "max_retries": 0,
        "timeout": 10,
    }
    return request | where(world, route, stream=stream) | changes


def said(reply: Any, *, stream: bool) -> tuple[str, str | None]:
    """Return the text and the reason to finish; raises what LiteLLM raises."""
    if not stream:
        return reply.choices[0].message.content or "", reply.choices[0].finish_reason
    choices = [chunk.choices[0] for chunk in reply if chunk.choices]
    return "".join(choice.delta.content or "" for choice in choices), choices[-1].finish_reason


def marked(routes: list[Route], what: str) -> list[Any]:
    """Return every route, whole and streamed, marked as what it shows."""
    return [
        pytest.param(
            route,
            stream,
            marks=pytest.mark.wire(route.dialect, route.streamed if stream else route.whole, what),
            id=f"{route.prefix}{'-streamed' if stream else ''}",
        )
        for route in routes
        for stream in (False, True)
    ]


def raised(error: BaseException) -> str:
    """Return the class of an error: of one that LiteLLM wraps for its own router, that of what is wrapped."""
    inner = getattr(error, "original_exception", None)
    return type(inner if type(error).__name__ == "MidStreamFallbackError" and inner else error).__name__
