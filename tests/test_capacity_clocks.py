"""A capacity admits, refuses and paces alike on both clocks: what virtual time shows is true of real sockets."""

import asyncio
import statistics
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from brownout.capacity import Behind, Limits
from brownout.capacity.gpu_pool import GpuPoolSettings
from brownout.capacity.on_demand import OnDemand
from brownout.capacity.pool import Pool
from brownout.capacity.provisioned import Provisioned
from brownout.capacity.shared_quota import SharedQuota
from brownout.topology import Endpoint
from tests.live import Live, Run, Seen, endpoint, really, virtually

BURST = 12
EMPTY = Pool(tokens_per_s=1e9, background=0, swing=0, refused_at_rest=0)
KINDS: dict[str, tuple[str, Behind]] = {
    "paced": ("openai-chat", None),
    "vllm": ("openai-chat", GpuPoolSettings(speedup=0.5, max_batch=6)),
    "tgi": ("openai-chat", GpuPoolSettings(speedup=0.5, server="tgi", queue_limit=7)),
    "triton": ("sagemaker-invoke", GpuPoolSettings(speedup=0.5, server="triton", queue_limit=2, max_batch=4)),
    "on-demand": ("bedrock-converse", OnDemand(tokens_per_minute=4000, burndown=5)),
    "requests": ("openai-chat", OnDemand(provider="openai", requests_per_minute=7)),
    "model-units": ("bedrock-converse", Provisioned(model_units=1, tokens_per_minute=4000)),
    "spilling": (
        "vertex-generate",
        Provisioned(gsus=1, tokens_per_s=60, window_s=600, spill=SharedQuota(pool=EMPTY)),
    ),
    # So great that these callers do not fill it: the seed's draws alone decide, whenever requests come.
    "shared-quota": ("vertex-generate", SharedQuota(pool=Pool(tokens_per_s=1e9, background=0.93, swing=0))),
}
Outcomes = Counter[tuple[int, str, str]]


def _endpoint(kind: str) -> Endpoint:
    dialect, behind = KINDS[kind]
    limits = Limits(ttft_s=0.1, inter_token_s=0.01, jitter=0.0)
    if behind is None:
        limits = msgspec.structs.replace(limits, rate_rps=0.01, burst=5)
    return endpoint("one", dialect, behind, limits)


def _played(run: Run, kind: str, folder: Path) -> tuple[Outcomes, list[float]]:
    """Send a burst of streams and then one of whole requests; return outcomes, and waits for first tokens."""
    seen: list[Seen] = []

    async def scenario(live: Live) -> None:
        for stream in (True, False):
            seen.extend(await asyncio.gather(*(live.ask(stream=stream, max_tokens=10) for _ in range(BURST))))
        assert 2 * BURST == len(live.records)

    run(scenario, folder, _endpoint(kind))
    outcomes = Counter(
        (one.status, one.end.tier if one.end else "", one.refusal.kind if one.refusal else "") for one in seen
    )
    return outcomes, sorted(one.tokens_s[0] for one in seen[:BURST] if one.tokens)


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_same_arrivals_get_the_same_decisions_and_waits(kind: str, tmp_path: Path) -> None:
    """As many are admitted, spilled and refused, with the same status; and first tokens come about when they should."""
    outcomes, waits_s = _played(virtually, kind, tmp_path)
    real_outcomes, real_waits_s = _played(really, kind, tmp_path)

    assert outcomes == real_outcomes
    assert len(waits_s) == len(real_waits_s) > 0
    if isinstance(KINDS[kind][1], GpuPoolSettings):
        # Arrivals that a busy machine spreads get into other steps: half and double tell models apart all the same.
        real, virtual = statistics.median(real_waits_s), statistics.median(waits_s)
        assert virtual / 2 < real < virtual * 2 + 1.0
    else:
        # A schedule of its own for each request: a machine can make tokens late, and never early.
        assert all(real > virtual - 0.005 for real, virtual in zip(real_waits_s, waits_s, strict=True))
        assert real_waits_s[0] < waits_s[-1] + 1.0


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"vllm", "spilling"}))
def test_the_bursts_are_beyond_capacity(kind: str, tmp_path: Path) -> None:
    """Every kind that refuses at all refuses some of the burst and serves some: else the comparison says little."""
    outcomes, _ = _played(virtually, kind, tmp_path)
    assert {True, False} == {status == 200 for status, _, _ in outcomes}
