"""What a conversation about a batch is made of: exchanges and pauses, one after the other. Drivers play them."""

from collections.abc import Generator
from typing import NamedTuple, TypeAlias, TypeVar

from loadgen.fetch import Fetch


class Pause(NamedTuple):
    """A step in which nothing is asked, for so long."""

    for_s: float


Step: TypeAlias = Fetch | Pause
Returned = TypeVar("Returned")
Said: TypeAlias = Generator[Step, None, Returned]
"""Steps, and what they come to."""
