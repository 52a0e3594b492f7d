"""Wildcards as IAM has them: ``*`` is any run of characters, ``?`` is one. Nothing else is special."""

from functools import lru_cache

ANY = "\ue000"
ONE = "\ue001"
# A pattern is text in which these two stand for the wildcards, so that a star that came out of a policy variable, or
# was written as ``${*}``, can stay a star. Both are for private use in Unicode and occur in no ARN, action or key.


def pattern(text: str) -> str:
    """Return a policy's text as a pattern: its stars and question marks become wildcards."""
    return text.replace("*", ANY).replace("?", ONE)


@lru_cache(maxsize=1 << 16)
def glob(wanted: str, text: str, *, fold: bool = False) -> bool:
    """Return whether a pattern covers a text whole.

    Linear in memory and quadratic at worst in time: a hostile policy with hundreds of stars cannot hang it. Answers are
    kept: policies ask the same of every request.

    Args:
        wanted: made by `pattern`.
        text: what is matched, letter by letter.
        fold: case does not matter.
    """
    if fold:
        wanted, text = wanted.lower(), text.lower()
    at = place = 0
    star, resume = -1, 0
    while place < len(text):
        if at < len(wanted) and wanted[at] == ANY:
            star, resume = at, place
            at += 1
        elif at < len(wanted) and wanted[at] in (ONE, text[place]):
            at += 1
            place += 1
        elif star >= 0:
            resume += 1
            at, place = star + 1, resume
        else:
            return False
    return all(one == ANY for one in wanted[at:])


def instance(text: str, *, run: str = "zq7") -> str:
    """Return a plain text that a policy's wildcards cover, and hardly any other's: ``app-*`` is ``app-zq7``."""
    return text.replace("*", run).replace("?", run[:1])
