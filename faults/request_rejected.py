"""request-rejected: the provider will not serve a request for what it says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from brownout.fault import Entry, Exchange, fault
from brownout.wire import Refusal
from faults._refusing import Refusing

_CODES: Mapping[str, str] = {
    "context-length": "context_length_exceeded",
    "content-filter": "content_filter",
    "malformed": "",
}


@fault(
    "request-rejected",
    Entry(
        family="gray",
        colour="#5d6d7e",
        sees="Some requests are answered 400 for what they say, as they would be anywhere; all others are served.",
        seen=(
            "Bedrock: 'Input is too long for requested model.' (https://github.com/aws-samples/bedrock-chat/issues/95)",
            (
                "Vertex AI: 'The input token count (25270) exceeds the maximum number of tokens allowed (4000).' "
                "(https://github.com/googleapis/python-genai/issues/2050)"
            ),
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class RequestRejected(Refusing):
    """Requests are rejected for good: nothing is wrong with the endpoint, and no other would serve them.

    Which ones, the injection says by its tenants. Nobody should ask again, elsewhere or later, or think the worse of
    the endpoint; the caller should learn what was wrong with its request.

    Attributes:
        says: what is wrong, in each dialect's own words, under its status for a request that is wrong (400; from
            SageMaker a ModelError, 424, whose container said 400). ``context-length``: the prompt is longer than the
            model reads. ``content-filter``: the provider's filter will not have the prompt. ``malformed``: the
            request is not valid.
    """

    says: Literal["context-length", "content-filter", "malformed"] = "malformed"

    def said(self, exchange: Exchange) -> Refusal:
        """Return the 400."""
        del exchange
        return Refusal("invalid", code=_CODES[self.says])
