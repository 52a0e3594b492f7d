"""Read YAML into our records, and say exactly what is wrong where it cannot be done."""

import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from brownout.errors import BadInput, nearest

T = TypeVar("T")
_PATH = re.compile(r" - at `(?:key in )?(?P<path>\$[^`]*)`$")
_STEP = re.compile(r"\.(?P<field>[^.\[]+)|\[(?P<index>\d+|\.\.\.)\]")
_UNKNOWN = re.compile(r"unknown field `(?P<field>[^`]+)`")


def load_yaml(path: Path, kind: type[T]) -> T:
    """Return a YAML file as a record of the given type.

    Raises:
        BadInput: no such file, not YAML, an unknown field (with the nearest match), or a value of another type;
            the message starts with ``file:line``.
    """
    try:
        text = path.read_text()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}).") from None
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
    if tree is None:
        raise BadInput(f"{name}: the file is empty; fields: {', '.join(_fields(kind))}.")
    _refuse_repeats(tree, name)
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise BadInput(_explain(str(error), tree, kind, name)) from None


def _refuse_repeats(node: yaml.Node, name: str) -> None:
    """YAML lets a key stand twice and keeps the last; a plan that says two things is bad input."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise BadInput(f"{name}:{key.start_mark.line + 1}: field {key.value!r} is given twice.")
            seen.add(key.value)
            _refuse_repeats(value, name)
    elif isinstance(node, yaml.SequenceNode):
        for child in node.value:
            _refuse_repeats(child, name)


def _explain(message: str, tree: yaml.Node, kind: type[Any], name: str) -> str:
    match = _PATH.search(message)
    path = match["path"] if match else "$"
    sentence = _PATH.sub("", message)
    steps = [step["field"] or step["index"] for step in _STEP.finditer(path)]
    unknown = _UNKNOWN.search(sentence)
    line = _line(tree, steps, unknown["field"] if unknown else None)
    where = f"{name}:{line}: {'.'.join(steps)}".rstrip(": ") if steps else f"{name}:{line}"
    if unknown:
        allowed = _fields(_type_at(kind, steps))
        word = unknown["field"]
        return f"{where}: unknown field {word!r}.{nearest(word, allowed)} Known: {', '.join(allowed)}."
    return f"{where}: {sentence}."


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


def _type_at(kind: type[Any], steps: list[str]) -> Any:
    info: Any = msgspec.inspect.type_info(kind)
    for step in steps:
        info = _inside(info, step)
    return info


def _inside(info: Any, step: str) -> Any:
    if isinstance(info, msgspec.inspect.UnionType):
        info = next((t for t in info.types if not isinstance(t, msgspec.inspect.NoneType)), info)
    if isinstance(info, msgspec.inspect.StructType):
        return next((field.type for field in info.fields if field.encode_name == step), info)
    if isinstance(info, msgspec.inspect.DictType):
        return info.value_type
    return getattr(info, "item_type", info)


def _fields(kind: Any) -> list[str]:
    info = msgspec.inspect.type_info(kind) if isinstance(kind, type) else kind
    if isinstance(info, msgspec.inspect.UnionType):
        info = next((t for t in info.types if isinstance(t, msgspec.inspect.StructType)), info)
    return [field.encode_name for field in info.fields] if isinstance(info, msgspec.inspect.StructType) else []
