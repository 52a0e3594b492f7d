"""What the openai client's lists of models show, and how they fail."""

from collections.abc import Callable

import openai
import pytest
import requests

from brownout.dialects.openai_chat import OPERATIONS
from brownout.wire import Refusal
from tests.wire.test_openai import ERRORS, MODEL, SOON_S
from tests.wire.world import RefuseBefore, World


@pytest.fixture(scope="module")
def client(running: World) -> openai.OpenAI:
    """Lend one client to the whole module, with the retries that it comes with."""
    return running.openai().with_options(max_retries=2)


@pytest.mark.wire("openai-chat", "models.list", "ok")
@pytest.mark.wire("openai-chat", "models.retrieve", "ok")
def test_the_model_is_listed_and_found(world: World) -> None:
    """The list has the one model, and its page says the same."""
    client = world.openai()
    assert [MODEL] == [model.id for model in client.models.list()]
    assert client.models.retrieve(MODEL) == next(iter(client.models.list()))


@pytest.mark.wire("openai-chat", "models.retrieve", "model_not_found")
def test_an_unknown_model_has_no_page(world: World) -> None:
    """A model that the endpoint does not serve is a NotFoundError there too."""
    with pytest.raises(openai.NotFoundError) as caught:
        world.openai().models.retrieve("gpt-9")
    assert "model_not_found" == caught.value.code


MODELS: dict[str, Callable[[openai.OpenAI], object]] = {
    "models.list": lambda client: client.models.list(),
    "models.retrieve": lambda client: client.models.retrieve(MODEL),
}


@pytest.mark.parametrize(
    ("call", "refusal", "kind", "status", "name", "attempts"),
    [
        pytest.param(
            call, *case, marks=pytest.mark.wire("openai-chat", operation, case[3]), id=f"{operation}-{case[3]}"
        )
        for operation, call in MODELS.items()
        for case in ERRORS
        if case[3] in OPERATIONS[operation]
    ],
)
def test_the_models_errors_are_openais_typed_errors(
    world: World,
    client: openai.OpenAI,
    call: Callable[[openai.OpenAI], object],
    refusal: Refusal,
    kind: type[openai.APIStatusError],
    status: int,
    name: str,
    attempts: int,
) -> None:
    """Who asks for models is refused like any other caller, and asks again as often."""
    world.fault("own", RefuseBefore(Refusal(refusal.kind, code=refusal.code, retry_after_s=SOON_S)))
    with pytest.raises(kind) as caught:
        call(client)
    assert (kind, status, name) == (
        type(caught.value),
        caught.value.status_code,
        caught.value.code or caught.value.type,
    )
    assert [("refused", refusal.kind, status)] * attempts == [(r.outcome, r.refusal, r.status) for r in world.seen()]


@pytest.mark.wire("openai-chat", "models.list", "invalid_api_key")
@pytest.mark.wire("openai-chat", "models.retrieve", "invalid_api_key")
def test_models_are_shown_to_callers_only(world: World) -> None:
    """A wrong key sees no models."""
    client = world.openai("sk-wrong-and-long")
    with pytest.raises(openai.AuthenticationError):
        client.models.list()
    with pytest.raises(openai.AuthenticationError):
        client.models.retrieve(MODEL)


@pytest.mark.parametrize(("version", "kind"), [({}, "list"), ({"anthropic-version": "2023-06-01"}, None)])
def test_one_address_lists_its_models_to_either_family(world: World, version: dict[str, str], kind: str | None) -> None:
    """OpenAI's and Anthropic's lists of models share a path: who names Anthropic's version gets Anthropic's list."""
    host, port = world.cloud.addresses["own"]
    key = world.cloud.identity.credentials("own")["api_key"]
    reply = requests.get(
        f"http://{host}:{port}/v1/models", headers={"Authorization": f"Bearer {key}", **version}, timeout=10
    )
    assert (200, kind) == (reply.status_code, reply.json().get("object"))
