"""The shapes of AssumeRole's fields (botocore's STS service model), and how AWS says that one is violated."""

import re
from collections.abc import Mapping
from typing import NamedTuple


class _Text(NamedTuple):
    """A text's bounds: how long, of what, and whether it must be there."""

    shortest: int
    longest: int
    pattern: str
    required: bool


_ANY = r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD]+"
_TEXTS = {
    "RoleArn": _Text(20, 2048, _ANY, required=True),
    "RoleSessionName": _Text(2, 64, r"[\w+=,.@-]*", required=True),
    "ExternalId": _Text(2, 1224, r"[\w+=,.@:\/-]*", required=False),
}
_SHORTEST_S, _LONGEST_S = 900, 43_200


def violations(form: Mapping[str, str]) -> list[str]:
    """Return a sentence for every field that is not as it must be."""
    found = [said for name, text in _TEXTS.items() if (said := _violation(name, form.get(name), text))]
    asked = form.get("DurationSeconds", str(_SHORTEST_S))
    life_s = int(asked) if re.fullmatch(r"[0-9]{1,9}", asked) else -1
    if life_s < _SHORTEST_S:
        found.append(_said("DurationSeconds", asked, f"have value greater than or equal to {_SHORTEST_S}"))
    elif life_s > _LONGEST_S:
        found.append(_said("DurationSeconds", asked, f"have value less than or equal to {_LONGEST_S}"))
    return found


def _violation(name: str, value: str | None, text: _Text) -> str:
    if value is None:
        return _said(name, None, "not be null") if text.required else ""
    if len(value) < text.shortest:
        return _said(name, value, f"have length greater than or equal to {text.shortest}")
    if len(value) > text.longest:
        return _said(name, value, f"have length less than or equal to {text.longest}")
    if not re.fullmatch(text.pattern, value, re.ASCII):
        return _said(name, value, f"satisfy regular expression pattern: {text.pattern}")
    return ""


def _said(name: str, value: str | None, must: str) -> str:
    shown = "null" if value is None else f"'{value}'"
    return f"Value {shown} at '{name[0].lower()}{name[1:]}' failed to satisfy constraint: Member must {must}"
