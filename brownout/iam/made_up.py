"""Names that an administrator could give a role or a user so that a policy takes it for somebody else."""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence

from brownout.iam.arns import parse_arn
from brownout.iam.policy import Policy
from brownout.iam.wildcards import glob, instance, pattern

ANY_ROLE = "role/any-role-an-administrator-makes"
ANY_USER = "user/any-user-an-administrator-makes"
_KINDS = ("role/", "user/")


def names_told_apart(policies: Iterable[Policy]) -> list[str]:
    """Return every name, or pattern of names, by which policies tell principals apart; each once."""
    named: dict[str, None] = {}
    for policy in policies:
        for statement in policy.statements:
            listed = [name for _, name in statement.principals.values] if statement.principals else []
            patterns = [
                name
                for condition in statement.conditions
                for name in condition.values
                if condition.key.lower() == "aws:principalarn"
            ]
            named |= dict.fromkeys([*listed, *patterns, *_joined(patterns)])
    return sorted(named)


def _joined(patterns: Sequence[str]) -> Iterator[str]:
    """Return names that two patterns of one statement may cover together: it may want both."""
    for one, other in itertools.permutations(patterns, 2):
        if "*" in one and "*" in other:
            beginning, _, end = one.rpartition("*")
            yield f"{beginning}*{_last(other)}{end}"


def _last(name: str) -> str:
    return re.split(r"[/:]", name)[-1]


def could_be_named(told_apart: Iterable[str], number: str, partition: str) -> list[str]:
    """Return the ARNs of principals that an account could have, one for each name that a policy tells apart.

    Args:
        told_apart: the names and patterns.
        number: the account's.
        partition: such as ``aws``.
    """
    own = f"arn:{partition}:iam::{number}:"
    made = dict.fromkeys((own + ANY_ROLE, own + ANY_USER))
    for name in told_apart:
        made |= dict.fromkeys(own + one for one in _resources(name, own) if one.startswith(_KINDS))
    return list(made)


def _resources(name: str, own: str) -> Iterator[str]:
    """Return what a name or pattern would be within an account, where it can be of that account at all."""
    if not name.strip("*"):
        return  # everybody: no name is told apart
    arn = parse_arn(name)
    if arn and arn.service == "sts" and arn.resource.startswith("assumed-role/"):
        if own.endswith(f":{arn.account}:"):
            yield f"role/{arn.resource.split('/')[1]}"
        return
    last = instance(_last(name))
    for resource in (instance(arn.resource) if arn else "", f"role/{last}", f"user/{last}"):
        if glob(pattern(name), own + resource):
            yield resource
