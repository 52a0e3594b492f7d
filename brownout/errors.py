"""What goes wrong before a world is raised: bad input, said so that it can be mended."""

import difflib
from collections.abc import Iterable


class BadInput(Exception):  # noqa: N818 - it names what the user gave, and is printed as such
    """The user's input cannot be run. The message says what, where, what was allowed and the fix. Exit code 64."""


class TargetFailed(Exception):  # noqa: N818 - a fact about the target
    """The target did not become ready, or died. Carries the tail of its log."""


def nearest(word: str, allowed: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` when something allowed is near, else an empty string."""
    close = difflib.get_close_matches(word, list(allowed), n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else ""


def unknown(what: str, word: str, allowed: Iterable[str], *, where: str = "") -> BadInput:
    """Return the error for a name that is not among those known.

    Args:
        what: the noun, such as ``fault`` or ``endpoint``.
        word: what was given.
        allowed: every name that would have been right.
        where: ``file:line`` or a field's path.
    """
    names = sorted(allowed)
    place = f"{where}: " if where else ""
    return BadInput(f"{place}unknown {what} {word!r}.{nearest(word, names)} Known: {', '.join(names) or 'none'}.")
