"""The vendors' models let through what the vendors let through, and object to the rest at the right place."""

import functools
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import anthropic
import boto3
import httpx
import httpx2
import openai
import pytest
from anthropic.types import Message, RawMessageStreamEvent
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from google import genai
from google.genai import types as genai_types
from google.oauth2.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import TypeAdapter, ValidationError

from brownout.dialects.models import Objection, generate, objection, objections
from brownout.dialects.models.prose import ANTHROPIC, OPENAI
from brownout.dialects.models.words import anthropic_words, aws_words, google_words, openai_words
from tests.vendor_bodies import STRANGER, Made, bodies, broken

AWS = ["bedrock-runtime/Converse", "bedrock-runtime/CountTokens", "sagemaker/UpdateEndpointWeightsAndCapacities"]
AWS_REPLIES = ["bedrock-runtime/Converse:output", "sagemaker/DescribeEndpoint:output"]
SDK_REPLIES: dict[str, TypeAdapter[Any]] = {
    "openai/ChatCompletion": TypeAdapter(ChatCompletion),
    "openai/ChatCompletionChunk": TypeAdapter(ChatCompletionChunk),
    "anthropic/Message": TypeAdapter(Message),
    "anthropic/StreamEvent": TypeAdapter(RawMessageStreamEvent),
}
MODELS = [
    *AWS,
    *AWS_REPLIES,
    *SDK_REPLIES,
    "bedrock-runtime/Converse:parameters",
    "bedrock-runtime/ConverseStream:metadata",
    "vertex/v1/GenerateContentRequest",
    "vertex/v1beta1/GenerateContentRequest",
    "vertex/v1/GenerateContentResponse",
    "vertex/v1/CountTokensRequest",
    "vertex/v1/Error",
    "openai/ChatCompletionRequest",
    "openai/Error",
    "anthropic/MessageRequest",
    "anthropic/MessageRequest:bedrock",
    "anthropic/CountTokensRequest",
]
WORDS: dict[str, Callable[[Any], Any]] = {
    "vertex": google_words,
    "openai": lambda found: openai_words(found).message,
    "anthropic": anthropic_words,
}
MADE = st.sampled_from(MODELS).flatmap(lambda model: st.tuples(st.just(model), bodies(model)))
COMMAND = [sys.executable, "-m", "brownout.dialects.models.generate"]
# What botocore's validator has an opinion on: it leaves the rest to the service.
BOTOCORE_RULES = {"required", "type", "minimum", "min-length", "one-of", "unknown"}


# --- any model -----------------------------------------------------------------------------------------------


@given(MADE)
def test_what_a_model_allows_conforms(made: tuple[str, Made]) -> None:
    """A body made of the model's own facts is not objected to."""
    model, (body, _) = made
    assert None is objection(model, body)


@given(MADE, st.data())
def test_one_break_is_objected_to_where_it_is(made: tuple[str, Made], data: st.DataObject) -> None:
    """A body broken at one place is objected to there, or at its union, and the vendor has words for it."""
    model, whole = made
    if not whole.places:
        return
    place = data.draw(st.sampled_from(whole.places))
    found = objection(model, broken(whole, place))
    assert found is not None
    parent = place.path[:-1]
    assert found.path[: len(parent)] == parent or place.path[: len(found.path)] == found.path
    assert WORDS.get(model.partition("/")[0], aws_words)(found)


@given(
    st.lists(st.sampled_from(["", "0", "05", "-1", "a/b", "~1", "1.5", "é", "items"]), min_size=1, unique=True),
    st.data(),
)
def test_whatever_a_maps_entry_is_called_it_is_found(names: list[str], data: st.DataObject) -> None:
    """Names of entries that look like numbers, pointers or keywords, or are empty, stand in the path as they are."""
    wrong = data.draw(st.sampled_from(names))
    labels = {name: 5 if name == wrong else "b" for name in names}
    flat = objection("vertex/v1/GenerateContentRequest", {"labels": labels})
    assert flat is not None
    assert (("labels", wrong), ((1, names.index(wrong)),)) == (flat.path, flat.entries)
    variables = {name: {"text": 5 if name == wrong else "b"} for name in names}
    deep = objection("bedrock-runtime/Converse", {"promptVariables": variables})
    assert deep is not None
    assert ("promptVariables", wrong, "text") == deep.path


@pytest.mark.parametrize("model", ["sagemaker/NoSuchThing", "sts/AssumeRole", "openai/Zork", "vertex/v2/Error"])
def test_models_that_are_not_there_are_key_errors(model: str) -> None:
    """An unknown vendor, version or model is no model that lets everything through."""
    with pytest.raises(KeyError):
        objection(model, {})


# --- AWS -----------------------------------------------------------------------------------------------------


@functools.cache
def _shape(model: str) -> Any:
    service, _, what = model.partition("/")
    name, _, part = what.partition(":")
    operation = ServiceModel(Loader().load_service_model(service, "service-2"), service).operation_model(name)
    return operation.output_shape if part else operation.input_shape


def _botocore_objects(model: str, body: Any) -> bool:
    """Return whether botocore's own validator refuses a body."""
    shape = _shape(model)
    in_path = {"modelId": "m"} if "modelId" in shape.members and isinstance(body, dict) else {}
    return bool(ParamValidator().validate({**body, **in_path} if in_path else body, shape).has_errors())


def _is_passed_over(found: Objection) -> bool:
    """Return whether it is the length of a map or a blob, which botocore does not look at."""
    return found.rule == "min-length" and (isinstance(found.value, dict) or found.wanted == "Blob")


@given(st.sampled_from([*AWS, *AWS_REPLIES]).flatmap(lambda model: st.tuples(st.just(model), bodies(model))), st.data())
def test_aws_models_agree_with_botocores_validator(made: tuple[str, Made], data: st.DataObject) -> None:
    """What botocore refuses is refused, and nothing is refused on grounds it knows that botocore lets pass."""
    model, whole = made
    place = data.draw(st.sampled_from(whole.places)) if whole.places else None
    body = whole.body if place is None or data.draw(st.booleans()) else broken(whole, place)
    refused = _botocore_objects(model, body)
    found = objection(model, body)
    assert not refused or found is not None
    if found is not None and found.rule in BOTOCORE_RULES and not _is_passed_over(found):
        assert refused


def test_aws_passes_over_what_it_does_not_know_and_what_is_null() -> None:
    """Members that are unknown or null count as absent in a request, also in a union; a reply has none."""
    block = {"text": "hi", "image": None, STRANGER: 1}
    body = {"messages": [{"role": "user", "content": [block], STRANGER: {}}], "system": None}
    assert None is objection("bedrock-runtime/Converse", body)
    unset = objection("bedrock-runtime/Converse", {"messages": [{"role": "user", "content": [{"text": None}]}]})
    assert unset is not None
    assert (("messages", 0, "content", 0), "one-of") == (unset.path, unset.rule)
    strange = objection("bedrock-runtime/CountTokens:output", {"inputTokens": 1, STRANGER: 1})
    assert strange is not None
    assert ((STRANGER,), "unknown") == (strange.path, strange.rule)


def test_aws_parameters_are_held_against_their_patterns() -> None:
    """What travels in path and headers is a model of its own, by the names on the wire."""
    found = objections(
        "sagemaker-runtime/InvokeEndpoint:parameters",
        {"EndpointName": "bad name", "X-Amzn-SageMaker-Target-Model": " é"},
    )
    assert [("EndpointName", "pattern"), ("X-Amzn-SageMaker-Target-Model", "pattern")] == [
        (one.path[0], one.rule) for one in found
    ]


# --- what the SDKs send and take -----------------------------------------------------------------------------


class _Wire:
    """Keeps the body that a client sends, and hangs up."""

    body: Any = None

    def __call__(self, request: Any) -> Any:
        self.body = json.loads(request.body if isinstance(request, AWSPreparedRequest) else request.read())
        raise ConnectionError


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


def _sent_by_openai(wire: _Wire) -> None:
    client = openai.OpenAI(api_key="k", http_client=httpx2.Client(transport=httpx2.MockTransport(wire)), max_retries=0)
    client.chat.completions.create(
        model="m",
        messages=[
            {"role": "developer", "content": "be brief"},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]},
            {
                "role": "assistant",
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "c", "content": "sun"},
        ],
        tools=[{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}],
        tool_choice={"type": "function", "function": {"name": "f"}},
        stop=["a"],
        temperature=None,
        stream=True,
        stream_options={"include_usage": True},
        metadata={"a": "b"},
        response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}},
    )


def _sent_by_anthropic(wire: _Wire) -> None:
    client = anthropic.Anthropic(
        api_key="k", http_client=httpx2.Client(transport=httpx2.MockTransport(wire)), max_retries=0
    )
    client.messages.create(
        model="m",
        max_tokens=5,
        system=[{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
        messages=[
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "sun"}]},
        ],
        tools=[{"name": "f", "input_schema": {"type": "object", "$schema": "x", **SCHEMA}}],
        tool_choice={"type": "any"},
        thinking={"type": "enabled", "budget_tokens": 1024},
        user_profile_id="in a header",
        stream=True,
    )


def _sent_by_genai(wire: _Wire) -> None:
    options = genai_types.HttpOptions(httpx_client=httpx.Client(transport=httpx.MockTransport(wire)))
    client = genai.Client(
        vertexai=True, project="p", location="us-central1", credentials=Credentials("t"), http_options=options
    )
    config = genai_types.GenerateContentConfig(
        system_instruction="be brief",
        temperature=0.5,
        max_output_tokens=7,
        stop_sequences=["a"],
        labels={"a": "b"},
        response_schema=genai_types.Schema(type=genai_types.Type.OBJECT),
        tools=[genai_types.Tool(function_declarations=[genai_types.FunctionDeclaration(name="f")])],
        safety_settings=[
            genai_types.SafetySetting(
                category=genai_types.HarmCategory.HARM_CATEGORY_HARASSMENT,
                threshold=genai_types.HarmBlockThreshold.BLOCK_NONE,
            )
        ],
    )
    client.models.generate_content(model="gemini", contents="hi", config=config)


def _sent_by_boto3(wire: _Wire) -> None:
    client: Any = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        aws_access_key_id="k",
        aws_secret_access_key="s",
        config=Config(retries={"max_attempts": 0}),
    )
    client.meta.events.register("before-send.bedrock-runtime.Converse", lambda request, **_: wire(request))
    client.converse(
        modelId="anthropic.claude",
        messages=[
            {"role": "user", "content": [{"image": {"format": "png", "source": {"bytes": b"\x00\xff\xfe"}}}]},
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "name": "f", "input": {"a": None}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t", "content": [{"json": [1, "a"]}]}}]},
        ],
        inferenceConfig={"maxTokens": 5, "temperature": 0.5, "stopSequences": ["a"]},
        toolConfig={"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": SCHEMA}}}]},
        requestMetadata={"team": "a b"},
    )


@pytest.mark.parametrize(
    ("send", "model"),
    [
        (_sent_by_openai, "openai/ChatCompletionRequest"),
        (_sent_by_anthropic, "anthropic/MessageRequest"),
        (_sent_by_genai, "vertex/v1beta1/GenerateContentRequest"),
        (_sent_by_boto3, "bedrock-runtime/Converse"),
    ],
)
def test_what_an_official_sdk_sends_conforms(send: Callable[[_Wire], None], model: str) -> None:
    """A rich request of each official SDK, as it stands on the wire, is not objected to."""
    wire = _Wire()
    with pytest.raises((ConnectionError, openai.APIConnectionError, anthropic.APIConnectionError)):
        send(wire)
    assert wire.body
    assert () == objections(model, wire.body)


@given(st.sampled_from(sorted(SDK_REPLIES)).flatmap(lambda m: st.tuples(st.just(m), bodies(m))), st.data())
def test_replies_that_conform_are_those_the_sdk_takes(made: tuple[str, Made], data: st.DataObject) -> None:
    """A reply is objected to exactly when the SDK's own types, held strictly, do not take it."""
    model, whole = made
    place = data.draw(st.sampled_from([place for place in whole.places if place.how != "unknown"]))
    body = broken(whole, place) if data.draw(st.booleans()) else whole.body
    try:
        SDK_REPLIES[model].validate_json(json.dumps(body), strict=True)
        taken = True
    except ValidationError:
        taken = False
    assert taken == (objection(model, body) is None)


# --- the committed files -------------------------------------------------------------------------------------


def test_committed_models_are_those_of_the_installed_sdks() -> None:
    """The committed files are what the generator makes of the SDKs installed, versions and all."""
    check = subprocess.run([*COMMAND, "--check"], capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert (0, "") == (check.returncode, check.stdout), f"run `{generate.COMMAND}` and read the diff\n{check.stderr}"


@pytest.mark.parametrize(
    "said", [*OPENAI, *ANTHROPIC], ids=lambda said: f"{said.where.rpartition(':')[2]}.{said.member}"
)
def test_every_rule_in_prose_is_in_the_committed_models(said: Any) -> None:
    """What the vendors say in words alone stands in the committed files, at the member it is about."""
    vendor = "openai" if said in OPENAI else "anthropic"
    held = json.loads((generate.FOLDER / f"{vendor}.json").read_text(encoding="utf-8"))
    name = said.where.rpartition(":")[2]
    schema = held["$defs"].get(name) or held["models"][name]
    assert said.rules.keys() <= schema["properties"][said.member].keys()
