"""Whole clouds, and places with no legal alternative."""

from brownout.scenario import inject, scenario
from fixtures.plugin import Run

HOME_OF_THE_PINNED = "tenant:{pinned}"


@scenario(
    inject("provider-outage", "primary-cloud"),
    fast=True,
    must={
        "availability[tenant={home}] >= 90%": ("failover",),
        "availability[tenant={pinned}] >= 90%": ("failover",),
        "served_during_fault >= 90%": ("failover",),
        "time_to_failover_s <= {failover_within_s}": ("failover",),
        "time_to_detect_s <= {failover_within_s}": ("breaker", "failover"),
        "unsaid_failures <= 0": (),
        "error_budget_spent_s <= {failover_within_s}": ("failover",),
        "retry_amplification during provider-outage <= 2x": ("retry-budget",),
        "time_to_serve_again_s <= {recover_within_s}": (),
        "time_to_recover_s <= {recover_within_s}": ("failover", "fail-back"),
        "hung_requests <= 0": (),
        "boundary_violations <= 0": ("tenant-boundary",),
    },
)
def test_provider_outage(run: Run) -> None:
    """When one provider fails in every region, the other clouds carry its traffic, within each tenant's boundary."""
    run.must_hold()


@scenario(
    inject("region-down", HOME_OF_THE_PINNED, how="5xx"),
    tenants={"{home}": 1, "{pinned}": 1},
    fast=True,
    must={
        "boundary_violations <= 0": ("tenant-boundary",),
        "availability[tenant={home}] >= 95%": (),
        "time_to_error_p90_s <= 3s": ("tenant-boundary",),
        "hung_requests <= 0": (),
        "time_to_serve_again_s <= {recover_within_s}": (),
        "time_to_recover_s <= {recover_within_s}": ("fail-back",),
    },
)
def test_no_legal_alternative(run: Run) -> None:
    """A tenant whose every allowed region is down gets an error: its data goes nowhere else."""
    run.must_hold()


@scenario(
    inject("region-down", HOME_OF_THE_PINNED, how="refused", to=0.5),
    inject("slow-first-token", HOME_OF_THE_PINNED, delay_s=20, from_=0.5),
    successive=2,
    must={
        "boundary_violations <= 0": ("tenant-boundary",),
        "availability[tenant={home}] >= 95%": (),
        "hung_requests <= 0": ("first-token-timeout",),
        "time_to_serve_again_s <= {recover_within_s}": (),
    },
)
def test_no_legal_alternative_by_any_failure(run: Run) -> None:
    """Nor does it go elsewhere when its regions refuse connections, or do not begin to answer."""
    run.must_hold()
