"""What a request to an AWS endpoint would do, in IAM's words: an action on a resource."""

import functools
import re
from typing import NamedTuple
from urllib.parse import unquote

from brownout.dialects.bedrock_ids import read_model_id

_MODEL_PATH = re.compile(r"/model/(?P<model>.+)/(?P<operation>[^/]+)")
_ENDPOINT_PATH = re.compile(r"/endpoints/(?P<endpoint>[^/]+)/(?P<operation>[^/]+)")
_ACTIONS = {
    "invoke": "bedrock:InvokeModel",
    "converse": "bedrock:InvokeModel",
    "invoke-with-response-stream": "bedrock:InvokeModelWithResponseStream",
    "converse-stream": "bedrock:InvokeModelWithResponseStream",
    "count-tokens": "bedrock:CountTokens",
    "invocations": "sagemaker:InvokeEndpoint",
    "invocations-response-stream": "sagemaker:InvokeEndpointWithResponseStream",
    "async-invocations": "sagemaker:InvokeEndpointAsync",
}
"""IAM actions by the last part of the path (AWS: "Service Authorization Reference", Bedrock and SageMaker AI)."""


class Action(NamedTuple):
    """What is about to be done: ``bedrock:InvokeModel`` on an ARN."""

    name: str
    resource: str


@functools.lru_cache(maxsize=256)
def action_of(path: str, *, service: str, region: str, account: str) -> Action:
    """Return what a request would do; for a path that is no operation's, the service's plainest action on ``*``.

    Args:
        path: as it stands on the wire.
        service: the signing name, ``bedrock`` or ``sagemaker``.
        region: the endpoint's region.
        account: the account that owns what has an owner (an inference profile, a SageMaker endpoint).
    """
    match = (_ENDPOINT_PATH if service == "sagemaker" else _MODEL_PATH).fullmatch(path)
    if match is None:
        return Action(_ACTIONS["invocations" if service == "sagemaker" else "invoke"], "*")
    name = _ACTIONS.get(match["operation"], f"{service}:{match['operation']}")
    if service == "sagemaker":
        return Action(name, f"arn:aws:sagemaker:{region}:{account}:endpoint/{unquote(match['endpoint']).lower()}")
    model = unquote(match["model"])
    if model.startswith("arn:"):
        return Action(name, model)
    if read_model_id(model).kind == "inference-profile":
        return Action(name, f"arn:aws:bedrock:{region}:{account}:inference-profile/{model}")
    return Action(name, f"arn:aws:bedrock:{region}::foundation-model/{model}")
