"""Faults in identity: where they can act, how they count and overlap, and what they spare."""

import asyncio
import itertools
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from brownout.errors import BadInput
from brownout.placing import Placed, place
from brownout.plan import PlannedInjection
from brownout.schedule import Timing
from brownout.topology import Tenant, Topology
from tests.faults.renewal import NotRenewedError, renew
from tests.faults.trial import DEFAULT_ENDPOINTS, Scene, Trial, play

_TOPOLOGY = Topology(topology="t", endpoints=list(DEFAULT_ENDPOINTS), tenants={"acme": Tenant(allow=["openai"])})


def _placed(kind: str, at: str, *, name: str = "", **settings: object) -> PlannedInjection:
    placed = Placed(id=name or kind, fault=kind, settings=settings, at=at, timing=Timing(at_s=0, for_s=60))
    (planned,) = place(placed, _TOPOLOGY, seed=1)
    return planned


async def _nothing(scene: Scene) -> None:
    del scene


@pytest.mark.parametrize(
    ("kind", "at", "why"),
    [
        ("expired-tokens", "openai", "its API key never expires"),
        ("refresh-stampede", "anthropic", "its API key never expires"),
        ("lost-permission", "openai", "its API key has no permissions to lose"),
        ("clock-skew", "vertex", "its callers sign nothing that bears a time"),
        ("clock-skew", "openai", "its callers sign nothing that bears a time"),
        ("sts-down", "vertex", "no credential for it comes from sts; name an endpoint of AWS"),
        ("imds-down", "openai", "no credential for it comes from imds; name an endpoint of AWS or Google"),
        ("token-service-down", "bedrock", "no credential for it comes from token; name an endpoint of Google"),
    ],
)
def test_where_it_cannot_act_it_says_so(kind: str, at: str, why: str) -> None:
    """Before anything starts, with what could be named instead."""
    with pytest.raises(BadInput, match=f"{kind} at {at}: {why}"):
        _placed(kind, at)


@pytest.mark.parametrize("skew_s", [0, 300, -299.0])
def test_a_skew_that_nobody_would_notice_is_refused(skew_s: float) -> None:
    """Signatures bear five minutes."""
    with pytest.raises(BadInput, match=r"skew_s must be beyond 300 or -300"):
        _placed("clock-skew", "bedrock", skew_s=skew_s)


def test_on_one_service_each_lets_go_for_itself(tmp_path: Path) -> None:
    """Refused, 503 and slow at once, lifted in any order: what is left holds; in the end the service is as it was."""
    hows: dict[str, dict[str, Any]] = {
        "refused": {"how": "refused"},
        "503": {"how": "5xx"},
        "slow": {"how": "slow", "delay_s": 5.0},
    }

    async def story(scene: Scene) -> None:
        sts, injector = scene.world.cloud.services["sts"], scene.world.injector
        for order in itertools.permutations(hows):
            for name, settings in hows.items():
                await injector.inject(_placed("sts-down", "bedrock", name=name, **settings))
            assert (False, 503, 5.0) == (sts.listening, sts.down, sts.delay_s)
            for number, name in enumerate(order):
                await injector.lift(name)
                left = order[number + 1 :]
                now = (sts.listening, sts.down, sts.delay_s)
                assert ("refused" not in left, 503 * ("503" in left), 5.0 * ("slow" in left)) == now
                assert True is scene.faults[-1].undone

    play(Trial(kind="sts-down", name="none", meets=_nothing, at="bedrock"), tmp_path, story)


@pytest.mark.parametrize("how", ["refused", "5xx", "slow"])
def test_a_service_that_nobody_needed_was_down_all_the_same(how: str, tmp_path: Path) -> None:
    """The injector's own call proves it, so that a target that needs no STS can be told so."""

    async def story(scene: Scene) -> None:
        await scene.put_on()
        assert (await scene.ask()).whole
        await scene.wait(5)
        assert 1 == (await scene.lift()).fired

    settings = {"how": how}
    play(Trial(kind="sts-down", name="none", meets=_nothing, at="bedrock", settings=settings), tmp_path, story)


@pytest.mark.parametrize("kind", ["expired-tokens", "revoked-credentials", "lost-permission", "refresh-stampede"])
def test_nobody_who_called_means_not_fired(kind: str, tmp_path: Path) -> None:
    """Credentials that nobody showed were refused to nobody; nor do calls elsewhere count."""

    async def story(scene: Scene) -> None:
        await scene.put_on()
        assert (await scene.ask("sagemaker")).whole
        assert 0 == (await scene.lift()).fired

    play(Trial(kind=kind, name="none", meets=_nothing, at="bedrock"), tmp_path, story)


def test_a_stampede_counts_refused_requests_and_calls_for_new_credentials(tmp_path: Path) -> None:
    """Three refused, and one renewal: three calls to the metadata service, one to STS."""

    async def story(scene: Scene) -> None:
        await scene.put_on()
        for _ in range(3):
            assert 403 == (await scene.ask()).status
        await renew(scene)
        assert (await scene.ask()).whole
        assert 3 + 4 == (await scene.lift()).fired

    play(Trial(kind="refresh-stampede", name="none", meets=_nothing, at="bedrock"), tmp_path, story)


def test_really_too_a_service_is_down_and_up_again(tmp_path: Path) -> None:
    """Over real sockets, both of its ports: refused, then as before."""

    async def story(scene: Scene) -> None:
        async def renewed() -> bool:
            try:
                await renew(scene)
            except (NotRenewedError, aiohttp.ClientError):
                return False
            return True

        assert await renewed()
        await scene.put_on()
        assert not await renewed()
        await scene.lift()
        assert await renewed()

    one = Trial(kind="sts-down", name="none", meets=_nothing, at="bedrock", real=True)
    play(one, tmp_path, lambda scene: asyncio.wait_for(story(scene), 20))
