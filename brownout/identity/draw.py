"""Secrets and numbers drawn from the run's seed. They look like the providers' own and open nothing outside the run."""

import random

BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
BASE62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
DIGITS = "0123456789"
HEX = "0123456789abcdef"


def text(rng: random.Random, alphabet: str, length: int) -> str:  # noqa: TID251 - a type
    """Return a text of that many letters."""
    return "".join(rng.choices(alphabet, k=length))
