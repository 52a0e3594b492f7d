"""An objection as Anthropic's API says it: where, with the tags of the unions on the way, and pydantic's sentence."""

from collections.abc import Mapping, Sequence

from brownout.dialects.models.objection import Objection, Path, Rule

_TYPES = {
    "object": "dictionary",
    "array": "list",
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
}
_SENTENCES: Mapping[Rule, str] = {
    "required": "Field required",
    "unknown": "Extra inputs are not permitted",
    "minimum": "Input should be greater than or equal to {}",
    "maximum": "Input should be less than or equal to {}",
    "pattern": "String should match pattern '{}'",
}
_ALWAYS_TAGGED: Mapping[str, str] = {"cache_control": "ephemeral"}
"""Members whose union has one branch today; the API names it all the same."""


def anthropic_words(objection: Objection) -> str:
    """Return an objection's sentence."""
    path, rule, value = objection.path, objection.rule, objection.value
    if path == ("messages",) and rule == "min-length":
        return "messages: at least one message is required"
    if path == ("temperature",) and rule in {"minimum", "maximum"}:
        return "temperature: range: 0..1"
    if rule == "enum" and path[-1] == "type" and len(objection.allowed) > 1:
        tags = ", ".join(f"'{tag}'" for tag in objection.allowed)
        why = f"Input tag '{value}' found using 'type' does not match any of the expected tags: {tags}"
        return f"{_dotted(objection, path[:-1])}: {why}"
    where = _dotted(objection, path)
    return f"{where}: {_sentence(objection)}" if where else _sentence(objection)


def _sentence(objection: Objection) -> str:
    rule, allowed = objection.rule, objection.allowed
    match rule:
        case "enum":
            return "Input should be " + _listed([f"'{value}'" for value in allowed])
        case "min-length" | "max-length":
            return _length(objection)
        case "type" | "encoding" | "one-of" | "key":
            named = [_TYPES.get(name.partition(" ")[0], "string") for name in allowed if name != "null"]
            return f"Input should be a valid {named[-1]}"
        case _:
            return _SENTENCES[rule].format(allowed)


def _length(objection: Objection) -> str:
    least = "at least" if objection.rule == "min-length" else "at most"
    size, limit = len(objection.value), objection.allowed
    if isinstance(objection.value, str):
        return f"String should have {least} {limit} character{'' if limit == 1 else 's'}"
    kind = "List" if isinstance(objection.value, list) else "Dictionary"
    return f"{kind} should have {least} {limit} item{'' if limit == 1 else 's'} after validation, not {size}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _dotted(objection: Objection, path: Path) -> str:
    """Return a path with the tag of each union after the step that leads to it."""
    tags = dict(objection.tags)
    steps: list[str] = []
    for at, step in enumerate(path):
        steps.append(str(step))
        inside = at + 1 < len(path)
        tag = tags.get(at + 1) or _ALWAYS_TAGGED.get(str(step), "") or _tool(path, at)
        if inside and tag:
            steps.append(tag)
    return ".".join(steps)


def _tool(path: Path, at: int) -> str:
    """Return the tag of a tool that names no type: it is of the caller's own."""
    return "custom" if at == 1 and path[0] == "tools" else ""
