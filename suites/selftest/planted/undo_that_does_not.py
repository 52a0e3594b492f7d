"""The fault plane takes a fault off, says so, and has not."""

from brownout.fault import FREE_LOOPBACK_PORT
from faults.network.embedded import EmbeddedLink, EmbeddedPlane
from fixtures.router.__main__ import reference
from suites.selftest.planted.base import Planted


class _Sticks(EmbeddedLink):
    async def enable(self) -> None:
        pass


class _StickyPlane(EmbeddedPlane):
    async def add(
        self, endpoint: str, upstream_host: str, upstream_port: int, listen: str = FREE_LOOPBACK_PORT
    ) -> EmbeddedLink:
        return _Sticks(endpoint, await self.server.add_proxy(endpoint, f"{upstream_host}:{upstream_port}", listen))


UNDO_THAT_DOES_NOT = Planted(
    name="undo-that-does-not",
    about="a good router, on a fault plane that leaves a region down when the fault is lifted",
    make=reference,
    plane=_StickyPlane,
    caught_by="unlifted_faults",
    seen_in="region-refused",
)
