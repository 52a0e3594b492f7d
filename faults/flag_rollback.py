"""flag-rollback: somebody turns a flag of the router's while it runs."""

from dataclasses import dataclass

from brownout.fault import Entry, fault
from brownout.hands import Process, Turned
from brownout.shaping import read_call
from faults._layers import TargetOnly
from faults._process import NEEDS


@fault(
    "flag-rollback",
    Entry(
        family="process",
        colour="#8e44ad",
        sees="Nothing, or should: the router is told to end an experiment, and requests go where they went before it.",
        seen=(
            "every day: an experiment that did badly is ended by its flag, which must not wait for a deployment",
            (
                "Google Cloud, 2025-06-12: a change that no flag protected, off everywhere after 40 minutes "
                "(https://status.cloud.google.com/incidents/ow5i3PPK96RduMcb1SsW)"
            ),
        ),
        needs=NEEDS,
    ),
)
@dataclass(frozen=True, kw_only=True)
class FlagRollback(TargetOnly):
    """The router gets a request on its own address, and when the fault is lifted the one that takes that back.

    Attributes:
        call: the request, as ``METHOD /path body``; an answer of 2xx says that it was obeyed.
        back: the request that takes it back.
    """

    call: str
    back: str

    def __post_init__(self) -> None:
        for text in (self.call, self.back):
            read_call(text)

    async def strike(self, process: Process) -> Turned:
        """Make the call."""
        flag = _Flag(process, self.back)
        flag.answered = await process.call(*read_call(self.call))
        return flag


class _Flag:
    """A flag that was turned; ``answered`` is the status of the answer."""

    def __init__(self, process: Process, back: str) -> None:
        self._process, self._back = process, back
        self.answered: int | None = None
        self._restored = False

    def fired(self) -> int:
        """Count the call, if it was obeyed."""
        return int(_obeyed(self.answered))

    async def undo(self) -> None:
        if not self._refused() and not self._process.over:
            self._restored = _obeyed(await self._process.call(*read_call(self._back)))

    async def undone(self) -> bool:
        """Tell whether the way back was obeyed; who refused the call has nothing to take back."""
        return self._restored or self._refused() or self._process.over

    def _refused(self) -> bool:
        return self.answered is not None and 400 <= self.answered < 500


def _obeyed(status: int | None) -> bool:
    return status is not None and 200 <= status < 300
