"""The target's machine: its credentials change before they end, and its tokens hold as long as they say."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from tests.identity.identities import NOW, identities

HOUR = dt.timedelta(hours=1)


@given(st.lists(st.integers(0, 20_000), min_size=1, max_size=20))
def test_what_is_offered_is_never_about_to_end(pauses_s: list[int]) -> None:
    """However seldom the machine asks, what it is given holds for hours; and it is changed only when it is old."""
    instance = identities().instance
    now, last = NOW, None
    for pause_s in pauses_s:
        now += dt.timedelta(seconds=pause_s)
        session = instance.session(now)
        assert session.keys.expires is not None
        assert session.keys.expires - now > 5 * HOUR
        if last is not None and last.caller.issued + HOUR > now:
            assert last == session
        last = session


def test_a_stuck_service_offers_the_old_ones() -> None:
    """While it is stuck nothing new is made, even when the old credentials are over."""
    instance = identities().instance
    first = instance.session(NOW)
    instance.stuck = True
    assert first == instance.session(NOW + 7 * HOUR)
    instance.stuck = False
    assert first != instance.session(NOW + 7 * HOUR)


def test_expired_credentials_are_replaced() -> None:
    """When its session is ended early, the machine is offered another at once."""
    identity = identities()
    first = identity.instance.session(NOW)
    assert 1 == identity.aws.ring.expire(identity.instance.role_arn, NOW)
    assert first.keys != identity.instance.session(NOW).keys


def test_short_lives_can_be_asked_for() -> None:
    """A run of a minute can see many rotations."""
    instance = identities().instance
    instance.life, instance.rotates_after = dt.timedelta(seconds=30), dt.timedelta(seconds=10)
    keys = {instance.session(NOW + dt.timedelta(seconds=second)).keys.access_key_id for second in range(60)}
    assert 6 == len(keys)


def test_a_token_holds_for_its_time() -> None:
    """An IMDSv2 token is known until its time is over, or until all are forgotten."""
    instance = identities().instance
    token = instance.begin_token(60, NOW)
    assert instance.knows_token(token, NOW + dt.timedelta(seconds=59))
    assert not instance.knows_token(token, NOW + dt.timedelta(seconds=60))
    assert not instance.knows_token("", NOW)
    instance.forget_tokens()
    assert not instance.knows_token(token, NOW)


def test_the_seed_makes_the_machine() -> None:
    """One seed gives one machine, with the same keys; another gives another."""
    first, again, other = (identities(seed).instance for seed in (1, 1, 2))
    assert first.session(NOW) == again.session(NOW)
    assert first.session(NOW).keys != other.session(NOW).keys
    assert ("us-east-1", "us-east-1a") == (first.region, first.zone)
