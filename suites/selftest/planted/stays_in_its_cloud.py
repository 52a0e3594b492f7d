"""One cloud is enough for anybody."""

import aiohttp

from brownout.clock import Clock
from fixtures.router.policy import Policy
from fixtures.router.server import Router
from fixtures.router.world_file import WorldFile
from suites.selftest.planted.base import Planted


def _one_cloud(world: WorldFile, clock: Clock, connector: aiohttp.BaseConnector) -> Router:
    cloud_of = {one.name: one.cloud for one in world.endpoints}

    class _OneCloud(Policy):
        def candidates(self, tenant: str, traffic_class: str) -> list[str]:
            allowed = super().candidates(tenant, traffic_class)
            return [name for name in allowed if cloud_of[name] == cloud_of[allowed[0]]]

    return Router(world, clock=clock, connector=connector, policy=_OneCloud)


STAYS_IN_ITS_CLOUD = Planted(
    name="stays-in-its-cloud",
    about="sends a request to other regions, but never to another cloud",
    make=_one_cloud,
    caught_by="error_budget_spent_s",
    also=frozenset({"availability", "served_during_fault", "time_to_detect_s", "time_to_failover_s"}),
    why="who has nowhere to go in a dead cloud is not served, and stays where it is",
    seen_in="vendor-outage",
    like="no-third-choice",
    like_why="a part of the endpoints that are allowed is struck off the list of candidates",
)
