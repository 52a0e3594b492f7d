"""An objection as OpenAI's API says it: a sentence, the parameter it is about and a code."""

from collections.abc import Callable, Mapping, Sequence

from brownout.dialects.models.objection import Objection, Path, Rule, Sentence, json_type

_ARTICLED = {"integer": "an integer", "array": "an array", "object": "an object", "null": "null", "number": "a decimal"}
_TOO = {"min-length": ("too short", "minimum", "below_min"), "max-length": ("too long", "maximum", "above_max")}
_BEYOND = {"minimum": ("below minimum", ">=", "below_min"), "maximum": ("above maximum", "<=", "above_max")}


def openai_words(objection: Objection) -> Sentence:
    """Return an objection's sentence, its parameter and its code."""
    say = _SAY.get(objection.rule, _wrong_type)
    return say(objection, _bracketed(objection.path))


def _required(_: Objection, param: str) -> Sentence:
    return _sentence(f"Missing required parameter: '{param}'.", param, "missing_required_parameter")


def _unknown(objection: Objection, param: str) -> Sentence:
    if len(objection.path) == 1:  # the top of a chat completion's body is read by an older parser, which names neither
        return Sentence(message=f"Unrecognized request argument supplied: {param}")
    return _sentence(f"Unknown parameter: '{param}'.", param, "unknown_parameter")


def _enum(objection: Objection, param: str) -> Sentence:
    values = _listed([f"'{value}'" for value in objection.allowed], "and")
    supported = f"Supported values are: {values}." if len(objection.allowed) > 1 else f"Value must be {values}."
    return _sentence(f"Invalid value: '{objection.value}'. {supported}", param, "invalid_value")


def _pattern(objection: Objection, param: str) -> Sentence:
    why = f"string does not match pattern. Expected a string that matches the pattern '{objection.allowed}'."
    return _sentence(f"Invalid '{param}': {why}", param, "invalid_value")


def _sentence(message: str, param: str, code: str) -> Sentence:
    return Sentence(message=message, param=param, code=code)


def _wrong_type(objection: Objection, param: str) -> Sentence:
    names = [name for name in objection.allowed if name != "null"]
    wanted = _articled(names[0]) if len(names) == 1 else f"one of {_articled(_listed(_bare(names), 'or'))}"
    got = _articled(json_type(objection.value))
    if not objection.path:
        message = f"Invalid type for the request body: expected {wanted}, but got {got} instead."
        return Sentence(message=message, code="invalid_type")
    return _sentence(f"Invalid type for '{param}': expected {wanted}, but got {got} instead.", param, "invalid_type")


def _beyond(objection: Objection, param: str) -> Sentence:
    relation, sign, code = _BEYOND[objection.rule]
    kind = "decimal" if objection.wanted == "number" else "integer"
    expected = f"Expected a value {sign} {objection.allowed}, but got {objection.value} instead."
    return _sentence(f"Invalid '{param}': {kind} {relation} value. {expected}", param, f"{kind}_{code}_value")


def _length(objection: Objection, param: str) -> Sentence:
    too, bound, code = _TOO[objection.rule]
    kind, size, limit = json_type(objection.value), len(objection.value), objection.allowed
    if kind == "object":
        got = f"Expected an object with {bound} {limit} properties, but got an object with {size} properties instead."
        problem = "too many properties" if objection.rule == "max-length" else "too few properties"
        return _sentence(f"Invalid '{param}': {problem}. {got}", param, f"object_{code}_properties")
    if size == 0:
        problem, got = f"empty {kind}", f"an empty {kind}"
    else:
        problem, got = f"{kind} {too}", f"{_articled(kind)} with length {size}"
    expected = f"Expected {_articled(kind)} with {bound} length {limit}, but got {got} instead."
    return _sentence(
        f"Invalid '{param}': {problem}. {expected}", param, f"empty_{kind}" if size == 0 else f"{kind}_{code}_length"
    )


def _property_name(objection: Objection, _: str) -> Sentence:
    param = _bracketed(objection.path[:-1])
    name, (_, limit) = objection.value, objection.allowed
    expected = f"Expected a string with maximum length {limit}, but got a string with length {len(name)} instead."
    why = f"Invalid property name in '{param}': '{name}' is too long. {expected}"
    return _sentence(why, param, "property_name_above_max_length")


def _bare(names: Sequence[str]) -> list[str]:
    return ["decimal" if name == "number" else name for name in names]


def _articled(name: str) -> str:
    plain = _ARTICLED.get(name)
    if plain is not None:
        return plain
    return f"{'an' if name[0] in 'aeio' else 'a'} {name}"


def _listed(names: Sequence[str], word: str) -> str:
    """Return names as a list in a sentence: with a comma before the last of three or more."""
    if len(names) < 3:
        return f" {word} ".join(names)
    return f"{', '.join(names[:-1])}, {word} {names[-1]}"


def _bracketed(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


_SAY: Mapping[Rule, Callable[[Objection, str], Sentence]] = {
    "required": _required,
    "unknown": _unknown,
    "enum": _enum,
    "minimum": _beyond,
    "maximum": _beyond,
    "min-length": _length,
    "max-length": _length,
    "pattern": _pattern,
    "key": _property_name,
}
"""All else is a value of a wrong type."""
