"""What makes a router leave an endpoint, and what must not."""

from brownout.scenario import MOSTLY_HOME, Load, inject, scenario
from brownout.schedule import Scope
from fixtures.plugin import Run

SIBLINGS_STAY = {"share_kept_ratio >= 60%": ("breaker",)}
SIBLINGS_OF_THE_SLOW_STAY = {"share_kept_ratio >= 60%": ("latency-breaker",)}  # who stays leaves nobody behind
ALWAYS = {
    "boundary_violations <= 0": ("tenant-boundary",),
    "time_to_serve_again_s <= {recover_within_s}": (),
}


@scenario(
    inject("slow-first-token", "primary", delay_s=1.5),
    load=Load(times=1.8),
    tenants=MOSTLY_HOME,
    must=ALWAYS
    | SIBLINGS_OF_THE_SLOW_STAY
    | {
        "share_left_ratio <= 40%": ("latency-breaker",),
        "availability during slow-first-token >= 90%": (),
        "time_to_full_return_s <= {recover_within_s}": ("latency-breaker", "fail-back"),
    },
)
def test_slow_endpoint_is_left(run: Run) -> None:
    """An endpoint that makes everybody wait is left, though it fails nothing; its neighbours in the region are not."""
    run.must_hold()


@scenario(
    inject("region-down", "primary", how="5xx", scope=Scope(share=0.6)),
    # Its neighbour, which has the background work, is to have enough in the second half of a short fault.
    load=Load(times=2, classes={"interactive": 0.6, "background": 0.4}),
    tenants=MOSTLY_HOME,
    fast=True,
    must=ALWAYS
    | SIBLINGS_STAY
    | {
        "share_left_ratio <= 65%": ("breaker",),
        "availability during region-down >= 90%": ("failover",),
        "time_to_full_return_s <= {recover_within_s}": ("breaker", "fail-back"),
    },
)
def test_failing_endpoint_is_left(run: Run) -> None:
    """An endpoint that fails three requests in five is left, it alone, and has its traffic back when it has healed."""
    run.must_hold()


@scenario(
    inject("slow-first-token", "primary", delay_s=3, scope=Scope(share=0.25)),
    load=Load(times=1.8),
    tenants=MOSTLY_HOME,
    lasts=1.5,  # it heals to the eye between two slow answers: what it gets varies more than that of one that fails
    must=ALWAYS
    | SIBLINGS_OF_THE_SLOW_STAY
    | {
        "share_left_ratio <= 65%": ("latency-breaker",),
        "availability during slow-first-token >= 90%": (),
    },
)
def test_endpoint_with_a_slow_tail_is_left(run: Run) -> None:
    """An endpoint that makes one in four wait is left, though its median is as ever."""
    run.must_hold()


@scenario(
    inject("client-error-outage", "all", how="invalid", scope=Scope(tenants=["{neighbour}"])),
    tenants={"{home}": 1, "{neighbour}": 1},
    load=Load(times=1.5, classes={"interactive": 1.0}),
    must=ALWAYS
    | {
        "share_kept_ratio >= 60%": (),  # of who shares with four others, a fifth less is not told from chance
        "availability[tenant={home}] during client-error-outage >= 95%": (),
    },
)
def test_anothers_mistakes_cost_nobody_an_endpoint(run: Run) -> None:
    """What one tenant asks wrongly is its own affair: an endpoint that refuses it is healthy, and serves the others."""
    run.must_hold()
