"""A reply says of itself who made it and whether all of it is there."""

from hypothesis import given
from hypothesis import strategies as st

from brownout.answer import read_reply, reply_tokens
from brownout.canary import CanaryMint, run_key

ENDPOINT, CANARY = "bedrock-od-us-east-1", "acme-17"
COUNTS = st.integers(0, 60)
PLACES = st.integers(0, 1000)
MINT = CanaryMint(run_key(1), ["acme"])
MARKS = st.sampled_from(["", MINT.value("acme", 17, "completion")])
"""In a planted load an answer's head bears a canary of its own; it is judged like any other."""


@given(COUNTS, MARKS)
def test_a_whole_reply_is_whole(tokens: int, mark: str) -> None:
    """It has as many tokens as were asked for (at least two), and reads as whole, with white space around it or not."""
    made = reply_tokens(ENDPOINT, CANARY, tokens, mark)
    assert max(tokens, 2) == len(made)
    for text in ("".join(made), "".join(made) + "\n"):
        assert (ENDPOINT, "whole") == read_reply(text, CANARY)


@given(st.integers(2, 60), PLACES, MARKS)
def test_a_reply_cut_after_any_token_is_truncated(tokens: int, place: int, mark: str) -> None:
    """Every true beginning that has its head and lacks its end is truncated; nothing at all is empty."""
    made = reply_tokens(ENDPOINT, CANARY, tokens, mark)
    kept = place % len(made)
    text = "".join(made[:kept])
    assert ((ENDPOINT, "truncated") if kept else (None, "empty")) == read_reply(text, CANARY)


@given(st.integers(2, 60), PLACES, MARKS)
def test_a_reply_cut_at_any_byte_is_never_whole(tokens: int, place: int, mark: str) -> None:
    """A cut inside a token is truncated too, or garbled where the head itself is broken."""
    whole = "".join(reply_tokens(ENDPOINT, CANARY, tokens, mark))
    head = whole.index("]") + 1
    cut = place % len(whole)
    expected = "empty" if cut == 0 else "garbled" if cut < head else "truncated"
    assert expected == read_reply(whole[:cut], CANARY).integrity


@given(st.integers(3, 60), PLACES, st.integers(1, 3), MARKS)
def test_a_repeated_word_is_duplicated(tokens: int, place: int, copies: int, mark: str) -> None:
    """A token sent more than once, as by a retry that overlaps what had been sent; whether the end comes or not."""
    made = reply_tokens(ENDPOINT, CANARY, tokens, mark)
    at = 1 + place % (len(made) - 1)
    again = [*made[: at + 1], *[made[at]] * copies, *made[at + 1 :]]
    for text in ("".join(again), "".join(again[: at + 2])):
        assert (ENDPOINT, "duplicated") == read_reply(text, CANARY)


@given(st.integers(2, 60), st.integers(2, 60), PLACES, MARKS)
def test_two_answers_joined_are_mixed(tokens: int, others: int, place: int, mark: str) -> None:
    """The beginning of one, or all of it, and another endpoint's answer to the same request."""
    first, second = reply_tokens(ENDPOINT, CANARY, tokens, mark), reply_tokens("selfhosted-us", CANARY, others, mark)
    text = "".join([*first[: 1 + place % len(first)], *second])
    assert (ENDPOINT, "mixed") == read_reply(text, CANARY)


@given(st.integers(2, 60), PLACES, MARKS)
def test_another_requests_answer_within_ones_own_is_foreign(tokens: int, place: int, mark: str) -> None:
    """However much of one's own stands before it."""
    made = reply_tokens(ENDPOINT, CANARY, tokens, mark)
    text = "".join([*made[: 1 + place % len(made)], *reply_tokens(ENDPOINT, "europa-17", tokens, mark)])
    assert (ENDPOINT, "foreign") == read_reply(text, CANARY)


@given(st.integers(4, 60), PLACES, MARKS)
def test_words_out_of_order_are_garbled(tokens: int, place: int, mark: str) -> None:
    """Two neighbours exchanged."""
    made = reply_tokens(ENDPOINT, CANARY, tokens, mark)
    at = 1 + place % (len(made) - 2)
    made[at], made[at + 1] = made[at + 1], made[at]
    assert (ENDPOINT, "garbled") == read_reply("".join(made), CANARY)


@given(st.integers(3, 60), PLACES, MARKS)
def test_a_missing_word_is_garbled(tokens: int, place: int, mark: str) -> None:
    """A hole in the middle is no beginning of the reply."""
    made = reply_tokens(ENDPOINT, CANARY, tokens, mark)
    del made[1 + place % (len(made) - 2)]
    assert (ENDPOINT, "garbled") == read_reply("".join(made), CANARY)


@given(st.integers(2, 60), st.sampled_from(["acme-1", "acme-170", "europa-17", "none"]))
def test_another_requests_reply_is_foreign(tokens: int, other: str) -> None:
    """Whole or not, an answer to somebody else is known by its head."""
    made = reply_tokens(ENDPOINT, other, tokens)
    for kept in (1, len(made)):
        assert (ENDPOINT, "foreign") == read_reply("".join(made[:kept]), CANARY)


def test_a_reply_to_nobody_is_foreign() -> None:
    """An endpoint that found no canary says so, and its reply is nobody's."""
    assert (ENDPOINT, "foreign") == read_reply("".join(reply_tokens(ENDPOINT, None, 5)), CANARY)


@given(st.text(max_size=80))
def test_other_text_is_never_taken_for_a_reply(text: str) -> None:
    """Any other text is empty or garbled."""
    assert (None, "garbled" if text.strip() else "empty") == read_reply(text, CANARY)


@given(st.integers(4, 6000))
def test_a_head_that_claims_no_end_of_tokens_is_garbled(digits: int) -> None:
    """A broken count costs neither memory nor a crash."""
    claimed = "9" * digits
    expected = "truncated" if digits <= 6 else "garbled"
    assert expected == read_reply(f"[{ENDPOINT} {CANARY} of {claimed}] w1", CANARY).integrity
