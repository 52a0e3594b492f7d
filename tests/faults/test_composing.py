"""Faults on top of each other, on a part of the traffic, and by degrees."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from brownout.answer import read_reply
from brownout.evidence import FaultRecord
from brownout.placing import Placed, place
from brownout.schedule import Scope, Timing
from brownout.topology import Tenant, Topology
from tests.faults.trial import SEED, Scene, Trial, play
from tests.live import Seen

_ALWAYS = Timing(at_s=0, for_s=600)


class _World(Trial):
    """A world of two tenants, with nothing on."""

    @property
    def topology(self) -> Topology:
        """The same endpoints, for both."""
        names = [one.name for one in self.endpoints]
        tenants = {"acme": Tenant(allow=names), "globex": Tenant(allow=names)}
        return Topology(topology="trial", endpoints=list(self.endpoints), tenants=tenants)


async def _nothing(scene: Scene) -> None:
    del scene


def staged(folder: Path, story: Callable[[Scene], Awaitable[None]]) -> None:
    """Play a story in a world where nothing is on yet, in virtual time."""
    play(_World(kind="throttling", name="none", meets=_nothing), folder, story)


async def put_on(
    scene: Scene,
    fault: str,
    settings: dict[str, Any] | None = None,
    *,
    at: str = "openai",
    scope: Scope | None = None,
    timing: Timing = _ALWAYS,
) -> str:
    """Put a fault on, under its own name; return that."""
    placed = Placed(id=fault, fault=fault, settings=settings or {}, at=at, timing=timing, scope=scope or Scope())
    (injection,) = place(placed, scene.live.topology, seed=SEED)
    await scene.world.injector.inject(injection)
    return fault


async def lift(scene: Scene, injection: str) -> FaultRecord:
    """Take one fault off; return what was written of it."""
    await scene.world.injector.lift(injection)
    return scene.faults[-1]


async def refusals(scene: Scene) -> int:
    """Ask a hundred times; return how often that was refused."""
    return sum([(await scene.ask()).refusal is not None for _ in range(100)])


async def asked_by(scene: Scene, tenant: str, number: int, at: str = "openai") -> Seen:
    """Ask for a tenant."""
    canary = scene.live.shell(at).mint.value(tenant, number)
    return await scene.ask(at, prompt=f"{canary} hello")


# --- on top of each other ----------------------------------------------------------------------------------


def test_two_faults_in_the_replies_of_one_endpoint_both_act(tmp_path: Path) -> None:
    """Late to begin, and cut: both are seen, both are counted, and one goes without the other."""

    async def story(scene: Scene) -> None:
        slow = await put_on(scene, "slow-first-token", {"delay_s": 4.0})
        cut = await put_on(scene, "stream-cut", {"after_tokens": 2})
        seen = await scene.ask()
        assert (2, True, True) == (len(seen.tokens), 4 <= seen.tokens_s[0] < 5, seen.broken is not None)
        assert (1, True) == ((await lift(scene, cut)).fired, (await scene.ask()).tokens_s[0] >= 4)
        assert 2 == (await lift(scene, slow)).fired
        await scene.healthy()

    staged(tmp_path, story)


def test_what_came_on_last_is_nearest_to_the_caller(tmp_path: Path) -> None:
    """A refusal before a slow service comes at once; behind one that is slow it comes late."""

    async def took_s(scene: Scene, *order: tuple[str, dict[str, Any]]) -> float:
        ids = [await put_on(scene, kind, settings) for kind, settings in order]
        seen = await scene.ask()
        assert seen.refusal is not None
        assert 429 == seen.status
        for one in ids:
            await lift(scene, one)
        return round(seen.ended_s - seen.asked_s)

    async def story(scene: Scene) -> None:
        refused, slow = ("throttling", dict[str, Any]()), ("slow-first-token", {"delay_s": 4.0})
        assert (4, 0) == (await took_s(scene, refused, slow), await took_s(scene, slow, refused))

    staged(tmp_path, story)


def test_a_fault_in_the_bytes_and_one_in_the_reply_both_act(tmp_path: Path) -> None:
    """A refusal is labelled as HTML; a slow stream stammers."""

    async def story(scene: Scene) -> None:
        await put_on(scene, "wrong-content-type")
        refused = await put_on(scene, "throttling")
        seen = await scene.ask()
        assert (429, "text/html") == (seen.status, seen.headers["Content-Type"])
        await lift(scene, refused)
        await put_on(scene, "duplicated-chunk", {"after_tokens": 2})
        await put_on(scene, "slow-tokens", {"inter_token_s": 1.0})
        seen = await scene.ask()
        assert (True, 9, 7.0) == (seen.whole, len(seen.tokens), round(seen.tokens_s[-1] - seen.tokens_s[0], 3))
        assert ("text/html", seen.tokens[2]) == (seen.headers["Content-Type"], seen.tokens[3])
        offs = [await lift(scene, one) for one in list(scene.world.injector.on)]
        assert [("wrong-content-type", 2), ("duplicated-chunk", 1), ("slow-tokens", 1)] == [
            (off.injection, off.fired) for off in offs
        ]

    staged(tmp_path, story)


def test_two_faults_in_the_bytes_both_act(tmp_path: Path) -> None:
    """A chunk that comes twice, and two that change places, of one stream."""

    async def story(scene: Scene) -> None:
        await put_on(scene, "duplicated-chunk", {"after_tokens": 1}, at="bedrock")
        await put_on(scene, "reordered-chunk", {"after_tokens": 4}, at="bedrock")
        seen = await scene.ask("bedrock")
        assert [" w1", " w1", " w2", " w3", " w5", " w4", " w6", " fin"] == seen.tokens[1:]

    staged(tmp_path, story)


def test_a_fault_in_the_network_and_one_in_the_reply_both_act(tmp_path: Path) -> None:
    """A cut that is long in closing looks like a stall; a late network and a late first token add up."""

    async def story(scene: Scene) -> None:
        await put_on(scene, "slow-close", {"delay_ms": 5000})
        cut = await put_on(scene, "stream-cut", {"after_tokens": 3})
        seen = await scene.ask()
        assert (3, 5, True) == (len(seen.tokens), round(seen.ended_s - seen.tokens_s[-1]), seen.broken is not None)
        await lift(scene, cut)
        await put_on(scene, "jitter", {"delay_ms": 500, "jitter_ms": 0})
        await put_on(scene, "slow-first-token", {"delay_s": 2.0})
        seen = await scene.ask()
        assert (True, 2.5) == (seen.whole, round(seen.tokens_s[0], 1))
        offs = [await lift(scene, one) for one in list(scene.world.injector.on)]
        assert [(True, True)] * 3 == [(off.fired > 0, off.undone) for off in offs]
        await scene.healthy()

    staged(tmp_path, story)


def test_a_half_close_comes_through_a_thin_and_uneven_line(tmp_path: Path) -> None:
    """What was said before the endpoint's end arrives, however slowly; nothing hangs."""

    async def story(scene: Scene) -> None:
        await put_on(scene, "drip", {"piece_bytes": 40, "delay_ms": 10})
        await put_on(scene, "jitter")
        await put_on(scene, "stream-cut", {"after_tokens": 5, "how": "half-close"})
        seen = await scene.ask()
        assert (5, None, True) == (len(seen.tokens), seen.end, seen.broken is not None)
        await scene.live.until(lambda: scene.live.shell("openai").in_flight == 0)

    staged(tmp_path, story)


# --- on a part ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (0.3, 30, 62), (1.0, 150, 150)])
def test_a_share_of_the_requests_is_touched_and_counted(tmp_path: Path, share: float, least: int, most: int) -> None:
    """About 45 of 150 at 0.3; none and all at the ends; what was refused is what was counted."""

    async def story(scene: Scene) -> None:
        fault = await put_on(scene, "throttling", scope=Scope(share=share))
        seen = [await scene.ask() for _ in range(150)]
        refused = sum(one.refusal is not None for one in seen)
        assert (True, refused) == (least <= refused <= most, 150 - sum(one.whole for one in seen))
        assert refused == (await lift(scene, fault)).fired
        assert [["throttling"] if one.refusal else [] for one in seen] == [one.faults for one in scene.live.records]

    staged(tmp_path, story)


@pytest.mark.parametrize("share", [0.25, 0.75])
def test_a_share_of_the_connections_is_touched(tmp_path: Path, share: float) -> None:
    """By the network it is connections that are drawn, not requests."""

    async def story(scene: Scene) -> None:
        await put_on(scene, "random-resets", scope=Scope(share=share))
        broken = sum([(await scene.ask()).broken is not None for _ in range(100)])
        assert True is (100 * share - 18 <= broken <= 100 * share + 18), broken

    staged(tmp_path, story)


def test_one_tenants_requests_alone_are_touched(tmp_path: Path) -> None:
    """Its neighbour at the same endpoint notices nothing, nor does traffic that is nobody's."""

    async def story(scene: Scene) -> None:
        fault = await put_on(scene, "wrong-answer", {"how": "empty"}, scope=Scope(tenants=["globex"]))
        acme, globex, nobody = (
            await asked_by(scene, "acme", 1),
            await asked_by(scene, "globex", 2),
            await scene.ask(),
        )
        assert (8, 0, 8) == (len(acme.tokens), len(globex.tokens), len(nobody.tokens))
        assert 1 == (await lift(scene, fault)).fired

    staged(tmp_path, story)


def test_another_tenants_answer_stays_within_the_scope(tmp_path: Path) -> None:
    """Answers are mixed up among those whom the injection touches, and with nobody else's."""

    async def story(scene: Scene) -> None:
        await put_on(scene, "wrong-answer", {"how": "another-request"}, scope=Scope(tenants=["globex"]))
        asked = [("globex", 1), ("acme", 2), ("globex", 3), ("acme", 4)]
        got = [await asked_by(scene, tenant, number) for tenant, number in asked]
        readings = [
            read_reply("".join(seen.tokens), f"{tenant}-{number}").integrity
            for seen, (tenant, number) in zip(got, asked, strict=True)
        ]
        assert ["whole", "whole", "foreign", "whole"] == readings
        assert "whole" == read_reply("".join(got[2].tokens), "globex-1").integrity

    staged(tmp_path, story)


def test_one_models_requests_alone_are_touched(tmp_path: Path) -> None:
    """Of a cloud's endpoints those that serve another model go on."""

    async def story(scene: Scene) -> None:
        fault = await put_on(scene, "provider-outage", at="cloud:aws", scope=Scope(models=["anthropic.*"]))
        assert (500, True) == ((await scene.ask("bedrock")).status, (await scene.ask("sagemaker")).whole)
        assert 1 == (await lift(scene, fault)).fired

    staged(tmp_path, story)


def test_a_share_of_one_tenants_requests(tmp_path: Path) -> None:
    """Both bounds hold at once."""

    async def story(scene: Scene) -> None:
        await put_on(scene, "throttling", scope=Scope(share=0.5, tenants=["acme"]))
        acme = [await asked_by(scene, "acme", number) for number in range(80)]
        globex = [await asked_by(scene, "globex", number) for number in range(80)]
        refused = sum(one.refusal is not None for one in acme)
        assert (True, 80) == (24 <= refused <= 56, sum(one.whole for one in globex))

    staged(tmp_path, story)


# --- by degrees --------------------------------------------------------------------------------------------


def test_a_ramp_touches_more_and_more_and_then_fewer_and_fewer(tmp_path: Path) -> None:
    """A fifth, a half and all of the requests on the way up; the same on the way down."""

    async def refused_at(scene: Scene, at_s: float) -> int:
        await scene.wait(at_s - scene.live.clock.now_s())
        return await refusals(scene)  # in few seconds: the share hardly changes meanwhile

    async def story(scene: Scene) -> None:
        began_s = scene.live.clock.now_s()
        timing = Timing(at_s=0, for_s=3000, ramp_s=1000, ramp_down_s=1000)
        await put_on(scene, "throttling", timing=timing)
        refused = [await refused_at(scene, began_s + at_s) for at_s in (200, 500, 1500, 2500, 2800)]
        bounds = [(8, 34), (33, 67), (100, 100), (33, 67), (8, 34)]
        assert [True] * 5 == [least <= one <= most for one, (least, most) in zip(refused, bounds, strict=True)], refused

    staged(tmp_path, story)


def test_a_ramp_and_a_share_multiply(tmp_path: Path) -> None:
    """Half of the way to a half is a quarter."""

    async def story(scene: Scene) -> None:
        timing = Timing(at_s=0, for_s=4000, ramp_s=2000)
        await put_on(scene, "throttling", scope=Scope(share=0.5), timing=timing)
        await scene.wait(1000)
        refused = await refusals(scene)
        assert True is (12 <= refused <= 40), refused

    staged(tmp_path, story)


def test_a_fault_with_a_strength_ramps_by_it(tmp_path: Path) -> None:
    """Jitter without jitter: the delay rises in steps of a tenth, for everybody, and falls again."""

    async def story(scene: Scene) -> None:
        began_s = scene.live.clock.now_s()
        timing = Timing(at_s=0, for_s=300, ramp_s=100, ramp_down_s=100)
        fault = await put_on(scene, "jitter", {"delay_ms": 1000, "jitter_ms": 0}, timing=timing)
        firsts_s = []
        for at_s in (31, 61, 150, 261, 291):
            await scene.wait(began_s + at_s - scene.live.clock.now_s())
            firsts_s.append(round((await scene.ask()).tokens_s[0] - 0.1, 1))
        assert [0.3, 0.6, 1.0, 0.4, 0.1] == firsts_s
        assert True is (await lift(scene, fault)).undone
        await scene.healthy()

    staged(tmp_path, story)
