"""Policy documents as tools print them: an object, JSON as text within JSON, or that URL-encoded."""

import json
from typing import Any
from urllib.parse import unquote

from brownout.errors import BadInput


def document(given: Any, where: str) -> Any:
    """Return a policy document decoded.

    Args:
        given: what stood in the export.
        where: for what is said of one that cannot be read.

    Raises:
        BadInput: text that is no JSON.
    """
    if not isinstance(given, str):
        return given
    for text in (given, unquote(given)):
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            problem = error
    raise BadInput(f"{where}: the policy in it is not JSON ({problem.msg} at its character {problem.pos}).")


def refuse_page(where: str, *, cut_short: bool) -> None:
    """Raise `BadInput` for an output that is not all there is: what is not on the page would count for nothing."""
    if cut_short:
        raise BadInput(f"{where}: it is a page of several. Let the CLI page by itself (no --max-items).")
