"""Hands that only write down what is owed, and why a run was called off."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from brownout.debts import Debt
from brownout.hands import Hands


@dataclass
class Owing:
    """What a fault in somebody's cloud takes of a world."""

    debts: list[Debt] = field(default_factory=list)
    ever: list[Debt] = field(default_factory=list)
    called_off: list[str] = field(default_factory=list)

    @property
    def hands(self) -> Hands:
        """As the fault sees it."""
        return cast("Hands", cast("Any", self))

    def owe(self, debt: Debt) -> Callable[[], None]:
        """Write it down."""
        self.debts.append(debt)
        self.ever.append(debt)
        return lambda: self.debts.remove(debt) if debt in self.debts else None

    def call_off(self, why: str) -> None:
        """Remember it."""
        self.called_off.append(why)
