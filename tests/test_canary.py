"""A canary is found wherever it stands, proves itself, and leaves no trace of its value in evidence."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from brownout.canary import (
    ANSWERED,
    COMMON,
    KINDS,
    OWN,
    PREFIX,
    PUBLIC,
    TENANTS_MAX,
    CanaryMint,
    Kind,
    Mark,
    Own,
    Public,
    canary_id,
    run_key,
)

TENANTS = ["acme", "europa", "a-third"]
MINT = CanaryMint(run_key(1), TENANTS)
NUMBERS = st.integers(0, 2**32 - 1)
ASKS = st.tuples(st.sampled_from(TENANTS), NUMBERS)
# What stands about it may look like the beginning, or the rest, of another.
NOISE = st.one_of(st.text(max_size=40), st.text("CNRYA2", max_size=30), st.just(PREFIX), st.just(PREFIX + "A" * 17))


@given(ASKS, NOISE, NOISE)
def test_a_canary_is_found_in_any_text(asked: tuple[str, int], before: str, after: str) -> None:
    """Whatever stands before and after, glued to it or not, it is found once, by its id."""
    tenant, number = asked
    assert [f"{tenant}-{number}"] == MINT.find(before + MINT.value(tenant, number) + after)


@given(st.lists(ASKS, max_size=5), st.lists(NOISE, min_size=6, max_size=6))
def test_all_canaries_are_found_in_order(asked: list[tuple[str, int]], between: list[str]) -> None:
    """A prompt that holds several requests' text betrays each of them."""
    marks = [noise + MINT.value(*one) for noise, one in zip(between, asked, strict=False)]
    assert [canary_id(*one) for one in asked] == MINT.find("".join(marks) + between[-1])


@given(NUMBERS, NUMBERS, st.sampled_from(TENANTS))
def test_another_runs_canary_is_never_found(seed: int, other: int, tenant: str) -> None:
    """A canary is worth nothing under another run's key."""
    assume(seed != other)
    value = CanaryMint(run_key(other), TENANTS).value(tenant, 7)
    assert [] == CanaryMint(run_key(seed), TENANTS).find(value)


@given(NUMBERS, st.sampled_from(KINDS))
def test_another_secret_of_one_tenant_s_is_other_canaries_of_the_same_ids(number: int, kind: Kind) -> None:
    """They are as long, prove themselves to whom it was said, and to nobody else; other tenants' are as ever."""
    other = CanaryMint(run_key(1), TENANTS, "europa")
    one, another = MINT.value("europa", number, kind), other.value("europa", number, kind)
    assert (len(one), True) == (len(another), one != another)
    body = another[len(PREFIX) :]
    assert (Mark(f"europa-{number}", kind), None) == (other.proven(body), MINT.proven(body))
    assert MINT.value("acme", number, kind) == other.value("acme", number, kind)


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=18, max_size=18))
def test_chance_makes_no_canary(body: str) -> None:
    """The right shape alone is not enough."""
    assert [] == MINT.find(PREFIX + body)


@given(ASKS, st.integers(len(PREFIX), len(PREFIX) + 16))
def test_a_changed_canary_is_none(asked: tuple[str, int], place: int) -> None:
    """One letter changed, and it no longer proves itself (but for the last, which is half padding)."""
    value = MINT.value(*asked)
    changed = value[:place] + ("A" if value[place] != "A" else "B") + value[place + 1 :]
    assert [] == MINT.find(changed)


@given(st.text(max_size=200))
def test_no_text_is_too_odd(text: str) -> None:
    """Any text may be searched."""
    assert [] == MINT.find(text)


@given(ASKS)
def test_an_id_never_holds_the_value(asked: tuple[str, int]) -> None:
    """What evidence says of a canary cannot be used to make or find one."""
    value = MINT.value(*asked)
    (found,) = MINT.find(value)
    assert canary_id(*asked) == found
    assert value not in found
    assert value.removeprefix(PREFIX) not in found
    assert [] == MINT.find(found)


def test_no_two_requests_share_a_canary() -> None:
    """Values differ by tenant and by number."""
    values = {MINT.value(tenant, number) for tenant in TENANTS for number in range(200)}
    assert 600 == len(values)


def test_a_tenant_that_is_not_of_the_run_has_none() -> None:
    """A mint knows its tenants; one with fewer does not recognise the rest."""
    with pytest.raises(ValueError, match="nobody"):
        MINT.value("nobody", 1)
    assert [] == CanaryMint(run_key(1), TENANTS[:1]).find(MINT.value("europa", 1))


def test_the_key_follows_from_the_seed() -> None:
    """One seed, one key; another seed, another."""
    assert run_key(5) == run_key(5)
    assert run_key(5) != run_key(6)


@given(ASKS, st.sampled_from(KINDS))
def test_a_canary_proves_what_it_marks(asked: tuple[str, int], kind: Kind) -> None:
    """The kind is in the HMAC: each canary is of one kind, and of no other."""
    body = MINT.value(*asked, kind).removeprefix(PREFIX)
    assert Mark(canary_id(*asked), kind) == MINT.proven(body)
    assert MINT.proven(body, [other for other in KINDS if other != kind]) is None


@given(ASKS, st.sampled_from([kind for kind in KINDS if kind != "prompt"]))
def test_only_a_prompts_canary_makes_a_prompt_its_own(asked: tuple[str, int], kind: Kind) -> None:
    """An answer or a tool's result that is quoted in a prompt does not tell whose request it is."""
    assert [] == MINT.find(MINT.value(*asked, kind))


def test_a_prompts_canary_looks_as_it_always_did() -> None:
    """Histories recorded before there were kinds are the same byte for byte."""
    assert "CNRYAEAAAAAHCNOU6B6AXE" == CanaryMint(run_key(1), TENANTS).value("europa", 7)


@given(st.sampled_from(OWN), NUMBERS)
def test_a_routers_own_credentials_bear_canaries_that_are_no_tenants(owner: Own, number: int) -> None:
    """They prove themselves as any does, as a credential only, and are the same with another secret of a tenant's."""
    body = MINT.value(owner, number, "credential")[len(PREFIX) :]
    assert Mark(f"{owner}-{number}", "credential") == MINT.proven(body) == MINT.proven(body)
    assert None is MINT.proven(body, ("prompt",))
    assert None is MINT.proven(MINT.value(owner, number, "prompt")[len(PREFIX) :])
    assert [] == MINT.find(PREFIX + body)
    assert PREFIX + body == CanaryMint(run_key(1), TENANTS, "europa").value(owner, number, "credential")


def test_numbers_of_tenants_and_of_a_routers_own_do_not_meet() -> None:
    """As many tenants as there may be, and the last of them is still itself."""
    tenants = [f"t{number}" for number in range(TENANTS_MAX)]
    mint = CanaryMint(run_key(1), tenants)
    names = (*tenants, *OWN, *PUBLIC)
    owners = {mint.proven(mint.value(one, 1, "credential")[len(PREFIX) :], public=True) for one in names}
    assert {Mark(f"{one}-1", "credential") for one in names} == owners


@given(st.sampled_from(PUBLIC), NUMBERS, st.sampled_from(KINDS))
def test_what_is_nobodys_proves_itself_to_who_says_so_alone(owner: Public, number: int, kind: Kind) -> None:
    """To all others it is no canary; and it is the same with another secret of a tenant's."""
    body = MINT.value(owner, number, kind)[len(PREFIX) :]
    assert (Mark(f"{owner}-{number}", kind), None) == (MINT.proven(body, public=True), MINT.proven(body))
    assert PREFIX + body == CanaryMint(run_key(1), TENANTS, "europa").value(owner, number, kind)


@given(NUMBERS, ASKS)
def test_a_common_question_is_found_in_a_prompt_like_any(number: int, asked: tuple[str, int]) -> None:
    """An answer to one is not: it makes no prompt its own."""
    text = f"{MINT.value(COMMON, number)} {MINT.value(ANSWERED, number, 'completion')} {MINT.value(*asked)}"
    assert [f"{COMMON}-{number}", canary_id(*asked)] == MINT.find(text)
