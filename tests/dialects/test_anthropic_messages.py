"""``anthropic-messages``: what is Anthropic's own about the wire: paths, versions, headers, event streams, errors."""

import datetime as dt
import json

import msgspec
import pytest
from anthropic.types import MessageTokensCount, ModelInfo
from anthropic.types.shared import ErrorResponse
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.dialects import dialect_named
from brownout.dialects.anthropic_errors import ERROR_NAMES
from brownout.dialects.anthropic_messages import ANTHROPIC_MESSAGES, OPERATIONS, VERSIONS, models_aside
from brownout.dialects.models import objection
from brownout.wire import (
    Ask,
    End,
    Event,
    HttpReply,
    HttpRequest,
    Meter,
    Refusal,
    RefusalKind,
    Token,
    ToolCall,
    gathered,
)
from tests.dialects.claude import changed, sent, streamed, strict_event

SERVER, CLIENT = ANTHROPIC_MESSAGES.server, ANTHROPIC_MESSAGES.client
REPLY_ID = "0123456789abcdef01234567"
UTC = dt.datetime(2026, 11, 22, 12, 0, 0, 250_000, tzinfo=dt.UTC)


def _said(stream: bytes) -> list[tuple[str, dict[str, object]]]:
    """Return a stream's events: each its name and its data."""
    events = []
    for event in stream.decode().removesuffix("\n\n").split("\n\n"):
        name, data = event.split("\n")
        events.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return events


# --- requests ----------------------------------------------------------------------------------------------


def test_it_is_registered() -> None:
    """The dialect is known by its name, and shares its host with the other native one."""
    assert dialect_named("anthropic-messages") is ANTHROPIC_MESSAGES
    assert ("native", "api-key") == (ANTHROPIC_MESSAGES.host, ANTHROPIC_MESSAGES.auth)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_published_version_is_taken(version: str) -> None:
    """Old callers and the newest official client are both understood."""
    request = changed("anthropic-messages", {})
    named = msgspec.structs.replace(request, headers={"Anthropic-Version": version})
    assert "hello" == SERVER.read_ask(named).prompt


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        ({}, "anthropic-version: header is required"),
        (
            {"anthropic-version": "2023-06-01,2023-06-01"},
            'anthropic-version: "2023-06-01,2023-06-01" is not a valid version',
        ),
    ],
)
def test_a_request_without_a_version_is_refused(headers: dict[str, str], sentence: str) -> None:
    """The version is required, once, and one of those published."""
    with pytest.raises(Refusal) as caught:
        SERVER.read_ask(msgspec.structs.replace(changed("anthropic-messages", {}), headers=headers))
    assert ("invalid", sentence) == (caught.value.kind, caught.value.message)


def test_a_beta_opens_what_no_model_knows() -> None:
    """Members that only a beta feature knows are refused without its header and taken with it."""
    request = changed("anthropic-messages", {"context_management": {"edits": []}})
    with pytest.raises(Refusal, match="context_management: Extra inputs are not permitted"):
        SERVER.read_ask(request)
    beta = {**request.headers, "anthropic-beta": "context-management-2025-06-27"}
    assert "hello" == SERVER.read_ask(msgspec.structs.replace(request, headers=beta)).prompt


@pytest.mark.parametrize("tier", ["auto", "standard_only"])
def test_the_tier_asked_for_is_read(tier: str) -> None:
    """``service_tier`` is the tier asked for."""
    assert tier == SERVER.read_ask(changed("anthropic-messages", {"service_tier": tier})).tier


def test_counting_asks_for_no_generation() -> None:
    """count_tokens takes the same messages, needs no bound, and refuses what only a generation has."""
    ask = Ask(model="claude-x", prompt="hello", turn="hello", stream=False, count=True)
    assert ask == SERVER.read_ask(sent(ANTHROPIC_MESSAGES, ask))
    with pytest.raises(Refusal, match="max_tokens: Extra inputs are not permitted"):
        SERVER.read_ask(changed("anthropic-messages", {"max_tokens": 5}, count=True))


@pytest.mark.parametrize(
    ("method", "path", "owned"),
    [
        ("POST", "/v1/messages", True),
        ("POST", "/v1/messages/count_tokens", True),
        ("GET", "/v1/models", True),
        ("GET", "/v1/models/claude-x", True),
        ("POST", "/v1/messages/batches", False),
        ("POST", "/v1/chat/completions", False),
    ],
)
def test_its_paths_are_its_own(method: str, path: str, owned: bool) -> None:  # noqa: FBT001 - a table's column
    """The Messages API's paths and those of the models are this dialect's; no other is."""
    request = HttpRequest(method=method, path=path, headers={"anthropic-version": VERSIONS[0]})
    assert owned is SERVER.owns(request)


def test_models_asked_for_without_a_version_are_not_anthropics() -> None:
    """OpenAI's callers ask the same path for models and name no version: they are not this dialect's."""
    assert not SERVER.owns(HttpRequest(method="GET", path="/v1/models"))


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/messages"), ("POST", "/v1/nothing")])
def test_other_paths_and_methods_are_not_found(method: str, path: str) -> None:
    """What is no operation is not found."""
    with pytest.raises(Refusal) as caught:
        SERVER.read_ask(HttpRequest(method=method, path=path, headers={"anthropic-version": VERSIONS[0]}))
    assert "not-found" == caught.value.kind


# --- answers -----------------------------------------------------------------------------------------------


def test_a_stream_has_its_events_in_order() -> None:
    """The events come in the order of the reference, named, each as the official client types it."""
    call = ToolCall(id="call_7", name="weather", arguments='{"city":"Reykjavík"}')
    events: list[Event] = [Token("a"), Token("b"), call, End(stop="tool", prompt_tokens=9, output_tokens=3)]
    said = _said(streamed(ANTHROPIC_MESSAGES, events))
    assert [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ] == [name for name, _ in said]
    for name, data in said:
        assert name == data["type"]
        if name != "ping":
            strict_event(json.dumps(data).encode())
            assert None is objection("anthropic/StreamEvent", data)
    assert ["", '{"city":"Reykjavík"}'] == [data["delta"]["partial_json"] for _, data in said[7:9]]  # type: ignore[index]
    assert {"stop_reason": "tool_use", "stop_sequence": None} == said[-2][1]["delta"]
    assert 3 == said[-2][1]["usage"]["output_tokens"]  # type: ignore[index]


def test_an_empty_answer_has_no_block() -> None:
    """An answer of no token begins and ends, and has no content."""
    names = [name for name, _ in _said(streamed(ANTHROPIC_MESSAGES, [End(stop="length")]))]
    assert ["message_start", "message_delta", "message_stop"] == names


def test_the_first_event_counts_the_prompt() -> None:
    """message_start tells the prompt's tokens before any is answered."""
    writer = SERVER.writer(Ask(model="m", prompt="x" * 400), reply_id=REPLY_ID)
    assert 100 == _said(writer.start())[0][1]["message"]["usage"]["input_tokens"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (End(stop="stop"), "end_turn"),
        (End(stop="length"), "max_tokens"),
        (End(stop="stop-sequence", stop_sequence="END"), "stop_sequence"),
        (End(stop="tool"), "tool_use"),
        (End(stop="filtered"), "refusal"),
    ],
)
def test_each_stop_has_anthropics_name(end: End, reason: str) -> None:
    """Every reason to stop is written in Anthropic's word, whole and streamed; a refusal has its details."""
    reply = json.loads(SERVER.reply(Ask(model="m", prompt="p"), gathered([end]), reply_id=REPLY_ID).body)
    delta = _said(streamed(ANTHROPIC_MESSAGES, [end]))[-2][1]["delta"]
    for stop in (reply, delta):
        assert (reason, end.stop_sequence or None) == (stop["stop_reason"], stop["stop_sequence"])  # type: ignore[index]
        assert (reason == "refusal") is ("stop_details" in stop)  # type: ignore[operator]


@pytest.mark.parametrize(("tier", "written"), [("", "standard"), ("priority", "priority"), ("batch", "batch")])
def test_the_tier_that_served_is_told(tier: str, written: str) -> None:
    """The usage names the tier that served the request; standard where nothing else did."""
    reply = SERVER.reply(Ask(model="m", prompt="p", tier="auto"), gathered([End(tier=tier)]), reply_id=REPLY_ID)
    assert written == json.loads(reply.body)["usage"]["service_tier"]
    end = CLIENT.answer(reply).end
    assert end is not None
    assert tier == end.tier


def test_every_reply_names_its_request() -> None:
    """Whole replies, streams, counts and errors bear ``request-id``, the same as in an error's body."""
    ask = Ask(model="m", prompt="p")
    error = SERVER.refusal(Refusal("invalid"), reply_id=REPLY_ID)
    replies = [
        SERVER.reply(ask, gathered([End()]), reply_id=REPLY_ID).headers,
        SERVER.counted(ask, 3, reply_id=REPLY_ID).headers,
        SERVER.stream_headers(ask, reply_id=REPLY_ID),
        error.headers,
    ]
    assert {"req_010123456789abcdef012345"} == {headers["request-id"] for headers in replies}
    assert "req_010123456789abcdef012345" == json.loads(error.body)["request_id"]


def test_a_count_is_the_clients_type() -> None:
    """A count is what the official client and the model say it is."""
    body = SERVER.counted(Ask(model="m", prompt="p"), 17, reply_id=REPLY_ID).body
    assert 17 == MessageTokensCount.model_validate_json(body, strict=True).input_tokens
    assert None is objection("anthropic/TokenCount", json.loads(body))


# --- quotas ------------------------------------------------------------------------------------------------


def test_what_is_left_of_the_quotas_stands_in_headers() -> None:
    """Each quota has its limit, what remains (tokens to the nearest thousand) and when all of it is there again."""
    meters = {
        "requests": Meter(50, 37, 0.0),
        "input-tokens": Meter(40_000, 12_499, 31.2),
        "tokens": Meter(600, 599, 86_400.0),
    }
    assert {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "37",
        "anthropic-ratelimit-requests-reset": "2026-11-22T12:00:01Z",
        "anthropic-ratelimit-input-tokens-limit": "40000",
        "anthropic-ratelimit-input-tokens-remaining": "12000",
        "anthropic-ratelimit-input-tokens-reset": "2026-11-22T12:00:32Z",
        "anthropic-ratelimit-tokens-limit": "600",
        "anthropic-ratelimit-tokens-remaining": "600",
        "anthropic-ratelimit-tokens-reset": "2026-11-23T12:00:01Z",
    } == SERVER.standing(meters, utc=UTC)


def test_quotas_of_prompts_and_of_answers_are_told_together_too() -> None:
    """Beside the two stands their sum; half of the two has none, and a quota of all tokens speaks for itself."""
    prompts, answers = Meter(400_000, 398_600, 2.0), Meter(80_000, 0, 9.0)
    both = SERVER.standing({"input-tokens": prompts, "output-tokens": answers}, utc=UTC)
    assert {
        "anthropic-ratelimit-tokens-limit": "480000",
        "anthropic-ratelimit-tokens-remaining": "399000",
        "anthropic-ratelimit-tokens-reset": both["anthropic-ratelimit-output-tokens-reset"],
    } == {name: value for name, value in both.items() if name.startswith("anthropic-ratelimit-tokens-")}
    assert "anthropic-ratelimit-tokens-limit" not in SERVER.standing({"output-tokens": answers}, utc=UTC)
    all_three = {"input-tokens": prompts, "output-tokens": answers, "tokens": Meter(600, 599, 1.0)}
    assert "600" == SERVER.standing(all_three, utc=UTC)["anthropic-ratelimit-tokens-limit"]


@settings(deadline=None)
@given(st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2040, 1, 1)), st.floats(0, 1e6))  # noqa: DTZ001 - made aware below
def test_a_reset_is_never_too_early(naive: dt.datetime, reset_s: float) -> None:
    """The instant named is within a second of the true one, and not before it."""
    utc = naive.replace(tzinfo=dt.UTC)
    headers = SERVER.standing({"requests": Meter(1, 0, reset_s)}, utc=utc)
    named = dt.datetime.fromisoformat(headers["anthropic-ratelimit-requests-reset"])
    late_s = (named - utc).total_seconds() - reset_s
    assert -1e-5 < late_s < 1.0 + 1e-5


# --- models ------------------------------------------------------------------------------------------------


def test_the_model_served_is_listed_and_found() -> None:
    """The one model is listed and retrieved, as the official client types it; another is not found."""
    page = _aside("/v1/models")
    listed = json.loads(page.body)
    assert ("claude-x", "claude-x", False) == (listed["first_id"], listed["last_id"], listed["has_more"])
    for entry in (listed["data"][0], json.loads(_aside("/v1/models/claude-x").body)):
        model = ModelInfo.model_validate(entry)
        assert ("claude-x", "active", {}) == (model.id, model.lifecycle, model.model_extra)
    with pytest.raises(Refusal) as caught:
        _aside("/v1/models/claude%2Fy")
    assert ("not-found", "model: claude/y") == (caught.value.kind, caught.value.message)


def test_nothing_else_is_answered_aside() -> None:
    """A generation is not answered aside, nor is another method on the models' path."""
    for method, path in (("POST", "/v1/models"), ("GET", "/v1/messages")):
        assert models_aside(HttpRequest(method=method, path=path), "claude-x", REPLY_ID) is None


def _aside(path: str) -> HttpReply:
    reply = models_aside(HttpRequest(method="GET", path=path), "claude-x", REPLY_ID)
    assert reply is not None
    return reply


# --- errors ------------------------------------------------------------------------------------------------

ERRORS: list[tuple[str, RefusalKind, int, str]] = [
    ("invalid_request_error", "invalid", 400, "false"),
    ("authentication_error", "unauthenticated", 401, "false"),
    ("billing_error", "denied", 402, "false"),
    ("permission_error", "denied", 403, "false"),
    ("not_found_error", "not-found", 404, "false"),
    ("conflict_error", "unavailable", 409, ""),
    ("request_too_large", "too-large", 413, ""),
    ("rate_limit_error", "throttled", 429, "true"),
    ("ramp_limit_exceeded", "throttled", 429, "true"),
    ("enforced_spend_limit_reached", "throttled", 429, ""),
    ("contract_spend_limit_reached", "throttled", 429, ""),
    ("api_error", "internal", 500, ""),
    ("timeout_error", "timeout", 504, ""),
    ("overloaded_error", "overloaded", 529, "true"),
]


@pytest.mark.parametrize(("name", "kind", "status", "should_retry"), ERRORS)
def test_every_documented_error_is_written_and_read(
    name: str, kind: RefusalKind, status: int, should_retry: str
) -> None:
    """Each error has its status, its type or code, and its word on retrying, and comes back under its own name."""
    reply = SERVER.refusal(Refusal(kind, "why", code=name), reply_id=REPLY_ID)
    seen = CLIENT.refusal(reply)
    assert (status, kind, name, "why") == (reply.status, seen.kind, seen.code, seen.message)
    assert should_retry == reply.headers.get("x-should-retry", "")
    within = SERVER.writer(Ask(model="m", prompt="p"), reply_id=REPLY_ID).refusal(Refusal(kind, code=name))
    with pytest.raises(Refusal) as caught:
        CLIENT.reader().feed(within)
    assert (kind, name) == (caught.value.kind, caught.value.code)


def test_the_table_of_errors_is_whole() -> None:
    """Every error in the table is among those tried here, and every operation's error is in the table."""
    assert sorted(ERROR_NAMES) == sorted(name for name, *_ in ERRORS)
    assert {error for errors in OPERATIONS.values() for error in errors} == set(ERROR_NAMES)


@pytest.mark.parametrize("name", [name for name, *_ in ERRORS if name not in {"conflict_error", "request_too_large"}])
def test_errors_are_the_clients_types(name: str) -> None:
    """An error's body is one that the official client's types know, without a member besides."""
    kind = next(kind for error, kind, *_ in ERRORS if error == name)
    body = json.loads(SERVER.refusal(Refusal(kind, code=name), reply_id=REPLY_ID).body)
    details = body["error"].pop("details", None)
    response = ErrorResponse.model_validate(body, strict=True)
    assert ({}, {}) == (response.model_extra, response.error.model_extra)
    assert details in (None, {"error_code": name})


def test_an_error_within_a_stream_is_an_error_event() -> None:
    """After the 200 an error is an ``error`` event, with the request's id."""
    writer = SERVER.writer(Ask(model="m", prompt="p"), reply_id=REPLY_ID)
    [(name, data)] = _said(writer.refusal(Refusal("overloaded")))
    assert "error" == name
    assert {
        "type": "error",
        "error": {"details": None, "type": "overloaded_error", "message": "Overloaded"},
        "request_id": "req_010123456789abcdef012345",
    } == data


@pytest.mark.parametrize(
    ("wait_s", "headers"),
    [
        (None, {}),
        (16.0, {"Retry-After": "16"}),
        (0.25, {"Retry-After": "1", "retry-after-ms": "250"}),
    ],
)
def test_a_wait_is_told_in_whole_seconds_where_they_can_say_it(wait_s: float | None, headers: dict[str, str]) -> None:
    """``retry-after`` is what the service sends; the clients' milliseconds only say what it could not."""
    reply = SERVER.refusal(Refusal("throttled", retry_after_s=wait_s), reply_id=REPLY_ID)
    assert headers == {name: value for name, value in reply.headers.items() if name.lower().startswith("retry")}
    assert wait_s == CLIENT.refusal(reply).retry_after_s


@pytest.mark.parametrize("code", ["enforced_spend_limit_reached", "contract_spend_limit_reached"])
def test_a_spend_limit_never_says_when_to_come_back(code: str) -> None:
    """A spend limit is a 429 that has no retry-after, whatever a fault says."""
    reply = SERVER.refusal(Refusal("throttled", retry_after_s=3, code=code), reply_id=REPLY_ID)
    assert None is CLIENT.refusal(reply).retry_after_s
    assert {"error_code": code} == json.loads(reply.body)["error"]["details"]


def test_a_code_of_another_provider_is_the_kinds_usual_error() -> None:
    """A refusal's code that Anthropic does not know leaves the kind's usual error."""
    reply = SERVER.refusal(Refusal("throttled", code="ThrottlingException"), reply_id=REPLY_ID)
    assert "rate_limit_error" == CLIENT.refusal(reply).code


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (503, b"upstream connect error", "unavailable"),
        (408, b'{"type":"error","error":{"type":"invalid_request_error","message":"slow"}}', "timeout"),
        (400, b'{"type":"error","error":{"type":"new_error","message":"?"}}', "invalid"),
        (418, b'{"type":"error","error":{"type":"new_error","message":"?"}}', "unknown"),
        (529, b"", "overloaded"),
    ],
)
def test_an_error_of_another_shape_is_read_by_its_status(status: int, body: bytes, kind: RefusalKind) -> None:
    """Where the type says nothing known, the status does; where neither does, the kind is unknown."""
    assert kind == CLIENT.refusal(HttpReply(status=status, body=body)).kind
