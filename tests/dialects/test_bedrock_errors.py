"""Bedrock's errors are those of AWS's model, before the 200 and after it, and read back as what they were."""

import json
from typing import Any

import pytest
from botocore.loaders import Loader
from hypothesis import given
from hypothesis import strategies as st

from brownout.dialects.bedrock_converse import BEDROCK_CONVERSE, OPERATIONS
from brownout.dialects.bedrock_errors import BEDROCK_ERRORS, CORAL, INVOKE_STREAM_EXCEPTIONS, no_operation
from brownout.dialects.eventstream import FrameDecoder
from brownout.dialects.models import objection
from brownout.wire import Ask, HttpReply, HttpRequest, Refusal, RefusalKind, Token
from tests.dialects.rounds import KINDS, TEXT, TOKENS, assert_kind_and_wait_kept

PLAIN = Ask(model="anthropic.claude-3-haiku-20240307-v1:0", prompt="p")


def _modelled() -> dict[str, Any]:
    model = Loader().load_service_model("bedrock-runtime", "service-2")
    return {
        operation: [error["shape"] for error in model["operations"][operation]["errors"]] for operation in OPERATIONS
    }


def test_the_operations_have_the_models_errors() -> None:
    """The table of errors names, for each operation, exactly those of AWS's model, and its stream's exceptions."""
    model = Loader().load_service_model("bedrock-runtime", "service-2")
    events = model["shapes"]["ConverseStreamOutput"]["members"]
    within = {name for name in events if name.endswith("Exception")}
    expected = {operation: set(errors) for operation, errors in _modelled().items()}
    expected["ConverseStream"] |= within
    assert expected == {operation: set(errors) for operation, errors in OPERATIONS.items()}


@pytest.mark.parametrize("name", sorted({name for errors in _modelled().values() for name in errors}))
def test_every_modelled_error_has_its_status_and_members(name: str) -> None:
    """Each exception is sent with the model's status and members, and read back by its name and as a kind of ours."""
    shape = Loader().load_service_model("bedrock-runtime", "service-2")["shapes"][name]
    kind: RefusalKind = BEDROCK_ERRORS.read(HttpReply(status=400, headers={"x-amzn-errortype": name})).kind
    reply = BEDROCK_CONVERSE.server.refusal(Refusal(kind, code=name, original_status=503), reply_id="r-1")
    assert shape["error"]["httpStatusCode"] == reply.status
    assert f"{name}:{CORAL}" == reply.headers["x-amzn-ErrorType"]
    assert None is objection(f"bedrock-runtime/{name}", json.loads(reply.body))
    got = BEDROCK_CONVERSE.client.refusal(reply)
    expected = 503 if "originalStatusCode" in shape["members"] else None
    assert (kind, name, expected, reply.status) == (got.kind, got.code, got.original_status, got.status)


@given(st.sampled_from(KINDS), st.one_of(st.none(), st.integers(0, 600_000)))
def test_a_refusal_keeps_its_kind_and_its_wait(kind: RefusalKind, wait_ms: int | None) -> None:
    """A refusal crosses the wire with its kind, and when to come back is never earlier than was said."""
    assert_kind_and_wait_kept(BEDROCK_CONVERSE, kind, wait_ms)


@given(st.sampled_from([kind for kind in KINDS if kind not in {"unknown", "overloaded", "too-large"}]), TEXT)
def test_a_refusal_keeps_its_sentence(kind: RefusalKind, message: str) -> None:
    """A sentence of the refusal's own replaces the usual one and changes nothing else."""
    got = BEDROCK_CONVERSE.client.refusal(BEDROCK_CONVERSE.server.refusal(Refusal(kind, message), reply_id="r-1"))
    assert kind == got.kind
    assert message in {"", got.message}


@given(st.sampled_from(KINDS), TOKENS)
def test_a_refusal_within_a_stream_keeps_its_kind(kind: RefusalKind, tokens: list[Token]) -> None:
    """An error after the 200 is raised by the reader as the kind it is, also before any event."""
    writer = BEDROCK_CONVERSE.server.writer(PLAIN, reply_id="r-1")
    reader = BEDROCK_CONVERSE.client.reader()
    assert list(tokens) == reader.feed(writer.start() + b"".join(writer.event(token) for token in tokens))
    with pytest.raises(Refusal) as caught:
        reader.feed(writer.refusal(Refusal(kind)))
    assert kind == caught.value.kind


@pytest.mark.parametrize(
    ("refusal", "name"),
    [
        (Refusal("throttled"), "throttlingException"),
        (Refusal("internal"), "internalServerException"),
        (Refusal("overloaded"), "serviceUnavailableException"),
        (Refusal("invalid", "no"), "validationException"),
        (Refusal("model-error", original_status=507), "modelStreamErrorException"),
        (Refusal("model-error", code="ModelStreamErrorException"), "modelStreamErrorException"),
        (Refusal("timeout"), ""),
        (Refusal("denied"), ""),
    ],
)
def test_the_streams_five_exceptions_are_exceptions_and_all_else_an_error(refusal: Refusal, name: str) -> None:
    """What the stream's model names is an exception frame that conforms to it; all else is an error frame."""
    [frame] = FrameDecoder().feed(BEDROCK_CONVERSE.server.writer(PLAIN, reply_id="r-1").refusal(refusal))
    if name:
        assert name == frame.headers[":exception-type"]
        assert None is objection(f"bedrock-runtime/ConverseStream:{name}", json.loads(frame.payload))
    else:
        assert BEDROCK_ERRORS.row(refusal).name == frame.headers[":error-code"]
    again = BEDROCK_ERRORS.read_frame(frame)
    assert again is not None
    assert (refusal.kind, refusal.original_status or again.original_status) == (again.kind, again.original_status)


def test_an_invoked_models_stream_may_also_time_out() -> None:
    """InvokeModelWithResponseStream has an exception for a timeout, which ConverseStream has not."""
    [frame] = FrameDecoder().feed(BEDROCK_ERRORS.frame(Refusal("timeout"), INVOKE_STREAM_EXCEPTIONS))
    assert "modelTimeoutException" == frame.headers[":exception-type"]


@given(st.integers(300, 599), st.binary(max_size=60), st.dictionaries(TEXT, TEXT, max_size=3))
def test_reading_a_refusal_never_raises(status: int, body: bytes, headers: dict[str, str]) -> None:
    """Whatever a broken middlebox sends, the caller gets a refusal with its status."""
    assert status == BEDROCK_CONVERSE.client.refusal(HttpReply(status=status, headers=headers, body=body)).status


ARN = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-20250514-v1:0"


@pytest.mark.parametrize("path", [f"/model/{ARN}/converse", "/v1/messages", "//model/m/converse", "/model/m/converse/"])
def test_a_post_that_is_no_operation_gets_a_fault_with_200(path: str) -> None:
    """Where a slash of an ARN is not encoded the service says 200, and a fault in a body that is no answer."""
    refusal = no_operation(HttpRequest(method="POST", path=path))
    reply = BEDROCK_CONVERSE.server.refusal(refusal, reply_id="r-1")
    fault = {"Output": {"__type": "com.amazon.coral.service#UnknownOperationException"}, "Version": "1.0"}
    assert (200, fault, "not-found") == (reply.status, json.loads(reply.body), refusal.kind)
    with pytest.raises(Refusal):
        BEDROCK_CONVERSE.client.answer(reply)


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD", "OPTIONS"])
def test_another_method_gets_404_and_no_json(method: str) -> None:
    """An operation's path by another method is not found, in XML."""
    refusal = no_operation(HttpRequest(method=method, path="/model/m/converse"))
    reply = BEDROCK_CONVERSE.server.refusal(refusal, reply_id="r-1")
    assert (404, b"<UnknownOperationException/>\n") == (reply.status, reply.body)


@pytest.mark.parametrize(
    "path", ["/guardrail/g1/version/1/apply", "/async-invoke", "/model/m/invoke-with-bidirectional-stream"]
)
def test_what_is_not_emulated_is_an_error_that_sdks_raise(path: str) -> None:
    """An operation of the real service that is missing here must not look like done."""
    reply = BEDROCK_CONVERSE.server.refusal(no_operation(HttpRequest(method="POST", path=path)), reply_id="r-1")
    got = BEDROCK_CONVERSE.client.refusal(reply)
    assert (404, "not-found", "UnknownOperationException") == (reply.status, got.kind, got.code)
