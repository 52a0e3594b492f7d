"""What a request tells about itself: each key has values, is absent, or is not known."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NotKnown:
    """A key of which nothing is known: it may be there, with any value, or not."""

    why: str


@dataclass(frozen=True, slots=True)
class Many:
    """The values of a key that may have several, such as ``aws:TagKeys``."""

    values: tuple[str, ...]


Value = str | Many | None | NotKnown
"""One value; several; None: certainly absent; or not known."""


class Context:
    """The condition keys of a request. Names are told apart regardless of case, as IAM does.

    A key that nobody has said anything about is not known: it is never taken for absent.

    Args:
        values: by the key's name.
        closed: beginnings of names, such as ``aws:PrincipalTag/``, of which all that there is has been said.
    """

    def __init__(self, values: Mapping[str, Value], *, closed: tuple[str, ...] = ()) -> None:
        self._values = {name.lower(): value for name, value in values.items()}
        self._closed = tuple(name.lower() for name in closed)

    def __getitem__(self, name: str) -> Value:
        key = name.lower()
        if key in self._values:
            return self._values[key]
        return None if key.startswith(self._closed) else NotKnown(f"the value of {name}")

    def having(self, more: Mapping[str, Value]) -> "Context":
        """Return this context with more said, or other things said."""
        return Context({**self._values, **{name.lower(): one for name, one in more.items()}}, closed=self._closed)
