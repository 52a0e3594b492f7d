"""An unmodified openai client cannot tell the emulated backend from a real one."""

import json
from typing import Any

import httpx2
import openai
import pydantic
import pytest
from openai.types.chat import ChatCompletion

from brownout.answer import read_reply
from brownout.dialects.openai_chat import OPERATIONS
from brownout.wire import Cut, Refusal
from tests.wire.world import RefuseBefore, StopAfter, World

MODEL = "llama-3-70b"
CREATE = "chat.completions.create"
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
        },
    },
}
SOON_S = 0.01
"""Makes the client's own retries quick: it waits as long as it is told to."""


def _asked(world: World, **changes: Any) -> dict[str, Any]:
    content = f"hello {world.mint.value('acme', 3)}"
    return {"model": MODEL, "messages": [{"role": "user", "content": content}], "max_tokens": 6} | changes


def _text(chunks: list[Any]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def _post(world: World, body: bytes) -> httpx2.Response:
    """Send what no client of OpenAI's would."""
    key = world.cloud.identity.credentials("own")["api_key"]
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    return httpx2.post(f"{world.url('own')}/v1/chat/completions", content=body, headers=headers)


# --- answers -----------------------------------------------------------------------------------------------


@pytest.mark.wire("openai-chat", CREATE, "ok")
def test_a_completion_answers_whole(world: World) -> None:
    """A completion gives the whole text, the finish reason, the usage, a fingerprint and a request id."""
    reply = world.openai().chat.completions.create(**_asked(world))
    assert ("own", "whole") == read_reply(reply.choices[0].message.content or "", "acme-3")
    assert "stop" == reply.choices[0].finish_reason
    assert reply.usage is not None
    assert 6 == reply.usage.completion_tokens
    assert reply.usage.completion_tokens_details is not None
    assert 0 == reply.usage.completion_tokens_details.reasoning_tokens
    assert reply._request_id is not None
    assert reply._request_id.startswith("req_")
    assert (reply.system_fingerprint or "").startswith("fp_")
    assert [("ok", "acme-3", "acme", 200)] == [(r.outcome, r.canary, r.tenant, r.status) for r in world.seen()]


@pytest.mark.wire("openai-chat", CREATE, "ok streamed")
@pytest.mark.parametrize("metered", [False, True])
def test_a_stream_bears_usage_only_when_asked(world: World, *, metered: bool) -> None:
    """A stream gives the text and a finish reason, and the usage chunk only for include_usage."""
    options = {"stream_options": {"include_usage": True}} if metered else {}
    chunks = list(world.openai().chat.completions.create(**_asked(world, stream=True, **options)))
    assert ("own", "whole") == read_reply(_text(chunks), "acme-3")
    assert "stop" == next(c.choices[0].finish_reason for c in reversed(chunks) if c.choices)
    assert metered == (chunks[-1].usage is not None)
    assert "assistant" == chunks[0].choices[0].delta.role


@pytest.mark.wire("openai-chat", CREATE, "headers")
def test_the_reply_says_what_it_took(world: World) -> None:
    """The raw reply has the service's time, version and request id."""
    raw = world.openai().chat.completions.with_raw_response.create(**_asked(world))
    assert ("2020-10-01", True) == (raw.headers["openai-version"], raw.headers["openai-processing-ms"].isdecimal())
    assert raw.request_id == raw.headers["x-request-id"]


@pytest.mark.wire("openai-chat", CREATE, "max_tokens")
@pytest.mark.parametrize("bound", ["max_tokens", "max_completion_tokens"])
def test_a_bound_ends_the_answer(world: World, bound: str) -> None:
    """A longer answer than allowed finishes with ``length``."""
    messages = [{"role": "user", "content": f"((answer 40 tokens)) {world.mint.value('acme', 3)}"}]
    reply = world.openai().chat.completions.create(model=MODEL, messages=messages, **{bound: 4})  # type: ignore[call-overload]
    assert ("length", 4) == (reply.choices[0].finish_reason, reply.usage.completion_tokens)
    assert "truncated" == read_reply(reply.choices[0].message.content, "acme-3").integrity


@pytest.mark.wire("openai-chat", CREATE, "stop")
@pytest.mark.parametrize("stop", [" w2", [" w3", " w2"]])
def test_a_stop_sequence_ends_the_text(world: World, stop: Any) -> None:
    """The text ends before the sequence, and finishes with ``stop``."""
    reply = world.openai().chat.completions.create(**_asked(world, stop=stop))
    assert (reply.choices[0].message.content or "").endswith(" w1")
    assert "stop" == reply.choices[0].finish_reason


@pytest.mark.wire("openai-chat", CREATE, "content_filter finish")
@pytest.mark.parametrize("stream", [False, True])
def test_a_filtered_answer_says_so(world: World, *, stream: bool) -> None:
    """The provider's filter ends an answer with ``content_filter``."""
    asked = _asked(world, stream=stream, messages=[{"role": "user", "content": "((filter)) please"}])
    reply = world.openai().chat.completions.create(**asked)
    last = reply if isinstance(reply, ChatCompletion) else list(reply)[-1]
    assert "content_filter" == last.choices[0].finish_reason


@pytest.mark.wire("openai-chat", CREATE, "n")
def test_several_answers_come_with_their_index(world: World) -> None:
    """``n`` gives as many choices."""
    reply = world.openai().chat.completions.create(**_asked(world, n=3))
    assert [0, 1, 2] == [choice.index for choice in reply.choices]


@pytest.mark.wire("openai-chat", CREATE, "service_tier")
def test_the_tier_is_said(world: World) -> None:
    """The tier that served is in the reply of a request that names one."""
    assert "default" == world.openai().chat.completions.create(**_asked(world, service_tier="auto")).service_tier
    assert None is world.openai().chat.completions.create(**_asked(world)).service_tier


@pytest.mark.wire("openai-chat", CREATE, "image_url")
def test_images_are_taken(world: World) -> None:
    """A message of text and image is answered, and a developer's message too."""
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
    parts = [{"type": "text", "text": world.mint.value("acme", 3)}, image]
    messages = [{"role": "developer", "content": "be brief"}, {"role": "user", "content": parts}]
    reply = world.openai().chat.completions.create(**_asked(world, messages=messages))
    assert ("own", "whole") == read_reply(reply.choices[0].message.content or "", "acme-3")


# --- tools and structured output ---------------------------------------------------------------------------


@pytest.mark.wire("openai-chat", CREATE, "tools")
@pytest.mark.parametrize(
    ("choice", "finish"),
    [
        ("auto", "tool_calls"),
        ("required", "tool_calls"),
        ({"type": "function", "function": {"name": "weather"}}, "stop"),
    ],
)
def test_a_tool_is_called_and_its_result_answered(world: World, choice: Any, finish: str) -> None:
    """The model calls the tool it is told to or that the user names, with arguments of its schema, and then answers."""
    client = world.openai()
    messages: list[Any] = [{"role": "user", "content": f"what is the weather {world.mint.value('acme', 3)}"}]
    asked = _asked(world, messages=messages, tools=[WEATHER])
    reply = client.chat.completions.create(**asked, tool_choice=choice, parallel_tool_calls=False)
    message = reply.choices[0].message
    assert (finish, None, 1) == (reply.choices[0].finish_reason, message.content, len(message.tool_calls or []))
    call: Any = (message.tool_calls or [])[0]
    assert {"city", "days"} == json.loads(call.function.arguments).keys()
    messages += [message, {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
    after = client.chat.completions.create(**asked)
    assert ("stop", "whole") == (
        after.choices[0].finish_reason,
        read_reply(after.choices[0].message.content or "", "acme-3").integrity,
    )


@pytest.mark.wire("openai-chat", CREATE, "tools")
def test_without_a_choice_no_tool_is_called(world: World) -> None:
    """``none`` is obeyed even where the user names the tool."""
    messages = [{"role": "user", "content": "what is the weather"}]
    reply = world.openai().chat.completions.create(
        **_asked(world, messages=messages, tools=[WEATHER], tool_choice="none")
    )
    assert None is reply.choices[0].message.tool_calls


@pytest.mark.wire("openai-chat", CREATE, "tools streamed")
def test_a_streamed_call_is_put_together(world: World) -> None:
    """The client's own stream helper puts name and arguments together from their pieces."""
    with world.openai().chat.completions.stream(**_asked(world, tools=[WEATHER], tool_choice="required")) as stream:
        kinds = [event.type for event in stream]
        message = stream.get_final_completion().choices[0].message
    assert kinds.count("tool_calls.function.arguments.delta") > 1
    assert 1 == kinds.count("tool_calls.function.arguments.done")
    (call,) = message.tool_calls or []
    assert ("weather", {"city", "days"}) == (call.function.name, json.loads(call.function.arguments).keys())


class Report(pydantic.BaseModel):
    """What a caller wants an answer in."""

    class Place(pydantic.BaseModel):
        """A nested part."""

        name: str
        days: list[int]

    summary: str
    place: Place
    level: float | None


@pytest.mark.wire("openai-chat", CREATE, "response_format")
def test_structured_output_is_parsed_by_the_client(world: World) -> None:
    """An answer in a schema is valid for the caller's own type, and holds the text."""
    reply = world.openai().chat.completions.parse(**_asked(world), response_format=Report)
    parsed = reply.choices[0].message.parsed
    assert parsed is not None
    assert ("own", "whole") == read_reply(parsed.summary, "acme-3")


@pytest.mark.wire("openai-chat", CREATE, "response_format streamed")
def test_streamed_structured_output_is_parsed_by_the_client(world: World) -> None:
    """The same, streamed."""
    with world.openai().chat.completions.stream(**_asked(world), response_format=Report) as stream:
        parsed = stream.get_final_completion().choices[0].message.parsed
    assert parsed is not None
    assert ("own", "whole") == read_reply(parsed.summary, "acme-3")


# --- errors ------------------------------------------------------------------------------------------------

ERRORS: list[tuple[Refusal, type[openai.APIStatusError], int, str, int]] = [
    (Refusal("throttled"), openai.RateLimitError, 429, "rate_limit_exceeded", 3),
    (Refusal("throttled", code="tokens"), openai.RateLimitError, 429, "rate_limit_exceeded", 3),
    (Refusal("throttled", code="slow_down"), openai.RateLimitError, 429, "slow_down", 3),
    # OpenAI says of these that a retry is useless; its client retries them all the same.
    (Refusal("throttled", code="insufficient_quota"), openai.RateLimitError, 429, "insufficient_quota", 3),
    (Refusal("throttled", code="credit_balance_exhausted"), openai.RateLimitError, 429, "credit_balance_exhausted", 3),
    (Refusal("unavailable"), openai.InternalServerError, 503, "service_unavailable", 3),
    (Refusal("overloaded"), openai.InternalServerError, 503, "server_is_overloaded", 3),
    (Refusal("overloaded", code="overloaded"), openai.InternalServerError, 529, "overloaded", 3),
    (Refusal("internal"), openai.InternalServerError, 500, "server_error", 3),
    (Refusal("model-error"), openai.InternalServerError, 500, "model_error", 3),
    (Refusal("timeout"), openai.InternalServerError, 504, "timeout", 3),
    (Refusal("timeout", code="request_timeout"), openai.APIStatusError, 408, "request_timeout", 3),
    (Refusal("unauthenticated"), openai.AuthenticationError, 401, "invalid_api_key", 1),
    (Refusal("unauthenticated", code="ip_not_authorized"), openai.AuthenticationError, 401, "ip_not_authorized", 1),
    (Refusal("denied"), openai.PermissionDeniedError, 403, "missing_scope", 1),
    (
        Refusal("denied", code="unsupported_country_region_territory"),
        openai.PermissionDeniedError,
        403,
        "unsupported_country_region_territory",
        1,
    ),
    (Refusal("not-found"), openai.NotFoundError, 404, "model_not_found", 1),
    (Refusal("not-found", code="unknown_url"), openai.NotFoundError, 404, "unknown_url", 1),
    (Refusal("not-found", code="method_not_supported"), openai.APIStatusError, 405, "method_not_supported", 1),
    (Refusal("invalid"), openai.BadRequestError, 400, "invalid_request_error", 1),
    (Refusal("invalid", code="context_length_exceeded"), openai.BadRequestError, 400, "context_length_exceeded", 1),
    (Refusal("invalid", code="content_filter"), openai.BadRequestError, 400, "content_filter", 1),
    (Refusal("invalid", code="invalid_prompt"), openai.BadRequestError, 400, "invalid_prompt", 1),
    (Refusal("invalid", code="conflict"), openai.ConflictError, 409, "conflict", 3),
    (Refusal("invalid", code="unprocessable_entity"), openai.UnprocessableEntityError, 422, "unprocessable_entity", 1),
    (Refusal("too-large"), openai.APIStatusError, 413, "request_too_large", 1),
]


CASES = [
    pytest.param(*case, marks=pytest.mark.wire("openai-chat", CREATE, case[3]), id=case[0].code or case[0].kind)
    for case in ERRORS
]


def test_every_documented_error_is_tried() -> None:
    """The cases are all that the dialect promises."""
    assert set(OPERATIONS[CREATE]) == {name for _, _, _, name, _ in ERRORS}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("refusal", "kind", "status", "name", "attempts"), CASES)
def test_refusals_are_openais_typed_errors(
    world: World,
    refusal: Refusal,
    kind: type[openai.APIStatusError],
    status: int,
    name: str,
    attempts: int,
    *,
    stream: bool,
) -> None:
    """Each refusal is the client's own class of error, streamed or not, after as many attempts as it makes."""
    soon = Refusal(refusal.kind, code=refusal.code, retry_after_s=SOON_S)
    world.fault("own", RefuseBefore(soon))
    with pytest.raises(kind) as caught:
        world.openai().with_options(max_retries=2).chat.completions.create(**_asked(world, stream=stream))
    assert (kind, status, name) == (
        type(caught.value),
        caught.value.status_code,
        caught.value.code or caught.value.type,
    )
    assert [("refused", refusal.kind, status)] * attempts == [(r.outcome, r.refusal, r.status) for r in world.seen()]


@pytest.mark.wire("openai-chat", CREATE, "error in stream")
@pytest.mark.parametrize(("refusal", "kind", "status", "name", "attempts"), CASES)
def test_refusals_within_a_stream_are_api_errors(
    world: World, refusal: Refusal, kind: object, status: int, name: str, attempts: int
) -> None:
    """After the 200 each is a plain APIError with its code, after the tokens that came, and never retried."""
    del kind, status, attempts
    world.fault("own", StopAfter(2, refusal))
    tokens: list[str] = []
    chunks = world.openai().with_options(max_retries=2).chat.completions.create(**_asked(world, stream=True))
    with pytest.raises(openai.APIError) as caught:
        tokens.extend(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert (openai.APIError, name) == (type(caught.value), caught.value.code or caught.value.type)
    assert "truncated" == read_reply("".join(tokens), "acme-3").integrity
    assert [("refused", 200, 2)] == [(r.outcome, r.status, r.tokens) for r in world.seen()]


@pytest.mark.wire("openai-chat", CREATE, "rate_limit_exceeded")
def test_the_wait_is_in_headers_and_sentence(world: World) -> None:
    """Throttling says when to come back, in seconds, milliseconds and words."""
    world.fault("own", RefuseBefore(Refusal("throttled", retry_after_s=1.5)))
    with pytest.raises(openai.RateLimitError) as caught:
        world.openai().chat.completions.create(**_asked(world))
    headers = caught.value.response.headers
    assert ("2", "1500") == (headers["retry-after"], headers["retry-after-ms"])
    assert "Please try again in 1.5s." in caught.value.message


@pytest.mark.wire("openai-chat", CREATE, "invalid_api_key")
def test_wrong_keys_are_refused(world: World) -> None:
    """A wrong key is 401, and so is none, which has no code."""
    with pytest.raises(openai.AuthenticationError) as caught:
        world.openai("sk-wrong-and-long").chat.completions.create(**_asked(world))
    assert "invalid_api_key" == caught.value.code
    reply = httpx2.post(f"{world.url('own')}/v1/chat/completions", json=_asked(world))
    assert (401, None) == (reply.status_code, reply.json()["error"]["code"])


INVALID: list[tuple[dict[str, Any], str | None, str | None]] = [
    ({"max_tokens": 0}, "max_tokens", "integer_below_min_value"),
    ({"messages": []}, "messages", "empty_array"),
    ({"messages": [{"role": "narrator", "content": "x"}]}, "messages[0].role", "invalid_value"),
    ({"temperature": 2.5}, "temperature", "decimal_above_max_value"),
    ({"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "x"}}}, "tool_choice", None),
    ({"extra_body": {"no_such_argument": 1}}, None, None),
]


@pytest.mark.wire("openai-chat", CREATE, "invalid_request_error")
@pytest.mark.parametrize(("changes", "param", "code"), INVALID)
def test_wrong_requests_are_refused(world: World, changes: dict[str, Any], param: str | None, code: str | None) -> None:
    """What OpenAI refuses is a BadRequestError that names the parameter."""
    with pytest.raises(openai.BadRequestError) as caught:
        world.openai().chat.completions.create(**_asked(world, **changes))
    assert (param, code) == (caught.value.param, caught.value.code)
    assert ["invalid"] == [record.refusal for record in world.seen()]


@pytest.mark.wire("openai-chat", CREATE, "invalid_request_error")
@pytest.mark.parametrize("body", [b"", b"{", b"[" * 50_000, b"\xff\xfe"])
def test_bytes_that_are_no_json_are_refused(world: World, body: bytes) -> None:
    """A body that is no JSON is 400."""
    assert 400 == _post(world, body).status_code


@pytest.mark.wire("openai-chat", CREATE, "model_not_found")
def test_another_model_is_not_found(world: World) -> None:
    """A model that the endpoint does not serve is a NotFoundError."""
    with pytest.raises(openai.NotFoundError) as caught:
        world.openai().chat.completions.create(**_asked(world, model="gpt-9"))
    assert "model_not_found" == caught.value.code


# --- streams that break ------------------------------------------------------------------------------------


@pytest.mark.wire("openai-chat", CREATE, "cut")
def test_a_cut_stream_is_a_connection_error(world: World) -> None:
    """A connection closed in mid-stream is an APIConnectionError, and never retried."""
    world.fault("own", StopAfter(2, Cut()))
    with pytest.raises(openai.APIConnectionError):
        list(world.openai().with_options(max_retries=2).chat.completions.create(**_asked(world, stream=True)))
    assert ["cut"] == [record.outcome for record in world.seen()]


@pytest.mark.wire("openai-chat", CREATE, "cut")
def test_a_connection_closed_before_the_answer_is_retried(world: World) -> None:
    """A connection closed without an answer is an APIConnectionError after three attempts."""
    world.fault("own", RefuseBefore(Cut()))  # type: ignore[arg-type]
    with pytest.raises(openai.APIConnectionError):
        world.openai().with_options(max_retries=2).chat.completions.create(**_asked(world))
    assert ["cut"] * 3 == [record.outcome for record in world.seen()]


@pytest.mark.wire("openai-chat", CREATE, "truncated")
def test_a_politely_truncated_stream_looks_whole_to_openai(world: World) -> None:
    """The openai client ends its iteration without a word where ``[DONE]`` is missing."""
    world.fault("own", StopAfter(2, None))
    chunks = list(world.openai().chat.completions.create(**_asked(world, stream=True)))
    assert [None] * 3 == [chunk.choices[0].finish_reason for chunk in chunks]
    assert ["cut"] == [record.outcome for record in world.seen()]
