"""What the models behind quotas have in common: between a request's start and its end nothing happens by itself."""

from brownout.capacity.core import Seat
from brownout.capacity.paced import Limits
from brownout.errors import BadInput


class Passive:
    """A model in which nothing happens by itself."""

    listening = True

    def wakes_at_s(self) -> float | None:
        """Return None: nothing happens here by itself."""
        return None

    def advance(self, now_s: float) -> list[Seat]:
        """Return nothing: every schedule is known at admission."""
        del now_s
        return []


def check_limits(limits: Limits, kind: str) -> None:
    """Refuse limits that a model of the given kind would pass over.

    Raises:
        BadInput: ``rate_rps`` is set, which is a quota of its own.
    """
    if limits.rate_rps is not None:
        raise BadInput(
            f"limits.rate_rps has no meaning behind {kind!r}, which has quotas of its own: "
            "leave it out (on-demand: requests_per_minute says the same)."
        )
