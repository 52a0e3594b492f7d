"""``aws kms list-grants``: a key's grants, as the statements that they amount to."""

from collections.abc import Mapping
from typing import Any

import msgspec

from brownout.iam.documents import refuse_page
from brownout.iam.policy import VERSIONS, Condition, Names, Policy, Principals, Statement


class _Constraints(msgspec.Struct, frozen=True, rename="pascal"):
    encryption_context_subset: dict[str, str] = {}
    encryption_context_equals: dict[str, str] = {}


class _Grant(msgspec.Struct, rename="pascal"):
    grant_id: str
    operations: list[str]
    grantee_principal: str = ""
    constraints: _Constraints = _Constraints()


class _Grants(msgspec.Struct, rename="pascal"):
    grants: list[_Grant]
    truncated: bool = False


def read_grants(body: Mapping[str, Any], name: str) -> Policy:
    """Return a key's grants as a policy of the key.

    A grant allows its operations to its grantee; constraints are conditions on the encryption context.

    Raises:
        BadInput: it is a page of several.
        msgspec.ValidationError: it has not the form of that output.
    """
    listed = msgspec.convert(body, _Grants)
    refuse_page(f"{name}: Truncated", cut_short=listed.truncated)
    return Policy(name, tuple(_statement(one, name) for one in listed.grants))


def _statement(grant: _Grant, name: str) -> Statement:
    kind = "AWS" if grant.grantee_principal.startswith("arn:") or grant.grantee_principal.isdigit() else "Service"
    context = {**grant.constraints.encryption_context_subset, **grant.constraints.encryption_context_equals}
    return Statement(
        where=f"{name}: grant {grant.grant_id}",
        version=VERSIONS[0],
        effect="Allow",
        actions=Names(tuple(f"kms:{operation}" for operation in grant.operations)),
        resources=None,
        principals=Principals(((kind, grant.grantee_principal),)),
        conditions=tuple(
            Condition("StringEquals", f"kms:EncryptionContext:{key}", (value,)) for key, value in context.items()
        ),
    )
