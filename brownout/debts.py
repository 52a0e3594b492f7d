"""Debts: what must be undone outside this machine's processes, written down before it is done.

An emulated world dies with its process, and every fault in it with it. What a fault changes elsewhere (an experiment
in a real AWS account, a toxic on somebody's Toxiproxy) does not: so the way back is on disk before the change is made,
and whoever comes later (``brownout abort``) can pay what a killed run still owes.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

import msgspec


class Debt(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to undo.

    Attributes:
        kind: who knows how (see `settles`).
        what: all it takes, as text: addresses, names, ids.
    """

    kind: str
    what: dict[str, str]


Settle: TypeAlias = Callable[[Mapping[str, str]], None]
_SETTLERS: dict[str, Settle] = {}
SETTLERS: Mapping[str, Settle] = MappingProxyType(_SETTLERS)


def settles(kind: str) -> Callable[[Settle], Settle]:
    """Register the function that undoes debts of a kind.

    It takes `Debt.what`, blocks, and returns once the undo was read back; what is undone already is left so. It
    raises whatever it likes when that cannot be: the debt is then kept.
    """

    def register(settle: Settle) -> Settle:
        if kind in _SETTLERS:
            raise TypeError(f"debts of kind {kind!r} are settled twice")
        _SETTLERS[kind] = settle
        return settle

    return register


def owe(ledger: Path, debt: Debt) -> Callable[[], None]:
    """Write a debt down, before it is made, and return the function that strikes it off.

    Args:
        ledger: the run's folder of debts; made where it is not there.
        debt: what will have to be undone.
    """
    raise NotImplementedError
