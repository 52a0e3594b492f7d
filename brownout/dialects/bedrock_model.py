"""What Bedrock itself would reject: a Converse body held against the service model that AWS publishes in botocore."""

import functools
from collections.abc import Mapping
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape
from botocore.validate import ParamValidator

_validator = ParamValidator()


@functools.cache
def _converse_input() -> Shape:
    """Return the input shape of Converse (that of ConverseStream has the same members); read once a process."""
    description = Loader().load_service_model("bedrock-runtime", "service-2")
    return ServiceModel(description, "bedrock-runtime").operation_model("Converse").input_shape


def why_rejected(model_id: str, body: Mapping[str, Any]) -> str:
    """Return Bedrock's objection to a Converse request; empty when there is none.

    Required members, types, lengths and ranges are checked by botocore's validator. It leaves enumerations to the
    service, so roles are checked here against the same model, as is the order of speakers, which the model cannot say.

    Args:
        model_id: the model's id or ARN, from the path.
        body: the JSON body. Members that are null count as absent, as in AWS's JSON protocols.
    """
    given = {name: value for name, value in body.items() if value is not None}
    shape = _converse_input()
    # AWS's JSON protocols pass over members they do not know; botocore, a client, would not.
    known = {name: value for name, value in given.items() if name in shape.members}
    report = _validator.validate({**known, "modelId": model_id}, shape)
    if report.has_errors():
        return f"1 validation error detected: {report.generate_report()}"
    return _why_conversation_rejected(given.get("messages") or [], shape)


def _why_conversation_rejected(messages: list[dict[str, Any]], shape: Shape) -> str:
    roles = shape.members["messages"].member.members["role"].enum
    for index, message in enumerate(messages, start=1):
        if message["role"] not in roles:
            return (
                f"1 validation error detected: Value '{message['role']}' at 'messages.{index}.member.role' failed to "
                f"satisfy constraint: Member must satisfy enum value set: [{', '.join(roles)}]"
            )
        if not message["content"]:
            return f"The content field in the Message object at messages.{index - 1} is empty."
    if not messages:
        return "The request holds no messages. Add a user message and try again."
    if messages[0]["role"] == "assistant":
        start = "A conversation must start with a user message."
        return f"{start} Try again with a conversation that starts with a user message."
    return ""
