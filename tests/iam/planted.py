"""Defects of the example escrow, one each, and what each must turn red."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.iam.folders import CUSTOMER, EAST, PROVIDER, WEST, Folder, Statements

HOME, AWAY = "us-east-1", "us-west-2"


@dataclass(frozen=True)
class Defect:
    """One.

    Attributes:
        plant: into a copy of the example.
        meant: the promise that is for it.
        by: a part of the place of the statement that decides.
        also: what breaks with it, because it does.
    """

    plant: Callable[[Folder], None]
    meant: str
    by: str
    also: frozenset[str] = frozenset()


def _named(statements: Statements, sid: str) -> dict[str, Any]:
    return next(one for one in statements if one["Sid"] == sid)


def _without(file: str, sid: str) -> Callable[[Folder], None]:
    return lambda folder: folder.statements(file, lambda all_of: all_of.remove(_named(all_of, sid)))


def _with(file: str, statement: dict[str, Any]) -> Callable[[Folder], None]:
    return lambda folder: folder.statements(file, lambda all_of: all_of.append(statement))


def _changed(file: str, sid: str, change: Callable[[dict[str, Any]], None]) -> Callable[[Folder], None]:
    return lambda folder: folder.statements(file, lambda all_of: change(_named(all_of, sid)))


def _conditioned(file: str, sid: str, **more: dict[str, Any]) -> Callable[[Folder], None]:
    return _changed(file, sid, lambda one: one["Condition"].update(more))


def _in_turn(*plants: Callable[[Folder], None]) -> Callable[[Folder], None]:
    def all_of(folder: Folder) -> None:
        for plant in plants:
            plant(folder)

    return all_of


def _weights(region: str) -> str:
    return f"provider/weights-bucket-{region}.json"


def _prompts(region: str) -> str:
    return f"customer/prompts-bucket-{region}.json"


def _opened(sid: str, region: str, principal: Any, condition: Any = None) -> dict[str, Any]:
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal,
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::acme-weights-{region}/*",
    }
    return statement | ({"Condition": condition} if condition else {})


def _opened_to_a_user(sid: str, region: str) -> dict[str, Any]:
    return _opened(sid, region, "*", {"StringEquals": {"aws:username": "ann"}}) | {
        "Resource": f"arn:aws:s3:::globex-prompts-{region}/*"
    }


def _no_external_id(folder: Folder) -> None:
    folder.trust("escrow-west/authorization.json", "escrow-deployer", {"AWS": f"arn:aws:iam::{PROVIDER}:root"})


def _any_external_id(folder: Folder) -> None:
    folder.trust(
        "escrow-east/authorization.json",
        "escrow-deployer",
        {"AWS": f"arn:aws:iam::{PROVIDER}:role/control-plane"},
        {"StringLike": {"sts:ExternalId": "*"}},
    )


def _chain(folder: Folder) -> None:
    helpdesk = f"arn:aws:iam::{PROVIDER}:role/helpdesk"
    runtime = f"arn:aws:iam::{EAST}:role/escrow-runtime"
    folder.trust("provider/authorization.json", "helpdesk", {"AWS": f"arn:aws:iam::{CUSTOMER}:role/app"})
    folder.may("customer/authorization.json", "app", "sts:AssumeRole", helpdesk)
    folder.trust("escrow-east/authorization.json", "escrow-runtime", {"AWS": helpdesk})
    folder.may("provider/authorization.json", "helpdesk", "sts:AssumeRole", runtime)


def _grant(folder: Folder) -> None:
    grant = {
        "GrantId": "5f1c",
        "KeyId": "prompts",
        "GranteePrincipal": f"arn:aws:iam::{PROVIDER}:role/administrator",
        "Operations": ["Decrypt"],
    }
    folder.body(f"customer/prompts-key-{AWAY}.grants.json", lambda body: body["Grants"].append(grant))


def _no_scp_away(folder: Folder) -> None:
    line = f'escrow-west: {{id: "{WEST}", side: escrow, organization: o-escrow0001, scps: [[FullAWSAccess], '
    folder.text("escrow.yaml", line + "[FullAWSAccess, escrow-guard]]}", line + "[FullAWSAccess]]}")


_EXTERNAL_ID = frozenset({f"external-id-required@{HOME}", f"external-id-required@{AWAY}"})

DEFECTS: dict[str, Defect] = {
    "trust open to everybody": Defect(
        lambda folder: folder.trust("escrow-east/authorization.json", "escrow-runtime", {"AWS": "*"}),
        meant=f"weights-unreadable@{HOME}",
        by="role escrow-runtime: trust policy",
        also=frozenset({f"tenant-data-unreadable@{HOME}", *_EXTERNAL_ID}),
    ),
    "no deny outside the endpoint": Defect(
        _without(_weights(HOME), "NobodyOutsideTheEndpoint"),
        meant=f"endpoint-only@{HOME}",
        by="policy AdministratorAccess",
    ),
    "deny in the home region only": Defect(
        _conditioned(_weights(AWAY), "NobodyOutsideTheEndpoint", StringEquals={"aws:RequestedRegion": HOME}),
        meant=f"endpoint-only@{AWAY}",
        by="policy AdministratorAccess",
    ),
    "key open to everybody": Defect(
        _with(
            f"provider/weights-key-{AWAY}.json",
            {"Sid": "Everybody", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"},
        ),
        meant=f"weights-unreadable@{AWAY}",
        by="(Everybody)",
    ),
    "NotAction leaves old versions out": Defect(
        _changed(
            _prompts(HOME),
            "NobodyElseOutsideTheEndpoint",
            lambda one: (
                one.update(NotAction=["s3:PutObject", "s3:GetObjectVersion"], Action=one.pop("Action"))
                or one.pop("Action")
            ),
        ),
        meant=f"endpoint-only@{HOME}",
        by="policy AdministratorAccess",
    ),
    "NotResource leaves a prefix out": Defect(
        _changed(
            _prompts(HOME),
            "NobodyElseOutsideTheEndpoint",
            lambda one: one.update(NotResource=one.pop("Resource").replace("/*", "/shared/*")),
        ),
        meant=f"endpoint-only@{HOME}",
        by="policy AdministratorAccess",
    ),
    "no external id": Defect(
        _no_external_id, meant=f"external-id-required@{AWAY}", by="role escrow-deployer", also=_EXTERNAL_ID
    ),
    "any external id": Defect(
        _any_external_id, meant=f"external-id-required@{HOME}", by="role escrow-deployer", also=_EXTERNAL_ID
    ),
    "everybody whose role has the right name": Defect(
        _with(
            _weights(AWAY),
            _opened("AnyEscrow", AWAY, "*", {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/escrow-*"}}),
        ),
        meant=f"weights-unreadable@{AWAY}",
        by="(AnyEscrow)",
    ),
    "everybody whose role's name has the right ending": Defect(
        _with(
            _weights(AWAY),
            _opened("AnyRuntime", AWAY, "*", {"StringLike": {"aws:PrincipalArn": "*-runtime"}}),
        ),
        meant=f"weights-unreadable@{AWAY}",
        by="(AnyRuntime)",
    ),
    "everybody whose role's name has the right beginning and ending": Defect(
        _with(
            _weights(AWAY),
            _opened(
                "Both",
                AWAY,
                "*",
                {
                    "ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{CUSTOMER}:role/app*"},
                    "StringLike": {"aws:PrincipalArn": "*-reader"},
                },
            ),
        ),
        meant=f"weights-unreadable@{AWAY}",
        by="(Both)",
    ),
    "everybody whose session has the right name": Defect(
        _with(_weights(AWAY), _opened("AnySession", AWAY, "*", {"StringLike": {"aws:userid": "*:escrow"}})),
        meant=f"weights-unreadable@{AWAY}",
        by="(AnySession)",
    ),
    "everybody of the right user's name": Defect(
        _with(_prompts(HOME), _opened_to_a_user("AnyAnn", HOME)),
        meant=f"tenant-data-unreadable@{HOME}",
        by="(AnyAnn)",
    ),
    "trust in every region but its own": Defect(
        lambda folder: folder.trust(
            "escrow-west/authorization.json",
            "escrow-runtime",
            {"AWS": f"arn:aws:iam::{CUSTOMER}:root"},
            {"StringNotEquals": {"aws:RequestedRegion": [HOME, AWAY]}},
        ),
        meant=f"weights-unreadable@{AWAY}",
        by="role escrow-runtime: trust policy",
    ),
    "StringNotEqualsIfExists where there is no key": Defect(
        _in_turn(
            _without(_weights(HOME), "NobodyOutsideTheEndpoint"),
            _with(
                _weights(HOME),
                _opened("NotTheOldVpc", HOME, "*", {"StringNotEqualsIfExists": {"aws:SourceVpce": "vpce-0dd"}}),
            ),
        ),
        meant=f"endpoint-only@{HOME}",
        by="(NotTheOldVpc)",
        also=frozenset({f"weights-unreadable@{HOME}"}),
    ),
    "StringEqualsIfExists where there is no key": Defect(
        _in_turn(
            _without(_prompts(AWAY), "NobodyElseOutsideTheEndpoint"),
            _changed(
                _prompts(AWAY),
                "RuntimeReads",
                lambda one: one.update(Condition={"StringEqualsIfExists": one["Condition"]["StringEquals"]}),
            ),
        ),
        meant=f"endpoint-only@{AWAY}",
        by="(RuntimeReads)",
    ),
    "ForAllValues where there is no key": Defect(
        _with(
            _weights(AWAY),
            _opened("OurOwn", AWAY, "*", {"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-escrow0001"}}),
        ),
        meant=f"weights-unreadable@{AWAY}",
        by="(OurOwn)",
    ),
    "SCP not attached to the fallback account": Defect(
        _no_scp_away, meant=f"tenant-data-unreadable@{AWAY}", by="role operator"
    ),
    "a chain of two roles": Defect(
        _chain,
        meant=f"weights-unreadable@{HOME}",
        by="role helpdesk: trust policy",
        also=frozenset({f"tenant-data-unreadable@{HOME}", *_EXTERNAL_ID}),
    ),
    "left to the customer's own policies": Defect(
        _with(_weights(AWAY), _opened("TheCustomer", AWAY, {"AWS": f"arn:aws:iam::{CUSTOMER}:root"})),
        meant=f"weights-unreadable@{AWAY}",
        by="(TheCustomer)",
    ),
    "may change the policy": Defect(
        _with(
            _weights(AWAY),
            {
                "Sid": "SetsUp",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{CUSTOMER}:role/administrator"},
                "Action": "s3:PutBucketPolicy",
                "Resource": f"arn:aws:s3:::acme-weights-{AWAY}",
            },
        ),
        meant=f"weights-unreadable@{AWAY}",
        by="(SetsUp)",
    ),
    "a grant to the provider": Defect(_grant, meant=f"tenant-data-unreadable@{AWAY}", by="grant 5f1c"),
    "model packages open to the customer's organization": Defect(
        _with(
            f"provider/model-packages-{AWAY}.json",
            {
                "Sid": "Partners",
                "Effect": "Allow",
                "Principal": "*",
                "Action": "sagemaker:Describe*",
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-globex0001"}},
            },
        ),
        meant=f"weights-unreadable@{AWAY}",
        by="(Partners)",
    ),
    "an office's addresses left out": Defect(
        _conditioned(_weights(HOME), "NobodyOutsideTheEndpoint", NotIpAddress={"aws:SourceIp": ["203.0.113.0/24"]}),
        meant=f"endpoint-only@{HOME}",
        by="policy AdministratorAccess",
    ),
    "calls by AWS services left out": Defect(
        _conditioned(_weights(AWAY), "NobodyOutsideTheEndpoint", Bool={"aws:ViaAWSService": "false"}),
        meant=f"endpoint-only@{AWAY}",
        by="policy AdministratorAccess",
    ),
    "an endpoint that is no more": Defect(
        _changed(
            _weights(AWAY),
            "NobodyOutsideTheEndpoint",
            lambda one: one.update(Condition={"StringNotEquals": {"aws:SourceVpce": "vpce-0dd"}}),
        ),
        meant=f"readers-can-read@{AWAY}",
        by="(NobodyOutsideTheEndpoint)",
    ),
}
