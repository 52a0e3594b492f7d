"""Objections are worded as each vendor words them."""

from typing import Any

import pytest

from brownout.dialects.models import objection, objections
from brownout.dialects.models.words import (
    anthropic_words,
    aws_code,
    aws_words,
    google_field,
    google_words,
    openai_words,
)

TURN = {"role": "user", "content": [{"text": "hi"}]}
CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
CLAUDE: dict[str, Any] = {**CHAT, "max_tokens": 5}


def _saying(content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}]}


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (
            {"messages": [TURN], "inferenceConfig": {"maxTokens": 0}},
            "ValidationException",
            (
                "1 validation error detected: Value '0' at 'inferenceConfig.maxTokens' failed to satisfy "
                "constraint: Member must have value greater than or equal to 1"
            ),
        ),
        (
            {"messages": [{"content": []}]},
            "ValidationException",
            (
                "1 validation error detected: Value null at 'messages.1.member.role' failed to satisfy "
                "constraint: Member must not be null"
            ),
        ),
        (
            {"messages": [{**TURN, "role": "bot"}]},
            "ValidationException",
            (
                "1 validation error detected: Value 'bot' at 'messages.1.member.role' failed to satisfy "
                "constraint: Member must satisfy enum value set: [user, assistant, system]"
            ),
        ),
        (
            {"toolConfig": {"tools": []}},
            "ValidationException",
            (
                "1 validation error detected: Value at 'toolConfig.tools' failed to satisfy constraint: "
                "Member must have length greater than or equal to 1"
            ),
        ),
        (
            {"toolConfig": {"tools": [{"toolSpec": {"name": "", "inputSchema": {"json": {}}}}]}},
            "ValidationException",
            (
                "2 validation errors detected: Value '' at 'toolConfig.tools.1.member.toolSpec.name' failed "
                "to satisfy constraint: Member must have length greater than or equal to 1; Value '' at "
                "'toolConfig.tools.1.member.toolSpec.name' failed to satisfy constraint: Member must satisfy "
                "regular expression pattern: [a-zA-Z0-9_-]+"
            ),
        ),
        (
            {"messages": [{**TURN, "role": 5}]},
            "SerializationException",
            "NUMBER_VALUE can not be converted to a String",
        ),
        (
            {"inferenceConfig": {"maxTokens": "5", "temperature": 7}},
            "SerializationException",
            "STRING_VALUE can not be converted to an Integer",
        ),
        (
            {"messages": [{**TURN, "role": True}]},
            "SerializationException",
            "TRUE_VALUE can not be converted to a String",
        ),
        ({"inferenceConfig": []}, "SerializationException", "Start of list found where not expected"),
        ({"messages": {}}, "SerializationException", "Start of structure or map found where not expected."),
    ],
)
def test_aws_counts_what_breaks_constraints(body: Any, code: str, message: str) -> None:
    """AWS tells of all broken constraints with their number; what cannot be read stands alone."""
    found = objections("bedrock-runtime/Converse", body)
    assert (code, message) == (aws_code(found[0]), aws_words(*found))


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"zork": 1}, "", 'Invalid JSON payload received. Unknown name "zork": Cannot find field.'),
        (
            {"contents": [{"zork": 1}, {"parts": [{"text": 5}]}]},
            "contents[0]",
            (
                "Invalid JSON payload received. Unknown name \"zork\" at 'contents[0]': Cannot find field.\n"
                "Invalid value at 'contents[1].parts[0].text' (TYPE_STRING), 5"
            ),
        ),
        (
            {"generationConfig": {"maxOutputTokens": "x"}},
            "generation_config.max_output_tokens",
            "Invalid value at 'generation_config.max_output_tokens' (TYPE_INT32), \"x\"",
        ),
        (
            {"contents": "hi"},
            "contents",
            "Invalid value at 'contents' (type.googleapis.com/google.cloud.aiplatform.v1.Content), \"hi\"",
        ),
        (
            {"safety_settings": [{"category": "RUDE"}]},
            "safety_settings[0].category",
            (
                "Invalid value at 'safety_settings[0].category' "
                '(type.googleapis.com/google.cloud.aiplatform.v1.HarmCategory), "RUDE"'
            ),
        ),
        (
            {"systemInstruction": []},
            "",
            (
                'Invalid JSON payload received. Unknown name "systemInstruction": Proto field is not '
                "repeating, cannot start list."
            ),
        ),
        (
            {"contents": [{"parts": [{"text": {}}]}]},
            "contents[0].parts[0]",
            "Invalid value at 'contents[0].parts[0]' (text), Starting an object on a scalar field",
        ),
        (
            {
                "tools": {
                    "functionDeclarations": {"name": "f", "parameters": {"properties": {"a": {}, "b": {"const": 1}}}}
                }
            },
            "tools.function_declarations.parameters.properties[1].value",
            (
                'Invalid JSON payload received. Unknown name "const" at '
                "'tools.function_declarations.parameters.properties[1].value': Cannot find field."
            ),
        ),
        ([], "", "Invalid JSON payload received. Root element must be a message."),
    ],
)
def test_google_tells_all_in_the_protos_names(body: Any, field: str, message: str) -> None:
    """Google's front end tells of all errors, a line each, in the proto's names, with its type's name."""
    found = objections("vertex/v1/GenerateContentRequest", body)
    assert (field, message) == (google_field(found[0]), google_words(*found))


@pytest.mark.parametrize(
    "body",
    [
        {"contents": {"role": "user", "parts": {"text": "hi"}}},
        {"contents": [], "generation_config": {"max_output_tokens": "7", "topP": 1, "temperature": "0.5"}},
        {"contents": None, "safetySettings": [{"category": "harm_category_harassment", "threshold": 3}]},
        {"tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": "object", "enum": "a"}}]}]},
    ],
)
def test_google_reads_leniently_what_its_json_mapping_allows(body: Any) -> None:
    """Names in both spellings, numbers in strings, a value for a list of one, enumerations in either case are read."""
    assert None is objection("vertex/v1/GenerateContentRequest", body)


def test_google_replies_are_held_to_what_google_writes() -> None:
    """A reply in the spellings that Google reads but never writes is objected to."""
    model = "vertex/v1/GenerateContentResponse"
    for reply in ({"model_version": "m"}, {"candidates": {}}, {"usageMetadata": {"totalTokenCount": "3"}}):
        assert objection(model, reply) is not None
    assert None is objection(model, {"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"totalTokenCount": 3}})


@pytest.mark.parametrize(
    ("body", "param", "code", "message"),
    [
        ({}, "messages", "missing_required_parameter", "Missing required parameter: 'messages'."),
        ({**CHAT, "zork": 1}, None, None, "Unrecognized request argument supplied: zork"),
        (
            _saying(5) | {"model": "m"},
            "messages[0].content",
            "invalid_type",
            (
                "Invalid type for 'messages[0].content': expected one of a string or array of objects, but "
                "got an integer instead."
            ),
        ),
        (
            _saying([{"type": "text"}]) | {"model": "m"},
            "messages[0].content[0].text",
            "missing_required_parameter",
            "Missing required parameter: 'messages[0].content[0].text'.",
        ),
        (
            {**CHAT, "messages": [{"role": "bot", "content": "hi"}]},
            "messages[0].role",
            "invalid_value",
            (
                "Invalid value: 'bot'. Supported values are: 'developer', 'system', 'user', 'assistant', "
                "'tool', and 'function'."
            ),
        ),
        (
            {**CHAT, "messages": []},
            "messages",
            "empty_array",
            (
                "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty "
                "array instead."
            ),
        ),
        (
            {**CHAT, "n": 130},
            "n",
            "integer_above_max_value",
            "Invalid 'n': integer above maximum value. Expected a value <= 128, but got 130 instead.",
        ),
        (
            {**CHAT, "temperature": 3},
            "temperature",
            "decimal_above_max_value",
            "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.",
        ),
        (
            {**CHAT, "stop": ["a"] * 5},
            "stop",
            "array_above_max_length",
            (
                "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array "
                "with length 5 instead."
            ),
        ),
        (
            {**CHAT, "metadata": {"a": "b" * 513}},
            "metadata.a",
            "string_above_max_length",
            (
                "Invalid 'metadata.a': string too long. Expected a string with maximum length 512, but got a "
                "string with length 513 instead."
            ),
        ),
        (
            {**CHAT, "logit_bias": {"05": True}},
            "logit_bias.05",
            "invalid_type",
            "Invalid type for 'logit_bias.05': expected an integer, but got a boolean instead.",
        ),
        (
            {**CHAT, "tools": [{"type": "function", "function": {"name": "a b"}}]},
            "tools[0].function.name",
            "invalid_value",
            (
                "Invalid 'tools[0].function.name': string does not match pattern. Expected a string that "
                "matches the pattern '^[a-zA-Z0-9_-]+$'."
            ),
        ),
    ],
)
def test_openai_names_the_parameter_and_a_code(body: Any, param: str, code: str, message: str) -> None:
    """OpenAI's errors name the parameter as a path with brackets, and a code."""
    found = objection("openai/ChatCompletionRequest", body)
    assert found is not None
    words = openai_words(found)
    assert (param, code, message) == (words.param, words.code, words.message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({**CHAT}, "max_tokens: Field required"),
        ({**CLAUDE, "zork": 1}, "zork: Extra inputs are not permitted"),
        ({**CLAUDE, "max_tokens": 1.5}, "max_tokens: Input should be a valid integer"),
        ({**CLAUDE, "messages": []}, "messages: at least one message is required"),
        ({**CLAUDE, "temperature": 1.5}, "temperature: range: 0..1"),
        (
            {**CLAUDE, "messages": [{"role": "bot", "content": "hi"}]},
            "messages.0.role: Input should be 'user', 'assistant' or 'system'",
        ),
        (
            {**CLAUDE, **_saying([{"type": "text", "text": None}])},
            "messages.0.content.0.text.text: Input should be a valid string",
        ),
        (
            {**CLAUDE, **_saying([{"type": "thinking", "thinking": "", "signature": "", "cache_control": {}}])},
            "messages.0.content.0.thinking.cache_control: Extra inputs are not permitted",
        ),
        (
            {**CLAUDE, "system": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "scope": "x"}}]},
            "system.0.cache_control.ephemeral.scope: Extra inputs are not permitted",
        ),
        ({**CLAUDE, "tools": [{"name": "f"}]}, "tools.0.custom.input_schema: Field required"),
        (
            {**CLAUDE, "tools": [{"name": "f", "input_schema": {"type": "object"}, "zork": 1}]},
            "tools.0.custom.zork: Extra inputs are not permitted",
        ),
        (
            {**CLAUDE, "thinking": {"type": "enabled", "budget_tokens": 5}},
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
        ),
        (
            {**CLAUDE, "tool_choice": {"type": "some"}},
            (
                "tool_choice: Input tag 'some' found using 'type' does not match any of the expected tags: "
                "'auto', 'any', 'tool', 'none'"
            ),
        ),
    ],
)
def test_anthropic_puts_the_tags_of_unions_into_the_path(body: Any, message: str) -> None:
    """Anthropic's errors are pydantic's: a dotted path with the tag of each union, and one sentence."""
    found = objection("anthropic/MessageRequest", body)
    assert found is not None
    assert message == anthropic_words(found)


def test_claude_on_other_clouds_has_its_version_in_the_body_and_its_model_in_the_path() -> None:
    """Bedrock and Vertex AI take a messages request that names a version and no model; Bedrock's has no ``stream``."""
    body = {"messages": CHAT["messages"], "max_tokens": 5, "anthropic_version": "bedrock-2023-05-31"}
    assert None is objection("anthropic/MessageRequest:bedrock", body)
    assert None is objection("anthropic/MessageRequest:vertex", {**body, "stream": True})
    for model, change in (("bedrock", {"model": "m"}), ("bedrock", {"stream": True}), ("vertex", {"model": "m"})):
        found = objection(f"anthropic/MessageRequest:{model}", {**body, **change})
        assert found is not None
        assert f"{next(iter(change))}: Extra inputs are not permitted" == anthropic_words(found)


@pytest.mark.parametrize("model", ["openai/ChatCompletionRequest", "vertex/v1/GenerateContentRequest"])
def test_a_body_nested_beyond_all_limits_is_objected_to(model: str) -> None:
    """Depth makes no error of our own."""
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"metadata": deep}
    assert objection(model, deep) is not None
