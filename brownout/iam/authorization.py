"""``aws iam get-account-authorization-details``: an account's roles, users, groups and managed policies."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from brownout.errors import BadInput
from brownout.iam.arns import parse_arn
from brownout.iam.documents import document, refuse_page
from brownout.iam.evaluate import Missing
from brownout.iam.policy import Policy, parse_policy
from brownout.iam.principals import Principal


@dataclass(frozen=True, slots=True)
class Identity:
    """A role or a user, and what is attached to it.

    Attributes:
        trust: who may assume it; None of a user.
        tags: its own; a session may have others where the trust policy allows ``sts:TagSession``.
    """

    principal: Principal
    policies: tuple[Policy | Missing, ...]
    boundary: Policy | Missing | None
    trust: Policy | None
    tags: Mapping[str, str]


class _Inline(msgspec.Struct, rename="pascal"):
    policy_name: str
    policy_document: Any


class _Attached(msgspec.Struct, rename="pascal"):
    policy_name: str
    policy_arn: str


class _Tag(msgspec.Struct, rename="pascal"):
    key: str
    value: str


class _Boundary(msgspec.Struct, rename="pascal"):
    permissions_boundary_arn: str


class _Holder(msgspec.Struct, rename="pascal", kw_only=True):
    """What roles and users have in common."""

    arn: str
    attached_managed_policies: list[_Attached] = []
    permissions_boundary: _Boundary | None = None
    tags: list[_Tag] = []


class _Role(_Holder, rename="pascal", kw_only=True):
    role_name: str
    role_id: str
    assume_role_policy_document: Any
    role_policy_list: list[_Inline] = []


class _User(_Holder, rename="pascal", kw_only=True):
    user_name: str
    user_id: str
    group_list: list[str] = []
    user_policy_list: list[_Inline] = []


class _Group(msgspec.Struct, rename="pascal"):
    group_name: str
    group_policy_list: list[_Inline] = []
    attached_managed_policies: list[_Attached] = []


class _Version(msgspec.Struct, rename="pascal"):
    document: Any
    is_default_version: bool


class _Managed(msgspec.Struct, rename="pascal"):
    arn: str
    policy_name: str
    policy_version_list: list[_Version]


class _Details(msgspec.Struct, rename="pascal"):
    role_detail_list: list[_Role]
    user_detail_list: list[_User] = []
    group_detail_list: list[_Group] = []
    policies: list[_Managed] = []
    is_truncated: bool = False


def read_details(body: Mapping[str, Any], name: str) -> tuple[set[str], dict[str, Identity]]:
    """Return the numbers of the accounts that the output is of, and their roles and users by ARN.

    Args:
        body: the decoded output.
        name: the file's, for what is said about its policies.

    Raises:
        BadInput: the output is a page of several, or a policy in it is none.
        msgspec.ValidationError: it has not the form of that output.
    """
    details = msgspec.convert(body, _Details)
    refuse_page(f"{name}: IsTruncated", cut_short=details.is_truncated)
    managed = {one.arn: _default(one, name) for one in details.policies}
    groups = {one.group_name: one for one in details.group_detail_list}
    identities = {one.arn: _role(one, managed, name) for one in details.role_detail_list}
    identities |= {one.arn: _user(one, managed, groups, name) for one in details.user_detail_list}
    return {arn.account for arn in map(parse_arn, identities) if arn}, identities


def _role(role: _Role, managed: Mapping[str, Policy], name: str) -> Identity:
    where = f"{name}: role {role.role_name}"
    trust = parse_policy(
        document(role.assume_role_policy_document, where), name=f"{where}: trust policy", attached="trust"
    )
    policies = [*_inline(role.role_policy_list, where), *_attached(role.attached_managed_policies, managed, where)]
    return _identity(role, role.role_id, policies, _boundary(role.permissions_boundary, managed, where), trust)


def _user(user: _User, managed: Mapping[str, Policy], groups: Mapping[str, _Group], name: str) -> Identity:
    where = f"{name}: user {user.user_name}"
    policies: list[Policy | Missing] = [*_inline(user.user_policy_list, where)]
    policies += _attached(user.attached_managed_policies, managed, where)
    for group in user.group_list:
        if group not in groups:
            policies.append(Missing(f"the policies of group {group} of {where}, which is not in the export"))
            continue
        there = f"{name}: group {group}"
        policies += _inline(groups[group].group_policy_list, there)
        policies += _attached(groups[group].attached_managed_policies, managed, there)
    return _identity(user, user.user_id, policies, _boundary(user.permissions_boundary, managed, where), None)


def _identity(
    holder: _Holder,
    unique_id: str,
    policies: Iterable[Policy | Missing],
    boundary: Policy | Missing | None,
    trust: Policy | None,
) -> Identity:
    return Identity(
        principal=Principal(holder.arn, unique_id=unique_id, bounded=boundary is not None),
        policies=tuple(policies),
        boundary=boundary,
        trust=trust,
        tags={tag.key: tag.value for tag in holder.tags},
    )


def _inline(given: Iterable[_Inline], where: str) -> list[Policy]:
    made = []
    for one in given:
        name = f"{where}: {one.policy_name}"
        made.append(parse_policy(document(one.policy_document, name), name=name, attached="identity"))
    return made


def _attached(given: Iterable[_Attached], managed: Mapping[str, Policy], where: str) -> list[Policy | Missing]:
    return [_found(one.policy_arn, managed, where) for one in given]


def _boundary(given: _Boundary | None, managed: Mapping[str, Policy], where: str) -> Policy | Missing | None:
    return _found(given.permissions_boundary_arn, managed, where) if given else None


def _found(arn: str, managed: Mapping[str, Policy], where: str) -> Policy | Missing:
    return managed.get(arn) or Missing(f"policy {arn} of {where}, which is not in the export")


def _default(policy: _Managed, name: str) -> Policy:
    where = f"{name}: policy {policy.policy_name}"
    for version in policy.policy_version_list:
        if version.is_default_version:
            return parse_policy(document(version.document, where), name=where, attached="identity")
    raise BadInput(f"{where}: none of its versions is the default one (IsDefaultVersion).")
