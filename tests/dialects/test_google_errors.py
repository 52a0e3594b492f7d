"""Google's errors are google.rpc.Status, before the 200 and after it, and read back as what they were."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.dialects.models import objection
from brownout.dialects.vertex_generate import OPERATIONS, VERTEX_GENERATE
from brownout.dialects.vertex_rawpredict import VERTEX_RAWPREDICT
from brownout.dialects.vertex_request import GenerateAsk
from brownout.wire import Ask, Dialect, HttpReply, HttpRequest, Refusal, RefusalKind, Token
from tests.dialects.rounds import KINDS, SAID, TEXT, TOKENS, assert_kind_and_wait_kept

PLAIN = Ask(model="gemini-2.0-flash", prompt="p")
FORMS = st.sampled_from([PLAIN, GenerateAsk(model="gemini-2.0-flash", prompt="p", as_array=True)])

CODES: dict[str, tuple[RefusalKind, int]] = {
    "INVALID_ARGUMENT": ("invalid", 400),
    "FAILED_PRECONDITION": ("invalid", 400),
    "UNAUTHENTICATED": ("unauthenticated", 401),
    "PERMISSION_DENIED": ("denied", 403),
    "NOT_FOUND": ("not-found", 404),
    "RESOURCE_EXHAUSTED": ("throttled", 429),
    "CANCELLED": ("timeout", 499),
    "INTERNAL": ("internal", 500),
    "UNKNOWN": ("model-error", 500),
    "UNAVAILABLE": ("unavailable", 503),
    "DEADLINE_EXCEEDED": ("timeout", 504),
}


def test_the_operations_have_googles_statuses() -> None:
    """Every call can answer with every status of Google's page of errors."""
    assert {"generateContent", "streamGenerateContent", "countTokens", "computeTokens"} == set(OPERATIONS)
    assert all(set(CODES) == set(statuses) for statuses in OPERATIONS.values())


@pytest.mark.parametrize("status", CODES)
def test_every_status_has_its_code_and_is_read_back(status: str) -> None:
    """Each status is sent with its HTTP code as google.rpc.Status, and read back by its name and as a kind of ours."""
    kind, code = CODES[status]
    reply = VERTEX_GENERATE.server.refusal(Refusal(kind, code=status, retry_after_s=1.5), reply_id="r-1")
    body = json.loads(reply.body)
    assert None is objection("vertex/v1/Error", body)
    assert (code, code, status) == (reply.status, body["error"]["code"], body["error"]["status"])
    got = VERTEX_GENERATE.client.refusal(reply)
    assert (kind, status, code, 1.5) == (got.kind, got.code, got.status, got.retry_after_s)
    listed = msgspec.structs.replace(reply, body=b"[" + reply.body + b"]")
    assert kind == VERTEX_GENERATE.client.refusal(listed).kind


@pytest.mark.parametrize(
    ("reason", "kind", "code"),
    [
        ("ACCESS_TOKEN_EXPIRED", "unauthenticated", 401),
        ("CREDENTIALS_MISSING", "unauthenticated", 401),
        ("SERVICE_DISABLED", "denied", 403),
        ("", "denied", 403),
    ],
)
def test_credentials_have_reasons(reason: str, kind: RefusalKind, code: int) -> None:
    """What is wrong with a caller's credentials stands in an ErrorInfo."""
    reply = VERTEX_GENERATE.server.refusal(Refusal(kind, code=reason), reply_id="r-1")
    [info] = json.loads(reply.body)["error"]["details"]
    assert (code, reason or "IAM_PERMISSION_DENIED") == (reply.status, info["reason"])
    assert kind == VERTEX_GENERATE.client.refusal(reply).kind


@pytest.mark.parametrize("dialect", [VERTEX_GENERATE, VERTEX_RAWPREDICT], ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_no_call_gets_the_front_ends_page(dialect: Dialect, method: str) -> None:
    """A path or method of no API is answered by a page, not by a status, which names the path and nothing else."""
    with pytest.raises(Refusal) as caught:
        dialect.server.read_ask(HttpRequest(method=method, path="/v1/<b>nope"))
    reply = dialect.server.refusal(caught.value, reply_id="r-1")
    assert (404, "text/html; charset=UTF-8") == (reply.status, reply.headers["Content-Type"])
    assert "<code>/v1/&lt;b&gt;nope</code> was not found on this server." in reply.body.decode()
    assert ("not-found", 404) == (dialect.client.refusal(reply).kind, dialect.client.refusal(reply).status)


@given(st.sampled_from(KINDS), st.one_of(st.none(), st.integers(0, 600_000)))
def test_a_refusal_keeps_its_kind_and_its_wait(kind: RefusalKind, wait_ms: int | None) -> None:
    """A refusal crosses the wire with its kind, and when to come back is never earlier than was said."""
    assert_kind_and_wait_kept(VERTEX_GENERATE, kind, wait_ms)


@given(st.sampled_from([kind for kind in KINDS if kind not in {"unknown", "overloaded", "too-large"}]), SAID)
def test_a_refusal_keeps_its_sentence(kind: RefusalKind, message: str) -> None:
    """A sentence of the refusal's own replaces the usual one and changes nothing else."""
    got = VERTEX_GENERATE.client.refusal(VERTEX_GENERATE.server.refusal(Refusal(kind, message), reply_id="r-1"))
    assert (kind, message) == (got.kind, got.message)


@given(FORMS, st.sampled_from(KINDS), TOKENS)
def test_a_refusal_within_a_stream_keeps_its_kind(ask: Ask, kind: RefusalKind, tokens: list[Token]) -> None:
    """An error after the 200 is raised by the reader as the kind it is, in either form, also before any chunk."""
    writer = VERTEX_GENERATE.server.writer(ask, reply_id="r-1")
    reader = VERTEX_GENERATE.client.reader()
    assert list(tokens) == reader.feed(writer.start() + b"".join(writer.event(token) for token in tokens))
    with pytest.raises(Refusal) as caught:
        reader.feed(writer.refusal(Refusal(kind)))
    assert kind == caught.value.kind


@given(st.integers(300, 599), st.binary(max_size=60), st.dictionaries(TEXT, TEXT, max_size=3))
def test_reading_a_refusal_never_raises(status: int, body: bytes, headers: dict[str, str]) -> None:
    """Whatever a broken middlebox sends, the caller gets a refusal with its status."""
    assert status == VERTEX_GENERATE.client.refusal(HttpReply(status=status, headers=headers, body=body)).status
