"""An unmodified boto3 cannot tell the emulated SageMaker runtime from the real one."""

import io
import json
from types import SimpleNamespace
from typing import Any

import botocore.exceptions
import pytest
import urllib3.exceptions

from brownout.answer import read_reply
from brownout.dialects.sagemaker_invoke import MAX_BODY_BYTES, OPERATIONS, VARIANT
from brownout.wire import Cut, Refusal
from tests.wire.world import HOSTED, HOSTED_COMPONENT, RefuseBefore, StopAfter, World

INVOKE = "InvokeEndpoint"
STREAM = "InvokeEndpointWithResponseStream"


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let boto3's waits between attempts take no time, and return them, in seconds."""
    taken: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=taken.append))
    return taken


def _chat(world: World, **changes: Any) -> dict[str, Any]:
    content = f"hello {world.mint.value('acme', 3)}"
    return {"messages": [{"role": "user", "content": content}], "max_tokens": 6} | changes


def _tgi(world: World, **parameters: Any) -> dict[str, Any]:
    return {"inputs": f"hello {world.mint.value('acme', 3)}", "parameters": {"max_new_tokens": 6} | parameters}


def _asked(body: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"EndpointName": HOSTED, "ContentType": "application/json", "Body": json.dumps(body)} | changes


def _invoked(world: World, body: dict[str, Any], **changes: Any) -> Any:
    return json.loads(world.sagemaker().invoke_endpoint(**_asked(body, **changes))["Body"].read())


def _parts(world: World, body: dict[str, Any], **changes: Any) -> list[bytes]:
    reply = world.sagemaker().invoke_endpoint_with_response_stream(**_asked(body, **changes))
    return [event["PayloadPart"]["Bytes"] for event in reply["Body"]]


def _events(parts: list[bytes]) -> list[Any]:
    """Return the container's events, put together as AWS's examples do: by lines, whatever the parts are."""
    lines = io.BytesIO(b"".join(parts)).read().split(b"\n\n")[:-1]
    return [json.loads(line.removeprefix(b"data:")) for line in lines if b"[DONE]" not in line]


# --- answers -----------------------------------------------------------------------------------------------


@pytest.mark.wire("sagemaker-invoke", INVOKE, "ok")
def test_a_chat_container_answers_whole(world: World) -> None:
    """InvokeEndpoint gives the container's chat completion, its content type and the variant that served."""
    reply = world.sagemaker().invoke_endpoint(**_asked(_chat(world)))
    said = json.loads(reply["Body"].read())
    assert ("sagemaker", "whole") == read_reply(said["choices"][0]["message"]["content"], "acme-3")
    assert (VARIANT, "application/json") == (reply["InvokedProductionVariant"], reply["ContentType"])
    assert 36 == len(reply["ResponseMetadata"]["RequestId"])
    assert [("ok", "acme-3", "acme", 200)] == [(r.outcome, r.canary, r.tenant, r.status) for r in world.seen()]


@pytest.mark.wire("sagemaker-invoke", INVOKE, "TGI")
def test_a_tgi_container_answers_whole(world: World) -> None:
    """TGI's own shape gives a list of one text, and details where they are asked for."""
    (plain,) = _invoked(world, _tgi(world))
    (detailed,) = _invoked(world, _tgi(world, details=True))
    assert ("sagemaker", "whole") == read_reply(plain["generated_text"], "acme-3")
    assert ("eos_token", 6) == (detailed["details"]["finish_reason"], detailed["details"]["generated_tokens"])


@pytest.mark.wire("sagemaker-invoke", STREAM, "ok")
def test_a_chat_container_streams(world: World) -> None:
    """The parts are vLLM's events; put together they end with the finish reason and ``[DONE]``."""
    reply = world.sagemaker().invoke_endpoint_with_response_stream(**_asked(_chat(world, stream=True)))
    parts = [event["PayloadPart"]["Bytes"] for event in reply["Body"]]
    events = _events(parts)
    text = "".join(event["choices"][0]["delta"].get("content") or "" for event in events)
    assert ("sagemaker", "whole") == read_reply(text, "acme-3")
    assert ("stop", b"data: [DONE]\n\n") == (events[-1]["choices"][0]["finish_reason"], parts[-1])
    assert (VARIANT, "text/event-stream") == (reply["InvokedProductionVariant"], reply["ContentType"])


@pytest.mark.wire("sagemaker-invoke", STREAM, "TGI")
def test_a_tgi_container_streams(world: World) -> None:
    """The parts are TGI's events; the last has the whole text."""
    events = _events(_parts(world, _tgi(world) | {"stream": True}))
    text = "".join(event["token"]["text"] for event in events if not event["token"]["special"])
    assert ("sagemaker", "whole") == read_reply(text, "acme-3")
    assert text == events[-1]["generated_text"]
    assert [None] * 6 == [event["generated_text"] for event in events[:-1]]


@pytest.mark.wire("sagemaker-invoke", STREAM, "split parts")
def test_a_part_may_end_within_an_event(world: World) -> None:
    """Whoever takes a part for an event loses some of a longer answer; whoever takes lines loses nothing."""
    body = _chat(world, stream=True, max_tokens=200)
    parts = _parts(world, body)
    assert any(not part.endswith(b"\n\n") for part in parts)
    text = "".join(event["choices"][0]["delta"].get("content") or "" for event in _events(parts))
    assert ("sagemaker", "whole") == read_reply(text, "acme-3")


@pytest.mark.wire("sagemaker-invoke", INVOKE, "streaming body")
@pytest.mark.wire("sagemaker-invoke", STREAM, "whole body")
def test_the_body_and_the_operation_may_disagree(world: World) -> None:
    """The container decides by the body, the operation by its name: all events at once, or one part."""
    at_once = world.sagemaker().invoke_endpoint(**_asked(_chat(world, stream=True)))
    assert ("text/event-stream", True) == (at_once["ContentType"], at_once["Body"].read().endswith(b"[DONE]\n\n"))
    (part,) = _parts(world, _chat(world))
    assert "chat.completion" == json.loads(part)["object"]


@pytest.mark.wire("sagemaker-invoke", INVOKE, "headers")
@pytest.mark.wire("sagemaker-invoke", STREAM, "headers")
def test_attributes_variant_and_session_are_heeded(world: World) -> None:
    """Custom attributes come back, the variant may be named, and a new session has an id."""
    named = {"CustomAttributes": "c=1;d=2", "TargetVariant": VARIANT, "InferenceId": "i-1"}
    reply = world.sagemaker().invoke_endpoint(**_asked(_chat(world), SessionId="NEW_SESSION", Accept="*/*", **named))
    assert ("c=1;d=2", True) == (reply["CustomAttributes"], "; Expires=20" in reply["NewSessionId"])
    streamed = world.sagemaker().invoke_endpoint_with_response_stream(**_asked(_chat(world, stream=True), **named))
    assert "c=1;d=2" == streamed["CustomAttributes"]


@pytest.mark.wire("sagemaker-invoke", INVOKE, "tools")
def test_a_chat_container_calls_tools(world: World) -> None:
    """Tools work as they do in chat completions."""
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    said = _invoked(world, _chat(world, tools=[tool], tool_choice="required"))
    assert "weather" == said["choices"][0]["message"]["tool_calls"][0]["function"]["name"]


@pytest.mark.wire("sagemaker-invoke", INVOKE, "inference component")
@pytest.mark.wire("sagemaker-invoke", STREAM, "inference component")
@pytest.mark.parametrize("streamed", [False, True])
def test_an_inference_component_serves(world: World, *, streamed: bool) -> None:
    """An endpoint of inference components is called with one's name."""
    endpoint, _, component = HOSTED_COMPONENT.partition("/")
    asked = _asked(_chat(world, stream=streamed), EndpointName=endpoint, InferenceComponentName=component)
    client = world.sagemaker("sagemaker-ic")
    if streamed:
        body = client.invoke_endpoint_with_response_stream(**asked)["Body"]
        events = _events([event["PayloadPart"]["Bytes"] for event in body])
        text = "".join(event["choices"][0]["delta"].get("content") or "" for event in events)
    else:
        text = json.loads(client.invoke_endpoint(**asked)["Body"].read())["choices"][0]["message"]["content"]
    assert ("sagemaker-ic", "whole") == read_reply(text, "acme-3")


# --- errors ------------------------------------------------------------------------------------------------

ERRORS: list[tuple[Refusal, str, int, int]] = [
    (Refusal("throttled"), "ThrottlingException", 400, 3),
    (Refusal("throttled", code="TooManyRequestsException"), "ThrottlingException", 429, 3),
    (Refusal("unavailable"), "ServiceUnavailable", 503, 3),
    (Refusal("internal"), "InternalFailure", 500, 3),
    (Refusal("internal", code="InternalDependencyException"), "InternalDependencyException", 530, 1),
    (Refusal("overloaded"), "ModelError", 424, 1),
    (Refusal("overloaded", code="ModelNotReadyException"), "ModelNotReadyException", 429, 1),
    (Refusal("timeout"), "ModelError", 424, 1),
    (Refusal("model-error"), "ModelError", 424, 1),
    (Refusal("invalid"), "ValidationError", 400, 1),
    (Refusal("not-found"), "ValidationError", 400, 1),
    (Refusal("denied"), "AccessDeniedException", 403, 1),
    (Refusal("unauthenticated"), "UnrecognizedClientException", 403, 1),
    (Refusal("unauthenticated", code="InvalidSignatureException"), "InvalidSignatureException", 403, 1),
    (Refusal("unauthenticated", code="IncompleteSignatureException"), "IncompleteSignatureException", 403, 1),
    (
        Refusal("unauthenticated", code="MissingAuthenticationTokenException"),
        "MissingAuthenticationTokenException",
        403,
        1,
    ),
    (Refusal("unauthenticated", code="ExpiredTokenException"), "ExpiredTokenException", 403, 1),
    (Refusal("too-large"), "413", 413, 1),
]


def _cases(operation: str) -> list[Any]:
    return [
        pytest.param(
            *case,
            marks=pytest.mark.wire("sagemaker-invoke", operation, case[1]),
            id=f"{case[0].kind}-{case[0].code or case[1]}",
        )
        for case in ERRORS
    ]


@pytest.mark.parametrize("operation", [INVOKE, STREAM])
def test_every_error_is_tried(operation: str) -> None:
    """The cases here and the streams' own below are all that the dialect promises."""
    own = {"ModelStreamError", "InternalStreamFailure"}
    assert set(OPERATIONS[operation]) - own <= {name for _, name, _, _ in ERRORS}


def _refused(world: World, refusal: Refusal, *, streamed: bool) -> Any:
    world.fault("sagemaker", RefuseBefore(refusal))
    client = world.sagemaker()
    call = client.invoke_endpoint_with_response_stream if streamed else client.invoke_endpoint
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**_asked(_chat(world, stream=streamed)))
    # Those of the service model have a class of their own on the client.
    name = caught.value.response["Error"]["Code"]
    assert type(caught.value) in {getattr(client.exceptions, name, None), botocore.exceptions.ClientError}
    return caught.value.response


@pytest.mark.parametrize(("refusal", "name", "status", "attempts"), _cases(INVOKE))
def test_refusals_are_boto3s_typed_errors(
    world: World, refusal: Refusal, name: str, status: int, attempts: int
) -> None:
    """Each refusal arrives as AWS's own error, and boto3 retries it as it would the real one."""
    said = _refused(world, refusal, streamed=False)
    assert (name, status) == (said["Error"]["Code"], said["ResponseMetadata"]["HTTPStatusCode"])
    assert [("refused", refusal.kind)] * attempts == [(r.outcome, r.refusal) for r in world.seen()]


@pytest.mark.parametrize(("refusal", "name", "status", "attempts"), _cases(STREAM))
def test_refusals_before_a_stream_are_boto3s_typed_errors(
    world: World, refusal: Refusal, name: str, status: int, attempts: int
) -> None:
    """The same before a stream has begun."""
    said = _refused(world, refusal, streamed=True)
    assert (name, status) == (said["Error"]["Code"], said["ResponseMetadata"]["HTTPStatusCode"])
    if name == "ModelNotReadyException":
        attempts = 3  # this operation's model does not know it: to boto3 it is any 429
    assert [("refused", refusal.kind)] * attempts == [(r.outcome, r.refusal) for r in world.seen()]


CONTAINERS = [
    (Refusal("overloaded"), 429, "Model is overloaded"),
    (Refusal("overloaded", original_status=503), 503, "Exceeds maximum queue size"),
    (Refusal("model-error"), 500, "CUDA out of memory"),
    (Refusal("model-error", original_status=424), 424, "Request failed during generation"),
    (Refusal("timeout"), 0, "Your invocation timed out while waiting for a response from container primary."),
]


@pytest.mark.wire("sagemaker-invoke", INVOKE, "ModelError")
@pytest.mark.parametrize(("refusal", "original", "words"), CONTAINERS)
def test_a_model_error_tells_what_the_container_said(world: World, refusal: Refusal, original: int, words: str) -> None:
    """The container's status and words are members of the typed error: a 424 that hides a 429, 500 or 503."""
    said = _refused(world, refusal, streamed=False)
    assert original == said["OriginalStatusCode"]
    assert words in said["OriginalMessage"]
    assert said["Error"]["Message"].startswith(f"Received {'client' if 400 <= original < 500 else 'server'} error")


@pytest.mark.wire("sagemaker-invoke", INVOKE, "ModelError")
@pytest.mark.parametrize(
    ("body", "original"),
    [({"messages": []}, 400), ({"inputs": ""}, 422), ({"prompt": "x"}, 422)],
)
def test_the_containers_own_validation_is_a_model_error(world: World, body: dict[str, Any], original: int) -> None:
    """SageMaker reads no body: what is wrong with it, the container says."""
    with pytest.raises(world.sagemaker().exceptions.ClientError) as caught:
        world.sagemaker().invoke_endpoint(**_asked(body))
    said = caught.value.response
    assert ("ModelError", original) == (said["Error"]["Code"], said["OriginalStatusCode"])


VALIDATION = [
    ({"EndpointName": "no-such-endpoint"}, "sagemaker", "Endpoint"),
    ({"TargetVariant": "Blue"}, "sagemaker", "Variant Blue"),
    ({"InferenceComponentName": "none"}, "sagemaker", ""),
    ({"EndpointName": "shared-gpus"}, "sagemaker-ic", ""),
    ({"EndpointName": "shared-gpus", "InferenceComponentName": "other"}, "sagemaker-ic", ""),
]


@pytest.mark.wire("sagemaker-invoke", INVOKE, "ValidationError")
@pytest.mark.parametrize(("changes", "where", "words"), VALIDATION)
def test_what_is_not_there_is_a_validation_error(world: World, changes: dict[str, Any], where: str, words: str) -> None:
    """An endpoint, variant or inference component that is not there is SageMaker's ValidationError."""
    client = world.sagemaker(where)
    with pytest.raises(client.exceptions.ValidationError) as caught:
        client.invoke_endpoint(**_asked(_chat(world), **changes))
    assert caught.value.response["Error"]["Message"].startswith(words)
    assert 400 == caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize(
    ("credentials", "name"),
    [
        pytest.param(
            {"secret_access_key": "x" * 40},
            "InvalidSignatureException",
            marks=pytest.mark.wire("sagemaker-invoke", INVOKE, "InvalidSignatureException"),
        ),
        pytest.param(
            {"access_key_id": "ASIAAAAAAAAAAAAAAAAA"},
            "UnrecognizedClientException",
            marks=pytest.mark.wire("sagemaker-invoke", INVOKE, "UnrecognizedClientException"),
        ),
    ],
)
def test_wrong_secrets_are_refused(world: World, credentials: dict[str, str], name: str) -> None:
    """A wrong secret or key is refused by AWS's own name for it, and not retried."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        world.sagemaker(**credentials).invoke_endpoint(**_asked(_chat(world)))
    assert name == caught.value.response["Error"]["Code"]
    assert [("refused", "unauthenticated", 403)] == [(r.outcome, r.refusal, r.status) for r in world.seen()]


@pytest.mark.wire("sagemaker-invoke", INVOKE, "413")
def test_a_body_over_six_megabytes_is_refused(world: World) -> None:
    """A request longer than SageMaker reads is a bare 413."""
    body = _chat(world)
    body["messages"][0]["content"] += "x" * MAX_BODY_BYTES
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        world.sagemaker().invoke_endpoint(**_asked(body))
    assert "413" == caught.value.response["Error"]["Code"]


# --- streams that break ------------------------------------------------------------------------------------

IN_STREAM = [
    (Refusal("timeout"), "ModelStreamError", "The model failed to finish"),
    (Refusal("model-error", code="StreamBroken"), "ModelStreamError", "The TCP connection"),
    (Refusal("internal"), "InternalStreamFailure", "The stream processing failed"),
]


@pytest.mark.parametrize(
    ("refusal", "name", "words"),
    [pytest.param(*case, marks=pytest.mark.wire("sagemaker-invoke", STREAM, case[1])) for case in IN_STREAM],
)
def test_exceptions_within_a_stream_are_event_stream_errors(
    world: World, refusal: Refusal, name: str, words: str
) -> None:
    """The stream's own exceptions come after the tokens that came, as EventStreamErrors, and are never retried.

    boto3 drops the ``ErrorCode`` that tells a slow model from a broken connection; the sentence is all that is left.
    """
    world.fault("sagemaker", StopAfter(2, refusal))
    body = world.sagemaker().invoke_endpoint_with_response_stream(**_asked(_chat(world, stream=True)))["Body"]
    parts: list[bytes] = []
    with pytest.raises(botocore.exceptions.EventStreamError) as caught:
        parts.extend(event["PayloadPart"]["Bytes"] for event in body)
    said = caught.value.response["Error"]
    assert (name, True) == (said["Code"], said["Message"].startswith(words))
    assert "ErrorCode" not in json.dumps(caught.value.response)
    assert 3 == len(_events(parts))
    assert [("refused", 200, 2)] == [(r.outcome, r.status, r.tokens) for r in world.seen()]


@pytest.mark.wire("sagemaker-invoke", STREAM, "container error in stream")
@pytest.mark.parametrize("tgi", [False, True])
def test_a_container_that_fails_says_so_in_its_own_bytes(world: World, *, tgi: bool) -> None:
    """boto3 sees no error at all where the container fails in mid-stream: it is in the payload."""
    world.fault("sagemaker", StopAfter(2, Refusal("model-error", "CUDA out of memory.")))
    events = _events(_parts(world, (_tgi(world) if tgi else _chat(world)) | {"stream": True}))
    error = events[-1]["error"]
    assert "CUDA out of memory." == (error if tgi else error["message"])
    assert [("refused", "model-error", 2)] == [(r.outcome, r.refusal, r.tokens) for r in world.seen()]


@pytest.mark.wire("sagemaker-invoke", STREAM, "cut")
def test_a_cut_stream_is_a_broken_transfer(world: World) -> None:
    """A connection closed in mid-stream breaks the chunked transfer under boto3."""
    world.fault("sagemaker", StopAfter(2, Cut()))
    body = world.sagemaker().invoke_endpoint_with_response_stream(**_asked(_chat(world, stream=True)))["Body"]
    with pytest.raises(urllib3.exceptions.ProtocolError):
        list(body)
    assert ["cut"] == [record.outcome for record in world.seen()]


@pytest.mark.wire("sagemaker-invoke", STREAM, "truncated")
def test_a_politely_truncated_stream_looks_whole_to_boto3(world: World) -> None:
    """boto3 ends its iteration without a word where the container's stream has no terminator."""
    world.fault("sagemaker", StopAfter(2, None))
    events = _events(_parts(world, _chat(world, stream=True)))
    assert [None] * 3 == [event["choices"][0]["finish_reason"] for event in events]
    assert ["cut"] == [record.outcome for record in world.seen()]
