"""client-error-outage: an outage in the colours of the caller's own mistakes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from brownout.fault import Entry, Exchange, fault
from brownout.wire import Refusal
from faults._refusing import Refusing

_How: TypeAlias = Literal["invalid", "model-error", "throttled"]
_REFUSALS: Mapping[_How, Callable[[], Refusal]] = {
    "invalid": lambda: Refusal("invalid", "The request could not be processed by this model version."),
    # The code chooses a 4xx where the provider's usual error for a model that fails is a 500.
    "model-error": lambda: Refusal("model-error", "The model failed to process the request.", code="generation"),
    "throttled": lambda: Refusal("throttled", "Too many requests, please wait before trying again."),
}


@fault(
    "client-error-outage",
    Entry(
        family="region",
        colour="#a04000",
        sees="Requests that were right a minute ago fail by a 4xx, as if the caller were to blame, and go on failing.",
        seen=(
            (
                "Azure OpenAI, one model in seven regions, 2026-03-09 to 10: 400 and 429 for 20 hours "
                "(https://azure.status.microsoft)"
            ),
            "SageMaker, whose containers' 500s are all a ModelError, 424",
            "Vertex AI's global Gemini endpoint, 2026-02-27: 429 among the 503s (https://status.cloud.google.com)",
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class ClientErrorOutage(Refusing):
    """Requests fail by 4xx, in each dialect's own words; a breaker that counts 5xx alone does not see it.

    Attributes:
        how: ``invalid``: 400. ``model-error``: 424, and 400 FAILED_PRECONDITION from Google, which has no such status.
            ``throttled``: 429 (SageMaker: ThrottlingException, 400), with no word on when to come back. ``mixed``: one
            of the three for each request, by chance.
    """

    how: Literal["invalid", "model-error", "throttled", "mixed"] = "invalid"

    def said(self, exchange: Exchange) -> Refusal:
        """Return the error."""
        how: _How = exchange.rng.choice(list(_REFUSALS)) if self.how == "mixed" else self.how
        return _REFUSALS[how]()
