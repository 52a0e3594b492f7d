"""An unmodified google-genai cannot tell the emulated Vertex AI from the real one."""

from typing import Any

import google.auth.exceptions
import pytest
import urllib3
from google.genai import errors, types

from brownout.answer import read_reply
from brownout.wire import Cut, Refusal
from tests.wire.world import RefuseBefore, StopAfter, World

MODEL = "gemini-2.0-flash"


def _asked(world: World, **changes: Any) -> dict[str, Any]:
    config = types.GenerateContentConfig(max_output_tokens=6, system_instruction="be brief")
    return {"model": MODEL, "contents": f"hello {world.mint.value('acme', 3)}", "config": config} | changes


def test_generate_content_answers_whole(world: World) -> None:
    """A generateContent call gives the whole text, the finish reason and the usage."""
    reply = world.vertex().models.generate_content(**_asked(world))
    assert ("vertex", "whole") == read_reply(reply.text or "", "acme-3")
    assert reply.candidates is not None
    assert types.FinishReason.STOP == reply.candidates[0].finish_reason
    assert reply.usage_metadata is not None
    assert 6 == reply.usage_metadata.candidates_token_count
    assert types.TrafficType.ON_DEMAND == reply.usage_metadata.traffic_type
    assert [("ok", "acme-3", "acme", 200)] == [(r.outcome, r.canary, r.tenant, r.status) for r in world.seen()]


def test_generate_content_stream_ends_with_a_finish_reason(world: World) -> None:
    """A streamGenerateContent call gives a chunk a token, and the finish reason on the last only."""
    chunks = list(world.vertex().models.generate_content_stream(**_asked(world)))
    assert ("vertex", "whole") == read_reply("".join(chunk.text or "" for chunk in chunks), "acme-3")
    reasons = [(chunk.candidates or [types.Candidate()])[0].finish_reason for chunk in chunks]
    assert [*[None] * 6, types.FinishReason.STOP] == reasons


@pytest.mark.parametrize(
    ("refusal", "kind", "code", "status"),
    [
        (Refusal("throttled"), errors.ClientError, 429, "RESOURCE_EXHAUSTED"),
        (Refusal("unavailable"), errors.ServerError, 503, "UNAVAILABLE"),
        (Refusal("internal"), errors.ServerError, 500, "INTERNAL"),
        (Refusal("timeout"), errors.ServerError, 504, "DEADLINE_EXCEEDED"),
        (Refusal("denied"), errors.ClientError, 403, "PERMISSION_DENIED"),
    ],
)
def test_refusals_are_google_rpc_statuses(
    world: World, refusal: Refusal, kind: type[errors.APIError], code: int, status: str
) -> None:
    """Each refusal arrives with Google's code and status, once: the client does not retry."""
    world.fault("vertex", RefuseBefore(refusal))
    with pytest.raises(kind) as caught:
        world.vertex().models.generate_content(**_asked(world))
    assert (code, status, 1) == (caught.value.code, caught.value.status, len(world.seen()))


def test_bad_arguments_and_models_are_refused(world: World) -> None:
    """A bad role is INVALID_ARGUMENT and an unknown model NOT_FOUND."""
    contents = [types.Content(role="narrator", parts=[types.Part(text="x")])]
    with pytest.raises(errors.ClientError, match="valid role"):
        world.vertex().models.generate_content(**_asked(world, contents=contents))
    with pytest.raises(errors.ClientError) as caught:
        world.vertex().models.generate_content(**_asked(world, model="gemini-9"))
    assert (404, "NOT_FOUND") == (caught.value.code, caught.value.status)


def test_another_endpoints_account_is_denied(world: World) -> None:
    """A token that is genuine but of another endpoint's account is PERMISSION_DENIED."""
    with pytest.raises(errors.ClientError) as caught:
        world.vertex(account="vertex-eu").models.generate_content(**_asked(world))
    assert 403 == caught.value.code
    assert ["denied"] == [record.refusal for record in world.seen()]


def test_an_unknown_account_gets_no_token(world: World) -> None:
    """An account that the token endpoint does not know is refused there; the endpoint hears nothing."""
    client = world.vertex()
    credentials: Any = client._api_client._credentials
    credentials._service_account_email = "mallory@example.com"
    with pytest.raises(google.auth.exceptions.RefreshError, match="account not found"):
        client.models.generate_content(**_asked(world))
    assert [] == world.seen()


def test_a_refusal_within_a_stream_is_raised(world: World) -> None:
    """An error event after the 200 is the typed error."""
    world.fault("vertex", StopAfter(2, Refusal("throttled")))
    with pytest.raises(errors.ClientError) as caught:
        list(world.vertex().models.generate_content_stream(**_asked(world)))
    assert (429, "RESOURCE_EXHAUSTED") == (caught.value.code, caught.value.status)
    assert [("refused", 200, 2)] == [(r.outcome, r.status, r.tokens) for r in world.seen()]


def test_a_cut_stream_is_a_transport_error(world: World) -> None:
    """A connection closed in mid-stream is an error of the HTTP library's."""
    world.fault("vertex", StopAfter(2, Cut()))
    with pytest.raises(Exception, match=r"incomplete chunked read|peer closed"):
        list(world.vertex().models.generate_content_stream(**_asked(world)))
    assert ["cut"] == [record.outcome for record in world.seen()]


def test_a_politely_truncated_stream_looks_whole_to_genai(world: World) -> None:
    """google-genai ends its iteration without a word where no chunk bore a finish reason."""
    world.fault("vertex", StopAfter(2, None))
    chunks = list(world.vertex().models.generate_content_stream(**_asked(world)))
    assert [None, None] == [(chunk.candidates or [types.Candidate()])[0].finish_reason for chunk in chunks]


def test_without_alt_sse_the_stream_is_one_json_array(world: World) -> None:
    """Asked without ``alt=sse``, the stream is a JSON array whose last element bears the finish reason."""
    client = world.vertex()
    client.models.generate_content(**_asked(world))
    credentials: Any = client._api_client._credentials
    project = world.cloud.identity.project
    path = f"/v1/projects/{project}/locations/us-central1/publishers/google/models/{MODEL}:streamGenerateContent"
    body = {"contents": [{"role": "user", "parts": [{"text": "x"}]}]}
    headers = {"Authorization": f"Bearer {credentials.token}"}
    reply = urllib3.request("POST", world.url("vertex") + path, json=body, headers=headers)
    assert "application/json; charset=UTF-8" == reply.headers["content-type"]
    assert "STOP" == reply.json()[-1]["candidates"][0]["finishReason"]
