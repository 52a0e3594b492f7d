"""Condition keys that a caller chooses, or that change with when and where it calls: any value may occur.

What may never be read may not be read with any value of them. So values are tried: those that the policies speak of,
and one that none speaks of.
"""

import ipaddress
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from brownout.iam.context import Context, NotKnown, Value
from brownout.iam.evaluate import Decision, Policies, evaluate
from brownout.iam.matching import about
from brownout.iam.operators import OPERATORS
from brownout.iam.policy import Condition, Policy
from brownout.iam.request import Request
from brownout.iam.vantage import Vantage
from brownout.iam.wildcards import glob, instance, pattern

_COMBINATIONS_MAX = 4096
_FREE: Mapping[str, tuple[Value, ...]] = {
    "sts:externalid": (None, "somebody-elses-id"),
    "sts:rolesessionname": ("any-session",),
    "sts:sourceidentity": (None, "anybody"),
    "aws:sourceidentity": (None, "anybody"),
    "aws:securetransport": ("true", "false"),
    "aws:useragent": ("any-agent",),
    "aws:referer": (None, "any-referer"),
    "aws:multifactorauthpresent": (None, "true", "false"),
    "aws:multifactorauthage": (None, "0", "999999999"),
    "kms:viaservice": (None,),
    "kms:encryptioncontextkeys": (None,),
    "s3:versionid": (None, "any-version"),
    "s3:authtype": ("REST-HEADER", "REST-QUERY-STRING"),
    "s3:signatureversion": ("AWS4-HMAC-SHA256",),
}
_OUTSIDE: Mapping[str, tuple[Value, ...]] = {"aws:viaawsservice": ("false", "true")}
_ON_THE_INTERNET: Mapping[str, tuple[Value, ...]] = {"aws:sourceip": ("198.51.100.7", "2001:db8::7")}
_IN_A_VPC: Mapping[str, tuple[Value, ...]] = {"aws:vpcsourceip": ("10.254.253.252",)}
_SOME_REGION = "af-south-1"
_CONTEXT = "kms:encryptioncontext:"
_TAG = "aws:principaltag/"
_EXACT = ("equals", "equalsignorecase", "bool", "null")


class Free:
    """The free keys of one principal's requests from one place.

    Args:
        vantage: the place.
        user_id: the fixed part of ``aws:userid`` (the role's unique id); empty where it is not known.
        made_up: ``role`` or ``user``, where the principal is made up: its tags, and a user's name, are free, too.
        regions: some that it may ask in, where that is free.
        fixed: keys that are not free this time.
    """

    def __init__(
        self,
        vantage: Vantage,
        *,
        user_id: str = "",
        made_up: str = "",
        regions: Iterable[str] = (),
        fixed: Iterable[str] = (),
    ) -> None:
        network = _IN_A_VPC if vantage.keys.get("aws:SourceVpce") else _ON_THE_INTERNET
        self._values = {**_FREE, **network, **(_OUTSIDE if vantage.outside else {})}
        if user_id:
            self._values["aws:userid"] = (f"{user_id}:any-session",)
        if made_up == "user":
            self._values["aws:username"] = ("any-user",)
        if regions:
            self._values["aws:requestedregion"] = (*regions, _SOME_REGION)
        for key in fixed:
            self._values.pop(key.lower(), None)
        self._prefixes = (_CONTEXT, _TAG) if made_up else (_CONTEXT,)
        self._user_id = user_id

    def values(self, key: str, conditions: Sequence[Condition]) -> tuple[Value, ...]:
        """Return the values to try of a key; none where it is not free."""
        own = self._values.get(key, (None,) if key.startswith(self._prefixes) else ())
        if not own:
            return ()
        if key == "aws:userid":
            return tuple(dict.fromkeys([*own, *(self._session_of(text) for one in conditions for text in one.values)]))
        tried = [*own, *(value for one in conditions for text in one.values for value in _fitting(one, text))]
        return tuple(dict.fromkeys(tried))

    def _session_of(self, text: str) -> Value:
        """Return the role's id with the session's name that a policy's text wants; the id cannot be chosen."""
        role, _, session = text.rpartition(":")
        value = f"{self._user_id}:{instance(session)}"
        if glob(pattern(text), value) or (role and not {"*", "?", "$"} & set(role)):
            return value
        return NotKnown(f"what aws:userid would have to be to match {text!r}")


def decide(request: Request, policies: Policies, free: Free) -> Decision:
    """Return whether there are values of the free keys with which a request is allowed."""
    decision = evaluate(request, policies)
    if decision.answer != "unknown":
        return decision
    spoken = _spoken_of(request, policies)
    tried = {key: values for key, its in spoken.items() if (values := free.values(key, its))}
    if not tried:
        return decision
    if math.prod(map(len, tried.values())) > _COMBINATIONS_MAX:
        return Decision("unknown", decision.by, ("more combinations of free condition keys than can be tried",))
    found = [evaluate(_with(request, dict(zip(tried, one, strict=True))), policies) for one in _product(tried)]
    for answer in ("allowed", "unknown"):
        for one in found:
            if one.answer == answer:
                return one
    return found[0] if all(_settled(spoken[key]) for key in tried) else decision


def _with(request: Request, values: Mapping[str, Value]) -> Request:
    return Request(request.principal, request.action, request.resource, request.owner, request.context.having(values))


def _product(tried: Mapping[str, tuple[Value, ...]]) -> Iterator[tuple[Value, ...]]:
    return itertools.product(*tried.values())


def _spoken_of(request: Request, policies: Policies) -> dict[str, list[Condition]]:
    """Return, by key, the conditions of all statements that may be about the request."""
    found: dict[str, list[Condition]] = {}
    for policy in policies.all(request.service):
        for statement in policy.statements if isinstance(policy, Policy) else ():
            if statement.conditions and about(statement, request).value is not False:
                for condition in statement.conditions:
                    found.setdefault(condition.key.lower(), []).append(condition)
    return found


def _fitting(condition: Condition, text: str) -> list[Value]:
    """Return values for which a condition would hold, or just not."""
    operator = condition.operator.lower().removesuffix("ifexists")
    if operator == "null":
        return [None]
    if "${" in text:
        return [NotKnown(f"what {condition.key} would have to be to match {text!r}")]
    if operator.endswith("ipaddress"):
        return _ends(text)
    if operator.startswith("numeric"):
        return _around(text)
    return [instance(text) if "like" in operator or "arn" in operator else text]


def _ends(text: str) -> list[Value]:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return []
    return [str(network[0]), str(network[-1])]


def _around(text: str) -> list[Value]:
    try:
        number = float(text)
    except ValueError:
        return []
    return [f"{number + step:g}" for step in (-1, 0, 1)]


def _settled(conditions: Sequence[Condition]) -> bool:
    """Return whether values that were tried stand for all there are.

    So it is where values are compared whole. Of several patterns or networks, two may overlap where nothing was tried.
    """
    loose = {
        text for one in conditions if not _exact(one.operator.lower().removesuffix("ifexists")) for text in one.values
    }
    return len(loose) <= 1


def _exact(operator: str) -> bool:
    known = operator == "null" or operator in OPERATORS
    return known and operator.endswith(_EXACT) and not operator.startswith("arn")


def times(now_s: float, now: str) -> Mapping[str, Value]:
    """Return the keys that tell the time; a session can always be a new one."""
    return {"aws:CurrentTime": now, "aws:EpochTime": f"{now_s:.0f}", "aws:TokenIssueTime": now}


def context_of(*parts: Mapping[str, Value], closed: tuple[str, ...] = ()) -> Context:
    """Return a context of several parts; later ones have the last word."""
    return Context({key: value for part in parts for key, value in part.items()}, closed=closed)
