"""A flag's rollback is a call to the router: it counts when it was obeyed, and is taken back by another."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import pytest

from brownout.fault import TargetFault, make_fault

if TYPE_CHECKING:
    from brownout.hands import Process

SETTINGS = {"call": 'POST /admin/flags {"ab": false}', "back": 'POST /admin/flags {"ab": true}'}


class _Router:
    """A router that answers calls with these statuses, in turn."""

    def __init__(self, statuses: Sequence[int | None]) -> None:
        self._statuses = list(statuses)
        self.over = False
        self.asked: list[tuple[str, str, str]] = []

    async def call(self, method: str, path: str, body: str) -> int | None:
        self.asked.append((method, path, body))
        return self._statuses.pop(0)


def _turned(*statuses: int | None) -> tuple[int, bool, int]:
    async def main() -> tuple[int, bool, int]:
        router = _Router(statuses)
        fault = make_fault("flag-rollback", SETTINGS)
        assert isinstance(fault, TargetFault)
        turned = await fault.strike(cast("Process", router))
        fired = turned.fired()
        await turned.undo()
        return fired, await turned.undone(), len(router.asked)

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((204, 200), (1, True, 2)),
        ((204, 500), (1, False, 2)),
        ((404,), (0, True, 1)),
        ((None, 200), (0, True, 2)),
        ((500, None), (0, False, 2)),
    ],
)
def test_it_counts_when_it_was_obeyed_and_is_undone_when_the_way_back_was(
    statuses: tuple[int | None, ...], expected: tuple[int, bool, int]
) -> None:
    """Who refuses the call has nothing to take back; who failed at it may have obeyed, and is asked to take it back."""
    assert expected == _turned(*statuses)
