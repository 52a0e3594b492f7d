"""Debts: what must be undone outside this machine's processes, written down before it is done.

An emulated world dies with its process, and every fault in it with it. What a fault changes elsewhere (an experiment
in a real AWS account, a toxic on somebody's Toxiproxy) does not: so the way back is on disk before the change is made,
and whoever comes later (``brownout abort``) can pay what a killed run still owes.
"""

import os
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

import msgspec

_SUFFIX = ".debt.json"


class Debt(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to undo.

    Attributes:
        kind: who knows how (see `settles`).
        what: all it takes, as text: addresses, names, ids.
    """

    kind: str
    what: dict[str, str]

    def __str__(self) -> str:
        """Return it as a person reads it, who may have to undo it by hand."""
        return f"{self.kind} ({', '.join(f'{name} {value}' for name, value in self.what.items())})"


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one debt: ``error`` is empty when it is paid and struck off, else why it stands."""

    debt: str
    error: str = ""


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

    On return it is on the disk: neither a kill nor a power cut loses it.

    Args:
        ledger: the run's folder of debts; made where it is not there.
        debt: what will have to be undone.

    Raises:
        OSError: it cannot be written; then it must not be made.
    """
    if not ledger.is_dir():
        ledger.mkdir(parents=True, exist_ok=True)
        _sync(ledger.parent)
    path = ledger / f"{re.sub(r'[^a-z0-9-]+', '-', debt.kind)}-{secrets.token_hex(8)}{_SUFFIX}"
    spare = path.with_suffix(".part")
    with spare.open("xb") as file:
        file.write(msgspec.json.encode(debt))
        file.flush()
        os.fsync(file.fileno())
    spare.replace(path)
    _sync(ledger)
    return lambda: _strike(path)


def owed(ledger: Path) -> list[str]:
    """Return what is written down and not struck off, as people read it."""
    return [_said(path) for path in _open(ledger)]


def settle_all(ledger: Path) -> list[Settled]:
    """Undo whatever is owed, each read back by who undoes it; strike off what was undone. Blocks.

    One that cannot be undone does not keep the others, and stays written down.
    """
    return [_settled(path) for path in _open(ledger)]


def _settled(path: Path) -> Settled:
    said = _said(path)
    try:
        debt = msgspec.json.decode(path.read_bytes(), type=Debt)
        if debt.kind not in SETTLERS:
            return Settled(debt=said, error=f"nothing here knows how to undo debts of kind {debt.kind!r}")
        SETTLERS[debt.kind](debt.what)
        _strike(path)
    except FileNotFoundError:
        return Settled(debt=said)  # whoever owed it has struck it off in the meantime
    except Exception as error:  # noqa: BLE001 - whatever it is, the debt stands, and that is said
        return Settled(debt=said, error=f"{type(error).__name__}: {error}")
    return Settled(debt=said)


def _open(ledger: Path) -> list[Path]:
    return sorted(ledger.glob(f"*{_SUFFIX}"))


def _said(path: Path) -> str:
    try:
        return str(msgspec.json.decode(path.read_bytes(), type=Debt))
    except (OSError, msgspec.DecodeError) as error:
        return f"{path} ({error})"


def _strike(path: Path) -> None:
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        _sync(path.parent)


def _sync(folder: Path) -> None:
    """A file's name is on the disk only when its folder is."""
    held = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(held)
    finally:
        os.close(held)
