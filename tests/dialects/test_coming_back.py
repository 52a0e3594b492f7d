"""Every form of saying when to come back is understood by every dialect's callers, whoever's form it is."""

import datetime as dt
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.dialects import DIALECTS
from brownout.wire import HttpReply, Refusal
from faults.throttling import Says, headers_of

UTC = dt.datetime(2026, 3, 1, 12, 30, 5, 250_000, tzinfo=dt.UTC)
FORMS: dict[Says, float] = {
    "retry-after": 1.0,
    "retry-after-date": 2.0,
    "retry-after-ms": 0.001,
    "x-amz-retry-after": 0.001,
}
"""The forms, and by how much they may round up, in seconds."""


def _read(dialect: str, headers: dict[str, str]) -> Refusal:
    return DIALECTS[dialect].client.refusal(HttpReply(status=429, headers=headers, body=b"{}"))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("says", FORMS)
@given(wait_s=st.floats(0, 100_000), shift_s=st.floats(0, 1))
def test_every_honest_form_is_read(dialect: str, says: Says, wait_s: float, shift_s: float) -> None:
    """Never as sooner than it was meant, and as later by its rounding at most."""
    headers = headers_of(says, wait_s, UTC + dt.timedelta(seconds=shift_s))
    assert headers is not None
    read_s = _read(dialect, dict(headers)).retry_after_s
    assert read_s is not None
    assert wait_s - 1e-6 <= read_s <= wait_s + FORMS[says] + 1e-6


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", ["Retry-After", "retry-after-ms", "x-amz-retry-after"])
@given(said=st.sampled_from(["", "-1", "NaN", "inf", "-inf", "soon", "1e999", "2 s"]) | st.text("abc /:", max_size=8))
def test_nonsense_says_nothing(dialect: str, name: str, said: str) -> None:
    """What is no time is no time to come back."""
    assert None is _read(dialect, {name: said, "Date": "Sun, 01 Mar 2026 12:30:05 GMT"}).retry_after_s


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", ["retry-after-ms", "x-amz-retry-after"])
def test_milliseconds_win(dialect: str, name: str) -> None:
    """Beside whole seconds they are the more precise; where they are nonsense, the seconds hold."""
    assert 1.25 == _read(dialect, {"Retry-After": "2", name: "1250"}).retry_after_s
    assert 2.0 == _read(dialect, {"Retry-After": "2", name: "soon"}).retry_after_s


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_form_of_its_own_stands_alone(dialect: str) -> None:
    """Where a refusal brings its own header, nothing in the body says another time."""
    refusal = Refusal("throttled", "m", retry_after_s=7, headers={"Retry-After": "7"})
    reply = DIALECTS[dialect].server.refusal(refusal, reply_id="r-1")
    assert b"7" not in reply.body.replace(b"r-1", b"")


@given(st.floats(0, 1e6))
def test_a_date_is_never_too_early(wait_s: float) -> None:
    """By whichever clock it is read: the reply's own, or one that is right."""
    headers = headers_of("retry-after-date", wait_s, UTC)
    assert headers is not None
    until = dt.datetime.strptime(headers["Retry-After"], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=dt.UTC)
    assert 0 <= math.ceil((until - UTC).total_seconds() - wait_s + 1e-6) <= 1
