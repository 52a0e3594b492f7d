"""The catalogue of faults: what each is, as data for people and programs. Made from the faults themselves."""

import dataclasses
import inspect
import re
import typing
from typing import Any

import msgspec

from brownout.errors import unknown
from brownout.fault import FAMILIES, FAULTS, LAYERS, Family, Fault, Layer

# The end of a setting's name is its unit.
_UNITS = {
    "s": "seconds",
    "ms": "milliseconds",
    "rps": "requests per second",
    "kbps": "kilobytes per second",
    "mb": "megabytes",
    "tokens": "tokens",
    "share": "ratio, 0 to 1",
    "ratio": "ratio, 0 to 1",
    "bytes": "bytes",
}


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting of a fault. ``default`` is None where it must be given (``required``)."""

    name: str
    takes: str
    unit: str
    default: Any
    required: bool
    about: str


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One fault as the catalogue lists it.

    Attributes:
        kind: as users write it.
        layer: where it is injected, of `brownout.fault.LAYERS`; several, where its settings decide.
        where: the same in words.
        sees: what a customer of the endpoint sees.
        seen: where it was seen in the wild.
        needs: what it needs beyond an emulated world.
        ramps: whether its strength can rise and fall.
        real: whether it acts on things that are not brownout's own.
    """

    kind: str
    family: Family
    about: str
    sees: str
    seen: list[str]
    layers: list[Layer]
    where: str
    needs: str
    ramps: bool
    real: bool
    colour: str
    settings: list[Setting]


def catalogue() -> list[Listed]:
    """Return every registered fault, by family and name."""
    return sorted(map(listing, FAULTS), key=lambda one: (FAMILIES.index(one.family), one.kind))


def listing(kind: str) -> Listed:
    """Return one fault's entry.

    Raises:
        BadInput: no fault is called so.
    """
    if kind not in FAULTS:
        raise unknown("fault", kind, FAULTS)
    cls: Any = FAULTS[kind]
    layers = _layers(cls)
    return Listed(
        kind=kind,
        family=cls.entry.family,
        about=(inspect.getdoc(cls) or "").split("\n\n")[0].replace("\n", " "),
        sees=cls.entry.sees,
        seen=list(cls.entry.seen),
        layers=layers,
        where="; or ".join(LAYERS[layer] for layer in layers),
        needs=cls.entry.needs,
        ramps=hasattr(cls, "scaled") or layers[0] in ("reply", "wire"),
        real=cls.entry.real,
        colour=cls.entry.colour,
        settings=[_setting(cls, field) for field in dataclasses.fields(cls)],
    )


def sample(cls: type, **given: Any) -> Fault:
    """Return a fault of a kind as its defaults make it, some fields changed. It is to be looked at, never to be put on.

    What has no default has some text, and nothing is checked: what a fault refuses of such text is beside the point.
    """
    made: Any = object.__new__(cls)
    for field in dataclasses.fields(cls):
        object.__setattr__(made, field.name, given.get(field.name, _default(field)))
    fault: Fault = made
    return fault


def _layers(cls: type) -> list[Layer]:
    """Which ways it may act in: that of its defaults, and those of its other words."""
    hints = typing.get_type_hints(cls)
    words = ({one.name: word} for one in dataclasses.fields(cls) for word in _words(hints[one.name]))
    return list(dict.fromkeys(sample(cls, **changes).acts_on for changes in ({}, *words)))


def _setting(cls: type, field: "dataclasses.Field[Any]") -> Setting:
    kind = typing.get_type_hints(cls)[field.name]
    return Setting(
        name=field.name,
        takes=" | ".join(_words(kind)) or getattr(kind, "__name__", str(kind)).replace("typing.", ""),
        unit=_UNITS.get(field.name.rpartition("_")[2], ""),
        default=None if _required(field) else _default(field),
        required=_required(field),
        about=_about(cls, field.name),
    )


def _default(field: "dataclasses.Field[Any]") -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    return "sample" if field.default_factory is dataclasses.MISSING else field.default_factory()


def _required(field: "dataclasses.Field[Any]") -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _words(kind: Any) -> list[str]:
    """The words that a setting may take, where it takes words."""
    return [word for word in typing.get_args(kind) if isinstance(word, str)] if _is_literal(kind) else []


def _is_literal(kind: Any) -> bool:
    return typing.get_origin(kind) is typing.Literal


def _about(cls: type, name: str) -> str:
    """What the class's docstring says of a setting, in one line."""
    text = inspect.getdoc(cls) or ""
    match = re.search(rf"^ {{4}}{name}: (.*(?:\n {{8}}.*)*)", text, flags=re.MULTILINE)
    return re.sub(r"\s+", " ", match[1]) if match else ""
