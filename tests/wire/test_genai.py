"""An unmodified google-genai cannot tell the emulated Vertex AI from the real one."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import google.auth.exceptions
import pydantic
import pytest
import urllib3
from google.genai import types

from brownout.answer import read_reply
from brownout.fault import Exchange
from brownout.wire import End, Event
from tests.wire.world import World

MODEL = "gemini-2.0-flash"
WEATHER = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="weather",
            description="tells the weather",
            parameters=types.Schema(type=types.Type.OBJECT, properties={"city": types.Schema(type=types.Type.STRING)}),
        ),
        types.FunctionDeclaration(name="news", parameters_json_schema={"type": "object"}),
    ]
)


def ok(operation: str, what: str = "ok") -> pytest.MarkDecorator:
    """Return the mark of a feature of an operation."""
    return pytest.mark.wire("vertex-generate", operation, what)


def asked(world: World, text: str = "hello", **config: Any) -> dict[str, Any]:
    """Return a request of one short message."""
    settings = types.GenerateContentConfig(**{"max_output_tokens": 6, "system_instruction": "be brief"} | config)
    return {"model": MODEL, "contents": f"{text} {world.mint.value('acme', 3)}", "config": settings}


def _finish(reply: types.GenerateContentResponse) -> types.FinishReason | None:
    return reply.candidates[0].finish_reason if reply.candidates else None


def _calling(mode: str, names: list[str] | None = None) -> types.ToolConfig:
    made = types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode(mode), allowed_function_names=names)
    return types.ToolConfig(function_calling_config=made)


@ok("generateContent")
@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_generate_content_answers_whole(world: World, version: str) -> None:
    """A generateContent call of either version gives the text, the finish reason, the usage and who answered."""
    options = types.HttpOptions(api_version=version)
    reply = world.vertex().models.generate_content(**asked(world, http_options=options))
    assert ("vertex", "whole") == read_reply(reply.text or "", "acme-3")
    assert types.FinishReason.STOP == _finish(reply)
    usage = reply.usage_metadata
    assert usage is not None
    assert (6, types.TrafficType.ON_DEMAND) == (usage.candidates_token_count, usage.traffic_type)
    assert usage.total_token_count == (usage.prompt_token_count or 0) + 6
    assert (MODEL, True, True) == (reply.model_version, bool(reply.response_id), bool(reply.create_time))
    assert [("ok", "acme-3", "acme", 200)] == [(r.outcome, r.canary, r.tenant, r.status) for r in world.seen()]


@ok("generateContent", "global location")
def test_the_global_location_is_served_at_its_own_host(world: World) -> None:
    """An endpoint of the global location answers calls that name it."""
    client = world.vertex("vertex-global", account="vertex-global", location="global")
    reply = client.models.generate_content(**asked(world))
    assert ("vertex-global", "whole") == read_reply(reply.text or "", "acme-3")


@ok("streamGenerateContent")
def test_generate_content_stream_ends_with_a_finish_reason(world: World) -> None:
    """A streamGenerateContent call gives a chunk a token, and the finish reason and usage on the last only."""
    chunks = list(world.vertex().models.generate_content_stream(**asked(world)))
    assert ("vertex", "whole") == read_reply("".join(chunk.text or "" for chunk in chunks), "acme-3")
    assert [*[None] * 6, types.FinishReason.STOP] == [_finish(chunk) for chunk in chunks]
    usages = [chunk.usage_metadata for chunk in chunks]
    assert [*[None] * 6, 6] == [usage.candidates_token_count if usage else None for usage in usages]


@ok("generateContent", "async")
@ok("streamGenerateContent", "async")
@ok("countTokens", "async")
def test_the_asynchronous_client_reads_the_same(world: World) -> None:
    """Whole, streamed and counted, the asynchronous client gets what the other gets."""

    async def visit() -> tuple[str, str, int | None]:
        client = world.vertex().aio
        whole = await client.models.generate_content(**asked(world))
        stream = await client.models.generate_content_stream(**asked(world))
        streamed = "".join([chunk.text or "" async for chunk in stream])
        counted = await client.models.count_tokens(model=MODEL, contents="hello")
        await client.aclose()
        return whole.text or "", streamed, counted.total_tokens

    whole, streamed, tokens = asyncio.run(visit())
    assert "whole" == read_reply(whole, "acme-3").integrity
    assert whole == streamed
    assert tokens
    assert 3 == len(world.seen())


STOPS: list[tuple[str, dict[str, Any], types.FinishReason]] = [
    ("((answer 20 tokens))", {}, types.FinishReason.MAX_TOKENS),
    ("hello", {"stop_sequences": ["w2"]}, types.FinishReason.STOP),
    ("((filter))", {}, types.FinishReason.SAFETY),
]


@pytest.mark.parametrize(
    ("text", "config", "reason"), [pytest.param(*stop, marks=ok("generateContent", stop[2].value)) for stop in STOPS]
)
def test_each_finish_reason_is_googles(
    world: World, text: str, config: dict[str, Any], reason: types.FinishReason
) -> None:
    """An answer that is cut, stopped or filtered says so in Google's words, whole and streamed."""
    reply = world.vertex().models.generate_content(**asked(world, text, **config))
    assert reason == _finish(reply)
    chunks = list(world.vertex().models.generate_content_stream(**asked(world, text, **config)))
    assert reason == _finish(chunks[-1])
    assert reply.text == "".join(chunk.text or "" for chunk in chunks)
    assert ("w2" in (reply.text or "")) == (reason == types.FinishReason.MAX_TOKENS)


@dataclass
class _BlockThePrompt:
    """Filters every prompt before its answer has a token."""

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Give the end alone."""
        exchange.fired()
        async for event in reply:
            if isinstance(event, End):
                yield End(stop="filtered", prompt_tokens=event.prompt_tokens)


@ok("generateContent", "blockReason")
@ok("streamGenerateContent", "blockReason")
def test_a_blocked_prompt_is_a_200_without_candidates(world: World) -> None:
    """A prompt that the filter blocks has a reason in promptFeedback and no candidate; it is no error."""
    world.fault("vertex", _BlockThePrompt())
    client = world.vertex()
    replies = [client.models.generate_content(**asked(world))]
    replies += client.models.generate_content_stream(**asked(world))
    for reply in replies:
        assert reply.candidates is None
        assert reply.prompt_feedback is not None
        assert types.BlockedReason.SAFETY == reply.prompt_feedback.block_reason
        assert reply.usage_metadata is not None
        assert reply.usage_metadata.prompt_token_count
    assert [("ok", 200)] * 2 == [(record.outcome, record.status) for record in world.seen()]


@ok("generateContent", "function calling")
@pytest.mark.parametrize(
    ("text", "config"),
    [
        ("what does weather say?", _calling("AUTO")),
        ("hello", _calling("ANY")),
        ("hello", _calling("ANY", ["weather"])),
        ("hello", _calling("ANY", ["weather", "news"])),
    ],
)
def test_a_function_is_called_and_its_result_answered(world: World, text: str, config: types.ToolConfig) -> None:
    """The model calls the function with an object of arguments, and the answer goes on with what it gives."""
    request = asked(world, text, tools=[WEATHER], tool_config=config)
    reply = world.vertex().models.generate_content(**request)
    [call] = reply.function_calls or []
    assert ("weather", ["city"], types.FinishReason.STOP) == (call.name, list(call.args or {}), _finish(reply))
    assert reply.candidates
    said = reply.candidates[0].content
    given = types.Part.from_function_response(name="weather", response={"sky": "clear"})
    contents = [
        types.Content(role="user", parts=[types.Part(text=request["contents"])]),
        said,
        types.Content(role="user", parts=[given]),
    ]
    again = world.vertex().models.generate_content(**asked(world, tools=[WEATHER]) | {"contents": contents})
    assert "whole" == read_reply(again.text or "", "acme-3").integrity


@ok("streamGenerateContent", "function calling")
def test_a_function_call_is_streamed(world: World) -> None:
    """A streamed call comes in a chunk of its own, before the one with the finish reason."""
    request = asked(world, tools=[WEATHER], tool_config=_calling("ANY", ["news"]))
    chunks = list(world.vertex().models.generate_content_stream(**request))
    assert [["news"], []] == [[call.name for call in chunk.function_calls or []] for chunk in chunks]
    assert types.FinishReason.STOP == _finish(chunks[-1])


@ok("generateContent", "function calling: NONE")
def test_no_function_is_called_where_none_may_be(world: World) -> None:
    """Mode NONE answers in text, whatever the prompt names."""
    request = asked(world, "weather", tools=[WEATHER], tool_config=_calling("NONE"))
    reply = world.vertex().models.generate_content(**request)
    assert not reply.function_calls
    assert "whole" == read_reply(reply.text or "", "acme-3").integrity


@ok("generateContent", "automatic function calling")
def test_the_sdk_calls_the_function_itself(world: World) -> None:
    """Given a Python function, the SDK runs it with the arguments it got, and the second call answers."""
    cities: list[str] = []

    def weather(city: str) -> dict[str, str]:
        """Tell the weather of a city."""
        cities.append(city)
        return {"sky": "clear"}

    reply = world.vertex().models.generate_content(**asked(world, "what does weather say?", tools=[weather]))
    assert ["vertex acme-3"] == cities
    assert "whole" == read_reply(reply.text or "", "acme-3").integrity
    assert 2 == len(world.seen())


@ok("countTokens")
def test_tokens_are_counted(world: World) -> None:
    """A countTokens call counts the prompt with its system instruction, and generates nothing."""
    client = world.vertex()
    short = client.models.count_tokens(model=MODEL, contents="hello").total_tokens
    config = types.CountTokensConfig(system_instruction="be brief", tools=[WEATHER])
    long = client.models.count_tokens(model=MODEL, contents="hello" * 9, config=config).total_tokens
    assert short
    assert long
    assert short < long
    assert [("ok", 0, 200)] * 2 == [(r.outcome, r.tokens, r.status) for r in world.seen()]


@ok("computeTokens")
def test_tokens_are_listed(world: World) -> None:
    """A computeTokens call lists tokens and ids for each content."""
    reply = world.vertex().models.compute_tokens(model=MODEL, contents="hello there")
    [info] = reply.tokens_info or []
    assert ("user", b"hello there") == (info.role, b"".join(info.tokens or []))
    assert len(info.tokens or []) == len(info.token_ids or [])


@ok("generateContent", "request types")
@pytest.mark.parametrize(
    "headers",
    [
        {"X-Vertex-AI-LLM-Request-Type": "shared"},
        {"X-Vertex-AI-LLM-Request-Type": "dedicated"},
        {"X-Vertex-AI-LLM-Shared-Request-Type": "priority"},
    ],
)
def test_request_types_are_accepted(world: World, headers: dict[str, str]) -> None:
    """The headers that choose the capacity pass, and an endpoint of one capacity serves with what it has."""
    options = types.HttpOptions(headers=headers)
    reply = world.vertex().models.generate_content(**asked(world, http_options=options))
    assert reply.usage_metadata is not None
    assert types.TrafficType.ON_DEMAND == reply.usage_metadata.traffic_type


@ok("generateContent", "content parts")
def test_every_kind_of_part_is_taken(world: World) -> None:
    """Images in place and by address, thoughts, code and its result are accepted with all settings of generation."""
    said = types.Content(
        role="model",
        parts=[
            types.Part(text="hm", thought=True, thought_signature=b"s"),
            types.Part(executable_code=types.ExecutableCode(code="1+1", language=types.Language.PYTHON)),
            types.Part(code_execution_result=types.CodeExecutionResult(outcome=types.Outcome.OUTCOME_OK, output="2")),
        ],
    )
    parts = [
        types.Part(text=f"hello {world.mint.value('acme', 3)}"),
        types.Part.from_bytes(data=b"\x89PNG", mime_type="image/png"),
        types.Part.from_uri(file_uri="gs://bucket/a.pdf", mime_type="application/pdf"),
    ]
    contents = [types.Content(role="user", parts=parts), said, types.Content(role="user", parts=[parts[0]])]
    config = {
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 40,
        "seed": 7,
        "candidate_count": 1,
        "thinking_config": types.ThinkingConfig(thinking_budget=0),
        "safety_settings": [
            types.SafetySetting(
                category=types.HarmCategory.HARM_CATEGORY_HARASSMENT,
                threshold=types.HarmBlockThreshold.BLOCK_ONLY_HIGH,
            )
        ],
        "labels": {"team": "search"},
        "tools": [types.Tool(google_search=types.GoogleSearch())],
    }
    reply = world.vertex().models.generate_content(**asked(world, **config) | {"contents": contents})
    assert "whole" == read_reply(reply.text or "", "acme-3").integrity


class _Forecast(pydantic.BaseModel):
    summary: str
    days: int


@ok("generateContent", "structured output")
@ok("streamGenerateContent", "structured output")
def test_an_answer_is_parsed_by_its_schema(world: World) -> None:
    """Asked for JSON of a schema, the answer is that, and the SDK parses it into the caller's own type."""
    config = {"response_mime_type": "application/json", "response_schema": _Forecast}
    reply = world.vertex().models.generate_content(**asked(world, **config))
    assert isinstance(reply.parsed, _Forecast)
    assert "whole" == read_reply(reply.parsed.summary, "acme-3").integrity
    chunks = world.vertex().models.generate_content_stream(**asked(world, **config))
    assert reply.parsed == _Forecast.model_validate_json("".join(chunk.text or "" for chunk in chunks))


@ok("streamGenerateContent", "JSON array")
def test_without_alt_sse_the_stream_is_one_json_array(world: World) -> None:
    """Asked without ``alt=sse``, the stream is a JSON array whose last element bears the finish reason."""
    client = world.vertex()
    client.models.generate_content(**asked(world))
    credentials: Any = client._api_client._credentials
    project = world.cloud.identity.project
    path = f"/v1/projects/{project}/locations/us-central1/publishers/google/models/{MODEL}:streamGenerateContent"
    body = {"contents": [{"role": "user", "parts": [{"text": "x"}]}]}
    headers = {"Authorization": f"Bearer {credentials.token}"}
    reply = urllib3.request("POST", world.url("vertex") + path, json=body, headers=headers)
    assert "application/json; charset=UTF-8" == reply.headers["content-type"]
    assert "STOP" == reply.json()[-1]["candidates"][0]["finishReason"]


def test_an_unknown_account_gets_no_token(world: World) -> None:
    """An account that the token endpoint does not know is refused there; the endpoint hears nothing."""
    client = world.vertex()
    credentials: Any = client._api_client._credentials
    credentials._service_account_email = "mallory@example.com"
    with pytest.raises(google.auth.exceptions.RefreshError, match="account not found"):
        client.models.generate_content(**asked(world))
    assert [] == world.seen()
