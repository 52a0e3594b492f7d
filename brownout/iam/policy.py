"""A policy document as records, and the errors of one that is none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from brownout.errors import BadInput, unknown

VERSIONS = ("2012-10-17", "2008-10-17")
_EFFECTS = ("Allow", "Deny")
_ELEMENTS = (
    "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition",
)  # fmt: skip
_PRINCIPAL_KINDS = ("AWS", "Service", "Federated", "CanonicalUser")


@dataclass(frozen=True, slots=True)
class Names:
    """``Action``, ``Resource``, or one of them with Not.

    Attributes:
        values: as written.
        negated: all but these.
    """

    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Principals:
    """``Principal`` or ``NotPrincipal``: pairs of kind (``AWS``, ``Service``, ...) and name; ``*`` is ``AWS`` ``*``."""

    values: tuple[tuple[str, str], ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key: it holds as the operator says of the key's values and these."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    Attributes:
        where: how a reader finds it: file, policy, number and Sid.
        resources: None in a role's trust policy, whose resource is the role.
        principals: None in a policy of an identity, whose principal is the identity.
    """

    where: str
    version: str
    effect: Literal["Allow", "Deny"]
    actions: Names
    resources: Names | None
    principals: Principals | None
    conditions: tuple[Condition, ...]

    @property
    def denies(self) -> bool:
        """Whether it is a Deny."""
        return self.effect == "Deny"


@dataclass(frozen=True)
class Policy:
    """A document: its name, for people, and its statements."""

    name: str
    statements: tuple[Statement, ...]

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """Every condition of every statement."""
        return tuple(condition for statement in self.statements for condition in statement.conditions)


FULL_ACCESS = Policy(
    name="FullAWSAccess",
    statements=(
        Statement(
            where="FullAWSAccess",
            version=VERSIONS[0],
            effect="Allow",
            actions=Names(("*",)),
            resources=Names(("*",)),
            principals=None,
            conditions=(),
        ),
    ),
)
"""What AWS attaches where nobody has said anything else: everything is allowed."""


def parse_policy(document: Any, *, name: str, attached: Literal["identity", "resource", "trust"]) -> Policy:
    """Return a document as a policy.

    Args:
        document: decoded JSON.
        name: of the policy, with its file.
        attached: to what; it tells which elements must be there. ``trust`` is a role's.

    Raises:
        BadInput: an element that no policy has, one that is missing, or one of another type.
    """
    body = _mapping(document, name)
    for key in body:
        if key not in {"Version", "Id", "Statement"}:
            raise unknown("element", key, ("Version", "Id", "Statement"), where=name)
    version = body.get("Version", VERSIONS[1])
    if version not in VERSIONS:
        raise unknown("version", str(version), VERSIONS, where=f"{name}: Version")
    given = body.get("Statement")
    listed = given if isinstance(given, list) else [given]
    return Policy(
        name=name,
        statements=tuple(
            _statement(_mapping(one, f"{name}: Statement[{place}]"), name, place, version, attached)
            for place, one in enumerate(listed)
        ),
    )


def _statement(body: Mapping[str, Any], name: str, place: int, version: str, attached: str) -> Statement:
    sid = body.get("Sid")
    where = f"{name}: statement {place + 1}" + (f" ({sid})" if sid else "")
    for key in body:
        if key not in _ELEMENTS:
            raise unknown("element", key, _ELEMENTS, where=where)
    if body.get("Effect") not in _EFFECTS:
        raise unknown("effect", str(body.get("Effect")), _EFFECTS, where=f"{where}: Effect")
    actions = _names(body, "Action", where)
    resources = _names(body, "Resource", where)
    principals = _principals(body, where)
    if actions is None:
        raise BadInput(f"{where}: has neither Action nor NotAction. Write which actions it is about.")
    if resources is None and attached == "identity":
        raise BadInput(f"{where}: has neither Resource nor NotResource. Write which resources it is about.")
    if (principals is None) != (attached == "identity"):
        wrong = (
            "no Principal, which a resource's policy needs"
            if principals is None
            else "a Principal, and is no resource's"
        )
        raise BadInput(f"{where}: has {wrong}. Is it the right file?")
    return Statement(
        where=where,
        version=version,
        effect=body["Effect"],
        actions=actions,
        resources=resources,
        principals=principals,
        conditions=_conditions(body.get("Condition", {}), f"{where}: Condition"),
    )


def _names(body: Mapping[str, Any], element: str, where: str) -> Names | None:
    given = [key for key in (element, f"Not{element}") if key in body]
    if len(given) > 1:
        raise BadInput(f"{where}: has both {given[0]} and {given[1]}; a statement has one of them.")
    if not given:
        return None
    return Names(_strings(body[given[0]], f"{where}: {given[0]}"), negated=given[0] != element)


def _principals(body: Mapping[str, Any], where: str) -> Principals | None:
    given = [key for key in ("Principal", "NotPrincipal") if key in body]
    if len(given) > 1:
        raise BadInput(f"{where}: has both Principal and NotPrincipal; a statement has one of them.")
    if not given:
        return None
    value = body[given[0]]
    if value == "*":
        return Principals((("AWS", "*"),), negated=given[0] != "Principal")
    pairs: list[tuple[str, str]] = []
    for kind, names in _mapping(value, f"{where}: {given[0]}").items():
        if kind not in _PRINCIPAL_KINDS:
            raise unknown("kind of principal", kind, _PRINCIPAL_KINDS, where=f"{where}: {given[0]}")
        pairs += [(kind, name) for name in _strings(names, f"{where}: {given[0]}.{kind}")]
    return Principals(tuple(pairs), negated=given[0] != "Principal")


def _conditions(block: Any, where: str) -> tuple[Condition, ...]:
    made = []
    for operator, keys in _mapping(block, where).items():
        for key, values in _mapping(keys, f"{where}.{operator}").items():
            made.append(Condition(operator, key, _strings(values, f"{where}.{operator}.{key}", scalars=True)))
    return tuple(made)


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadInput(f"{where}: expected an object, got {_kind(value)}.")
    return value


def _strings(value: Any, where: str, *, scalars: bool = False) -> tuple[str, ...]:
    listed: Sequence[Any] = value if isinstance(value, list) else [value]
    for one in listed:
        if not isinstance(one, str | (bool | int | float if scalars else str)):
            raise BadInput(f"{where}: expected text or a list of texts, got {_kind(one)}.")
    return tuple(str(one).lower() if isinstance(one, bool) else str(one) for one in listed)


def _kind(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__
