"""An unmodified openai client cannot tell the emulated backend from a real one."""

from typing import Any

import openai
import pytest

from brownout.answer import read_reply
from brownout.wire import Cut, Refusal
from tests.wire.world import RefuseBefore, StopAfter, World

MODEL = "llama-3-70b"


def _asked(world: World, **changes: Any) -> dict[str, Any]:
    content = f"hello {world.mint.value('acme', 3)}"
    return {"model": MODEL, "messages": [{"role": "user", "content": content}], "max_tokens": 6} | changes


def _text(chunks: list[Any]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_a_completion_answers_whole(world: World) -> None:
    """A completion gives the whole text, the finish reason, the usage and a request id."""
    reply = world.openai().chat.completions.create(**_asked(world))
    assert ("own", "whole") == read_reply(reply.choices[0].message.content or "", "acme-3")
    assert "stop" == reply.choices[0].finish_reason
    assert reply.usage is not None
    assert 6 == reply.usage.completion_tokens
    assert reply._request_id
    assert [("ok", "acme-3", "acme", 200)] == [(r.outcome, r.canary, r.tenant, r.status) for r in world.seen()]


@pytest.mark.parametrize("metered", [False, True])
def test_a_stream_bears_usage_only_when_asked(world: World, *, metered: bool) -> None:
    """A stream gives the text and a finish reason, and the usage chunk only for include_usage."""
    options = {"stream_options": {"include_usage": True}} if metered else {}
    chunks = list(world.openai().chat.completions.create(**_asked(world, stream=True, **options)))
    assert ("own", "whole") == read_reply(_text(chunks), "acme-3")
    assert "stop" == next(c.choices[0].finish_reason for c in reversed(chunks) if c.choices)
    assert metered == (chunks[-1].usage is not None)


@pytest.mark.parametrize(
    ("refusal", "kind", "code"),
    [
        (Refusal("throttled", retry_after_s=1.5), openai.RateLimitError, "rate_limit_exceeded"),
        (Refusal("unavailable"), openai.InternalServerError, "service_unavailable"),
        (Refusal("overloaded"), openai.InternalServerError, "server_is_overloaded"),
        (Refusal("denied"), openai.PermissionDeniedError, "permission_denied"),
    ],
)
def test_refusals_are_openais_typed_errors(
    world: World, refusal: Refusal, kind: type[openai.APIStatusError], code: str
) -> None:
    """Each refusal arrives as the client's own class of error, with its code."""
    world.fault("own", RefuseBefore(refusal))
    with pytest.raises(kind) as caught:
        world.openai().chat.completions.create(**_asked(world))
    assert code == caught.value.code
    expected = ("2", "1500") if refusal.retry_after_s else (None, None)
    headers = caught.value.response.headers
    assert expected == (headers.get("retry-after"), headers.get("retry-after-ms"))


def test_wrong_requests_are_refused(world: World) -> None:
    """A wrong key is 401, another model 404, a bad role and a bad bound 400."""
    with pytest.raises(openai.AuthenticationError):
        world.openai("sk-wrong").chat.completions.create(**_asked(world))
    with pytest.raises(openai.NotFoundError) as caught:
        world.openai().chat.completions.create(**_asked(world, model="gpt-9"))
    assert "model_not_found" == caught.value.code
    bad_role = [{"role": "narrator", "content": "x"}]
    wrong: list[dict[str, Any]] = [{"max_tokens": 0}, {"messages": []}, {"messages": bad_role}]
    for changes in wrong:
        with pytest.raises(openai.BadRequestError):
            world.openai().chat.completions.create(**_asked(world, **changes))
    refusals = ["unauthenticated", "not-found", "invalid", "invalid", "invalid"]
    assert refusals == [record.refusal for record in world.seen()]


def test_the_model_is_listed(world: World) -> None:
    """``GET /v1/models`` lists the one model."""
    assert [MODEL] == [model.id for model in world.openai().models.list()]


def test_a_refusal_within_a_stream_is_an_api_error(world: World) -> None:
    """An error event after the 200 is an APIError, never retried."""
    world.fault("own", StopAfter(2, Refusal("overloaded")))
    with pytest.raises(openai.APIError) as caught:
        list(world.openai().chat.completions.create(**_asked(world, stream=True)))
    assert "server_is_overloaded" == caught.value.code
    assert [("refused", 200, 2)] == [(r.outcome, r.status, r.tokens) for r in world.seen()]


def test_a_cut_stream_is_a_transport_error(world: World) -> None:
    """A connection closed in mid-stream is an error of the transport's."""
    world.fault("own", StopAfter(2, Cut()))
    with pytest.raises(Exception, match=r"incomplete chunked read|peer closed|Connection error"):
        list(world.openai().chat.completions.create(**_asked(world, stream=True)))
    assert ["cut"] == [record.outcome for record in world.seen()]


def test_a_politely_truncated_stream_looks_whole_to_openai(world: World) -> None:
    """The openai client ends its iteration without a word where ``[DONE]`` is missing."""
    world.fault("own", StopAfter(2, None))
    chunks = list(world.openai().chat.completions.create(**_asked(world, stream=True)))
    assert [None] * 3 == [chunk.choices[0].finish_reason for chunk in chunks]
