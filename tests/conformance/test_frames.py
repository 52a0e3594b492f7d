"""Streams are cut strictly: what a lenient reader passes over is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.conformance import Broken
from brownout.dialects.eventstream import encode_frame, encode_headers
from fixtures.conform.forms.frames import DONE, StreamEvent, frame_events, frames, payload_events, sse_events
from tests.conformance.bodies import encoded

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3),
)
HEADERS = encode_headers({":event-type": "e", ":content-type": "application/json", ":message-type": "event"})


@given(st.lists(st.dictionaries(st.text(max_size=5), JSON, max_size=3), min_size=1, max_size=5))
def test_events_come_back_as_they_were(bodies: list[dict[str, object]]) -> None:
    """Any JSON passes through server-sent events and through payload parts."""
    events = [StreamEvent("", body) for body in bodies]
    assert events == sse_events(encoded("openai-chat", events))
    assert events == payload_events(encoded("sagemaker-invoke", events))


@given(st.lists(st.binary(max_size=50), max_size=5), st.data())
def test_a_flipped_bit_or_a_lost_byte_is_seen(payloads: list[bytes], data: st.DataObject) -> None:
    """A frame's checksums cover all of it."""
    body = b"".join(encode_frame(HEADERS, payload) for payload in payloads)
    assert payloads == [frame.payload for frame in frames(body)]
    if not body:
        return
    at = data.draw(st.integers(0, len(body) - 1))
    with pytest.raises(Broken):
        frames(body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :])
    # Cut between two frames is cut all the same, but no frame shows it: the terminator's checks do.
    edges = {sum(len(encode_frame(HEADERS, one)) for one in payloads[:n]) for n in range(len(payloads) + 1)}
    if at not in edges:
        with pytest.raises(Broken):
            frames(body[:at])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'data: {"a": 1}', "an empty line after the last event"),
        (b"data: {a}\n\n", "a payload of JSON"),
        (b"dta: {}\n\n", "fields of server-sent events"),
        (b"data: \xff\n\n", "a stream in UTF-8"),
    ],
)
def test_events_that_are_none_are_said(body: bytes, said: str) -> None:
    """Half an event, no JSON, a misspelt field and bytes that are no text are told apart."""
    with pytest.raises(Broken) as caught:
        sse_events(body)
    assert said == caught.value.expected


def test_comments_names_and_line_ends_are_understood() -> None:
    """What the specification allows is no finding."""
    body = b': hello\r\n\r\nevent: x\r\ndata: {"a":\r\ndata: 1}\r\n\r\nid: 7\n\ndata: [DONE]\n\n'
    assert [StreamEvent("x", {"a": 1}), StreamEvent(DONE, None)] == sse_events(body)


def test_an_exception_frame_is_no_event() -> None:
    """A stream that breaks off with an exception does not pass for one that ends."""
    headers = {
        ":exception-type": "throttlingException",
        ":message-type": "exception",
        ":content-type": "application/json",
    }
    with pytest.raises(Broken) as caught:
        frame_events(encode_frame(encode_headers(headers), b'{"message":"slow"}'))
    assert "throttlingException" in caught.value.observed
