"""What OpenAI and Anthropic say of their requests in words, since their SDKs' types cannot: bounds, lengths, patterns.

Every row names the words in the SDK's own documentation that say it, and `generate` fails when they are gone. Rows
without such words are facts of the API reference, or of the API's own refusals.
"""

from typing import Any

import msgspec

_NAME = {"pattern": "^[a-zA-Z0-9_-]+$", "maxLength": 64}
_NAME_WORDS = "Must be a-z, A-Z, 0-9, or contain underscores and dashes, with a maximum length of 64."
_FUNCTION = "openai.types.shared_params.function_definition:FunctionDefinition"


class Said(msgspec.Struct, frozen=True):
    """One member's rule.

    Attributes:
        where: the schema: a model's name, or the module and class of an SDK's type.
        member: the member it holds for.
        rules: JSON Schema keywords, laid over what the types say.
        words: what the SDK's documentation of `where` says; empty where only the API reference does.
    """

    where: str
    member: str
    rules: dict[str, Any]
    words: str = ""


OPENAI = (
    Said("ChatCompletionRequest", "messages", {"minItems": 1}),
    Said("ChatCompletionRequest", "max_tokens", {"minimum": 1}),
    Said("ChatCompletionRequest", "max_completion_tokens", {"minimum": 1}),
    Said("ChatCompletionRequest", "n", {"minimum": 1, "maximum": 128}),
    Said("ChatCompletionRequest", "temperature", {"minimum": 0, "maximum": 2}, "between 0 and 2."),
    Said("ChatCompletionRequest", "top_p", {"minimum": 0, "maximum": 1}),
    Said("ChatCompletionRequest", "top_logprobs", {"minimum": 0, "maximum": 20}, "An integer between 0 and 20"),
    Said("ChatCompletionRequest", "frequency_penalty", {"minimum": -2, "maximum": 2}, "Number between -2.0 and 2.0."),
    Said("ChatCompletionRequest", "presence_penalty", {"minimum": -2, "maximum": 2}, "Number between -2.0 and 2.0."),
    Said(
        "ChatCompletionRequest",
        "logit_bias",
        {"additionalProperties": {"minimum": -100, "maximum": 100}},
        "an associated bias value from -100 to 100",
    ),
    Said("ChatCompletionRequest", "stop", {"maxItems": 4}, "Up to 4 sequences"),
    Said("ChatCompletionRequest", "tools", {"minItems": 1}),
    Said(
        "ChatCompletionRequest",
        "metadata",
        {"maxProperties": 16, "propertyNames": {"maxLength": 64}, "additionalProperties": {"maxLength": 512}},
        "Keys are strings with a maximum length of 64 characters. Values are strings with a maximum length of 512",
    ),
    Said("ChatCompletionRequest", "safety_identifier", {"maxLength": 128}, "with a maximum length of 128 characters"),
    Said(_FUNCTION, "name", _NAME, _NAME_WORDS),
    Said("openai.types.shared_params.response_format_json_schema:JSONSchema", "name", _NAME, _NAME_WORDS),
)

ANTHROPIC = (
    Said("MessageRequest", "max_tokens", {"minimum": 0}, "Set to `0` to populate"),
    Said("MessageRequest", "messages", {"minItems": 1, "maxItems": 100_000}, "There is a limit of 100,000 messages"),
    Said("CountTokensRequest", "messages", {"minItems": 1}),
    # The SDK names these no more; the API takes them still, for the models that have them.
    Said("MessageRequest", "temperature", {"type": "number", "minimum": 0, "maximum": 1}),
    Said("MessageRequest", "top_p", {"type": "number", "minimum": 0, "maximum": 1}),
    Said("MessageRequest", "top_k", {"type": "integer", "minimum": 0}),
    Said(
        "anthropic.types.thinking_config_enabled_param:ThinkingConfigEnabledParam",
        "budget_tokens",
        {"minimum": 1024},
        "Must be ≥1024",
    ),
    Said("anthropic.types.tool_param:ToolParam", "name", {"pattern": "^[a-zA-Z0-9_-]{1,128}$"}),
    Said("anthropic.types.tool_use_block_param:ToolUseBlockParam", "id", {"pattern": "^[a-zA-Z0-9_-]+$"}),
)
