"""Who asks by an inference profile is on record with its geography: what it sent may have gone anywhere in there."""

from pathlib import Path

import msgspec
import pytest

from tests.live import Live, endpoint, virtually

CLAUDE = "anthropic.claude-sonnet-4-20250514-v1:0"
ARN = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{CLAUDE}"


@pytest.mark.parametrize("dialect", ["bedrock-converse", "bedrock-invoke"])
@pytest.mark.parametrize(
    ("asked", "status", "profile"),
    [
        (CLAUDE, 200, ""),
        (f"arn:aws:bedrock:us-east-1::foundation-model/{CLAUDE}", 200, ""),
        (f"global.{CLAUDE}", 200, "global"),
        (f"us.{CLAUDE}", 200, "us"),
        (ARN, 200, "us"),
        (f"eu.{CLAUDE}", 400, ""),  # not to be had in us-east-1: it is refused, and nothing is done with it
        ("global.anthropic.claude-3-haiku-20240307-v1:0", 400, ""),
    ],
)
def test_the_profile_that_was_asked_by_is_noted_where_it_was_answered(
    dialect: str, asked: str, status: int, profile: str, tmp_path: Path
) -> None:
    """Of a request that is refused for its identifier there is none."""

    async def scenario(live: Live) -> None:
        assert status == (await live.ask(model=asked)).status
        assert [profile] == [one.profile for one in live.records]

    virtually(scenario, tmp_path, endpoint("near", dialect))


def test_a_model_that_is_no_bedrocks_has_no_profile(tmp_path: Path) -> None:
    """Whatever its name begins with."""

    async def scenario(live: Live) -> None:
        assert 200 == (await live.ask(model="us.llama-3")).status
        assert [""] == [one.profile for one in live.records]

    virtually(scenario, tmp_path, msgspec.structs.replace(endpoint("near", "openai-chat"), model="us.llama-3"))
