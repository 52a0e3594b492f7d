"""A bucket's policy drawn at random: what a concrete request may read is never told to be unreadable."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.iam import judge_escrow, load_folder
from brownout.iam.context import Context, Value
from brownout.iam.evaluate import Policies, evaluate
from brownout.iam.policy import FULL_ACCESS, parse_policy
from brownout.iam.principals import Principal
from brownout.iam.request import Request
from tests.iam.folders import CUSTOMER, EXAMPLE, NOW, PROVIDER, finding

_FILE = "provider/weights-bucket-us-west-2.json"
_OBJECTS = "arn:aws:s3:::acme-weights-us-west-2"
_ESCROW, _EXPORTS = load_folder(EXAMPLE)
_ENDPOINT = _EXPORTS.endpoints["vpce-0e5c2000000000053"]
_TEXTS: dict[str, list[str]] = {
    "aws:PrincipalArn": ["arn:aws:iam::*:role/x-*", "*admin*", f"arn:aws:iam::{CUSTOMER}:user/bob", "*:role/a/*/b"],
    "aws:PrincipalOrgID": ["o-globex0001", "o-acme000001"],
    "aws:SourceVpce": [_ENDPOINT.id, "vpce-0dd"],
    "aws:UserAgent": ["*curl*", "aws-cli*"],
    "aws:username": ["bob", "b*"],
    "aws:userid": ["*:bob", "AROAELSE:*"],
}
_texts = st.sampled_from(sorted(_TEXTS)).flatmap(
    lambda key: st.tuples(
        st.sampled_from(["StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIfExists"]),
        st.fixed_dictionaries({key: st.sampled_from(_TEXTS[key])}),
    )
)
_addresses = st.tuples(
    st.sampled_from(["IpAddress", "NotIpAddress"]),
    st.fixed_dictionaries({"aws:SourceIp": st.sampled_from(["10.0.0.0/8", "203.0.113.0/24"])}),
)
_statements = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Allow", "Deny"]),
        "Principal": st.sampled_from(["*", {"AWS": CUSTOMER}, {"AWS": f"arn:aws:iam::{CUSTOMER}:user/bob"}]),
        "Action": st.just("s3:GetObject"),
        "Resource": st.sampled_from([f"{_OBJECTS}/*", f"{_OBJECTS}/shared/*"]),
        "Condition": st.lists(_texts | _addresses, min_size=1, max_size=2).map(dict),
    }
)


@settings(max_examples=25)
@given(st.lists(_statements, min_size=1, max_size=2))
def test_what_anybody_may_read_is_never_told_to_be_unreadable(listed: list[dict[str, Any]]) -> None:
    """Names, places, agents and sessions that no policy was looked at for, each asked by itself."""
    policy = parse_policy({"Version": "2012-10-17", "Statement": listed}, name="drawn", attached="resource")
    exports = replace(_EXPORTS, policies={**_EXPORTS.policies, _FILE: policy})
    verdicts = judge_escrow(_ESCROW, exports, NOW)
    for inside, promise in ((True, "weights-unreadable"), (False, "endpoint-only")):
        if any(evaluate(*asked).answer == "allowed" for asked in _asked(policy, inside=inside)):
            assert "pass" != finding(verdicts, f"{promise}@us-west-2").outcome


def _asked(policy: Any, *, inside: bool) -> Iterator[tuple[Request, Policies]]:
    names = ("role/x-1", "role/sysadmins", "role/a/q/b", "user/bob", "role/other")
    places = (
        ({"aws:SourceVpce": _ENDPOINT.id},) if inside else ({"aws:SourceIp": "10.1.1.1"}, {"aws:SourceIp": "192.0.2.1"})
    )
    given_policies = Policies(
        identity=(FULL_ACCESS,), resource=(policy,), endpoint=_ENDPOINT.policy if inside else None
    )
    for name, account, place, agent, session, key in itertools.product(
        names, (CUSTOMER, "999999999999"), places, ("curl/8", "z"), ("bob", "s"), ("shared/x", "y")
    ):
        arn = f"arn:aws:iam::{account}:{name}"
        role = name.startswith("role/")
        keys: dict[str, Value] = {
            "aws:PrincipalArn": arn,
            "aws:PrincipalOrgID": "o-globex0001" if account == CUSTOMER else "o-else",
            "aws:UserAgent": agent,
            "aws:userid": f"AROANEW00000:{session}" if role else "AIDANEW00000",
            "aws:username": None if role else "bob",
            **place,
        }
        who = Principal(arn, session=session if role else None)
        yield Request(who, "s3:GetObject", f"{_OBJECTS}/{key}", PROVIDER, Context(keys, closed=("",))), given_policies
