"""One address, one key, and each family's own words for a wrong one."""

import anthropic
import openai
import pytest

from tests.wire.world import World


def test_each_family_is_refused_in_its_own_shape(world: World) -> None:
    """At one address, a wrong key is OpenAI's AuthenticationError to openai, and Anthropic's to anthropic."""
    with pytest.raises(openai.AuthenticationError, match="Incorrect API key provided") as openais:
        openai.OpenAI(base_url=world.url("own") + "/v1", api_key="sk-wrong", max_retries=0).models.list()
    assert "invalid_api_key" == openais.value.code
    client = anthropic.Anthropic(base_url=world.url("own"), api_key="sk-wrong", max_retries=0)
    with pytest.raises(anthropic.AuthenticationError, match="invalid x-api-key"):
        client.messages.create(model="llama-3-70b", max_tokens=5, messages=[{"role": "user", "content": "hello"}])


@pytest.mark.parametrize("how", ["api_key", "auth_token"])
def test_anthropics_client_gets_in_either_way(world: World, how: str) -> None:
    """Anthropic's client is let in by ``x-api-key`` and by a bearer token alike."""
    key = world.cloud.identity.credentials("own")["api_key"]
    client = anthropic.Anthropic(base_url=world.url("own"), max_retries=0, **{how: key})  # type: ignore[arg-type]
    reply = client.messages.create(model="llama-3-70b", max_tokens=5, messages=[{"role": "user", "content": "hello"}])
    assert reply.content
