"""Another tenant, who knows a batch's ids and asks for what is none of its business.

An id is no secret: it is in logs, in tickets, and often the next number. What a nosy tenant is given is looked at as a
reply to that tenant; it should be nothing.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from brownout.wire import HttpRequest
from loadgen.batch_api import BATCHES, ENDED, FILES, content_of, create, files_in, id_in
from loadgen.fetch import Fetch
from loadgen.steps import Pause, Said


class Exchanges(Protocol):
    """Makes the exchanges of a nosy tenant: in its name, and looked at as what it is given."""

    def __call__(self, what: str, request: HttpRequest, tenant: str) -> Fetch:
        """Return the exchange of a request, which evidence calls ``what``."""
        ...


class Nosy:
    """What another tenant asks about one batch.

    Args:
        tenant: who asks.
        headers: by which it says who it is.
        exchange: makes its exchanges.
        follow: asks for a path in its name, and goes where one is sent on to.
        pause_s: how long it waits between two looks at what it has got hold of.
    """

    def __init__(
        self,
        tenant: str,
        headers: Mapping[str, str],
        exchange: Exchanges,
        follow: Callable[[str, str, str], Said[Fetch]],
        *,
        pause_s: float,
    ) -> None:
        self._tenant, self._headers, self._pause_s = tenant, headers, pause_s
        self._exchange, self._follow = exchange, follow

    def looks(self, batch_id: str, files: Mapping[str, str]) -> Said[None]:
        """Ask for the batch and its files by their ids, and for lists of all that there is."""
        yield from self._get("status", f"{BATCHES}/{batch_id}")
        for name, file_id in files.items():
            yield from self._get(name, content_of(file_id))
            yield from self._get(f"{name}-file", f"{FILES}/{file_id}")
        yield from self._get("batches", BATCHES)
        yield from self._get("files", FILES)

    def takes(self, file_id: str, endpoint: str, *, looks: int) -> Said[None]:
        """Make a batch of its own of the other's file; where that is taken, look so often for what comes of it."""
        made = self._exchange("copy", create(file_id, endpoint, self._headers, {}), self._tenant)
        yield made
        batch_id = id_in(made)
        for _ in range(looks if batch_id else 0):
            yield Pause(self._pause_s)
            look = yield from self._get("copy-status", f"{BATCHES}/{batch_id}")
            told = look.told() if look.served else {}
            if told.get("status") in ENDED:
                for name, one in files_in(told).items():
                    yield from self._get(f"copy-{name}", content_of(one))
                return

    def _get(self, what: str, path: str) -> Said[Fetch]:
        return self._follow(what, path, self._tenant)
