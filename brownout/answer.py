"""The deterministic reply of every emulated endpoint, so that cuts, repeats and mix-ups are seen.

    [bedrock-od-us-east-1 acme-17 of 6] w1 w2 w3 w4 fin

The first token names the endpoint, the canary's id and the number of tokens; the last is ``fin``.
"""

import re
from typing import Literal, NamedTuple, TypeAlias

Integrity: TypeAlias = Literal["whole", "truncated", "garbled", "foreign", "empty"]
_HEAD = re.compile(r"^\[(?P<endpoint>\S+) (?P<canary>\S+) of (?P<tokens>[0-9]{1,6})\]")


class Reading(NamedTuple):
    """What a reply's text says of itself: who made it, and whether all of it is there."""

    endpoint: str | None
    integrity: Integrity


def reply_tokens(endpoint: str, canary: str | None, tokens: int) -> list[str]:
    """Return the reply's tokens (at least two): head, words, ``fin``."""
    count = max(tokens, 2)
    return [f"[{endpoint} {canary or 'none'} of {count}]", *(f" w{n}" for n in range(1, count - 1)), " fin"]


def read_reply(text: str, canary: str) -> Reading:
    """Judge a reply's text against the canary of the request it answers.

    Returns:
        ``whole``; ``truncated`` (a true beginning of the reply); ``garbled`` (words repeated, missing or out of
        order); ``foreign`` (another request's answer); ``empty``.
    """
    if not text.strip():
        return Reading(None, "empty")
    head = _HEAD.match(text)
    if head is None:
        return Reading(None, "garbled")
    endpoint = head["endpoint"]
    if head["canary"] != canary:
        return Reading(endpoint, "foreign")
    whole = "".join(reply_tokens(endpoint, canary, int(head["tokens"])))
    if text.strip() == whole:
        return Reading(endpoint, "whole")
    return Reading(endpoint, "truncated" if whole.startswith(text.rstrip()) else "garbled")
