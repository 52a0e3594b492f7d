"""Outages that are wider, or stranger, than one dead region."""

from typing import TypeAlias

from brownout.capacity import Limits
from brownout.scenario import MOSTLY_HOME, Sized, inject, scenario
from fixtures.plugin import Run

Must: TypeAlias = dict[str, tuple[str, ...]]
REGION, FALLBACK_REGION = "primary-region", "fallback-region"
AFTERWARDS: Must = {
    "hung_requests <= 0": (),
    "time_to_serve_again_s <= {recover_within_s}": (),
    "time_to_recover_s <= {recover_within_s}": ("failover", "fail-back"),
    "boundary_violations <= 0": ("tenant-boundary",),
}
TOLD: Must = {"unsaid_failures <= 0": ()}
SERVED: Must = AFTERWARDS | {
    "served_during_fault >= 80%": ("failover",),
    "error_budget_spent_s <= {failover_within_s}": ("failover",),
    "retry_amplification during faults <= 2x": ("retry-budget",),
}
MOVED: Must = {"time_to_failover_s <= {failover_within_s}": ("failover",)}
LEFT: Must = {"time_to_detect_s <= {failover_within_s}": ("breaker", "failover")}
# To ask elsewhere comes too late for a stream that has begun: where those break, who is to be served must have left.
SERVED_BY_LEAVING: Must = SERVED | {
    "served_during_fault >= 80%": ("breaker", "failover"),
    "error_budget_spent_s <= {failover_within_s}": ("breaker", "failover"),
    "time_to_failover_s <= {failover_within_s}": ("breaker", "failover"),
}


@scenario(
    inject("vendor-outage", "primary,vendor:{vendor}", refusal="overloaded"),
    must=SERVED | MOVED | LEFT | TOLD,
)
def test_vendor_outage(run: Run) -> None:
    """When a vendor's models fail on every cloud, other vendors' models carry the traffic."""
    run.must_hold()


@scenario(
    inject("region-down", REGION, how="5xx"),
    inject("region-down", FALLBACK_REGION, how="5xx"),
    tenants=MOSTLY_HOME,
    must=SERVED | MOVED | LEFT | TOLD,
)
def test_two_regions_down(run: Run) -> None:
    """When the region that should take over is down as well, a third one does."""
    run.must_hold()


@scenario(
    inject("region-down", REGION, how="5xx"),
    inject("late-error", FALLBACK_REGION, refusal="internal", from_=0.4),
    tenants=MOSTLY_HOME,
    must=SERVED_BY_LEAVING
    | LEFT
    | TOLD
    | {
        "truncated_as_success <= 0": (),
        "garbled_as_success <= 0": (),
    },
)
def test_fallback_fails_too(run: Run) -> None:
    """While the primary region is down its fallback begins to break off answers: a second way of failing, later."""
    run.must_hold()


@scenario(
    inject("stream-cut", REGION),
    inject("client-error-outage", FALLBACK_REGION, how="invalid"),
    tenants=MOSTLY_HOME,
    must=AFTERWARDS
    | TOLD
    | {
        "truncated_as_success <= 0": (),
        "garbled_as_success <= 0": (),
        "retry_amplification during faults <= 2x": ("retry-budget",),
        "availability[tenant={pinned}] during faults >= 85%": (),
    },
)
def test_fallback_rejects(run: Run) -> None:
    """A fallback that blames the caller (400) must not make half an answer of the primary's look whole, nor hang it."""
    run.must_hold()


@scenario(
    inject("client-error-outage", REGION, how="mixed"),
    tenants=MOSTLY_HOME,
    must=AFTERWARDS
    | TOLD
    | {
        "retry_amplification during faults <= 2x": ("retry-budget",),
        "availability[tenant={pinned}] during faults >= 85%": (),
    },
)
def test_client_errors(run: Run) -> None:
    """An outage in the colours of the callers' mistakes: nobody hangs, nothing is multiplied, nobody else is hit."""
    run.must_hold()


@scenario(inject("flapping", REGION, period_s=5), tenants=MOSTLY_HOME, must=SERVED | MOVED | TOLD)
def test_flapping(run: Run) -> None:
    """A region that is up and down in turn costs hardly anybody an answer, however often it comes back."""
    run.must_hold()


@scenario(
    inject("zone-down", REGION, to=0.5),
    inject("slow-recovery", REGION, from_=0.5),
    successive=2,
    tenants=MOSTLY_HOME,
    must=SERVED
    | MOVED
    | TOLD
    | {
        "availability[tenant={home}] during zone-down >= 80%": ("failover",),
        "availability[tenant={home}] during slow-recovery >= 80%": ("failover",),
    },
)
def test_partial_outages(run: Run) -> None:
    """A region of which a part fails, at random, and one that heals bit by bit, cost hardly anybody an answer."""
    run.must_hold()


@scenario(
    # What is open lives on without a name: the first fault closes it, as a failing region does.
    inject("region-down", REGION, how="refused", to=0.1),
    inject("dns-gone", REGION, how="nxdomain"),
    tenants=MOSTLY_HOME,
    needs=("host-names",),
    must=SERVED | {"time_to_failover_s during dns-gone <= {failover_within_s}": ("failover",)},
)
def test_dns_gone(run: Run) -> None:
    """A region whose names are not found is a region that is down, though nothing in it is."""
    run.must_hold()


@scenario(
    inject("region-down", "primary", how="5xx", to=0.3),
    inject("thundering-herd", "primary", from_=0.3, rate_rps=40, decay_s=5),
    tenants=MOSTLY_HOME,
    sized={"primary": Sized(limits=Limits(concurrent=8))},
    must=SERVED | MOVED | TOLD,
)
def test_thundering_herd(run: Run) -> None:
    """An endpoint that comes back to a crowd of others is left alone until it has room again."""
    run.must_hold()
