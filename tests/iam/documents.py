"""Hypothesis strategies for policies and requests, drawn from few words so that they often meet."""

from typing import Any

from hypothesis import strategies as st

from brownout.iam.context import Context, Value
from brownout.iam.evaluate import Policies
from brownout.iam.policy import Policy, parse_policy
from brownout.iam.principals import Principal
from brownout.iam.request import Request

OURS, THEIRS = "111111111111", "222222222222"
ROLE = f"arn:aws:iam::{OURS}:role/reader"
USER = f"arn:aws:iam::{OURS}:user/reader"
OBJECT = "arn:aws:s3:::weights/70b/part-1"
KEYS = ("aws:SourceVpce", "aws:PrincipalOrgID", "aws:RequestedRegion")
WORDS = ("vpce-1", "vpce-2", "o-1", "us-east-1")
_OPERATORS = ("StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIfExists", "Null")
Document = dict[str, Any]

actions = st.sampled_from(["s3:GetObject", "s3:Get*", "s3:*", "*", "s3:PutObject", "S3:getobject"])
resources = st.sampled_from(
    [OBJECT, "*", "arn:aws:s3:::weights/*", "arn:aws:s3:::weights/70b/part-?", "arn:aws:s3:::x/*"]
)
principals = st.sampled_from(
    [
        "*",
        {"AWS": ROLE},
        {"AWS": USER},
        {"AWS": f"arn:aws:sts::{OURS}:assumed-role/reader/session"},
        {"AWS": OURS},
        {"AWS": f"arn:aws:iam::{THEIRS}:root"},
        {"Service": "ec2.amazonaws.com"},
    ]
)


@st.composite
def conditions(draw: st.DrawFn) -> Document:
    """Return a condition block of up to two operators."""
    block: Document = {}
    for _ in range(draw(st.integers(0, 2))):
        operator = draw(st.sampled_from(_OPERATORS))
        words = ("true", "false") if operator == "Null" else (*WORDS, "vpce-*")
        block.setdefault(operator, {})[draw(st.sampled_from(KEYS))] = draw(st.sampled_from(words))
    return block


@st.composite
def statements(draw: st.DrawFn, *, effect: str = "", principal: bool = False) -> Document:
    """Return a statement; of a resource's policy, with a principal."""
    made: Document = {"Effect": effect or draw(st.sampled_from(["Allow", "Allow", "Deny"]))}
    made[draw(st.sampled_from(["Action", "Action", "Action", "NotAction"]))] = draw(actions)
    made[draw(st.sampled_from(["Resource", "Resource", "Resource", "NotResource"]))] = draw(resources)
    if principal:
        made["Principal"] = draw(principals)
    block = draw(conditions())
    return made | ({"Condition": block} if block else {})


def policy(name: str, listed: list[Document], *, resource: bool = False) -> Policy:
    """Return statements as a policy."""
    document = {"Version": "2012-10-17", "Statement": listed}
    return parse_policy(document, name=name, attached="resource" if resource else "identity")


def documents(*, principal: bool = False) -> st.SearchStrategy[list[Document]]:
    """Return the statements of a policy."""
    return st.lists(statements(principal=principal), min_size=1, max_size=3)


@st.composite
def policies(draw: st.DrawFn) -> Policies:
    """Return all that has a say, some of it not there."""
    maybe = st.none() | documents().map(lambda one: policy("limit", one))
    shared = st.none() | documents(principal=True).map(lambda one: policy("shared", one, resource=True))
    session, resource, endpoint = draw(maybe), draw(shared), draw(shared)
    return Policies(
        identity=[policy("identity", one) for one in draw(st.lists(documents(), max_size=2))],
        boundary=draw(maybe),
        session=(session,) if session else (),
        scps=[(policy("scp", one),) for one in draw(st.lists(documents(), max_size=1))],
        resource=(resource,) if resource else (),
        endpoint=endpoint,
    )


values: st.SearchStrategy[Value] = st.none() | st.sampled_from(WORDS)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Return a request whose every key is known."""
    role = draw(st.booleans())
    return Request(
        principal=Principal(ROLE, session="session") if role else Principal(USER),
        action="s3:GetObject",
        resource=OBJECT,
        owner=draw(st.sampled_from([OURS, THEIRS])),
        context=Context({key: draw(values) for key in KEYS}, closed=("",)),
    )
