"""Allow-list: what may be broken that is not brownout's own, as ``brownout.yaml`` says.

    may_inject:
      - aws-fis:us-east-1/EXT1a2b3c
      - toxiproxy:http://10.0.0.5:8474/checkout-*
      - target:https://router.staging.example.com

Without the file, or without an entry, nothing is: faults stay in the emulated clouds.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from brownout.errors import BadInput, nearest
from brownout.loading import load_yaml

FILE = "brownout.yaml"
_ANYTHING = r"[^/@?#\s]*"  # nothing that could make the rest of an address mean another host


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ``brownout.yaml`` may say.

    Attributes:
        may_inject: what may be reached: each the name of a thing, in which ``*`` stands for anything without one
            of ``/ @ ? #``.
    """

    may_inject: list[str] = msgspec.field(default_factory=list)


class Allowed(msgspec.Struct, frozen=True, kw_only=True):
    """The allow-list that holds in a folder.

    Attributes:
        file: where it stands, or would have to stand.
        entries: its entries.
    """

    file: Path
    entries: list[str]

    def permits(self, thing: str) -> bool:
        """Return whether an entry names a thing."""
        return any(_matches(entry, thing) for entry in self.entries)

    def check(self, things: Sequence[str]) -> None:
        """Check that everything may be reached.

        Raises:
            BadInput: something may not; it says what would have to be written where.
        """
        refused = [thing for thing in dict.fromkeys(things) if not self.permits(thing)]
        if not refused:
            return
        lines = "".join(f"\n  - {thing}" for thing in refused)
        hint = nearest(refused[0], self.entries)
        there = "" if self.file.is_file() else " (there is no such file)"
        raise BadInput(
            f"this would act on what is not brownout's own, and {self.file}{there} does not allow it.{hint} "
            f"Nothing was sent. If that is meant, write into {self.file}:\nmay_inject:{lines}"
        )


def load_allowed(folder: Path) -> Allowed:
    """Return the allow-list that holds in a folder: its own, or the nearest above it in the same repository.

    Raises:
        BadInput: the file cannot be read, or says what it cannot say.
    """
    for place in _places(folder.resolve()):
        file = place / FILE
        if file.exists():
            entries = load_yaml(file, Config).may_inject
            for number, entry in enumerate(entries):
                _check_entry(entry, where=f"{file}:{_line(file, entry)}: may_inject.{number}")
            return Allowed(file=file, entries=entries)
    return Allowed(file=folder.resolve() / FILE, entries=[])


def _places(folder: Path) -> list[Path]:
    """A file above the repository's root is somebody else's, and so is one above a folder that is in none."""
    above = [folder, *folder.parents]
    root = next((number for number, place in enumerate(above) if (place / ".git").exists()), 0)
    return above[: root + 1]


def _check_entry(entry: str, *, where: str) -> None:
    kind, colon, rest = entry.partition(":")
    if not colon or not rest or not re.fullmatch(r"[a-z0-9-]+", kind):
        raise BadInput(
            f"{where}: {entry!r} names nothing. Write KIND:NAME, such as aws-fis:us-east-1/EXT1a2b or "
            "target:https://router.staging.example.com; the kind is written out, without a *."
        )


def _line(file: Path, entry: str) -> int:
    lines = file.read_text(encoding="utf-8").splitlines()
    return next((number for number, line in enumerate(lines, start=1) if entry and entry in line), 1)


def _matches(entry: str, thing: str) -> bool:
    return re.fullmatch(_ANYTHING.join(map(re.escape, entry.split("*"))), thing) is not None
