"""The vendors' own models of their requests and replies: what a body would be refused for, and where.

    objection("bedrock-runtime/Converse", body)  ->  None, or the Objection that a server would meet first

Models, by the name's first part:

- ``bedrock-runtime``, ``sagemaker-runtime``, ``sagemaker``, ``bedrock``: an operation's JSON body
  (``bedrock-runtime/Converse``), what travels in its path, query and headers by the names on the wire
  (``bedrock-runtime/Converse:parameters``), its reply (``bedrock-runtime/Converse:output``), an event of its stream
  (``bedrock-runtime/ConverseStream:messageStart``), or a structure (``bedrock-runtime/ThrottlingException``).
- ``vertex/v1`` and ``vertex/v1beta1``: ``GenerateContentRequest``, ``GenerateContentResponse``, ``CountTokensRequest``,
  ``CountTokensResponse`` and ``Error`` (google.rpc.Status as an HTTP body).
- ``openai``: ``ChatCompletionRequest``, ``ChatCompletion``, ``ChatCompletionChunk``, ``Error``.
- ``anthropic``: ``MessageRequest``, ``CountTokensRequest``, ``Message``, ``StreamEvent``, ``TokenCount``, ``Error``. A
  request as another cloud takes it is ``MessageRequest:bedrock`` or ``MessageRequest:vertex``.

Requests are read as leniently as the vendor reads them; replies are held to what the vendor writes: no member that the
model does not name.
"""

import functools
from collections.abc import Callable, Mapping

from brownout.dialects.models import aws, google, stored
from brownout.dialects.models.engine import Checker
from brownout.dialects.models.objection import Objection, Path, Rule, Sentence

__all__ = ["Objection", "Path", "Rule", "Sentence", "objection", "objections"]

_SOURCES: Mapping[str, Callable[[str], Checker]] = {
    **dict.fromkeys(aws.SERVICES, aws.checker),
    "vertex": google.checker,
    "openai": stored.checker,
    "anthropic": stored.checker,
}


def objection(model: str, body: object) -> Objection | None:
    """Return what a model has against a decoded JSON body; None when it conforms.

    Of several objections this is the first that a server would meet: parsing (types, unknown members) goes before
    validating, then the document's order counts, what is missing before what is wrong.

    Args:
        model: the model's name. It is read at its first use, which takes milliseconds, and kept for the process.
        body: the body, as a JSON decoder gives it.

    Raises:
        KeyError: no such model.
    """
    return next(iter(_checker(model).objections(body)), None)


def objections(model: str, body: object) -> tuple[Objection, ...]:
    """Return all that a model has against a body, in the order of `objection`; for vendors that tell all at once."""
    return _checker(model).objections(body)


@functools.cache
def _checker(model: str) -> Checker:
    return _SOURCES[model.partition("/")[0]](model)
