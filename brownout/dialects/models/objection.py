"""What a vendor's model says against a body, free of any vendor's wording, and how a vendor words it."""

from typing import Any, Literal, TypeAlias

import msgspec

Rule: TypeAlias = Literal[
    "required",  # the member at `path` is missing
    "type",  # the value is of another JSON type, or out of the bounds of the machine's type
    "encoding",  # the string is no base64
    "enum",  # the value is none of those named
    "minimum",
    "maximum",
    "min-length",  # of a string, an array or a map
    "max-length",
    "pattern",
    "unknown",  # the model has no member of this name
    "one-of",  # a union with no member, or with several
    "key",  # the name of a map's entry breaks a rule of its own
]
Path: TypeAlias = tuple[str | int, ...]


class Objection(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a model has against a body.

    Attributes:
        path: the member at fault, from the body's root; for ``required`` where it ought to stand.
        rule: what it breaks.
        value: what stands there; None where nothing does.
        allowed: what the model allows. The bound; the values of an enumeration; the names of types (``integer``,
            ``array of objects``); the members of a union; the pattern; for ``required`` the missing name, for
            ``unknown`` the names known, for ``key`` the rule broken and what it allows.
        wanted: the type that belongs there, by the vendor's own name where the model has one (``TYPE_INT32``), else by
            JSON's; empty where a union leaves it open.
        tags: the unions passed on the way: how many steps of `path` lead to one, the ``type`` that chose its branch.
        entries: the maps passed on the way: which step of `path` is an entry's name, the entry's place in its map.
    """

    path: Path
    rule: Rule
    value: Any = None
    allowed: Any = None
    wanted: str = ""
    tags: tuple[tuple[int, str], ...] = ()
    entries: tuple[tuple[int, int], ...] = ()


class Sentence(msgspec.Struct, frozen=True, kw_only=True):
    """An objection in a vendor's words.

    Attributes:
        message: the sentence.
        param: the member at fault as the vendor writes it, where its errors name one.
        code: the vendor's name for this kind of error, where it has one.
    """

    message: str
    param: str | None = None
    code: str | None = None


def json_type(value: object) -> str:
    """Return the name of a value's JSON type; a whole number is an ``integer``."""
    if isinstance(value, bool):
        return "boolean"
    names = {dict: "object", list: "array", str: "string", int: "integer", float: "number"}
    return names.get(type(value), "null")
