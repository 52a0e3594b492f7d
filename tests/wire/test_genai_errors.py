"""Every error of Vertex AI's generative calls is google-genai's own, and is tried as often as the real one."""

import asyncio
from typing import Any

import pytest
from google.genai import errors, types
from google.genai.models import Models

from brownout.dialects.vertex_generate import OPERATIONS
from brownout.wire import Cut, Refusal
from tests.wire.test_genai import MODEL, asked
from tests.wire.world import RefuseBefore, StopAfter, World

CLIENT, SERVER = errors.ClientError, errors.ServerError

ERRORS: dict[str, tuple[Refusal, type[errors.APIError], int]] = {
    "INVALID_ARGUMENT": (Refusal("invalid"), CLIENT, 400),
    "FAILED_PRECONDITION": (Refusal("invalid", code="FAILED_PRECONDITION"), CLIENT, 400),
    "UNAUTHENTICATED": (Refusal("unauthenticated"), CLIENT, 401),
    "PERMISSION_DENIED": (Refusal("denied"), CLIENT, 403),
    "NOT_FOUND": (Refusal("not-found"), CLIENT, 404),
    "RESOURCE_EXHAUSTED": (Refusal("throttled", retry_after_s=1.5), CLIENT, 429),
    "CANCELLED": (Refusal("timeout", code="CANCELLED"), CLIENT, 499),
    "UNKNOWN": (Refusal("model-error"), SERVER, 500),
    "INTERNAL": (Refusal("internal"), SERVER, 500),
    "UNAVAILABLE": (Refusal("overloaded"), SERVER, 503),
    "DEADLINE_EXCEEDED": (Refusal("timeout"), SERVER, 504),
}
"""How each status comes about: the refusal, google-genai's class for it, and its HTTP code."""
RETRIED = {408, 429, 500, 502, 503, 504}
"""What google-genai tries again, where it is told to try at all."""


@pytest.fixture(scope="module")
def models(running: World) -> Models:
    """Lend one client to the whole module: it keeps its token."""
    return running.vertex().models


def _cases(operation: str) -> list[Any]:
    return [
        pytest.param(status, *ERRORS[status], marks=pytest.mark.wire("vertex-generate", operation, status))
        for status in OPERATIONS[operation]
    ]


def _refused(world: World, kind: type[errors.APIError], call: Any) -> dict[str, Any]:
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.message
    assert caught.value.details["error"]["code"] == caught.value.code
    said: dict[str, Any] = caught.value.details["error"]
    assert [said["code"]] == [record.status for record in world.seen()]
    return said


@pytest.mark.parametrize(("status", "refusal", "kind", "code"), _cases("generateContent"))
def test_generate_contents_errors_are_typed(
    world: World, models: Models, status: str, refusal: Refusal, kind: type[errors.APIError], code: int
) -> None:
    """Each status is the client's error with that code, once: the client does not retry by itself."""
    world.fault("vertex", RefuseBefore(refusal))
    said = _refused(world, kind, lambda: models.generate_content(**asked(world)))
    assert (status, code) == (said["status"], said["code"])


@pytest.mark.parametrize(("status", "refusal", "kind", "code"), _cases("streamGenerateContent"))
def test_stream_generate_contents_errors_are_typed(
    world: World, models: Models, status: str, refusal: Refusal, kind: type[errors.APIError], code: int
) -> None:
    """The same before the 200 of a stream."""
    world.fault("vertex", RefuseBefore(refusal))
    said = _refused(world, kind, lambda: list(models.generate_content_stream(**asked(world))))
    assert (status, code) == (said["status"], said["code"])


COUNTS = [
    pytest.param(call, *case.values, marks=case.marks)
    for call, operation in (("count_tokens", "countTokens"), ("compute_tokens", "computeTokens"))
    for case in _cases(operation)
]


@pytest.mark.parametrize(("call", "status", "refusal", "kind", "code"), COUNTS)
def test_the_counting_calls_errors_are_typed(
    world: World, models: Models, call: str, status: str, refusal: Refusal, kind: type[errors.APIError], code: int
) -> None:
    """The same for countTokens and computeTokens."""
    world.fault("vertex", RefuseBefore(refusal))
    said = _refused(world, kind, lambda: getattr(models, call)(model=MODEL, contents="hello"))
    assert (status, code) == (said["status"], said["code"])


@pytest.mark.wire("vertex-generate", "generateContent", "retry options")
@pytest.mark.parametrize("status", ["RESOURCE_EXHAUSTED", "UNAVAILABLE", "INVALID_ARGUMENT", "CANCELLED"])
def test_told_to_retry_the_client_tries_five_times(world: World, status: str) -> None:
    """With retry options the client tries five times what is worth it, whatever Retry-After says, and else once."""
    refusal, kind, code = ERRORS[status]
    world.fault("vertex", RefuseBefore(refusal))
    retry = types.HttpRetryOptions(initial_delay=0.001, max_delay=0.002, jitter=0)
    options = types.HttpOptions(retry_options=retry)
    with pytest.raises(kind):
        world.vertex().models.generate_content(**asked(world, http_options=options))
    assert [code] * (5 if code in RETRIED else 1) == [record.status for record in world.seen()]


@pytest.mark.wire("vertex-generate", "generateContent", "RetryInfo")
def test_when_to_come_back_is_a_detail(world: World) -> None:
    """The wait stands in a RetryInfo, and in Retry-After in whole seconds."""
    world.fault("vertex", RefuseBefore(Refusal("throttled", retry_after_s=1.5)))
    with pytest.raises(CLIENT) as caught:
        world.vertex().models.generate_content(**asked(world))
    [info] = caught.value.details["error"]["details"]
    assert ("type.googleapis.com/google.rpc.RetryInfo", "1.500000s") == (info["@type"], info["retryDelay"])
    assert "2" == caught.value.response.headers["retry-after"]


@pytest.mark.wire("vertex-generate", "generateContent", "async error")
def test_the_asynchronous_client_raises_the_same(world: World) -> None:
    """Refused before and within a stream, the asynchronous client raises the same typed error."""

    async def visit() -> list[int]:
        client = world.vertex().aio
        codes = []
        for fault in (RefuseBefore(Refusal("throttled")), StopAfter(2, Refusal("unavailable"))):
            world.fault("vertex", fault)
            with pytest.raises(errors.APIError) as caught:
                async for _ in await client.models.generate_content_stream(**asked(world)):
                    pass
            codes.append(caught.value.code)
        await client.aclose()
        return codes

    assert [429, 503] == asyncio.run(visit())


# --- refused by the service itself -------------------------------------------------------------------------


@pytest.mark.wire("vertex-generate", "generateContent", "INVALID_ARGUMENT")
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"contents": [types.Content(role="narrator", parts=[types.Part(text="x")])]}, "valid role"),
        ({"contents": [types.Content(role="user", parts=[types.Part(text="")])]}, "empty text parameter"),
        ({"config": types.GenerateContentConfig(temperature=9)}, "supported range"),
        ({"config": {"tool_config": {"function_calling_config": {"mode": "ANY"}}}}, "without function_declarations"),
    ],
)
def test_bad_arguments_are_refused(world: World, models: Models, changes: dict[str, Any], sentence: str) -> None:
    """What only the service can know is wrong is its INVALID_ARGUMENT."""
    with pytest.raises(CLIENT, match=sentence) as caught:
        models.generate_content(**asked(world) | changes)
    assert (400, "INVALID_ARGUMENT") == (caught.value.code, caught.value.status)


@pytest.mark.wire("vertex-generate", "generateContent", "NOT_FOUND")
def test_an_unknown_model_is_named_whole(world: World) -> None:
    """A model that the endpoint does not serve is NOT_FOUND, by its full name."""
    with pytest.raises(CLIENT, match=r"publishers/google/models/gemini-9` was not found") as caught:
        world.vertex().models.generate_content(**asked(world) | {"model": "gemini-9"})
    assert (404, "NOT_FOUND") == (caught.value.code, caught.value.status)


@pytest.mark.wire("vertex-generate", "generateContent", "another location")
def test_another_location_is_refused(world: World) -> None:
    """A host serves its own location: a path that names another is told which is valid."""
    with pytest.raises(CLIENT, match="The valid location ID is `europe-west4`") as caught:
        world.vertex("vertex-eu", account="vertex-eu").models.generate_content(**asked(world))
    assert (400, "INVALID_ARGUMENT") == (caught.value.code, caught.value.status)


@pytest.mark.wire("vertex-generate", "generateContent", "PERMISSION_DENIED")
def test_another_endpoints_account_is_denied(world: World) -> None:
    """A token that is genuine but of another endpoint's account is PERMISSION_DENIED, for a permission by name."""
    with pytest.raises(CLIENT) as caught:
        world.vertex(account="vertex-eu").models.generate_content(**asked(world))
    [info] = caught.value.details["error"]["details"]
    told = (caught.value.code, info["reason"], info["metadata"]["permission"])
    assert (403, "IAM_PERMISSION_DENIED", "aiplatform.endpoints.predict") == told
    assert ["denied"] == [record.refusal for record in world.seen()]


@pytest.mark.wire("vertex-generate", "generateContent", "UNAUTHENTICATED")
def test_a_wrong_token_is_unauthenticated(world: World) -> None:
    """A token that was never issued is UNAUTHENTICATED, with a reason."""
    client = world.vertex()
    client.models.generate_content(**asked(world))
    credentials: Any = client._api_client._credentials
    credentials.token = "ya29.stale"
    with pytest.raises(CLIENT) as caught:
        client.models.generate_content(**asked(world))
    [info] = caught.value.details["error"]["details"]
    assert (401, "ACCESS_TOKEN_TYPE_UNSUPPORTED") == (caught.value.code, info["reason"])


# --- after the 200 -----------------------------------------------------------------------------------------


@pytest.mark.wire("vertex-generate", "streamGenerateContent", "error in the stream")
@pytest.mark.parametrize("status", list(ERRORS))
def test_a_refusal_within_a_stream_is_raised(world: World, models: Models, status: str) -> None:
    """An error event after the 200 is the typed error with its own code, and is never retried."""
    refusal, kind, code = ERRORS[status]
    world.fault("vertex", StopAfter(2, refusal))
    with pytest.raises(kind) as caught:
        list(models.generate_content_stream(**asked(world)))
    assert (code, status) == (caught.value.code, caught.value.status)
    assert [("refused", 200, 2)] == [(r.outcome, r.status, r.tokens) for r in world.seen()]


@pytest.mark.wire("vertex-generate", "streamGenerateContent", "cut")
def test_a_cut_stream_is_a_transport_error(world: World) -> None:
    """A connection closed in mid-stream is an error of the HTTP library's."""
    world.fault("vertex", StopAfter(2, Cut()))
    with pytest.raises(Exception, match=r"incomplete chunked read|peer closed"):
        list(world.vertex().models.generate_content_stream(**asked(world)))
    assert ["cut"] == [record.outcome for record in world.seen()]


@pytest.mark.wire("vertex-generate", "streamGenerateContent", "truncated")
def test_a_politely_truncated_stream_looks_whole_to_genai(world: World) -> None:
    """google-genai ends its iteration without a word where no chunk bore a finish reason."""
    world.fault("vertex", StopAfter(2, None))
    chunks = list(world.vertex().models.generate_content_stream(**asked(world)))
    assert [None, None] == [(chunk.candidates or [types.Candidate()])[0].finish_reason for chunk in chunks]
