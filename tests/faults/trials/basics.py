"""Trials of the everyday faults."""

import asyncio

from brownout.wire import Refusal
from tests.faults.trial import Scene, trial


@trial("region-down", settings={"how": "refused"})
async def nobody_listens(scene: Scene) -> None:
    """Connections are refused."""
    await asyncio.sleep(3)
    assert (await scene.ask()).refused_connection


@trial("region-down", settings={"how": "silent"})
async def nobody_answers(scene: Scene) -> None:
    """Nothing comes."""
    try:
        async with asyncio.timeout(20):
            await scene.ask()
    except TimeoutError:
        return
    raise AssertionError("an answer came")


@trial("region-down", settings={"how": "5xx"}, at="bedrock")
async def everything_is_503(scene: Scene) -> None:
    """The dialect's own refusal."""
    assert (503, "unavailable") == _refused(await _refusal(scene))


@trial("throttling", settings={"retry_after_s": 2.0})
async def too_many_requests(scene: Scene) -> None:
    """A 429 that says when to come back."""
    refusal = await _refusal(scene)
    assert (429, "throttled", 2.0) == (*_refused(refusal), refusal.retry_after_s)


@trial("provider-outage", at="vertex")
async def a_server_error_everywhere(scene: Scene) -> None:
    """A 500."""
    assert (500, "internal") == _refused(await _refusal(scene))


@trial("slow-first-token", settings={"delay_s": 5.0})
async def late_then_flowing(scene: Scene) -> None:
    """The first token is five seconds late, and the last no later than that."""
    seen = await scene.ask()
    assert (True, True) == (seen.whole, 5.0 <= seen.tokens_s[0] <= seen.tokens_s[-1] < 5.5)


@trial("stream-cut", settings={"after_tokens": 3})
async def three_tokens_and_no_more(scene: Scene) -> None:
    """The transfer breaks."""
    seen = await scene.ask()
    assert (3, False, True) == (len(seen.tokens), seen.whole, seen.broken is not None)


async def _refusal(scene: Scene) -> Refusal:
    seen = await scene.ask()
    assert seen.refusal is not None
    return seen.refusal


def _refused(refusal: Refusal) -> tuple[int | None, str]:
    return refusal.status, refusal.kind
