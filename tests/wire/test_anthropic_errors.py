"""Every documented error of Claude's three platforms, as Anthropic's unmodified clients raise it."""

import json
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import anthropic
import httpx2
import pytest

from brownout.dialects import anthropic_messages, bedrock_invoke, vertex_rawpredict
from brownout.wire import Cut, Refusal
from tests.wire.claude import BEDROCK, ENDPOINT, NATIVE, STREAMED, VERTEX, WHOLE, Client, asked, client_of, on
from tests.wire.world import RefuseBefore, StopAfter, World


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the client's own pauses between attempts: how often it comes back is tested, not its patience."""
    monkeypatch.setattr("anthropic._base_client.INITIAL_RETRY_DELAY", 0.001)


@pytest.fixture
def client(world: World, platform: str) -> Client:
    """Return a platform's client."""
    return client_of(world, platform)


Row: TypeAlias = tuple[Refusal, type[anthropic.APIStatusError], int, str, int]
"""A refusal; the client's class for it, its status and its name; and how often the client asks."""
_NATIVE_ERRORS: list[Row] = [
    (Refusal("invalid"), anthropic.BadRequestError, 400, "invalid_request_error", 1),
    (Refusal("unauthenticated"), anthropic.AuthenticationError, 401, "authentication_error", 1),
    (Refusal("denied", code="billing_error"), anthropic.PaymentRequiredError, 402, "billing_error", 1),
    (Refusal("denied"), anthropic.PermissionDeniedError, 403, "permission_error", 1),
    (Refusal("not-found"), anthropic.NotFoundError, 404, "not_found_error", 1),
    (Refusal("unavailable", code="conflict_error"), anthropic.ConflictError, 409, "conflict_error", 3),
    (Refusal("too-large"), anthropic.ContentTooLargeError, 413, "request_too_large", 1),
    (Refusal("throttled", retry_after_s=0.01), anthropic.RateLimitError, 429, "rate_limit_error", 3),
    (Refusal("throttled", code="ramp_limit_exceeded"), anthropic.RampLimitExceededError, 429, "ramp_limit_exceeded", 3),
    (
        Refusal("throttled", code="enforced_spend_limit_reached"),
        anthropic.EnforcedSpendLimitReachedError,
        429,
        "enforced_spend_limit_reached",
        3,
    ),
    (
        Refusal("throttled", code="contract_spend_limit_reached"),
        anthropic.ContractSpendLimitReachedError,
        429,
        "contract_spend_limit_reached",
        3,
    ),
    (Refusal("internal"), anthropic.InternalServerError, 500, "api_error", 3),
    (Refusal("timeout"), anthropic.GatewayTimeoutError, 504, "timeout_error", 3),
    (Refusal("overloaded"), anthropic.OverloadedError, 529, "overloaded_error", 3),
]
_BEDROCK_ERRORS: list[Row] = [
    (Refusal("denied"), anthropic.PermissionDeniedError, 403, "AccessDeniedException", 1),
    (Refusal("not-found"), anthropic.NotFoundError, 404, "ResourceNotFoundException", 1),
    (Refusal("throttled"), anthropic.RateLimitError, 429, "ThrottlingException", 3),
    (Refusal("timeout"), anthropic.RequestTimeoutError, 408, "ModelTimeoutException", 3),
    (Refusal("internal"), anthropic.InternalServerError, 500, "InternalServerException", 3),
    (Refusal("unavailable"), anthropic.ServiceUnavailableError, 503, "ServiceUnavailableException", 3),
    (Refusal("invalid"), anthropic.BadRequestError, 400, "ValidationException", 1),
    (Refusal("overloaded", code="ModelNotReadyException"), anthropic.RateLimitError, 429, "ModelNotReadyException", 3),
    (
        Refusal("throttled", code="ServiceQuotaExceededException"),
        anthropic.BadRequestError,
        400,
        "ServiceQuotaExceededException",
        1,
    ),
    (Refusal("model-error"), anthropic.APIStatusError, 424, "ModelErrorException", 1),
]
_VERTEX_ERRORS: list[Row] = [
    (Refusal("unauthenticated"), anthropic.AuthenticationError, 401, "UNAUTHENTICATED", 1),
    (Refusal("denied"), anthropic.PermissionDeniedError, 403, "PERMISSION_DENIED", 1),
    (Refusal("not-found"), anthropic.NotFoundError, 404, "NOT_FOUND", 1),
    (Refusal("throttled"), anthropic.RateLimitError, 429, "RESOURCE_EXHAUSTED", 3),
    (Refusal("invalid"), anthropic.BadRequestError, 400, "INVALID_ARGUMENT", 1),
    (Refusal("invalid", code="FAILED_PRECONDITION"), anthropic.BadRequestError, 400, "FAILED_PRECONDITION", 1),
    (Refusal("invalid", code="invalid_request_error"), anthropic.BadRequestError, 400, "invalid_request_error", 1),
    (Refusal("throttled", code="rate_limit_error"), anthropic.RateLimitError, 429, "rate_limit_error", 3),
    (Refusal("internal"), anthropic.InternalServerError, 500, "INTERNAL", 3),
    (Refusal("model-error"), anthropic.InternalServerError, 500, "UNKNOWN", 3),
    (Refusal("internal", code="api_error"), anthropic.InternalServerError, 500, "api_error", 3),
    (Refusal("unavailable"), anthropic.ServiceUnavailableError, 503, "UNAVAILABLE", 3),
    (Refusal("timeout"), anthropic.GatewayTimeoutError, 504, "DEADLINE_EXCEEDED", 3),
    (Refusal("timeout", code="CANCELLED"), anthropic.ClientClosedRequestError, 499, "CANCELLED", 1),
    (Refusal("overloaded"), anthropic.OverloadedError, 529, "overloaded_error", 3),
]
_ERRORS = {NATIVE: _NATIVE_ERRORS, BEDROCK: _BEDROCK_ERRORS, VERTEX: _VERTEX_ERRORS}


_PROMISED = {
    NATIVE: anthropic_messages.OPERATIONS,
    BEDROCK: bedrock_invoke.OPERATIONS,
    VERTEX: vertex_rawpredict.OPERATIONS,
}
Call: TypeAlias = Callable[[Any, dict[str, Any]], object]


def _counted(client: Any, request: dict[str, Any]) -> object:
    return client.messages.count_tokens(**{name: value for name, value in request.items() if name != "max_tokens"})


_CALLS: list[tuple[str, dict[str, str], Call]] = [
    ("whole", WHOLE, lambda client, request: client.messages.create(**request)),
    ("streamed", STREAMED, lambda client, request: client.messages.create(stream=True, **request)),
    ("counted", {NATIVE: "messages.count_tokens", VERTEX: "count-tokens:rawPredict"}, _counted),
    ("listed", {NATIVE: "models.list"}, lambda client, _: client.models.list()),
    ("retrieved", {NATIVE: "models.retrieve"}, lambda client, request: client.models.retrieve(request["model"])),
]
"""What the official clients ask for, and under which operation's name it goes on each platform."""


def _cases() -> Iterator[Any]:
    """Give every call with every error that its operation promises before the 200."""
    for how, operations, call in _CALLS:
        for platform, operation in operations.items():
            for row in _ERRORS[platform]:
                name = row[3]
                if name in _PROMISED[platform][operation]:
                    mark = pytest.mark.wire(platform, operation, name)
                    yield pytest.param(platform, call, *row, id=f"{platform}-{how}-{name}", marks=mark)


def _name(error: anthropic.APIStatusError) -> str:
    """Return the error's name: AWS's from the header, Google's status, Anthropic's code or type."""
    by_header = error.response.headers.get("x-amzn-errortype")
    if by_header:
        return str(by_header.partition(":")[0])
    said = json.loads(error.response.content)["error"]
    return error.error_code or said.get("status") or said["type"]


@pytest.mark.parametrize(("platform", "call", "refusal", "kind", "status", "name", "attempts"), list(_cases()))
def test_every_error_is_the_clients_own(
    world: World,
    client: Client,
    platform: str,
    call: Call,
    refusal: Refusal,
    kind: type[anthropic.APIStatusError],
    status: int,
    name: str,
    attempts: int,
) -> None:
    """Each documented error arrives as the client's class for it, after as many attempts as the real one brings.

    Until its first event a stream's error is an HTTP error like any other; counting and listing know no others.
    """
    active = world.fault(ENDPOINT[platform], RefuseBefore(refusal))
    with pytest.raises(kind) as caught:
        call(client, asked(world, platform))
    assert (status, name, attempts) == (caught.value.status_code, _name(caught.value), active.fired)
    assert [("refused", refusal.kind, status)] * attempts == [(r.outcome, r.refusal, r.status) for r in world.seen()]


_WITHIN = {
    NATIVE: {
        "invalid": "invalid_request_error",
        "throttled": "rate_limit_error",
        "internal": "api_error",
        "timeout": "timeout_error",
        "overloaded": "overloaded_error",
    },
    BEDROCK: {
        "invalid": "validationException",
        "throttled": "throttlingException",
        "internal": "internalServerException",
        "timeout": "modelTimeoutException",
        "unavailable": "serviceUnavailableException",
        "model-error": "modelStreamErrorException",
    },
    VERTEX: {
        "invalid": "invalid_request_error",
        "throttled": "rate_limit_error",
        "internal": "api_error",
        "overloaded": "overloaded_error",
    },
}


@pytest.mark.parametrize(
    ("platform", "kind", "name"),
    [
        pytest.param(platform, kind, name, id=f"{platform}-{kind}", marks=pytest.mark.wire(platform, operation, name))
        for platform, operation in STREAMED.items()
        for kind, name in _WITHIN[platform].items()
    ],
)
def test_an_error_within_a_stream_ends_it(world: World, client: Client, platform: str, kind: Any, name: str) -> None:
    """After the 200 an error is an APIStatusError with status 200 that names it, and is never retried."""
    active = world.fault(ENDPOINT[platform], StopAfter(2, Refusal(kind)))
    stream = client.messages.create(stream=True, **asked(world, platform))
    with pytest.raises(anthropic.APIStatusError) as caught:
        list(stream)
    assert (200, name, 1) == (caught.value.status_code, caught.value.type, active.fired)
    assert [("refused", kind, 200, 2)] == [(r.outcome, r.refusal, r.status, r.tokens) for r in world.seen()]


@on(STREAMED, "cut")
def test_a_cut_stream_is_a_broken_transfer(world: World, client: Client, platform: str) -> None:
    """A connection closed in mid-stream breaks the transfer under the client."""
    world.fault(ENDPOINT[platform], StopAfter(2, Cut()))
    stream = client.messages.create(stream=True, **asked(world, platform))
    with pytest.raises(httpx2.RemoteProtocolError):
        list(stream)
    assert ["cut"] == [record.outcome for record in world.seen()]


@on(STREAMED, "truncated")
def test_a_politely_truncated_stream_looks_whole(world: World, client: Client, platform: str) -> None:
    """The client ends without a word where message_stop is missing; only the stop reason, None, tells."""
    world.fault(ENDPOINT[platform], StopAfter(2, None))
    with client.messages.stream(**asked(world, platform)) as stream:
        message = stream.get_final_message()
    assert message.stop_reason is None
    assert ["cut"] == [record.outcome for record in world.seen()]


@on(WHOLE, "cut")
def test_a_cut_before_the_reply_is_tried_again(world: World, client: Client, platform: str) -> None:
    """A connection closed before any reply is a connection error, after three attempts."""
    world.fault(ENDPOINT[platform], StopAfter(0, Cut()))
    with pytest.raises(anthropic.APIConnectionError):
        client.messages.create(**asked(world, platform))
    assert ["cut"] * 3 == [record.outcome for record in world.seen()]


@on(WHOLE, "unknown model")
def test_an_unknown_model_is_refused(world: World, client: Client, platform: str) -> None:
    """A model that the endpoint does not serve is the platform's own error."""
    unknown = {NATIVE: "claude-1", BEDROCK: "anthropic.claude-instant-v1", VERTEX: "claude-instant@1"}[platform]
    with pytest.raises((anthropic.NotFoundError, anthropic.BadRequestError)):
        client.messages.create(**asked(world, platform, model=unknown))
    assert ["refused"] == [record.outcome for record in world.seen()]


@on(WHOLE, "validation")
def test_the_models_objection_is_a_bad_request(world: World, client: Client, platform: str) -> None:
    """What Claude rejects is a BadRequestError in Claude's words on every platform, and is not retried."""
    with pytest.raises(anthropic.BadRequestError) as caught:
        client.messages.create(**asked(world, platform, messages=[{"role": "user", "content": ""}]))
    assert "all messages must have non-empty content" in json.dumps(caught.value.body)
    assert 1 == len(world.seen())


@pytest.mark.parametrize(
    ("platform", "make", "kind"),
    [
        pytest.param(
            NATIVE,
            lambda world: world.claude("sk-ant-wrong"),
            anthropic.AuthenticationError,
            id=NATIVE,
            marks=pytest.mark.wire(NATIVE, "messages.create", "authentication_error"),
        ),
        pytest.param(
            BEDROCK,
            lambda world: world.anthropic_bedrock(secret_access_key="x" * 40),
            anthropic.PermissionDeniedError,
            id=BEDROCK,
            marks=pytest.mark.wire(BEDROCK, "InvokeModel", "InvalidSignatureException"),
        ),
        pytest.param(
            VERTEX,
            lambda world: world.anthropic_vertex(access_token="ya29.stale"),
            anthropic.AuthenticationError,
            id=VERTEX,
            marks=pytest.mark.wire(VERTEX, "rawPredict", "UNAUTHENTICATED"),
        ),
    ],
)
def test_wrong_credentials_are_refused(
    world: World, platform: str, make: Callable[[World], Client], kind: type[anthropic.APIStatusError]
) -> None:
    """A wrong key, secret or token is refused by the platform's own error, once."""
    with pytest.raises(kind):
        make(world).messages.create(**asked(world, platform))
    assert [("refused", "unauthenticated")] == [(r.outcome, r.refusal) for r in world.seen()]


_ASIDE: list[tuple[str, str, str, int, Callable[[World], object]]] = [
    (
        NATIVE,
        "messages.count_tokens",
        "authentication_error",
        401,
        lambda world: _counted(world.claude("sk-ant-wrong"), asked(world, NATIVE)),
    ),
    (
        NATIVE,
        "messages.count_tokens",
        "invalid_request_error",
        400,
        lambda world: _counted(world.claude(), asked(world, NATIVE, messages=[])),
    ),
    (
        NATIVE,
        "messages.count_tokens",
        "not_found_error",
        404,
        lambda world: _counted(world.claude(), asked(world, NATIVE, model="claude-1")),
    ),
    (NATIVE, "models.list", "authentication_error", 401, lambda world: world.claude("sk-ant-wrong").models.list()),
    (NATIVE, "models.retrieve", "authentication_error", 401, lambda world: world.claude("x").models.retrieve("y")),
    (
        VERTEX,
        "count-tokens:rawPredict",
        "UNAUTHENTICATED",
        401,
        lambda world: _counted(world.anthropic_vertex(access_token="ya29.stale"), asked(world, VERTEX)),
    ),
    (
        VERTEX,
        "count-tokens:rawPredict",
        "invalid_request_error",
        400,
        lambda world: _counted(world.anthropic_vertex(), asked(world, VERTEX, messages=[])),
    ),
    (
        VERTEX,
        "count-tokens:rawPredict",
        "NOT_FOUND",
        404,
        lambda world: _counted(world.anthropic_vertex(), asked(world, VERTEX, model="claude@1")),
    ),
]


@pytest.mark.parametrize(
    ("name", "status", "call"),
    [
        pytest.param(name, status, call, id=f"{operation}-{name}", marks=pytest.mark.wire(platform, operation, name))
        for platform, operation, name, status, call in _ASIDE
    ],
)
def test_operations_that_answer_nothing_are_refused_alike(
    world: World, name: str, status: int, call: Callable[[World], object]
) -> None:
    """Counting and listing know the same errors of callers and bodies as a message does, once."""
    with pytest.raises(anthropic.APIStatusError) as caught:
        call(world)
    assert (status, name) == (caught.value.status_code, _name(caught.value))
    assert [("refused", status)] == [(record.outcome, record.status) for record in world.seen()]
