"""What must hold of the evaluator whatever the policies are."""

import itertools
import re
from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from brownout.iam.context import NotKnown, Value
from brownout.iam.evaluate import Decision, Missing, Policies, evaluate
from brownout.iam.request import Request
from brownout.iam.truth import Truth, every, known, some, unsure
from brownout.iam.wildcards import glob, instance, pattern
from tests.iam.documents import KEYS, WORDS, policies, policy, requests, statements

_ORDER = ("denied", "unknown", "allowed")
_DENY_ALL = {"Effect": "Deny", "Action": "*", "Resource": "*"}
few = st.text("ab*?.[", max_size=8)


@given(few, st.text("ab.[", max_size=8))
def test_wildcards_cover_what_a_regular_expression_says(wanted: str, text: str) -> None:
    """A star is any run, a question mark any one character, and nothing else is special."""
    reference = "".join(".*" if one == "*" else "." if one == "?" else re.escape(one) for one in wanted)
    assert (re.fullmatch(reference, text, re.DOTALL) is not None) == glob(pattern(wanted), text)


@given(few)
def test_a_pattern_covers_its_own_instance(wanted: str) -> None:
    """What is tried in place of a pattern is one that it covers."""
    assert glob(pattern(wanted), instance(wanted))


def test_many_stars_do_not_hang() -> None:
    """Not exponential: a pattern that would take a backtracking matcher for ever."""
    assert not glob(pattern("*a" * 200 + "b"), "a" * 2000)


@given(requests(), policies(), st.integers(0, 5))
def test_an_explicit_deny_always_wins(request: Request, given_policies: Policies, place: int) -> None:
    """Wherever it stands."""
    denied = _with_deny_all(given_policies, place)
    assert "denied" == evaluate(request, denied).answer


@given(requests(), policies(), statements(effect="Allow"), statements(effect="Allow", principal=True))
def test_one_more_allow_never_takes_anything_away(
    request: Request, given_policies: Policies, identity: dict[str, object], shared: dict[str, object]
) -> None:
    """In a policy of the identity, and in one of the resource."""
    before = _rank(evaluate(request, given_policies))
    more = replace(given_policies, identity=[*given_policies.identity, policy("more", [identity])])
    assert before <= _rank(evaluate(request, more))
    more = replace(given_policies, resource=[*given_policies.resource, policy("more", [shared], resource=True)])
    assert before <= _rank(evaluate(request, more))


@given(requests(), policies(), statements(effect="Deny"), statements(effect="Deny", principal=True))
def test_one_more_deny_never_gives_anything(
    request: Request, given_policies: Policies, identity: dict[str, object], shared: dict[str, object]
) -> None:
    """In a policy of the identity, and in one of the resource."""
    before = _rank(evaluate(request, given_policies))
    more = replace(given_policies, identity=[*given_policies.identity, policy("more", [identity])])
    assert before >= _rank(evaluate(request, more))
    more = replace(given_policies, resource=[*given_policies.resource, policy("more", [shared], resource=True)])
    assert before >= _rank(evaluate(request, more))


@given(requests(), policies(), st.sampled_from(KEYS))
def test_what_is_certain_although_a_key_is_not_known_holds_for_every_value(
    request: Request, given_policies: Policies, key: str
) -> None:
    """Unknown is never said less than it must be."""
    blind = evaluate(_with(request, key, NotKnown("the value")), given_policies)
    assume(blind.answer != "unknown")
    for value in (None, *WORDS, "something-else"):
        assert blind.answer == evaluate(_with(request, key, value), given_policies).answer


@given(requests(), policies(), st.sampled_from(KEYS))
def test_a_key_of_which_no_policy_speaks_need_not_be_known(
    request: Request, given_policies: Policies, key: str
) -> None:
    """Unknown is never said where it could not matter."""
    assume(all(one.key != key for one in _conditions(given_policies)))
    blind = evaluate(_with(request, key, NotKnown("the value")), given_policies)
    assert evaluate(request, given_policies) == blind


@given(requests(), policies())
def test_a_request_whose_every_key_is_known_has_a_certain_answer(request: Request, given_policies: Policies) -> None:
    """Where every operator is known, too."""
    assert "unknown" != evaluate(request, given_policies).answer


@given(requests(), policies())
def test_a_policy_that_is_not_at_hand_is_never_taken_for_none(request: Request, given_policies: Policies) -> None:
    """With one, nothing is allowed for certain; what is denied is denied without it, too."""
    decision = evaluate(request, replace(given_policies, identity=[*given_policies.identity, Missing("one")]))
    assert "allowed" != decision.answer
    if decision.answer == "denied":
        assert "denied" == evaluate(request, given_policies).answer


truths = st.sampled_from([known(value=True), known(value=False), unsure("a"), unsure("b")])


@given(st.lists(truths, max_size=4))
def test_three_valued_logic_agrees_with_every_way_to_make_up_what_is_not_known(parts: list[Truth]) -> None:
    """And what is not known is so for a reason."""
    ways = list(itertools.product(*([one.value] if one.value is not None else [True, False] for one in parts)))
    for joined, both in ((every(parts), all), (some(parts), any)):
        possible = {both(way) for way in ways}
        assert (joined.value,) == tuple(possible) if len(possible) == 1 else joined.value is None
        assert (joined.value is None) == bool(joined.why)


def _with(request: Request, key: str, value: Value) -> Request:
    return replace(request, context=request.context.having({key: value}))


def _rank(decision: Decision) -> int:
    return _ORDER.index(decision.answer)


def _conditions(given_policies: Policies) -> list[object]:
    return [condition for one in given_policies.all("s3") for condition in getattr(one, "conditions", ())]


def _with_deny_all(given_policies: Policies, place: int) -> Policies:
    deny = policy("deny", [_DENY_ALL])
    shared = policy("deny", [_DENY_ALL | {"Principal": "*"}], resource=True)
    places = (
        {"identity": [*given_policies.identity, deny]},
        {"boundary": deny},
        {"session": [*given_policies.session, deny]},
        {"scps": [*given_policies.scps, (deny,)]},
        {"resource": [*given_policies.resource, shared]},
        {"endpoint": shared},
    )
    return replace(given_policies, **places[place])
