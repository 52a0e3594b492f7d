"""A provider waits for its model only so long: SageMaker's containers have 60 seconds to answer."""

from pathlib import Path

import pytest

from brownout.capacity import Limits
from tests.live import Live, endpoint, virtually


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("ttft_s", "refused"), [(59.0, False), (61.0, True)])
def test_a_container_that_says_nothing_for_a_minute_is_a_model_error(
    tmp_path: Path, ttft_s: float, *, stream: bool, refused: bool
) -> None:
    """An answer that has not begun after 60 s is a ModelError at that instant; one that has, goes on."""
    limits = Limits(ttft_s=ttft_s, inter_token_s=0.1 if not stream else 1.0, jitter=0.0)

    async def ask(live: Live) -> None:
        seen = await live.ask("slow", max_tokens=5, stream=stream)
        if not refused:
            assert seen.whole
            return
        assert (424, "timeout") == (seen.status, seen.refusal and seen.refusal.kind)
        assert 60.0 == pytest.approx(seen.ended_s - seen.asked_s, abs=0.1)

    virtually(ask, tmp_path, endpoint("slow", "sagemaker-invoke", limits=limits))
