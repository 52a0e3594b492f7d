"""Amazon resource names, and what their wildcards cover."""

from typing import NamedTuple

from brownout.iam.truth import NO, YES, Truth, known, unsure
from brownout.iam.wildcards import ANY, ONE, glob

_PARTS = 6


class Arn(NamedTuple):
    """The six parts of a name; region and account are empty where a service has none (S3)."""

    scheme: str
    partition: str
    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        return ":".join(self)


def parse_arn(text: str) -> Arn | None:
    """Return the parts of an ARN, None of what is none."""
    parts = text.split(":", _PARTS - 1)
    return Arn(*parts) if len(parts) == _PARTS and parts[0] == "arn" else None


def arn_like(wanted: str, text: str) -> Truth:
    """Return whether ``ArnLike`` holds: each of the six parts is matched by itself.

    Args:
        wanted: a pattern (see `brownout.iam.wildcards`).
        text: the value in the request.
    """
    parts, given = wanted.split(":", _PARTS - 1), text.split(":", _PARTS - 1)
    if len(parts) < _PARTS and ANY in wanted:
        return unsure(f"what ArnLike makes of {shown(wanted)!r}, which has not six parts")
    return known(len(parts) == len(given) and all(map(glob, parts, given)))


def covers(wanted: str, text: str) -> Truth:
    """Return whether a ``Resource`` covers an ARN.

    A wildcard keeps to its part of the ARN, but a star that ends a part may reach beyond it (IAM User Guide, "JSON
    policy elements: Resource"). Where it would match only if a star in the middle of a part reached over a colon, it is
    not known whether it does.
    """
    if not glob(wanted, text):
        return NO
    parts, given = wanted.split(":", _PARTS - 1), text.split(":", _PARTS - 1)
    if wanted == ANY or (len(parts) == len(given) and all(map(glob, parts, given))):
        return YES
    if any(part.endswith(ANY) for part in parts[:-1]) or (len(parts) < _PARTS and wanted.endswith(ANY)):
        return YES
    return unsure(f"whether {shown(wanted)!r} reaches over a colon to {text!r}")


def shown(wanted: str) -> str:
    """Return a pattern as its policy has it."""
    return wanted.replace(ANY, "*").replace(ONE, "?")
