"""Read YAML into our records, and say exactly what is wrong where it cannot be done."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from brownout.errors import BadInput, nearest

T = TypeVar("T")
_PATH = re.compile(r" - at `(?P<key>key` in `)?(?P<path>\$[^`]*)`$")
_STEP = re.compile(r"\.(?P<field>[^.\[]+)|\[(?P<index>\d+|\.\.\.)\]")
_UNKNOWN = re.compile(r"unknown field `(?P<field>[^`]+)`")
_CHOICE = re.compile(r"^Invalid (?:enum )?value '(?P<word>.*)'$", re.DOTALL)
# What PyYAML lets out when a scalar is not what its tag (given or guessed) says, such as the date 2024-13-45.
_BAD_SCALAR = (ValueError, LookupError, AttributeError, TypeError, OverflowError)


def load_yaml(path: Path, kind: type[T]) -> T:
    """Return a YAML file as a record of the given type.

    Raises:
        BadInput: no such file, not YAML, an unknown field (with the nearest match), or a value of another type;
            the message starts with ``file:line``.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not YAML (not UTF-8 at byte {error.start}).") from None
    return parse_yaml(text, kind, name=str(path))


def parse_yaml(text: str, kind: type[T], *, name: str) -> T:
    """Return YAML text as a record; errors as for `load_yaml`, with ``name`` for the file."""
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise BadInput(f"{name}{line}: not YAML ({getattr(error, 'problem', error)}).") from None
    except RecursionError:
        raise BadInput(f"{name}: not YAML that can be read (nested too deeply).") from None
    except _BAD_SCALAR as error:
        raise BadInput(f"{name}: not YAML (a value that is not what it looks like: {error}).") from None
    if tree is None:
        raise BadInput(f"{name}: the file is empty; fields: {', '.join(_fields(kind))}.")
    _refuse_repeats(tree, name, set())
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise BadInput(_explain(str(error), tree, data, kind, name)) from None


class Places:
    """Where the fields of a YAML file stand, for what is wrong with a value beyond its type.

    Args:
        path: a file that `load_yaml` has read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        tree = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        assert tree is not None  # an empty file is not read
        self._tree = tree

    def __call__(self, *steps: str | int) -> str:
        """Return ``file:line: field`` of the value that these fields and list places lead to."""
        words = [str(step) for step in steps]
        return f"{self._path}:{_line(self._tree, words, None)}: {'.'.join(words)}"


def _refuse_repeats(node: yaml.Node, name: str, done: set[int]) -> None:
    """YAML lets a key stand twice and keeps the last; a plan that says two things is bad input."""
    if id(node) in done:
        return  # an anchor's node stands wherever it is referred to, be it inside itself
    done.add(id(node))
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            word = str(key.value)
            if word in seen:
                raise BadInput(f"{name}:{key.start_mark.line + 1}: field {word!r} is given twice.")
            seen.add(word)
            _refuse_repeats(value, name, done)
    elif isinstance(node, yaml.SequenceNode):
        for child in node.value:
            _refuse_repeats(child, name, done)


def _explain(message: str, tree: yaml.Node, data: Any, kind: type[Any], name: str) -> str:
    match = _PATH.search(message)
    path = match["path"] if match else "$"
    sentence = _PATH.sub("", message)
    if match and match["key"]:
        sentence = f"a key: {sentence}"
    steps = _named([step["field"] or step["index"] for step in _STEP.finditer(path)], data, kind, message)
    unknown = _UNKNOWN.search(sentence)
    line = _line(tree, steps, unknown["field"] if unknown else None)
    where = f"{name}:{line}: {'.'.join(steps)}".rstrip(": ") if steps else f"{name}:{line}"
    at = _type_at(kind, steps, data)
    if unknown:
        return _refused(where, "field", unknown["field"], _fields(at))
    choice = _CHOICE.match(sentence)
    if choice and steps and (tags := _tags(_type_at(kind, steps[:-1], data))):
        return _refused(where, steps[-1], choice["word"], tags)
    if choice and isinstance(at, msgspec.inspect.LiteralType):
        return _refused(where, "value", choice["word"], [str(value) for value in at.values])
    return f"{where}: {sentence}."


def _refused(where: str, what: str, word: str, allowed: list[str]) -> str:
    return f"{where}: unknown {what} {word!r}.{nearest(word, allowed)} Known: {', '.join(allowed)}."


def _named(steps: list[str], data: Any, kind: type[Any], message: str) -> list[str]:
    """Say which key of a map the validator's ``...`` is: the first that, alone in its map, gives the same error."""
    named: list[str] = []
    for place, step in enumerate(steps):
        key = step
        if step == "...":
            found = (one for one in _at(data, named) if _error(_only(data, named, one), kind) == message)
            key = next(found, step)
            if key != step:
                data = _only(data, named, key)
            if not isinstance(key, str):
                return [*named, *steps[place:]]
        named.append(key)
    return named


def _at(data: Any, path: list[str]) -> Any:
    for step in path:
        data = data[int(step)] if isinstance(data, list) else data[step]
    return data


def _only(data: Any, path: list[str], key: Any) -> Any:
    """Return the data with nothing but one key in the map at the path."""
    if not path:
        return {key: data[key]}
    step: Any = int(path[0]) if isinstance(data, list) else path[0]
    spare = data.copy()
    spare[step] = _only(data[step], path[1:], key)
    return spare


def _error(data: Any, kind: type[Any]) -> str:
    try:
        msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        return str(error)
    return ""


def _line(node: yaml.Node, steps: list[str], key: str | None) -> int:
    for step in steps:
        child = _child(node, step)
        if child is None:
            break
        node = child
    if key is not None and isinstance(node, yaml.MappingNode):
        for name, _ in node.value:
            if name.value == key:
                return int(name.start_mark.line) + 1
    return int(node.start_mark.line) + 1


def _child(node: yaml.Node, step: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and step.isdigit() and int(step) < len(node.value):
        return node.value[int(step)]  # type: ignore[no-any-return]
    return None


def _type_at(kind: type[Any], steps: list[str], data: Any) -> Any:
    info: Any = _chosen(msgspec.inspect.type_info(kind), data)
    for step in steps:
        if isinstance(data, Mapping):
            data = data.get(step)
        elif isinstance(data, list) and step.isdigit() and int(step) < len(data):
            data = data[int(step)]
        info = _chosen(_inside(info, step), data)
    return info


def _chosen(info: Any, data: Any) -> Any:
    """Return the member of a union that the data is meant to be: the one its tag names, else the first there is."""
    if not isinstance(info, msgspec.inspect.UnionType):
        return info
    there = [one for one in info.types if not isinstance(one, msgspec.inspect.NoneType)]
    structs = [one for one in there if isinstance(one, msgspec.inspect.StructType)]
    for one in structs:
        if one.tag_field and isinstance(data, Mapping) and data.get(one.tag_field) == one.tag:
            return one
    if len(structs) > 1 and all(one.tag_field for one in structs):
        return info
    if len(structs) == 1 and isinstance(data, Mapping):
        return structs[0]
    return next(iter(there), info)


def _inside(info: Any, step: str) -> Any:
    if isinstance(info, msgspec.inspect.StructType):
        return next((field.type for field in info.fields if field.encode_name == step), info)
    if isinstance(info, msgspec.inspect.DictType):
        return info.value_type
    return getattr(info, "item_type", info)


def _fields(kind: Any) -> list[str]:
    info = msgspec.inspect.type_info(kind) if isinstance(kind, type) else kind
    if not isinstance(info, msgspec.inspect.StructType):
        return []
    return [*([info.tag_field] if info.tag_field else []), *(field.encode_name for field in info.fields)]


def _tags(info: Any) -> list[str]:
    """Return the tags of a union of tagged structs; none of anything else."""
    types = info.types if isinstance(info, msgspec.inspect.UnionType) else ()
    return [str(one.tag) for one in types if isinstance(one, msgspec.inspect.StructType) and one.tag_field]
