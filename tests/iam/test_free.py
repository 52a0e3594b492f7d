"""Keys that a caller chooses: whatever value would let it in is found, and none is made up."""

import itertools
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from brownout.iam.context import Context
from brownout.iam.evaluate import Policies, evaluate
from brownout.iam.free import Free, decide
from brownout.iam.principals import Principal
from brownout.iam.request import Request
from brownout.iam.vantage import outside
from tests.iam.documents import OBJECT, OURS, ROLE, policy

_EVERY_VALUE = [None, *("".join(letters) for size in range(1, 5) for letters in itertools.product("ab", repeat=size))]
_INTERNET = next(outside())
_texts = st.text("ab", min_size=1, max_size=2)
_patterns = st.sampled_from(["a*", "*b", "a?", "b*", "*", "?"])
_conditions = st.one_of(
    st.tuples(st.sampled_from(["StringEquals", "StringNotEquals"]), _texts),
    st.tuples(st.sampled_from(["StringLike", "StringNotLike", "StringLikeIfExists"]), _patterns),
    st.tuples(st.just("Null"), st.sampled_from(["true", "false"])),
)


@st.composite
def _statements(draw: st.DrawFn) -> dict[str, Any]:
    operator, word = draw(_conditions)
    effect = draw(st.sampled_from(["Allow", "Allow", "Deny"]))
    condition = {operator: {"sts:ExternalId": word}}
    return {"Effect": effect, "Action": "s3:GetObject", "Resource": "*", "Condition": condition}


@given(st.lists(_statements(), min_size=1, max_size=3))
def test_an_answer_that_is_certain_is_that_of_trying_every_value(listed: list[dict[str, Any]]) -> None:
    """Allowed where some value lets it in, denied where none does; else it is said not to be known."""
    given_policies = Policies(identity=[policy("identity", listed)])
    decision = decide(_request({}), given_policies, Free(_INTERNET))
    assume(decision.answer != "unknown")
    tried = {evaluate(_request({"sts:ExternalId": value}), given_policies).answer for value in _EVERY_VALUE}
    assert ("allowed" if "allowed" in tried else "denied") == decision.answer


def test_a_value_that_only_two_patterns_together_would_need_is_not_taken_for_impossible() -> None:
    """Nothing that is tried is of both, so it is not known; it is not denied."""
    both = {"StringLike": {"sts:ExternalId": "a*"}, "StringLikeIfExists": {"sts:ExternalId": "*b"}}
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": both}
    given_policies = Policies(identity=[policy("identity", [statement])])
    assert "unknown" == decide(_request({}), given_policies, Free(_INTERNET)).answer


def test_a_smaller_network_within_a_larger_one_does_not_hide_the_rest() -> None:
    """A network allowed, its first few addresses denied."""
    larger = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": _from("203.0.113.0/24")}
    smaller = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": _from("203.0.113.0/28")}
    given_policies = Policies(identity=[policy("identity", [larger, smaller])])
    assert "allowed" == decide(_request({}), given_policies, Free(_INTERNET)).answer


def _from(network: str) -> dict[str, Any]:
    return {"IpAddress": {"aws:SourceIp": network}}


def _request(keys: dict[str, str | None]) -> Request:
    return Request(Principal(ROLE), "s3:GetObject", OBJECT, OURS, Context(keys))
