"""Frames of an AWS event stream are those of AWS's own decoder, and no damaged one is read."""

import botocore.eventstream
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.dialects.eventstream import FrameDecoder, encode_frame, encode_headers
from brownout.wire import Refusal
from tests.dialects.rounds import TEXT


@given(st.lists(st.tuples(st.dictionaries(st.text("abc:-", min_size=1, max_size=9), TEXT, max_size=3), st.binary())))
def test_frames_are_those_that_botocore_reads(messages: list[tuple[dict[str, str], bytes]]) -> None:
    """Our frames decode under botocore's own decoder, and under ours, to what was encoded."""
    data = b"".join(encode_frame(encode_headers(headers), payload) for headers, payload in messages)
    theirs = botocore.eventstream.EventStreamBuffer()
    theirs.add_data(data)
    assert messages == [(event.headers, event.payload) for event in theirs]
    assert messages == [tuple(frame) for frame in FrameDecoder().feed(data)]


@given(st.integers(0), st.integers(1, 255))
def test_a_frame_with_a_flipped_byte_is_refused(place: int, flip: int) -> None:
    """No damaged frame is read as a frame: its checksums tell, or it waits for bytes that never come."""
    frame = bytearray(encode_frame(encode_headers({":event-type": "metadata"}), b'{"usage":{}}'))
    frame[place % len(frame)] ^= flip
    with pytest.raises(Refusal, match="unknown"):
        FrameDecoder().feed(bytes(frame))
