"""Policies drawn at random: our evaluator and ministack's agree, where ministack's speaks of the same."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from brownout.iam.context import Context, Value
from brownout.iam.evaluate import Policies, evaluate
from brownout.iam.principals import Principal
from brownout.iam.request import Request
from tests.iam.documents import KEYS, OBJECT, OURS, ROLE, USER, Document, documents, policy, values

theirs = pytest.importorskip(
    "ministack.core.iam_evaluator", reason="ministack is not installed here: pip install ministack"
)

_SESSION = f"arn:aws:sts::{OURS}:assumed-role/reader/session"


@dataclass(frozen=True)
class Drawn:
    """A request within an account, and the documents that have a say in it."""

    role: bool
    action: str
    keys: dict[str, Value]
    identity: list[Document]
    boundary: list[Document] | None
    session: list[Document] | None
    bucket: list[Document] | None


drawn = st.builds(
    Drawn,
    role=st.booleans(),
    action=st.sampled_from(["s3:GetObject", "s3:PutObject"]),
    keys=st.fixed_dictionaries(dict.fromkeys(KEYS, values) | {"aws:RequestedRegion": st.just("us-east-1")}),
    identity=documents(),
    boundary=st.none() | documents(),
    session=st.none() | documents(),
    bucket=st.none() | documents(principal=True),
)


@settings(max_examples=2000)
@given(drawn)
def test_the_emulators_evaluator_agrees(one: Drawn) -> None:
    """Identity, boundary, session and bucket policies of one account, with and without the keys.

    Left out is what a grant to ``*`` is worth to somebody with a boundary or a session policy: to ministack, these
    limit it. AWS says that they do not (IAM User Guide, "Policy evaluation for requests within a single account").
    """
    limited = one.boundary or one.session
    assume(not (limited and any(statement["Principal"] == "*" for statement in one.bucket or ())))
    assert _theirs(one) == _ours(one)


def _ours(one: Drawn) -> str:
    request = Request(
        principal=Principal(ROLE, session="session") if one.role else Principal(USER),
        action=one.action,
        resource=OBJECT,
        owner=OURS,
        context=Context(one.keys, closed=("",)),
    )
    return evaluate(
        request,
        Policies(
            identity=[policy("identity", one.identity)],
            boundary=policy("boundary", one.boundary) if one.boundary else None,
            session=[policy("session", one.session)] if one.session else (),
            resource=[policy("bucket", one.bucket, resource=True)] if one.bucket else (),
        ),
    ).answer


def _theirs(one: Drawn) -> str:
    context = theirs.EvalContext(
        principal_arn=_SESSION if one.role else USER,
        principal_type="AssumedRole" if one.role else "User",
        principal_account=OURS,
        action=one.action,
        resource_arn=OBJECT,
        region="us-east-1",
        principal_keys={key.lower(): value for key, value in one.keys.items() if value is not None},
    )
    limits = tuple([_parsed(limit)] for limit in (one.boundary, one.session) if limit)
    identity = theirs.evaluate(context, [_parsed(one.identity)], *limits)
    if one.bucket:
        document = json.dumps({"Version": "2012-10-17", "Statement": one.bucket})
        identity = theirs.combine_resource_policy(identity, context, document, OURS, limits=limits)
    return "allowed" if identity.decision == "Allow" else "denied"


def _parsed(listed: list[Document]) -> Any:
    return theirs.parse_policy_document({"Version": "2012-10-17", "Statement": listed})
