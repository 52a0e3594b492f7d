"""unknown-error: an error that is nobody's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from brownout.dialects.headers import StrangeRefusal
from brownout.fault import Entry, Exchange, fault
from brownout.wire import Refusal
from faults._refusing import Refusing

_PAGE = "<!DOCTYPE html>\n<html><head><title>Site is overloaded</title></head><body><h1>Error 529</h1></body></html>\n"
_REFUSALS: Mapping[str, Callable[[], Refusal]] = {
    "page": lambda: StrangeRefusal(529, "text/html; charset=UTF-8", _PAGE),
    "json": lambda: StrangeRefusal(418, "application/json", '{"ok":false,"result":{"reason":"short and stout"}}'),
    "blank": lambda: StrangeRefusal(520, "text/plain", ""),
}


@fault(
    "unknown-error",
    Entry(
        family="gray",
        colour="#283747",
        sees="Requests fail by a status and a body that stand in no service's documentation: a page, JSON of nobody's.",
        seen=(
            (
                "Cloudflare's 520, for an origin that answers something unexpected, and its pages "
                "(https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors)"
            ),
            "whatever stands between a caller and a provider, and has errors of its own",
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class UnknownError(Refusing):
    """Requests fail in a way that no SDK has a class for.

    Who must know an error to handle it takes it for an answer, or for nothing. The safe thing is to take what is not
    known for a failure.

    Attributes:
        how: ``page``: status 529 with an HTML page. ``json``: 418 with JSON in nobody's form. ``blank``: 520 with no
            body. ``mixed``: one of the three for each request, by chance.
    """

    how: Literal["page", "json", "blank", "mixed"] = "page"

    def said(self, exchange: Exchange) -> Refusal:
        """Return the error."""
        how = exchange.rng.choice(list(_REFUSALS)) if self.how == "mixed" else self.how
        return _REFUSALS[how]()
