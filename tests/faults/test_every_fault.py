"""Every fault in the catalogue fires in a whole world, counts what it did, and can be undone."""

import dataclasses
import importlib
import inspect
from pathlib import Path

import pytest

from brownout.catalogue import catalogue, sample
from brownout.fault import FAMILIES, FAULTS, LAYERS, make_fault, settings_of
from tests.faults.trial import TRIALS, Scene, Trial, play

for _path in sorted((Path(__file__).parent / "trials").glob("[a-z]*.py")):
    importlib.import_module(f"tests.faults.trials.{_path.stem}")

_STRUCK_ELSEWHERE = {"target"}  # the router's process is no part of a world: tests/faults/test_process.py


def _kinds() -> list[str]:
    return [kind for kind, cls in sorted(FAULTS.items()) if sample(cls).acts_on not in _STRUCK_ELSEWHERE]


def test_every_fault_has_a_trial() -> None:
    """A fault that nobody has met is a promise."""
    assert _kinds() == sorted({one.kind for one in TRIALS})


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_every_fault_is_in_the_catalogue_whole(kind: str) -> None:
    """Family, layer, what a customer sees, where it was seen; every setting explained, with its unit in its name."""
    cls = FAULTS[kind]
    entry = cls.entry
    about = inspect.getdoc(cls) or ""
    assert (True, True) == (entry.family in FAMILIES, sample(cls).acts_on in LAYERS)
    assert (True, True, True) == (len(entry.sees.split()) > 5, bool(entry.seen), entry.colour.startswith("#"))
    assert [] == [one.name for one in dataclasses.fields(cls) if f"\n    {one.name}: " not in about]


@pytest.mark.parametrize("kind", [one.kind for one in catalogue() if not any(each.required for each in one.settings)])
def test_every_fault_is_plain_data(kind: str) -> None:
    """Its settings go into a plan and come back."""
    made = make_fault(kind, {})
    assert made == make_fault(kind, settings_of(made))


@pytest.mark.parametrize("one", TRIALS, ids=[f"{one.kind}-{one.name}" for one in TRIALS])
def test_a_fault_is_met_while_it_is_on_and_says_so(one: Trial, tmp_path: Path) -> None:
    """Customers were served; then they meet it, and it has counted that where it acts."""

    async def story(scene: Scene) -> None:
        await scene.healthy()
        await scene.put_on()
        await one.meets(scene)
        off = await scene.lift()
        assert ("off", True, True) == (off.event, off.fired > 0, off.undone)

    play(one, tmp_path, story)


@pytest.mark.parametrize("one", TRIALS, ids=[f"{one.kind}-{one.name}" for one in TRIALS])
def test_a_fault_that_was_met_leaves_nothing_behind(one: Trial, tmp_path: Path) -> None:
    """Lifted after it was met: read back as gone, and customers are served as before."""

    async def story(scene: Scene) -> None:
        await scene.put_on()
        await one.meets(scene)
        assert True is (await scene.lift()).undone
        if one.cured is not None:
            await one.cured(scene)
        await scene.healthy()
        assert ([], {}) == (scene.world.injector.on, scene.live.shell(scene.at).faults)
        assert [(True, frozenset())] * len(scene.world.links) == [
            await link.state() for link in scene.world.links.values()
        ]

    play(one, tmp_path, story)


@pytest.mark.parametrize("one", TRIALS, ids=[f"{one.kind}-{one.name}" for one in TRIALS])
def test_a_fault_that_nobody_met_can_be_undone(one: Trial, tmp_path: Path) -> None:
    """On and off again at once: nothing is left of it."""

    async def story(scene: Scene) -> None:
        await scene.put_on()
        assert True is (await scene.lift()).undone
        if one.cured is not None:
            await one.cured(scene)
        await scene.healthy()

    play(one, tmp_path, story)
