"""A model's vendor is told from its id on every cloud, and a place can be said by it."""

import pytest

from brownout.errors import BadInput
from brownout.topology import Endpoint, Tenant, Topology
from brownout.vendors import VENDORS, vendor_of

CLAUDE = "claude-sonnet-4@20250514"
PROVISIONED = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/br0wn0utpt01"


@pytest.mark.parametrize(
    ("model", "vendor"),
    [
        ("anthropic.claude-3-haiku-20240307-v1:0", "anthropic"),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", "anthropic"),
        ("arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0", "anthropic"),
        ("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-pro-v1:0", "amazon"),
        (CLAUDE, "anthropic"),
        ("publishers/anthropic/models/claude-opus-4", "anthropic"),
        ("gemini-2.0-flash-001", "google"),
        ("publishers/google/models/gemma-3-27b", "google"),
        ("meta.llama3-1-70b-instruct-v1:0", "meta"),
        ("meta/llama-3.1-405b-instruct-maas", "meta"),
        ("meta-llama/Llama-3-70b", "meta"),
        ("llama-3-70b", "meta"),
        ("meta-textgeneration-llama-3-70b", "meta"),
        ("mistral.mistral-large-2407-v1:0", "mistral"),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "mistral"),
        ("codestral-2501", "mistral"),
        ("amazon.titan-text-express-v1", "amazon"),
        ("cohere.command-r-plus-v1:0", "cohere"),
        ("gpt-4o", "openai"),
        ("o3-mini", "openai"),
        ("openai.gpt-oss-120b-1:0", "openai"),
        ("deepseek.r1-v1:0", "deepseek"),
        ("deepseek-r1-distill-llama-70b", "deepseek"),
        ("nvidia/Llama-3.1-Nemotron-70B", "nvidia"),
        ("Qwen/Qwen3-8B", "qwen"),
        (PROVISIONED, ""),
        ("endpoints/1234567890", ""),
        ("our-own-finetune", ""),
        ("metadata-extractor", ""),
        ("", ""),
    ],
)
def test_a_models_id_tells_its_vendor(model: str, vendor: str) -> None:
    """By the publisher's name or the family's, as a whole word; what does not tell is left untold."""
    assert vendor == vendor_of(model)


def test_every_vendor_is_told_by_its_own_name() -> None:
    """Whatever the name of the model that follows."""
    assert list(VENDORS) == [vendor_of(f"{vendor}.model-v1:0") for vendor in VENDORS]


def _endpoint(name: str, cloud: str, model: str, provider: str) -> Endpoint:
    return Endpoint(
        name=name, cloud=cloud, provider=provider, region="r", capacity="on-demand", dialect="openai-chat", model=model
    )


TOPOLOGY = Topology(
    topology="t",
    endpoints=[
        _endpoint("bedrock", "aws", "us.anthropic.claude-sonnet-4-20250514-v1:0", "bedrock"),
        _endpoint("nova", "aws", "amazon.nova-pro-v1:0", "bedrock"),
        _endpoint("bought", "aws", PROVISIONED, "bedrock"),
        _endpoint("vertex", "gcp", CLAUDE, "vertex"),
        _endpoint("gemini", "gcp", "gemini-2.0-flash", "vertex"),
        _endpoint("resold", "own", "our-own-finetune", "anthropic"),
    ],
    tenants={"acme": Tenant(allow=["bedrock"])},
)


def test_a_vendor_is_a_place_on_every_cloud() -> None:
    """All endpoints that serve its models, and no others; with a comma, among other places."""
    assert ["bedrock", "vertex"] == TOPOLOGY.select("vendor:anthropic")
    assert ["nova", "gemini"] == TOPOLOGY.select("vendor:google, vendor:amazon")


def test_a_bare_word_means_no_vendor() -> None:
    """A provider may bear a vendor's name; who means the vendor says so."""
    assert ["resold"] == TOPOLOGY.select("anthropic")


@pytest.mark.parametrize("word", ["vendor:antropic", "vendor:meta", "vendor:", "vendor"])
def test_an_unknown_vendor_is_said_with_those_there_are(word: str) -> None:
    """The error names every vendor of the topology, as it is to be written."""
    with pytest.raises(BadInput, match=r"vendor:anthropic.*vendor:google") as caught:
        TOPOLOGY.select(word)
    assert ("antropic" in word) == ("Did you mean 'vendor:anthropic'?" in str(caught.value))
