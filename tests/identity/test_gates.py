"""What each kind of endpoint says to whom it does not let in."""

import msgspec
import pytest

from brownout.identity import JWT_BEARER, assertion
from brownout.wire import HttpRequest, Refusal
from tests.identity.identities import NOW, converse, identities, instance_session, signed_by, standing_keys

CHAT = HttpRequest(method="POST", path="/v1/chat/completions")
MESSAGES = HttpRequest(method="POST", path="/v1/messages")


@pytest.mark.parametrize("endpoint", ["own", "claude"])
@pytest.mark.parametrize("path", [CHAT.path, MESSAGES.path])
@pytest.mark.parametrize("where", ["authorization", "x-api-key", "X-Api-Key"])
def test_a_native_key_is_taken_in_either_place(endpoint: str, path: str, where: str) -> None:
    """The key is let in as a bearer token and as ``x-api-key``, whichever family's path is called."""
    identity = identities()
    key = identity.credentials(endpoint)["api_key"]
    headers = {where: f"Bearer {key}" if where == "authorization" else key}
    identity.verify(endpoint, HttpRequest(method="POST", path=path, headers=headers), NOW)


@pytest.mark.parametrize(
    ("request_", "shown", "said"),
    [
        (MESSAGES, "", "x-api-key header is required"),
        (MESSAGES, "sk-wrong", "invalid x-api-key"),
        (CHAT, "", "You didn't provide an API key."),
        (CHAT, "sk-wrong-key", "Incorrect API key provided: sk-****. You can find"),
        (CHAT, "clé", "Incorrect API key provided: ****. You"),
    ],
)
def test_each_family_refuses_in_its_own_words(request_: HttpRequest, shown: str, said: str) -> None:
    """Anthropic's path is refused in Anthropic's sentence, OpenAI's in OpenAI's, and no key is repeated whole."""
    request_ = msgspec.structs.replace(request_, headers={"x-api-key": shown} if shown else {})
    with pytest.raises(Refusal) as caught:
        identities().verify("own", request_, NOW)
    assert "unauthenticated" == caught.value.kind
    assert said in caught.value.message
    assert not shown or shown not in caught.value.message


def test_vertex_wants_the_platforms_scope() -> None:
    """A token of the right account but another scope is denied for its scope."""
    identity = identities()
    account = identity._accounts["vertex-us"]
    token = identity.issuer.exchange(JWT_BEARER, assertion(account, scope="email", utc=NOW), NOW)
    path = f"/v1/projects/{identity.project}/locations/us-central1/publishers/google/models/m:x"
    headers = {"authorization": f"Bearer {token.value}"}
    with pytest.raises(Refusal) as caught:
        identity.verify("vertex-us", HttpRequest(method="POST", path=path, headers=headers), NOW)
    assert ("denied", "ACCESS_TOKEN_SCOPE_INSUFFICIENT") == (caught.value.kind, caught.value.code)


def test_vertex_denies_another_project_and_leaves_what_names_none_to_its_dialect() -> None:
    """Another project is denied, one whose name only begins like ours too; a path of no project needs no right."""
    identity = identities()
    token = identity.issuer.exchange(JWT_BEARER, assertion(identity._accounts["vertex-us"], utc=NOW), NOW)
    headers = {"authorization": f"Bearer {token.value}"}
    identity.verify("vertex-us", HttpRequest(method="GET", path="/", headers=headers), NOW)
    for project in ("other", f"{identity.project}x", f"x/projects/{identity.project}"):
        path = f"/v1/projects/{project}/locations/us-central1/publishers/google/models/m:x"
        with pytest.raises(Refusal, match=r"aiplatform\.endpoints\.predict"):
            identity.verify("vertex-us", HttpRequest(method="POST", path=path, headers=headers), NOW)


def test_vertex_tells_a_missing_token_from_a_bad_one() -> None:
    """No credential and a bad one are refused in different sentences."""
    identity = identities()
    for headers, said in (({}, "is missing required"), ({"authorization": "Bearer x"}, "had invalid authentication")):
        with pytest.raises(Refusal, match=said) as caught:
            identity.verify("vertex-us", HttpRequest(method="POST", path="/", headers=headers), NOW)
        assert "unauthenticated" == caught.value.kind


def test_a_google_token_is_nothing_to_aws() -> None:
    """A bearer token at an endpoint that takes signatures is refused, over TLS too."""
    identity = identities()
    request = converse()
    shown = msgspec.structs.replace(request, headers={**request.headers, "authorization": "Bearer ya29.x"})
    for secure in (False, True):
        with pytest.raises(Refusal, match="unauthenticated"):
            identity.verify("bedrock-us", shown, NOW, secure=secure)


def test_sagemaker_is_signed_for_by_its_own_name() -> None:
    """A signature for ``sagemaker`` is taken, one for ``bedrock`` is not; a denial names the endpoint's ARN."""
    identity = identities()
    request = HttpRequest(method="POST", path="/endpoints/Llama/invocations", body=b"{}")
    keys = standing_keys(identity, "sagemaker")
    identity.verify("sagemaker", signed_by(keys, request, service="sagemaker"), NOW)
    with pytest.raises(Refusal, match="correct service: 'sagemaker'"):
        identity.verify("sagemaker", signed_by(keys, request), NOW)
    with pytest.raises(Refusal) as caught:
        identity.verify("sagemaker", signed_by(instance_session(identity).keys, request, service="sagemaker"), NOW)
    arn = f"arn:aws:sagemaker:us-east-1:{identity.aws.escrow}:endpoint/llama"
    assert f"not authorized to perform: sagemaker:InvokeEndpoint on resource: {arn} because" in caught.value.message
    assert "" == identity.bedrock_api_key("sagemaker")
