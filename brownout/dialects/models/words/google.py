"""An objection as Google's front end says it, which reads JSON into protocol buffers."""

import json

from brownout.dialects.models.google import snake_case
from brownout.dialects.models.objection import Objection


def google_words(*objections: Objection) -> str:
    """Return the message for one or several objections to the same body: all of them, a line each."""
    return "\n".join(_line(objection) for objection in objections)


def google_field(objection: Objection) -> str:
    """Return the member at fault as a ``google.rpc.BadRequest`` names it; empty for the body itself."""
    steps = _steps(objection)
    return _dotted(steps[:-1] if _is_told_of_parent(objection) else steps)


def _is_told_of_parent(objection: Objection) -> bool:
    """Return whether the sentence is about the message that holds the member."""
    return bool(objection.path) and (objection.rule == "unknown" or isinstance(objection.value, list | dict))


def _line(objection: Objection) -> str:
    if not objection.path:
        return "Invalid JSON payload received. Root element must be a message."
    *above, last = _steps(objection)
    at = f" at '{_dotted(above)}'" if above else ""
    value = objection.value
    if objection.rule == "unknown":
        return f'Invalid JSON payload received. Unknown name "{objection.path[-1]}"{at}: Cannot find field.'
    if isinstance(value, list):
        named = objection.path[-1] if last != "value" else last
        why = "Proto field is not repeating, cannot start list."
        return f'Invalid JSON payload received. Unknown name "{named}"{at}: {why}'
    if isinstance(value, dict):
        return f"Invalid value{at} ({last}), Starting an object on a scalar field"
    text = json.dumps(value, ensure_ascii=False)
    return f"Invalid value at '{_dotted([*above, last])}' ({objection.wanted}), {text}"


def _steps(objection: Objection) -> list[str]:
    """Return a path's steps as the proto names them; a map is a list of entries, counted, each with a value."""
    entries = dict(objection.entries)
    steps: list[str] = []
    for at, step in enumerate(objection.path):
        if at in entries:
            steps += [f"[{entries[at]}]", "value"]
        else:
            steps.append(f"[{step}]" if isinstance(step, int) else snake_case(step))
    return steps


def _dotted(steps: list[str]) -> str:
    return ".".join(steps).replace(".[", "[")
