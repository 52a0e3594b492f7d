"""A provider that says "not now" means it."""

from brownout.scenario import MOSTLY_HOME, inject, scenario
from fixtures.plugin import Run


@scenario(
    inject("throttling", "primary", retry_after_s=5),
    tenants=MOSTLY_HOME,
    fast=True,
    must={
        "availability[tenant={home}] >= 90%": ("failover",),
        "ttft_p90_s[class=interactive] during throttling <= 2s": ("failover",),
        "early_retry_ratio <= 30%": ("retry-after",),
        "time_to_serve_again_s <= {recover_within_s}": (),
        "time_to_recover_s <= {recover_within_s}": ("failover", "fail-back"),
        "hung_requests <= 0": (),
        "boundary_violations <= 0": ("tenant-boundary",),
    },
)
def test_throttled_endpoint(run: Run) -> None:
    """Purchased capacity that refuses for a while spills over, and is left alone for as long as it asked."""
    run.must_hold()


@scenario(
    inject("throttling", "all", retry_after_s=None),
    fast=True,
    must={
        "retry_amplification during throttling <= 2x": ("retry-budget",),
        "time_to_error_p90_s <= 3s": (),
        "truncated_as_success <= 0": (),
        "unsaid_failures <= 0": (),
        "hung_requests <= 0": (),
        "time_to_serve_again_s <= {recover_within_s}": (),
        "time_to_recover_s <= {recover_within_s}": ("fail-back",),
        "boundary_violations <= 0": ("tenant-boundary",),
    },
)
def test_throttled_everywhere(run: Run) -> None:
    """When everything refuses, clients get a prompt error, and the clouds do not get a multiple of the load."""
    run.must_hold()
