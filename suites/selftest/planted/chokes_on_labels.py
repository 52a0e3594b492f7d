"""A label it does not know, and it falls over."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from fixtures.router.server import Router
from fixtures.router.upstream import Upstream
from suites.selftest.planted.base import Planted, with_router

_PARSERS = ("application/json", "text/event-stream", "application/vnd.amazon.eventstream")


class _Literal(Upstream):
    @asynccontextmanager
    async def _send(self, *arguments: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        async with super()._send(*arguments) as reply:
            _PARSERS.index(reply.content_type)  # the defect: nobody catches what this raises
            yield reply


class _Chokes(Router):
    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.upstreams = {
            name: _Literal(one.settings, self._session, self.clock, one.credentials)
            for name, one in self.upstreams.items()
        }


CHOKES_ON_LABELS = Planted(
    name="chokes-on-labels",
    about="fails with an error of its own (a bare 500) at a reply whose content type it does not know",
    make=with_router(_Chokes),
    caught_by="availability",
    seen_in="odd-streams",
)
