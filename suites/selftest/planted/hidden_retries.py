"""An SDK under the router that has retries of its own, as most have unless they are told."""

from collections.abc import AsyncIterator

from brownout.wire import Ask, Event, Refusal
from fixtures.router.errors import FINAL
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, with_router

_TRIES = 3


class _OnSdks(Router):
    async def ask(self, endpoint: str, ask: Ask) -> AsyncIterator[Event]:
        for left in reversed(range(_TRIES)):
            begun = False
            try:
                async for event in super().ask(endpoint, ask):
                    begun = True
                    yield event
            except Refusal as refusal:
                if begun or not left or refusal.kind in FINAL:
                    raise
            else:
                return


HIDDEN_RETRIES = Planted(
    name="hidden-retries",
    about="makes each of its attempts by an SDK that makes three of it at once, and knows of one",
    make=with_router(_OnSdks),
    caught_by="attempts_per_request_max",
    also=frozenset({"retry_amplification", "telemetry_attempts_error_ratio", "share_left_ratio"}),
    why="where most requests fail, three times the attempts are a multiple of the load, and it counts a third of them; "
    "where some fail, it does not learn of most of these, and stays",
    seen_in="outage-everywhere-failing",
)
