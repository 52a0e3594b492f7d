"""An unmodified boto3 cannot tell the emulated Converse and ConverseStream from the real ones."""

import json
from typing import Any

import pytest

from brownout.answer import read_reply
from tests.wire.world import CLAUDE, PROFILE, PROVISIONED, World

WHOLE = pytest.mark.wire("bedrock-converse", "Converse", "ok")
STREAM = pytest.mark.wire("bedrock-converse", "ConverseStream", "ok")
WEATHER = {
    "toolSpec": {
        "name": "weather",
        "description": "tells the weather",
        "inputSchema": {"json": {"type": "object", "properties": {"city": {"type": "string"}}}},
    }
}
PNG = b"\x89PNG\r\n\x1a\n"


def asked(world: World, text: str = "hello", **changes: Any) -> dict[str, Any]:
    """Return a request of one short message."""
    messages = [{"role": "user", "content": [{"text": f"{text} {world.mint.value('acme', 3)}"}]}]
    return {"modelId": CLAUDE, "messages": messages, "inferenceConfig": {"maxTokens": 6}} | changes


def _streamed(world: World, **request: Any) -> list[tuple[str, Any]]:
    return [next(iter(event.items())) for event in world.bedrock().converse_stream(**request)["stream"]]


def _text(events: list[tuple[str, Any]]) -> str:
    return "".join(said["delta"].get("text", "") for name, said in events if name == "contentBlockDelta")


@WHOLE
def test_converse_answers_whole(world: World) -> None:
    """Converse gives the whole text, the stop reason, the usage, the latency and a request id."""
    reply = world.bedrock().converse(**asked(world))
    text = reply["output"]["message"]["content"][0]["text"]
    assert ("bedrock", "whole") == read_reply(text, "acme-3")
    assert ("end_turn", "assistant") == (reply["stopReason"], reply["output"]["message"]["role"])
    assert 6 == reply["usage"]["outputTokens"]
    assert reply["usage"]["totalTokens"] == reply["usage"]["inputTokens"] + 6
    assert 0 < reply["metrics"]["latencyMs"]
    assert 36 == len(reply["ResponseMetadata"]["RequestId"])
    assert [("ok", "acme-3", "acme", 200)] == [(r.outcome, r.canary, r.tenant, r.status) for r in world.seen()]


@STREAM
def test_converse_stream_gives_its_events_in_order(world: World) -> None:
    """ConverseStream gives messageStart, deltas, contentBlockStop, messageStop, metadata with usage and latency."""
    events = _streamed(world, **asked(world))
    expected = ["messageStart", *["contentBlockDelta"] * 6, "contentBlockStop", "messageStop", "metadata"]
    assert expected == [name for name, _ in events]
    assert ("bedrock", "whole") == read_reply(_text(events), "acme-3")
    metadata = events[-1][1]
    assert 6 == metadata["usage"]["outputTokens"]
    assert 0 < metadata["metrics"]["latencyMs"]


STOPS: list[tuple[str, dict[str, Any], str]] = [
    ("((answer 20 tokens))", {}, "max_tokens"),
    ("hello", {"inferenceConfig": {"maxTokens": 6, "stopSequences": ["w2"]}}, "stop_sequence"),
    ("((filter))", {}, "content_filtered"),
    (
        "((filter))",
        {"guardrailConfig": {"guardrailIdentifier": "gr1", "guardrailVersion": "1", "trace": "enabled"}},
        "guardrail_intervened",
    ),
]


@pytest.mark.parametrize(
    ("text", "changes", "reason"),
    [pytest.param(*stop, marks=pytest.mark.wire("bedrock-converse", "Converse", stop[2])) for stop in STOPS],
)
def test_each_stop_reason_is_converses(world: World, text: str, changes: dict[str, Any], reason: str) -> None:
    """An answer that is cut, stopped or filtered says so in Bedrock's words."""
    reply = world.bedrock().converse(**asked(world, text, **changes))
    assert reason == reply["stopReason"]
    if reason == "guardrail_intervened":
        assert "Guardrail blocked." == reply["trace"]["guardrail"]["actionReason"]


@pytest.mark.parametrize(
    ("text", "changes", "reason"),
    [pytest.param(*stop, marks=pytest.mark.wire("bedrock-converse", "ConverseStream", stop[2])) for stop in STOPS],
)
def test_each_stop_reason_is_converse_streams(world: World, text: str, changes: dict[str, Any], reason: str) -> None:
    """The same, streamed: messageStop bears the reason, and the metadata come all the same."""
    events = dict(_streamed(world, **asked(world, text, **changes)))
    assert reason == events["messageStop"]["stopReason"]
    assert "usage" in events["metadata"]
    assert ("trace" in events["metadata"]) == (reason == "guardrail_intervened")


CHOICES = [{"auto": {}}, {"any": {}}, {"tool": {"name": "weather"}}]


@pytest.mark.wire("bedrock-converse", "Converse", "tool use")
@pytest.mark.parametrize("choice", CHOICES, ids=["auto", "any", "tool"])
def test_a_tool_is_called_and_its_result_answered(world: World, choice: dict[str, Any]) -> None:
    """The model calls the tool, its arguments are an object, and the answer goes on with the tool's result."""
    config = {"tools": [WEATHER], "toolChoice": choice}
    first = asked(world, "what does weather say?", toolConfig=config)
    reply = world.bedrock().converse(**first)
    [block] = reply["output"]["message"]["content"]
    use = block["toolUse"]
    assert ("tool_use", "weather") == (reply["stopReason"], use["name"])
    assert use["toolUseId"].startswith("tooluse_")
    assert ["city"] == list(use["input"])
    result = {"toolResult": {"toolUseId": use["toolUseId"], "content": [{"json": {"sky": "clear"}}]}}
    messages = [*first["messages"], reply["output"]["message"], {"role": "user", "content": [result]}]
    again = world.bedrock().converse(**first | {"messages": messages, "toolConfig": {"tools": [WEATHER]}})
    assert "end_turn" == again["stopReason"]
    assert "whole" == read_reply(again["output"]["message"]["content"][0]["text"], "acme-3").integrity


@pytest.mark.wire("bedrock-converse", "ConverseStream", "tool use")
def test_a_tools_arguments_are_streamed_in_pieces(world: World) -> None:
    """A tool's block starts with its id and name, its input comes in pieces, and together they are JSON."""
    config = {"tools": [WEATHER], "toolChoice": {"any": {}}}
    events = _streamed(world, **asked(world, toolConfig=config))
    assert "messageStart" == events[0][0]
    assert {"toolUse"} == events[1][1]["start"].keys()
    assert "weather" == events[1][1]["start"]["toolUse"]["name"]
    pieces = [said["delta"]["toolUse"]["input"] for name, said in events if name == "contentBlockDelta"]
    assert 1 < len(pieces)
    assert "".join(pieces).startswith('{"city":')
    assert ["contentBlockStop", "messageStop", "metadata"] == [name for name, _ in events[-3:]]
    assert "tool_use" == dict(events)["messageStop"]["stopReason"]


@pytest.mark.wire("bedrock-converse", "Converse", "content blocks")
def test_every_kind_of_content_is_taken(world: World) -> None:
    """Images, documents, video, guarded text, cache points, reasoning, citations and search results are accepted."""
    blocks: list[dict[str, Any]] = [
        {"text": f"hello {world.mint.value('acme', 3)}"},
        {"image": {"format": "png", "source": {"bytes": PNG}}},
        {"document": {"format": "pdf", "name": "plan", "source": {"bytes": b"%PDF-"}}},
        {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://bucket/a.mp4"}}}},
        {"guardContent": {"text": {"text": "guarded", "qualifiers": ["query"]}}},
        {"searchResult": {"source": "s", "title": "t", "content": [{"text": "found"}]}},
        {"cachePoint": {"type": "default"}},
    ]
    said: list[dict[str, Any]] = [
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
        {"citationsContent": {"content": [{"text": "cited"}], "citations": []}},
        {"text": "yes"},
    ]
    messages = [
        {"role": "user", "content": blocks},
        {"role": "assistant", "content": said},
        {"role": "user", "content": [{"text": "and now?"}]},
    ]
    system = [{"text": "be brief"}, {"cachePoint": {"type": "default"}}]
    reply = world.bedrock().converse(**asked(world, messages=messages, system=system))
    assert "whole" == read_reply(reply["output"]["message"]["content"][0]["text"], "acme-3").integrity


@pytest.mark.wire("bedrock-converse", "Converse", "tiers and extras")
@pytest.mark.wire("bedrock-converse", "ConverseStream", "tiers and extras")
def test_what_was_asked_is_told_back(world: World) -> None:
    """The tier that served, the performance asked for and the model's own fields are in the reply, streamed or not."""
    extras: dict[str, Any] = {
        "inferenceConfig": {"maxTokens": 6, "stopSequences": ["w2"], "temperature": 0.5, "topP": 1.0},
        "serviceTier": {"type": "priority"},
        "performanceConfig": {"latency": "optimized"},
        "requestMetadata": {"team": "search"},
        "additionalModelRequestFields": {"top_k": 5},
        "additionalModelResponseFieldPaths": ["/stop_sequence"],
    }
    reply = world.bedrock().converse(**asked(world, **extras))
    # This endpoint has no tiers but the default, which is what served.
    told = (reply["serviceTier"], reply["performanceConfig"], reply["additionalModelResponseFields"])
    expected = ({"type": "default"}, {"latency": "optimized"}, {"stop_sequence": "w2"})
    assert expected == told
    events = dict(_streamed(world, **asked(world, **extras)))
    metadata, stop = events["metadata"], events["messageStop"]
    assert expected == (metadata["serviceTier"], metadata["performanceConfig"], stop["additionalModelResponseFields"])


@pytest.mark.wire("bedrock-converse", "Converse", "structured output")
@pytest.mark.wire("bedrock-converse", "ConverseStream", "structured output")
def test_an_answer_is_json_of_the_schema_asked_for(world: World) -> None:
    """With a JSON schema the answer is a document of it that holds the text, streamed or not."""
    schema = json.dumps({"type": "object", "properties": {"summary": {"type": "string"}}, "required": ["summary"]})
    wanted = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"name": "x", "schema": schema}}}}
    reply = world.bedrock().converse(**asked(world, outputConfig=wanted))
    text = reply["output"]["message"]["content"][0]["text"]
    assert "whole" == read_reply(json.loads(text)["summary"], "acme-3").integrity
    assert text == _text(_streamed(world, **asked(world, outputConfig=wanted)))


@pytest.mark.wire("bedrock-converse", "CountTokens", "ok")
def test_tokens_of_a_conversation_are_counted(world: World) -> None:
    """CountTokens takes what Converse takes, and a model's own body; a longer prompt counts for more."""
    client = world.bedrock()
    counts = []
    for text in ("hello", "hello" * 50):
        messages = [{"role": "user", "content": [{"text": text}]}]
        inside = {"converse": {"messages": messages, "system": [{"text": "be brief"}]}}
        counts.append(client.count_tokens(modelId=CLAUDE, input=inside)["inputTokens"])
    own = b'{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"messages":[{"role":"user","content":"hello"}]}'
    counts.append(client.count_tokens(modelId=CLAUDE, input={"invokeModel": {"body": own}})["inputTokens"])
    assert 0 < counts[2] < counts[0] < counts[1]
    assert [("ok", 0, 200)] * 3 == [(r.outcome, r.tokens, r.status) for r in world.seen()]


PROFILES = [f"us.{CLAUDE}", f"global.{CLAUDE}", f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{CLAUDE}"]


@pytest.mark.wire("bedrock-converse", "Converse", "inference profiles")
@pytest.mark.wire("bedrock-converse", "ConverseStream", "inference profiles")
@pytest.mark.parametrize("model", [*PROFILES, f"arn:aws:bedrock:us-east-1::foundation-model/{CLAUDE}"])
def test_profiles_and_arns_are_model_ids(world: World, model: str) -> None:
    """A model answers to the profiles called from its region and to its ARNs, which boto3 percent-encodes and signs."""
    reply = world.bedrock().converse(**asked(world, modelId=model))
    assert "bedrock" == read_reply(reply["output"]["message"]["content"][0]["text"], "acme-3").endpoint
    assert "bedrock" == read_reply(_text(_streamed(world, **asked(world, modelId=model))), "acme-3").endpoint


@pytest.mark.wire("bedrock-converse", "Converse", "provisioned throughput")
def test_a_provisioned_arn_is_a_model_id(world: World) -> None:
    """A provisioned model is reached by its ARN."""
    reply = world.bedrock("bedrock-pt").converse(**asked(world, modelId=PROVISIONED))
    assert "bedrock-pt" == read_reply(reply["output"]["message"]["content"][0]["text"], "acme-3").endpoint


@pytest.mark.wire("bedrock-converse", "Converse", "profile only")
@pytest.mark.wire("bedrock-converse", "CountTokens", "profile only")
def test_a_model_served_by_a_profile_only_is_not_had_by_its_id(world: World) -> None:
    """Such a model answers to its profile; its bare id is refused in AWS's words, and counts tokens all the same."""
    client = world.bedrock("bedrock-profile")
    reply = client.converse(**asked(world, modelId=PROFILE))
    assert "bedrock-profile" == read_reply(reply["output"]["message"]["content"][0]["text"], "acme-3").endpoint
    bare = PROFILE.removeprefix("us.")
    with pytest.raises(client.exceptions.ValidationException, match="with on-demand throughput isn"):
        client.converse(**asked(world, modelId=bare))
    counted = client.count_tokens(modelId=bare, input={"converse": {"messages": asked(world)["messages"]}})
    assert 0 < counted["inputTokens"]
