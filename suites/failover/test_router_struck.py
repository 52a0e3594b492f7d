"""The router itself is struck. What it cannot serve then is lost; nothing more may be."""

from brownout.plan import TARGET
from brownout.scenario import MOSTLY_HOME, inject, scenario
from fixtures.plugin import Run

BACK = {
    "time_to_serve_again_s <= {recover_within_s}": (),
    "boundary_violations <= 0": ("tenant-boundary",),
}


@scenario(
    tenants=MOSTLY_HOME,
    variants={
        "killed": [
            inject("router-killed", TARGET, down_s=1, to=0.5),
            inject("region-down", "primary-region", how="5xx"),
        ],
        "restarted": [inject("router-restarted", TARGET, to=0.5), inject("region-down", "primary-region", how="5xx")],
    },
    must=BACK
    | {
        "hung_requests <= 0": (),
        "error_budget_spent_s <= {failover_within_s}": ("failover",),
        "time_to_failover_s <= {failover_within_s}": ("failover",),
        "time_to_recover_s <= {recover_within_s}": ("failover", "fail-back"),
    },
)
def test_router(run: Run) -> None:
    """A router that is ended and started again while a region is down has forgotten all, and learns it anew."""
    run.must_hold()


@scenario(
    variants={
        "stopped": [inject("router-stopped", TARGET, to=0.2)],
        "starved": [inject("router-starved", TARGET, to=0.5)],
    },
    must=BACK,
)
def test_router_late(run: Run) -> None:
    """A router that stood still, or had hardly any processor time, serves everybody again once it runs."""
    run.must_hold()
