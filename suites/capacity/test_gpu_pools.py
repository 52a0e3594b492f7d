"""Pools of GPUs that are short say little: nothing fails, first tokens come late, new machines take minutes."""

from brownout.capacity.gpu_pool import GpuPoolSettings
from brownout.scenario import Load, Sized, inject, scenario
from fixtures.plugin import Run

BOTH = {"{home}": 1, "{neighbour}": 1}


@scenario(
    inject("gpu-memory-full", "primary", left_ratio=0.02),
    tenants=BOTH,
    load=Load(prompt_tokens=(200, 400)),
    sized={"primary": Sized(behind=GpuPoolSettings(tensor_parallel=2, kv_tokens=24_000))},
    must={
        "served_during_fault >= 85%": ("latency-breaker",),
        "time_to_failover_s <= {failover_within_s}": ("latency-breaker",),
        "time_to_recover_s <= {recover_within_s}": ("latency-breaker", "fail-back"),
        "hung_requests <= 0": ("first-token-timeout",),
    },
)
def test_gpus_full_without_an_error(run: Run) -> None:
    """A pool whose caches are full fails nothing: late first tokens alone must move the traffic."""
    run.must_hold()


@scenario(
    inject("instance-loss", "primary", instances=2),
    inject("slow-start", "primary", slowdown_ratio=2),
    tenants=BOTH,
    # A start takes nine minutes: its stages are played 33 times as fast, and the fault makes them twice as long.
    sized={"primary": Sized(behind=GpuPoolSettings(tensor_parallel=2, instances=2, startup_scale=0.03))},
    lasts=2,
    must={
        "served_during_fault >= 90%": ("failover",),
        "time_to_failover_s <= {failover_within_s}": ("failover",),
        "time_to_recover_s <= {recover_within_s}": ("failover", "fail-back"),
        "hung_requests <= 0": (),
    },
)
def test_scale_out_takes_minutes(run: Run) -> None:
    """While new machines start, others hold the traffic up; when they serve, it comes back."""
    run.must_hold()
