"""A signature covers what it says: whatever is changed afterwards, by one byte, is refused."""

import datetime as dt

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.identity import AwsKeys, presign, verify
from brownout.wire import HttpRequest, Refusal
from tests.identity.identities import HOST, NOW, signed_by

KEYS = AwsKeys(access_key_id="ASIAEXAMPLE", secret_access_key="s3cr3t/+key", session_token="token==")
SEGMENT = st.text(st.sampled_from("abcXYZ019-_~%:"), min_size=1, max_size=8)
WORD = st.text(st.sampled_from("abcXYZ019-_.~%"), min_size=1, max_size=6)
LETTER = st.characters(max_codepoint=0xFF)


@st.composite
def requests(draw: st.DrawFn) -> HttpRequest:
    """Return an unsigned request with something in every part."""
    path = "/model/" + "/".join(draw(st.lists(SEGMENT, min_size=1, max_size=3)))
    pairs = draw(st.lists(st.tuples(WORD, WORD), min_size=1, max_size=3))
    return HttpRequest(
        method="POST",
        path=path,
        query="&".join(f"{name}={value}" for name, value in pairs),
        headers={"content-type": draw(st.sampled_from(["application/json", "text/plain; charset=utf-8"]))},
        body=draw(st.binary(min_size=1, max_size=40)),
    )


@st.composite
def others(draw: st.DrawFn, text: str, *, blanks: bool = True) -> str:
    """Return the text with one letter changed, into a blank only where ``blanks`` says so."""
    at = draw(st.integers(0, len(text) - 1))
    new = draw(LETTER.filter(lambda letter: letter != text[at] and (blanks or not letter.isspace())))
    return text[:at] + new + text[at + 1 :]


def _accepts(request: HttpRequest) -> bool:
    try:
        verify(request, keys=KEYS, region="us-east-1", utc=NOW)
    except Refusal:
        return False
    return True


@given(requests(), st.data())
def test_one_byte_changed_anywhere_is_refused(request_: HttpRequest, data: st.DataObject) -> None:
    """Path, query, body, and every signed header: one byte other than as signed, and the request is refused."""
    signed = signed_by(KEYS, request_)
    assert _accepts(signed)
    part = data.draw(st.sampled_from(["path", "query", "body", "method", *signed.headers]))
    if part == "body":
        at = data.draw(st.integers(0, len(signed.body) - 1))
        flipped = bytes([signed.body[at] ^ data.draw(st.integers(1, 255))])
        changed = msgspec.structs.replace(signed, body=signed.body[:at] + flipped + signed.body[at + 1 :])
    elif part in signed.headers:
        # One blank or another is the same in a header's value (RFC 9110, 5.5), and SigV4 folds runs of them.
        value = data.draw(others(signed.headers[part], blanks=False))
        changed = msgspec.structs.replace(signed, headers={**signed.headers, part: value})
    elif part == "method":
        changed = msgspec.structs.replace(signed, method=data.draw(st.sampled_from(["GET", "PUT", "POSS"])))
    else:
        text = data.draw(others(getattr(signed, part)))
        changed = msgspec.structs.replace(signed, **{part: text})
    assert not _accepts(changed)


@given(requests(), st.data())
def test_one_byte_of_a_presigned_request_changed_is_refused(request_: HttpRequest, data: st.DataObject) -> None:
    """In a presigned request the whole query is signed, its own fields included, and so are path, host and body."""
    bare = msgspec.structs.replace(request_, headers={"host": HOST})
    query = presign(
        bare,
        access_key_id=KEYS.access_key_id,
        secret_access_key=KEYS.secret_access_key,
        session_token=KEYS.session_token,
        region="us-east-1",
        host=HOST,
        utc=NOW,
        life=dt.timedelta(minutes=10),
    )
    signed = msgspec.structs.replace(bare, query=query)
    assert _accepts(signed)
    part = data.draw(st.sampled_from(["path", "query"]))
    text = data.draw(others(getattr(signed, part)))
    assert not _accepts(msgspec.structs.replace(signed, **{part: text}))
    assert not _accepts(msgspec.structs.replace(signed, body=signed.body + b"x"))
    assert not _accepts(msgspec.structs.replace(signed, headers={"host": "elsewhere"}))


@pytest.mark.parametrize("extra", ["x-amz-date", "host"])
def test_what_must_be_signed_cannot_be_left_out(extra: str) -> None:
    """A signature that names a header fewer than it covers is refused, also where that header is the date."""
    signed = signed_by(KEYS)
    names = ";".join(name for name in ("content-type", "host", "x-amz-date", "x-amz-security-token") if name != extra)
    authorization = signed.headers["authorization"].replace("content-type;host;x-amz-date;x-amz-security-token", names)
    assert authorization != signed.headers["authorization"]
    assert not _accepts(msgspec.structs.replace(signed, headers={**signed.headers, "authorization": authorization}))
