"""Which of Bedrock's identifiers an endpoint answers to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.dialects.bedrock_errors import BEDROCK_ERRORS, INVALID_IDENTIFIER
from brownout.dialects.bedrock_ids import GEOGRAPHIES, ModelId, reaches, read_model_id, why_not_served

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
SONNET = "anthropic.claude-sonnet-4-20250514-v1:0"
ACCOUNT = "123456789012"
PROVISIONED = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:provisioned-model/abcdefghijkl"


def _arn(kind: str, resource: str, *, region: str = "us-east-1", account: str = ACCOUNT) -> str:
    return f"arn:aws:bedrock:{region}:{account}:{kind}/{resource}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HAIKU, ModelId(kind="foundation-model", resource=HAIKU)),
        ("openai.gpt-oss-120b-1:0", ModelId(kind="foundation-model", resource="openai.gpt-oss-120b-1:0")),
        (f"us.{HAIKU}", ModelId(kind="inference-profile", resource=HAIKU, geography="us")),
        (f"us-gov.{HAIKU}", ModelId(kind="inference-profile", resource=HAIKU, geography="us-gov")),
        (
            _arn("foundation-model", HAIKU, account=""),
            ModelId(kind="foundation-model", resource=HAIKU, region="us-east-1"),
        ),
        (
            _arn("inference-profile", f"eu.{HAIKU}", region="eu-west-1"),
            ModelId(kind="inference-profile", resource=HAIKU, geography="eu", region="eu-west-1", account=ACCOUNT),
        ),
        (PROVISIONED, ModelId(kind="provisioned-model", resource="abcdefghijkl", region="us-east-1", account=ACCOUNT)),
        (
            f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/mine",
            ModelId(kind="marketplace-endpoint", resource="mine", region="us-east-1", account=ACCOUNT),
        ),
        ("my-model", ModelId(kind="name", resource="my-model")),
    ],
)
def test_an_identifier_is_read(text: str, expected: ModelId) -> None:
    """Every form of identifier is told from the others, and its parts are read."""
    assert expected == read_model_id(text)


@pytest.mark.parametrize(
    ("geography", "region", "expected"),
    [
        ("us", "us-west-2", True),
        ("us", "us-gov-west-1", False),
        ("us", "eu-west-1", False),
        ("eu", "eu-south-2", True),
        ("apac", "ap-south-1", True),
        ("apac", "me-central-1", True),
        ("jp", "ap-northeast-3", True),
        ("jp", "ap-southeast-1", False),
        ("au", "ap-southeast-4", True),
        ("us-gov", "us-gov-east-1", True),
        ("global", "sa-east-1", True),
        ("global", "us-gov-east-1", False),
        ("mars", "us-east-1", False),
    ],
)
def test_a_profile_is_called_from_its_geography(geography: str, region: str, expected: bool) -> None:  # noqa: FBT001 - a table
    """A cross-Region profile is known in the regions of its geography and nowhere else."""
    assert expected == reaches(geography, region)


@pytest.mark.parametrize(
    ("served", "region", "asked"),
    [
        (HAIKU, "us-east-1", HAIKU),
        (HAIKU, "us-east-1", f"us.{HAIKU}"),
        (HAIKU, "us-east-1", f"global.{HAIKU}"),
        (HAIKU, "eu-west-1", f"eu.{HAIKU}"),
        (HAIKU, "us-east-1", _arn("foundation-model", HAIKU, account="")),
        (HAIKU, "us-east-1", _arn("inference-profile", f"us.{HAIKU}")),
        (f"us.{SONNET}", "us-east-1", f"us.{SONNET}"),
        (f"us.{SONNET}", "us-east-1", _arn("inference-profile", f"us.{SONNET}")),
        (PROVISIONED, "us-east-1", PROVISIONED),
        (_arn("application-inference-profile", "abc1"), "us-east-1", _arn("application-inference-profile", "abc1")),
    ],
)
def test_an_endpoint_answers_to_its_identifiers(served: str, region: str, asked: str) -> None:
    """A model answers to its id, its ARN, and the profiles called from its region."""
    assert None is why_not_served(served, region, asked)


@pytest.mark.parametrize(
    ("served", "region", "asked"),
    [
        (HAIKU, "eu-west-1", f"us.{HAIKU}"),
        (HAIKU, "eu-west-1", f"apac.{HAIKU}"),
        (HAIKU, "eu-west-1", _arn("foundation-model", HAIKU, account="")),
        (HAIKU, "us-east-1", SONNET),
        (HAIKU, "us-east-1", PROVISIONED),
        (HAIKU, "us-east-1", "claude"),
        (f"us.{SONNET}", "us-east-1", f"global.{SONNET}"),
        (PROVISIONED, "us-east-1", HAIKU),
        (PROVISIONED, "us-east-1", f"us.{HAIKU}"),
        (PROVISIONED, "us-east-1", PROVISIONED.replace(ACCOUNT, "999999999999")),
    ],
)
def test_an_endpoint_does_not_know_other_identifiers(served: str, region: str, asked: str) -> None:
    """Another model, another region's profile or ARN, and a profile of what is provisioned are invalid identifiers."""
    refusal = why_not_served(served, region, asked)
    assert refusal is not None
    assert ("not-found", INVALID_IDENTIFIER) == (refusal.kind, refusal.message)
    reply = BEDROCK_ERRORS.reply(refusal, reply_id="r-1")
    assert (400, "not-found", "ValidationException") == (
        reply.status,
        BEDROCK_ERRORS.read(reply).kind,
        BEDROCK_ERRORS.read(reply).code,
    )


def test_what_is_served_by_a_profile_is_not_had_on_demand_but_is_counted() -> None:
    """The bare id of such a model is refused in AWS's words, except where its tokens are counted."""
    refusal = why_not_served(f"us.{SONNET}", "us-east-1", SONNET)
    assert refusal is not None
    assert refusal.message.startswith(
        f"Invocation of model ID {SONNET} with on-demand throughput isn\N{RIGHT SINGLE QUOTATION MARK}t"
    )
    assert "invalid" == BEDROCK_ERRORS.read(BEDROCK_ERRORS.reply(refusal, reply_id="r-1")).kind
    assert None is why_not_served(f"us.{SONNET}", "us-east-1", SONNET, count=True)


@given(st.text(max_size=40), st.sampled_from([HAIKU, PROVISIONED, f"us.{HAIKU}"]), st.text("arn:aws/.-01", max_size=40))
def test_no_identifier_breaks_the_reading(text: str, served: str, arnlike: str) -> None:
    """Any text at all is an identifier that is served or is not; what an endpoint serves, it answers to by name."""
    for asked in (text, arnlike, f"arn:aws:bedrock:{arnlike}"):
        refusal = why_not_served(served, "us-east-1", asked)
        assert (refusal is None) == (asked == served)
        assert None is why_not_served(asked, "us-east-1", asked)


def test_the_geographies_are_those_that_aws_names() -> None:
    """No geography is called from everywhere but ``global``."""
    regions = ["us-east-1", "eu-west-1", "ap-northeast-1", "ap-southeast-2", "ca-central-1", "us-gov-west-1"]
    everywhere = {name for name in GEOGRAPHIES if all(reaches(name, region) for region in regions[:-1])}
    assert {"global"} == everywhere
    assert all(any(reaches(name, region) for region in regions) for name in GEOGRAPHIES)
