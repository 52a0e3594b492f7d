"""Endpoints that are neither up nor down."""

from brownout.scenario import MOSTLY_HOME, inject, scenario
from brownout.schedule import Scope
from fixtures.plugin import Run

REGION = "primary-region"
ALWAYS = {
    "hung_requests <= 0": (),
    "time_to_serve_again_s <= {recover_within_s}": (),
    "boundary_violations <= 0": ("tenant-boundary",),
}


@scenario(
    tenants=MOSTLY_HOME,
    variants={
        "error": [inject("bad-replica", REGION)],
        # Of connections, and a router keeps few, and those that are spared: with two in five, one run in 80 met none.
        "reset": [inject("random-resets", REGION, scope=Scope(share=0.6))],
    },
    must=ALWAYS
    | {
        "served_during_fault >= 90%": ("failover",),
        "time_to_failover_s <= {failover_within_s}": ("failover",),
        "error_budget_spent_s <= {failover_within_s}": ("failover",),
        "retry_amplification during faults <= 2x": ("retry-budget",),
    },
)
def test_one_in_four(run: Run) -> None:
    """A request that meets a single error, or a single reset, before anything has come is sent again, and served."""
    run.must_hold()


@scenario(
    inject("jitter", REGION, to=0.2),
    inject("bandwidth", REGION, from_=0.2, to=0.4),
    inject("slow-close", REGION, from_=0.4, to=0.6),
    inject("slow-tokens", REGION, inter_token_s=0.2, from_=0.6, to=0.8),
    # The last: it may make a router leave the region, for longer than the other faults would wait for their requests.
    inject("tail-latency", REGION, tail_share=0.1, from_=0.8),
    tenants=MOSTLY_HOME,
    lasts=2.0,
    must=ALWAYS
    | {
        "availability during jitter >= 90%": (),
        "availability during bandwidth >= 90%": (),
        "availability during slow-close >= 90%": (),
        "availability during tail-latency >= 80%": (),
        "availability during slow-tokens >= 90%": (),
    },
)
def test_slow_endpoints(run: Run) -> None:
    """Late, thin, jittery and trickling answers are answers: nobody loses one because it took longer than usual."""
    run.must_hold()
