"""Policy variables: ``${aws:username}``, ``${aws:username, 'nobody'}`` with a default, ``${*}`` for a plain star."""

import re
from dataclasses import dataclass

from brownout.iam.context import Context, Many, NotKnown
from brownout.iam.wildcards import pattern

_VARIABLE = re.compile(r"\$\{(?P<name>[^}]*)\}")
_DEFAULT = re.compile(r"^(?P<name>[^,]+?)\s*,\s*'(?P<value>[^']*)'$")
_PLAIN = ("*", "?", "$")
_WITH_VARIABLES = "2012-10-17"


@dataclass(frozen=True, slots=True)
class Absent:
    """What came of a text whose variable has no value in this request: it can match nothing."""

    name: str


def expand(text: str, version: str, context: Context, *, wild: bool) -> str | Absent | NotKnown:
    """Return a policy's text with its variables filled in.

    Values that come out of variables are taken as they are: a star in one is a star. Policies of a version before
    2012-10-17 have no variables (IAM User Guide, "Variables and tags").

    Args:
        text: an element of a policy.
        version: the policy's.
        context: the request's keys.
        wild: make a pattern of it (see `brownout.iam.wildcards`).
    """
    plain = pattern if wild else str
    if version < _WITH_VARIABLES or "${" not in text:
        return plain(text)
    made, at = [], 0
    for match in _VARIABLE.finditer(text):
        value = _value(match["name"], context)
        if not isinstance(value, str):
            return value
        made += [plain(text[at : match.start()]), value]
        at = match.end()
    return "".join([*made, plain(text[at:])])


def _value(name: str, context: Context) -> str | Absent | NotKnown:
    if name in _PLAIN:
        return name
    default = _DEFAULT.match(name)
    key = default["name"] if default else name.strip()
    value = context[key]
    if value is None:
        return default["value"] if default else Absent(key)
    return NotKnown(f"the value of ${{{key}}}, of which there are several") if isinstance(value, Many) else value
