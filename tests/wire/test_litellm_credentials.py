"""Where LiteLLM's SDK, unmodified, puts the credentials it was given: into the fields that ask for them, or elsewhere.

Where it puts them elsewhere, that is written down in `ELSEWHERE`: a finding about LiteLLM 1.83.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pytest

from brownout.canary import tenant_of
from brownout.owners import is_own
from tests.threads import served
from tests.wire.litellm_routes import ROUTES, SAGEMAKER_CHAT, Route, asked
from tests.wire.world import World, serve

ELSEWHERE: Mapping[Route, set[tuple[str, str]]] = {
    # The keys are arguments of the call, and what the route does not know of its arguments goes into the body: the
    # container behind the endpoint is given the secret that opens the account.
    SAGEMAKER_CHAT: {("router@aws-secret", "body"), ("router@aws", "body")},
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Run a cloud whose credentials bear canaries."""
    with served(partial(serve, planted=True), tmp_path_factory.mktemp("planted")) as world:
        yield world


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("route", ROUTES, ids=[route.prefix for route in ROUTES])
def test_credentials_are_shown_where_they_are_asked_for(
    planted: World,
    lite: Any,
    route: Route,
    stream: bool,  # noqa: FBT001 - a case, not a switch
) -> None:
    """And nowhere else, but for what is written down."""
    planted.seen()
    planted.astray.clear()
    number = 1000 + 2 * ROUTES.index(route) + stream  # of no other case's: what is left of that one may come late
    messages = [{"role": "user", "content": f"hello {planted.mint.value('acme', number)}"}]
    reply = lite.completion(**asked(planted, route, stream=stream, messages=messages))
    if stream:
        list(reply)
    planted.seen()
    found = {(tenant_of(one.canary), one.part) for one in planted.astray if is_own(tenant_of(one.canary))}
    assert ELSEWHERE.get(route, set()) == found
    assert {route.endpoint} == {one.place for one in planted.astray if one.canary == f"acme-{number}"}
