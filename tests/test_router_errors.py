"""The reference router tells its clients of errors in one form, whoever failed."""

from typing import get_args

import pytest

from brownout.dialects import DIALECTS, dialect_named
from brownout.dialects.openai_errors import ChatRefusal
from brownout.wire import Refusal, RefusalKind
from fixtures.router.errors import FINAL, summed_up, told

CLIENTS = dialect_named("openai-chat")


def heard_from(dialect: str, refusal: Refusal) -> Refusal:
    """Return a refusal as an endpoint of a dialect sends it and its caller reads it."""
    spoken = dialect_named(dialect)
    return spoken.client.refusal(spoken.server.refusal(refusal, reply_id="r"))


def read_by_client(refusal: Refusal) -> tuple[int | None, str, str]:
    """Return what the router's client reads: status, kind and code."""
    read = CLIENTS.client.refusal(CLIENTS.server.refusal(told(refusal), reply_id="r"))
    return read.status, read.kind, read.code


def test_a_throttle_is_the_same_from_every_dialect() -> None:
    """Status, kind and code."""
    heard = [heard_from(name, Refusal("throttled", "Rate exceeded.", retry_after_s=2)) for name in DIALECTS]
    assert {(429, "throttled", "rate_limit_exceeded")} == {read_by_client(one) for one in heard}


@pytest.mark.parametrize("code", ["context_length_exceeded", "content_filter"])
def test_a_rejection_keeps_its_meaning_from_every_dialect(code: str) -> None:
    """In OpenAI's code, whatever the provider's sentence was."""
    heard = [heard_from(name, Refusal("invalid", code=code)) for name in DIALECTS]
    assert {(400, "invalid", code)} == {read_by_client(one) for one in heard}


def test_a_quota_of_tokens_is_no_context_that_is_too_long() -> None:
    """Bedrock's "Too many tokens" is a throttle: whoever takes it for the prompt's length never backs off."""
    heard = heard_from("bedrock-converse", Refusal("throttled", "Too many tokens, please wait before trying again."))
    assert (429, "throttled", "rate_limit_exceeded") == read_by_client(heard)


@pytest.mark.parametrize("kind", [kind for kind in get_args(RefusalKind) if kind not in FINAL | {"denied"}])
def test_no_error_of_a_provider_is_the_clients_to_mend(kind: RefusalKind) -> None:
    """Credentials, models and bodies that are wrong behind the router are the router's, and none is illegible."""
    status, read, code = read_by_client(Refusal(kind, "of a provider", code="SomeException"))
    assert (True, True) == (read in {"throttled", "timeout", "unavailable"}, code != "SomeException")
    assert (429 if kind == "throttled" else 504 if kind == "timeout" else 503) == status


def test_what_the_router_has_against_a_request_is_said_in_full() -> None:
    """The parameter at fault stays named."""
    refusal = ChatRefusal("Invalid value.", param="messages")
    assert refusal is told(refusal)


def test_all_throttles_come_to_a_throttle_and_anything_else_to_what_ended_it() -> None:
    """With the time after which it is worth coming back."""
    nobody = Refusal("unavailable", "nobody is left", retry_after_s=3.0)
    throttles, mixed = [Refusal("throttled")] * 2, [Refusal("throttled"), Refusal("internal")]
    came_to = summed_up(throttles, nobody)
    assert ("throttled", 3.0) == (came_to.kind, came_to.retry_after_s)
    assert [nobody, nobody] == [summed_up(mixed, nobody), summed_up([], nobody)]
