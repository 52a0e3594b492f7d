"""What is wrong for a while with who may call an endpoint, on top of what its gate says, and what that has cost.

A harm refuses only what would have been let in: what it counts is its own doing. Taken away, it leaves no trace: the
credentials that it refused are good again.
"""

import datetime as dt
from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol, TypeAlias

from brownout.wire import HttpRequest, Refusal

How: TypeAlias = Literal["expired", "revoked", "denied"]


class Admitted(NamedTuple):
    """A request that was let in.

    Attributes:
        issued: when its credential was given out.
        refusal: makes what it would be told otherwise, in the provider's words.
        leniency: what was overlooked for it (see `brownout.identity.leniency`); empty for nothing.
    """

    issued: dt.datetime
    refusal: Callable[[How], Refusal]
    leniency: str = ""


class Gate(Protocol):
    """Lets callers into one endpoint."""

    def check(self, request: HttpRequest, utc: dt.datetime, *, secure: bool) -> Admitted:
        """Raise `Refusal` unless the request proves the right to call the endpoint."""
        ...


class Harm:
    """One thing that is wrong at one endpoint.

    Args:
        how: ``expired``: credentials are taken for expired. ``revoked``: for revoked. ``denied``: their owner has lost
            the permission. None: only the clock is wrong.
        issued_before: credentials given out later are spared; None: none is.
        skew: how far the endpoint's clock is ahead.

    Attributes:
        refused: how many requests it has refused so far.
    """

    def __init__(
        self, how: How | None, *, issued_before: dt.datetime | None = None, skew: dt.timedelta = dt.timedelta()
    ) -> None:
        self.refused = 0
        self._how, self._issued_before, self._skew = how, issued_before, skew

    def check(self, admitted: Admitted, gate: Gate, request: HttpRequest, utc: dt.datetime, *, secure: bool) -> None:
        """Raise `Refusal` for a request that was let in, and is not now."""
        try:
            self._check(admitted)
            if self._skew:
                gate.check(request, utc + self._skew, secure=secure)
        except Refusal:
            self.refused += 1
            raise

    def ends(self, issued: dt.datetime) -> bool:
        """Return whether it takes a credential that was given out then for expired."""
        return self._how == "expired" and not self._spares(issued)

    def _check(self, admitted: Admitted) -> None:
        if self._how is not None and not self._spares(admitted.issued):
            raise admitted.refusal(self._how)

    def _spares(self, issued: dt.datetime) -> bool:
        return self._issued_before is not None and issued >= self._issued_before


class Harms:
    """All that is wrong, by endpoint."""

    def __init__(self) -> None:
        self._at: dict[str, list[Harm]] = {}

    def begin(self, endpoint: str, harm: Harm) -> None:
        """Let something be wrong from now on."""
        self._at.setdefault(endpoint, []).append(harm)

    def end(self, endpoint: str, harm: Harm) -> None:
        """Let it be over. Once is enough."""
        if harm in self.at(endpoint):
            self._at[endpoint].remove(harm)

    def at(self, endpoint: str) -> list[Harm]:
        """Return what is wrong at an endpoint, the oldest first."""
        return list(self._at.get(endpoint, ()))
