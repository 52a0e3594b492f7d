"""A region may die; a conversation may not. Three deaths that look different to a router."""

from brownout.scenario import MOSTLY_HOME, inject, scenario
from fixtures.plugin import Run

REGION = "primary-region"
ALWAYS = {
    "time_to_serve_again_s <= {recover_within_s}": (),
    "time_to_recover_s <= {recover_within_s}": ("failover", "fail-back"),
    "boundary_violations <= 0": ("tenant-boundary",),
    "availability[tenant={pinned}] during region-down >= 80%": ("tenant-boundary",),
}
# A refusal can be seen at once: there is no reason why anybody should go without an answer.
AT_ONCE = ALWAYS | {
    "availability[tenant={home}] >= 90%": ("failover",),
    "served_during_fault >= 90%": ("failover",),
    "time_to_failover_s <= {failover_within_s}": ("failover",),
    "error_budget_spent_s <= {failover_within_s}": ("failover",),
    "ttft_p90_s[class=interactive] during region-down <= 2s": ("failover",),
    "hung_requests <= 0": (),
}


@scenario(inject("region-down", REGION, how="refused"), tenants=MOSTLY_HOME, fast=True, must=AT_ONCE)
def test_region_refused(run: Run) -> None:
    """A region that refuses connections costs nobody an answer: others take over, and it gets its traffic back."""
    run.must_hold()


@scenario(
    inject("region-down", REGION, how="silent"),
    tenants=MOSTLY_HOME,
    fast=True,
    must=ALWAYS
    | {
        "availability[tenant={home}] >= 90%": ("failover", "first-token-timeout"),
        "served_during_fault >= 80%": ("failover", "first-token-timeout"),
        # Who has no breaker has each request wait at the silent endpoint first: served, but never promptly.
        "time_to_failover_s <= {failover_within_s}": ("breaker", "failover", "first-token-timeout"),
        "hung_requests <= 0": ("first-token-timeout",),
    },
)
def test_region_silent(run: Run) -> None:
    """A region that accepts connections and says nothing is given up within the first-token timeout."""
    run.must_hold()


@scenario(
    inject("region-down", REGION, how="5xx"),
    tenants=MOSTLY_HOME,
    fast=True,
    must=AT_ONCE
    | {
        "time_to_detect_s <= {failover_within_s}": ("breaker", "failover"),
        "unsaid_failures <= 0": (),
        "reopen_share_ratio <= 70%": ("partial-open",),
        "stream_held_ratio before faults <= 50%": ("streaming",),
        "retry_amplification before faults <= 1.2x": ("retry-budget",),
    },
)
def test_region_5xx(run: Run) -> None:
    """A region that answers 503 is avoided, and let back gently: a trickle first, more only on sustained health."""
    run.must_hold()
