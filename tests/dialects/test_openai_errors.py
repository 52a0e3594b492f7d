"""OpenAI's errors: what the endpoint's half writes is OpenAI's, and the caller's half reads it, and its imitators'."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.dialects.openai_chat import OPENAI_CHAT, OPERATIONS
from brownout.wire import Ask, HttpReply, Refusal, RefusalKind, Token
from tests.dialects.rounds import KINDS, SAID, TEXT, TOKENS

PLAIN = Ask(model="m-1", prompt="p")


@given(st.sampled_from(KINDS), st.one_of(st.none(), st.integers(0, 600_000)))
def test_a_refusal_keeps_its_kind_and_its_wait(kind: RefusalKind, wait_ms: int | None) -> None:
    """A refusal crosses the wire with its kind, and when to come back is never earlier than was said."""
    wait_s = None if wait_ms is None else wait_ms / 1000
    reply = OPENAI_CHAT.server.refusal(Refusal(kind, retry_after_s=wait_s), reply_id="r-1")
    got = OPENAI_CHAT.client.refusal(reply)
    assert (kind, reply.status, wait_s is None) == (got.kind, got.status, got.retry_after_s is None)
    slack_s = 1.0 if kind == "unknown" else 0.0011  # the unknown error bears whole seconds only
    assert (wait_s or 0) <= (got.retry_after_s or 0) + 1e-9 <= (wait_s or 0) + slack_s + 1e-9


NAMED: list[tuple[RefusalKind, str, int, str, str | None]] = [
    ("throttled", "", 429, "requests", "rate_limit_exceeded"),
    ("throttled", "tokens", 429, "tokens", "rate_limit_exceeded"),
    ("throttled", "slow_down", 429, "rate_limit_error", "slow_down"),
    ("throttled", "insufficient_quota", 429, "insufficient_quota", "insufficient_quota"),
    ("throttled", "credit_balance_exhausted", 429, "insufficient_quota", "credit_balance_exhausted"),
    ("unavailable", "", 503, "server_error", "service_unavailable"),
    ("overloaded", "", 503, "service_unavailable_error", "server_is_overloaded"),
    ("overloaded", "overloaded", 529, "overloaded_error", "overloaded"),
    ("internal", "", 500, "server_error", None),
    ("timeout", "", 504, "server_error", "timeout"),
    ("timeout", "request_timeout", 408, "invalid_request_error", "request_timeout"),
    ("model-error", "", 500, "model_error", None),
    ("unauthenticated", "", 401, "invalid_request_error", "invalid_api_key"),
    ("unauthenticated", "ip_not_authorized", 401, "invalid_request_error", "ip_not_authorized"),
    ("denied", "", 403, "invalid_request_error", "missing_scope"),
    (
        "denied",
        "unsupported_country_region_territory",
        403,
        "request_forbidden",
        "unsupported_country_region_territory",
    ),
    ("denied", "model_not_found", 403, "invalid_request_error", "model_not_found"),
    ("not-found", "", 404, "invalid_request_error", "model_not_found"),
    ("not-found", "unknown_url", 404, "invalid_request_error", "unknown_url"),
    ("not-found", "method_not_supported", 405, "invalid_request_error", "method_not_supported"),
    ("invalid", "", 400, "invalid_request_error", None),
    ("invalid", "context_length_exceeded", 400, "invalid_request_error", "context_length_exceeded"),
    ("invalid", "content_filter", 400, "invalid_request_error", "content_filter"),
    ("invalid", "invalid_prompt", 400, "invalid_request_error", "invalid_prompt"),
    ("invalid", "conflict", 409, "invalid_request_error", "conflict"),
    ("invalid", "unprocessable_entity", 422, "invalid_request_error", "unprocessable_entity"),
    ("invalid", "something_new", 400, "invalid_request_error", "something_new"),
    ("too-large", "", 413, "invalid_request_error", "request_too_large"),
]


@pytest.mark.parametrize(("kind", "code", "status", "type_", "said"), NAMED)
def test_each_documented_error_is_written_and_read(
    kind: RefusalKind, code: str, status: int, type_: str, said: str | None
) -> None:
    """Every error has OpenAI's status, type and code, a sentence, and is read as the kind it is."""
    reply = OPENAI_CHAT.server.refusal(Refusal(kind, code=code), reply_id="r-1")
    error = json.loads(reply.body)["error"]
    assert (status, type_, said) == (reply.status, error["type"], error["code"])
    assert error["message"]
    got = OPENAI_CHAT.client.refusal(reply)
    assert (kind, said or type_) == (got.kind, got.code)


def test_every_error_of_the_table_is_tried() -> None:
    """The cases above are all that `OPERATIONS` promises."""
    tried = {said or type_ for _, _, _, type_, said in NAMED} - {"something_new"}
    assert set(OPERATIONS["chat.completions.create"]) == tried


@given(st.sampled_from([kind for kind in KINDS if kind != "unknown"]), SAID)
def test_a_refusal_keeps_its_sentence(kind: RefusalKind, message: str) -> None:
    """A sentence of the refusal's own replaces the usual one, and changes nothing else."""
    got = OPENAI_CHAT.client.refusal(OPENAI_CHAT.server.refusal(Refusal(kind, message), reply_id="r-1"))
    assert (kind, message) == (got.kind, got.message)


def test_a_wait_is_said_in_the_sentence() -> None:
    """Throttling without a sentence of its own says when to come back, as OpenAI's does."""
    reply = OPENAI_CHAT.server.refusal(Refusal("throttled", retry_after_s=41.724), reply_id="r-1")
    assert json.loads(reply.body)["error"]["message"].endswith("Please try again in 41.724s.")


def test_a_missing_key_is_not_an_invalid_one() -> None:
    """Where no key was shown there is no code, and the sentence says how to show one."""
    reply = OPENAI_CHAT.server.refusal(Refusal("unauthenticated", "You didn't provide an API key."), reply_id="r-1")
    error = json.loads(reply.body)["error"]
    assert (401, None) == (reply.status, error["code"])
    assert "Authorization header" in error["message"]


@given(st.sampled_from(KINDS), TOKENS)
def test_a_refusal_within_a_stream_keeps_its_kind(kind: RefusalKind, tokens: list[Token]) -> None:
    """An error after the 200 is raised by the reader, as the kind it is."""
    writer = OPENAI_CHAT.server.writer(PLAIN, reply_id="r-1")
    reader = OPENAI_CHAT.client.reader()
    assert list(tokens) == reader.feed(b"".join(writer.event(token) for token in tokens))
    with pytest.raises(Refusal) as caught:
        reader.feed(writer.refusal(Refusal(kind)))
    assert kind == caught.value.kind


@pytest.mark.parametrize(
    ("body", "status", "kind", "code"),
    [
        (b'{"error":{"message":"m","type":"BadRequestError","param":null,"code":400}}', 400, "invalid", "400"),
        (b'{"error":"Model is overloaded","error_type":"overloaded"}', 429, "throttled", "overloaded"),
        (b"<html>bad gateway</html>", 502, "unavailable", ""),
        (b"", 529, "overloaded", ""),
        (b'{"error":{"code":"model_not_found","type":"invalid_request_error"}}', 403, "denied", "model_not_found"),
        (b'{"error":{"code":"rate_limit_exceeded"}}', 429, "throttled", "rate_limit_exceeded"),
        (b'{"error":{"type":"server_error"}}', 418, "unknown", "server_error"),
    ],
)
def test_imitators_errors_are_read_too(body: bytes, status: int, kind: RefusalKind, code: str) -> None:
    """Numbers as vLLM has them, bare strings, middleboxes' pages: the status decides where the body does not."""
    got = OPENAI_CHAT.client.refusal(HttpReply(status=status, body=body))
    assert (kind, code, status) == (got.kind, got.code, got.status)


IMITATORS: list[tuple[Refusal, int, bytes, RefusalKind]] = [
    (Refusal("internal", "m", code="EngineDeadError"), 500, b"", "internal"),
    (Refusal("throttled", "m", code="overloaded"), 429, b'{"error":"m","error_type":"overloaded"}', "throttled"),
    (Refusal("model-error", "m", code="generation"), 424, b'{"error":"m","error_type":"generation"}', "model-error"),
]


@pytest.mark.parametrize(("refusal", "status", "body", "kind"), IMITATORS)
def test_vllm_and_tgi_refuse_in_their_own_words(refusal: Refusal, status: int, body: bytes, kind: RefusalKind) -> None:
    """A server of one's own says what vLLM or TGI says, before the 200 and after it, and is understood."""
    reply = OPENAI_CHAT.server.refusal(refusal, reply_id="r-1")
    assert (status, body) == (reply.status, reply.body)
    assert kind == OPENAI_CHAT.client.refusal(reply).kind
    with pytest.raises(Refusal) as caught:
        OPENAI_CHAT.client.reader().feed(OPENAI_CHAT.server.writer(PLAIN, reply_id="r-1").refusal(refusal))
    assert (kind, "m") == (caught.value.kind, caught.value.message)


@given(st.integers(300, 599), st.binary(max_size=60), st.dictionaries(TEXT, TEXT, max_size=3))
def test_reading_a_refusal_never_raises(status: int, body: bytes, headers: dict[str, str]) -> None:
    """Whatever a broken middlebox sends, the caller gets a refusal with its status."""
    assert status == OPENAI_CHAT.client.refusal(HttpReply(status=status, headers=headers, body=body)).status
