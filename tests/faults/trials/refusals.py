"""Trials of requests that are refused: for what they say, and in words that are nobody's."""

from collections.abc import Mapping

from brownout.dialects.rejections import rejection_in
from brownout.schedule import Scope
from brownout.wire import Refusal
from tests.faults.trial import Scene, trial
from tests.faults.trials.region import EVERYWHERE

_NAMES = [one.name for one in EVERYWHERE]
_BY_THE_MODEL = dict.fromkeys(_NAMES, 400) | {"sagemaker": 424}  # its container says 400


async def _refusals(scene: Scene, *, stream: bool) -> dict[str, Refusal | None]:
    return {one.name: (await scene.ask(one.name, stream=stream)).refusal for one in EVERYWHERE}


async def _rejected(scene: Scene, statuses: Mapping[str, int], *, as_: str | None) -> None:
    for stream in (True, False):
        seen = await _refusals(scene, stream=stream)
        assert statuses == {name: one.status for name, one in seen.items() if one}
        read = {name: (one.kind, rejection_in(one)) for name, one in seen.items() if one}
        assert dict.fromkeys(_NAMES, ("invalid", as_)) == read


@trial("request-rejected", settings={"says": "context-length"}, at="all", endpoints=EVERYWHERE)
async def too_long_for_every_model(scene: Scene) -> None:
    """Every dialect says so in its own words; streamed or not."""
    await _rejected(scene, _BY_THE_MODEL, as_="context_length_exceeded")


@trial("request-rejected", settings={"says": "content-filter"}, at="all", endpoints=EVERYWHERE)
async def filtered_by_every_provider(scene: Scene) -> None:
    """Every dialect says so in its own words; streamed or not."""
    await _rejected(scene, _BY_THE_MODEL, as_="content_filter")


@trial("request-rejected", settings={"says": "malformed"}, at="all", endpoints=EVERYWHERE)
async def simply_not_valid(scene: Scene) -> None:
    """A 400 that says no more than that."""
    await _rejected(scene, dict.fromkeys(_NAMES, 400), as_=None)


@trial("request-rejected", at="all", scope=Scope(models=["*claude*"]))
async def only_some_are_rejected(scene: Scene) -> None:
    """Whoever asks another model is served."""
    assert (400, True) == ((await scene.ask("bedrock")).status, (await scene.ask("openai")).whole)


async def _strange(scene: Scene, status: int) -> None:
    for stream in (True, False):
        seen = {one.name: await scene.ask(one.name, stream=stream) for one in EVERYWHERE}
        assert dict.fromkeys(_NAMES, (status, False)) == {n: (one.status, one.whole) for n, one in seen.items()}
        assert {"overloaded" if status == 529 else "unknown"} == {
            one.refusal.kind for one in seen.values() if one.refusal
        }


@trial("unknown-error", settings={"how": "page"}, at="all", endpoints=EVERYWHERE)
async def a_page_under_529(scene: Scene) -> None:
    """Nobody's error but Anthropic's status: a reader goes by that."""
    await _strange(scene, 529)


@trial("unknown-error", settings={"how": "json"}, at="all", endpoints=EVERYWHERE)
async def json_in_nobodys_form(scene: Scene) -> None:
    """A status that no service has, and a body that no reader knows."""
    await _strange(scene, 418)


@trial("unknown-error", settings={"how": "blank"}, at="all", endpoints=EVERYWHERE)
async def nothing_but_a_status(scene: Scene) -> None:
    """There is no body to read."""
    await _strange(scene, 520)


@trial("unknown-error", settings={"how": "mixed"}, at="bedrock")
async def one_strange_error_or_another(scene: Scene) -> None:
    """All three come, and nothing else."""
    assert {418, 520, 529} == {(await scene.ask()).status for _ in range(30)}
