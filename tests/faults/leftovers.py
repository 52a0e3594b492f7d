"""What is left of faults in a world, once every one of them is off: found by looking at everything they can turn."""

import contextlib
from collections.abc import Iterator

import pytest

from brownout.capacity import CapacityModel
from brownout.capacity.gpu_pool import GpuPool
from brownout.capacity.shares import Shrinkable
from fixtures.virtual import VirtualStage
from fixtures.world import World


async def leftovers(world: World) -> list[str]:
    """Return what is not as it was when the world was raised, in words; empty when all is."""
    left = [f"{name} is on" for name in world.injector.on]
    for name, link in world.links.items():
        enabled, toxics = await link.state()
        left += [f"{name}: toxic {toxic}" for toxic in sorted(toxics)]
        left += [] if enabled else [f"{name}: disabled"]
    cloud = world.cloud
    for name, shell in cloud.endpoints.items():
        left += [f"{name}: {fault} in the way of replies" for fault in shell.faults]
        left += [f"{name}: {len(harms)} harms" for harms in [cloud.identity.harms.at(name)] if harms]
        left += [f"{name}: names {how}" for how in [cloud.names.spoiled(cloud.names.host_of(name))] if how]
        left += [f"{name}: handshakes {how}" for how in [cloud.certificates.spoiled(name)] if how]
        left += [f"{name}: {word}" for word in _of_capacity(shell.capacity)]
    for name, service in cloud.services.items():
        if service.down or service.delay_s or service.skew or not service.listening:
            left.append(f"service {name}: down {service.down}, late {service.delay_s}, skew {service.skew}")
    return left


def _of_capacity(capacity: CapacityModel) -> list[str]:
    left = []
    if isinstance(capacity, Shrinkable) and capacity.shares.left != 1.0:
        left.append(f"{capacity.shares.left} of its quota")
    if isinstance(capacity, GpuPool):
        settings = capacity._settings
        left += [f"{len(capacity._undos)} screws"] if capacity._undos or capacity._shortages else []
        left += [] if capacity.slowdown == 1.0 else [f"steps {capacity.slowdown} times as long"]
        left += [] if capacity._box.kv_tokens == settings.cache_tokens else [f"KV of {capacity._box.kv_tokens} tokens"]
        left += [] if len(capacity.serving) >= settings.instances else [f"{len(capacity.serving)} instances serve"]
    return left


@contextlib.contextmanager
def watched_stages() -> Iterator[list[str]]:
    """Fill a list with what is left in every virtual stage as it is closed, after all faults were lifted."""
    left: list[str] = []
    close = VirtualStage.close

    async def looked_at(stage: VirtualStage) -> None:
        if stage._world is not None and stage._strikes is not None:
            left.extend(f"{name} was still on at the end" for name in [*stage._world.injector.on, *stage._strikes.on])
            await stage.lift_all("the day is over")
            left.extend(await leftovers(stage._world))
        if stage._router is not None and not stage._router.up:
            left.append("the router is down")
        await close(stage)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VirtualStage, "close", looked_at)
        yield left
