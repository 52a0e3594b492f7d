"""One JSON Schema engine for every vendor's model: whether a body conforms, and what is said against one that does not.

The schemas are of draft 2020-12, with conventions of our own. ``x-type`` is the vendor's name for a type; a union that
carries one is a single type to the vendor (a number that may come as a string), and ``x-enum`` are the values of such a
one. A pattern beside ``contentEncoding`` is that encoding's. Exclusive bounds are the machine's (a 32-bit integer),
inclusive ones the vendor's.
"""

from typing import Any

import jsonschema_rs
import msgspec

from brownout.dialects.models.findings import Finding, findings
from brownout.dialects.models.objection import Objection

_PARSING = frozenset({"type", "encoding", "unknown"})
_TOO_DEEP = Objection(path=(), rule="type", allowed=("object of fewer levels",))


class Checker:
    """A compiled schema.

    Args:
        schema: the JSON Schema, whole: what it refers to is in its ``$defs``.
        nulls_absent: whether a member that is null counts as absent, as in the JSON of AWS and Google.
    """

    def __init__(self, schema: dict[str, Any], *, nulls_absent: bool = False) -> None:
        self._schema = schema
        self._nulls_absent = nulls_absent
        self._validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
        self.conforms = self._validator.is_valid

    def objections(self, body: object) -> tuple[Objection, ...]:
        """Return all that is said against a body, what a server would meet first foremost; nothing when it conforms."""
        if self.conforms(body):
            return ()
        try:
            if self._nulls_absent:
                body = _without_nulls(body)
            found = findings(self._validator.iter_errors(body), self._schema, body)
        except (RecursionError, ValueError):  # the engine tells no error of a value nested beyond its limit
            return (_TOO_DEEP,)
        placed = {_place(one.objection, body): one for one in found}
        return tuple(_with_entries(placed[place], place[1]) for place in sorted(placed))


def _without_nulls(body: object) -> object:
    if isinstance(body, dict):
        return {name: _without_nulls(value) for name, value in body.items() if value is not None}
    if isinstance(body, list):
        return [_without_nulls(value) for value in body]
    return body


def _place(objection: Objection, body: object) -> tuple[bool, tuple[int, ...], str, str]:
    """Return where an objection stands among others.

    Parsing comes before validating. Then the document's order counts, and what is missing goes before what is wrong.
    """
    places: list[int] = []
    for step in objection.path:
        if isinstance(body, list) and isinstance(step, int):
            places.append(step)
            body = body[step]
        elif isinstance(body, dict) and step in body:
            places.append(list(body).index(step))
            body = body[step]
        else:
            places.append(-1)
    return objection.rule not in _PARSING, tuple(places), objection.rule, repr((objection.path, objection.allowed))


def _with_entries(finding: Finding, places: tuple[int, ...]) -> Objection:
    if not finding.entries:
        return finding.objection
    entries = tuple((step, places[step]) for step in finding.entries)
    return msgspec.structs.replace(finding.objection, entries=entries)
