"""Which policies have a say, and in what order: the rules that single statements do not show."""

from typing import Any

import pytest

from brownout.iam.context import Context
from brownout.iam.evaluate import Decision, Policies, evaluate
from brownout.iam.policy import FULL_ACCESS, Policy, parse_policy
from brownout.iam.principals import NOBODY, Principal
from brownout.iam.request import Request
from tests.iam.documents import OBJECT, OURS, ROLE, THEIRS, USER

_KEY = f"arn:aws:kms:us-east-1:{OURS}:key/1"
_ALLOW = {"Effect": "Allow", "Action": "*", "Resource": "*"}
_DENY = {"Effect": "Deny", "Action": "*", "Resource": "*"}
_NARROW = parse_policy({"Statement": [_ALLOW | {"Action": "ec2:*"}]}, name="narrow", attached="identity")
_SESSION = f"arn:aws:sts::{OURS}:assumed-role/reader/session"
_READER = Principal(ROLE, unique_id="AROAREADER0000", session="session")


def _shared(*principals: Any, effect: str = "Allow", element: str = "Principal") -> Policy:
    listed = [_ALLOW | {"Effect": effect, element: principal} for principal in principals]
    return parse_policy({"Statement": listed}, name="shared", attached="resource")


def _ask(
    policies: Policies,
    who: Principal = _READER,
    action: str = "s3:GetObject",
    resource: str = OBJECT,
    owner: str = OURS,
) -> Decision:
    return evaluate(Request(who, action, resource, owner, Context({}, closed=("",))), policies)


@pytest.mark.parametrize(
    ("principal", "answer"),
    [
        ({"AWS": ROLE}, "denied"),
        ({"AWS": "AROAREADER0000"}, "denied"),
        ({"AWS": OURS}, "denied"),
        ({"AWS": _SESSION}, "allowed"),
        ("*", "allowed"),
    ],
)
def test_a_boundary_limits_what_a_role_is_granted_by_its_name_but_not_its_session_or_everybody(
    principal: Any, answer: str
) -> None:
    """Within an account; a session policy does the same."""
    shared = (_shared(principal),)
    assert answer == _ask(Policies(resource=shared, boundary=_NARROW)).answer
    assert answer == _ask(Policies(resource=shared, session=(_NARROW,))).answer


def test_a_boundary_does_not_limit_what_a_user_is_granted_by_its_name() -> None:
    """Within its account."""
    assert "allowed" == _ask(Policies(resource=(_shared({"AWS": USER}),), boundary=_NARROW), Principal(USER)).answer


def test_across_accounts_everything_limits() -> None:
    """However closely the resource names the caller."""
    shared = (_shared({"AWS": _SESSION}),)
    assert "allowed" == _ask(Policies(identity=(FULL_ACCESS,), resource=shared), owner=THEIRS).answer
    limited = Policies(identity=(FULL_ACCESS,), resource=shared, boundary=_NARROW)
    assert "denied" == _ask(limited, owner=THEIRS).answer
    assert "denied" == _ask(Policies(resource=shared), owner=THEIRS).answer


def test_a_keys_policy_must_allow_in_its_own_account_too() -> None:
    """By the account, which leaves it to policies of identities, or by the role's own name."""
    kms = {"action": "kms:Decrypt", "resource": _KEY}
    assert "denied" == _ask(Policies(identity=(FULL_ACCESS,), resource=(_shared({"AWS": USER}),)), **kms).answer
    left = (_shared({"AWS": f"arn:aws:iam::{OURS}:root"}),)
    assert "allowed" == _ask(Policies(identity=(FULL_ACCESS,), resource=left), **kms).answer
    assert "denied" == _ask(Policies(resource=left), **kms).answer
    assert "allowed" == _ask(Policies(resource=(_shared({"AWS": ROLE}),)), **kms).answer


def test_every_level_of_scps_must_allow() -> None:
    """And none of them gives anything."""
    assert "allowed" == _ask(Policies(identity=(FULL_ACCESS,), scps=((FULL_ACCESS,), (FULL_ACCESS,)))).answer
    decision = _ask(Policies(identity=(FULL_ACCESS,), scps=((FULL_ACCESS,), (_NARROW,))))
    assert ("denied", ("level 2 of the caller's SCPs does not allow s3:GetObject",)) == (decision.answer, decision.why)
    assert "denied" == _ask(Policies(scps=((FULL_ACCESS,),))).answer


def test_an_endpoints_policy_must_allow() -> None:
    """Whatever else does."""
    endpoint = _shared({"AWS": f"arn:aws:iam::{THEIRS}:root"})
    decision = _ask(Policies(identity=(FULL_ACCESS,), endpoint=endpoint))
    assert ("the VPC endpoint's policy does not allow s3:GetObject",) == decision.why


def test_an_rcp_denies_only_for_the_services_that_have_them() -> None:
    """S3 is one, SageMaker is none."""
    guard = Policies(identity=(FULL_ACCESS,), rcps=(_shared("*", effect="Deny"),))
    assert "denied" == _ask(guard).answer
    assert "allowed" == _ask(guard, action="sagemaker:DescribeModelPackage").answer


def test_a_caller_without_credentials_is_let_in_by_nothing_but_a_star() -> None:
    """Neither by an account's name nor by a policy of its own."""
    assert "allowed" == _ask(Policies(resource=(_shared("*"),)), NOBODY).answer
    assert "denied" == _ask(Policies(resource=(_shared({"AWS": OURS}),)), NOBODY).answer


@pytest.mark.parametrize(
    ("spared", "answer"),
    [
        ([USER], "denied"),
        ([ROLE], "unknown"),
        ([ROLE, f"arn:aws:iam::{OURS}:root"], "unknown"),
        ([ROLE, _SESSION, f"arn:aws:iam::{OURS}:root"], "allowed"),
    ],
)
def test_not_principal_spares_for_certain_only_who_is_named_in_full(spared: list[str], answer: str) -> None:
    """Account, role and session; and nobody who has a permissions boundary."""
    shared = _shared({"AWS": spared}, effect="Deny", element="NotPrincipal")
    given = Policies(identity=(FULL_ACCESS,), resource=(shared,))
    assert answer == _ask(given).answer
    bounded = Principal(ROLE, session="session", bounded=True)
    assert "denied" == _ask(given, bounded).answer


def test_who_chooses_its_sessions_name_has_any() -> None:
    """A role's session is named by whoever assumes it."""
    shared = Policies(resource=(_shared({"AWS": _SESSION}),))
    assert "allowed" == _ask(shared, Principal(ROLE)).answer
    assert "denied" == _ask(shared, Principal(ROLE, session="another")).answer


def test_a_canonical_user_may_be_anybody() -> None:
    """The exports do not say whose id it is."""
    assert "unknown" == _ask(Policies(resource=(_shared({"CanonicalUser": "79a59d"}),))).answer


def test_an_answer_says_which_statements_decided() -> None:
    """By their policy, their number and their Sid."""
    listed = [_ALLOW | {"Action": "ec2:*"}, _DENY | {"Sid": "No", "Action": "s3:Get*"}]
    denies = parse_policy({"Statement": listed}, name="file.json: role reader: own", attached="identity")
    assert ("file.json: role reader: own: statement 2 (No)",) == _ask(Policies(identity=(denies, FULL_ACCESS))).by
    assert ("FullAWSAccess",) == _ask(Policies(identity=(FULL_ACCESS,))).by
