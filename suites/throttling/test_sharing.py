"""Capacity that was bought, capacity that is shared, and who gets it when there is too little."""

from brownout.capacity import Limits
from brownout.capacity.provisioned import Provisioned
from brownout.scenario import Load, Sized, Swing, inject, scenario
from fixtures.plugin import Run

BOTH = {"{home}": 1, "{neighbour}": 1}  # who may use what was bought; others share nothing with them
# Carries what falls due on a usual day, and a third of the surge.
BOUGHT = Sized(limits=Limits(ttft_s=0.12, inter_token_s=0.008, rate_rps=14, burst=14))
# Each carries some five requests a second of the lengths below, and refuses beyond without saying when to come back:
# less than comes on a usual day, so that who asks nobody else is never well there.
SMALL = Sized(limits=Limits(ttft_s=0.5, inter_token_s=0.12, concurrent=8))
LENGTHS = (6, 12)


@scenario(
    tenants=BOTH,
    load=Load(classes={"interactive": 0.9, "background": 0.1}, swings=(Swing(times=4),)),
    sized={"provisioned": BOUGHT},
    fast=True,
    must={
        "on_provisioned_ratio[class=interactive] before burst >= 90%": ("provisioned-first",),
        "background_on_provisioned <= 0": ("class-routing",),
        "availability during burst >= 95%": ("failover",),
        "dropped_with_capacity <= 5%": ("failover",),
        "ttft_p95_s[class=interactive] during burst <= 2s": ("failover",),
        "retry_amplification during burst <= 1.5x": ("retry-budget",),
        "hung_requests <= 0": (),
    },
)
def test_surge_spills_over(run: Run) -> None:
    """A surge beyond what was bought spills to on-demand: what was bought comes first, and nobody is dropped."""
    run.must_hold()


@scenario(
    inject("quota-shrink", "provisioned", ratio=0.2),
    needs=["provisioned-first"],  # who spreads its load uses less of what was bought than is left of it
    tenants=BOTH,
    load=Load(classes={"interactive": 0.9, "background": 0.1}),
    # As model units are sold: a 429 that does not say when to come back.
    sized={"provisioned": Sized(behind=Provisioned(model_units=1, tokens_per_minute=60_000, window_s=2))},
    must={
        "on_provisioned_ratio[class=interactive] before faults >= 90%": ("provisioned-first",),
        "background_on_provisioned <= 0": ("class-routing",),
        "availability during quota-shrink >= 95%": ("failover",),
        "ttft_p95_s[class=interactive] during quota-shrink <= 2s": ("failover",),
        "time_to_recover_s <= {recover_within_s}": ("failover", "fail-back"),
        "hung_requests <= 0": (),
    },
)
def test_quota_shrink(run: Run) -> None:
    """When only a part of what was bought is granted, the rest goes to on-demand, and comes back with the grant."""
    run.must_hold()


@scenario(
    tenants=BOTH,
    # Ten times as much of the one, as much as ever of the other: for long enough that the little it asks for tells.
    lasts=1.2,
    load=Load(
        times=0.8,
        classes={"interactive": 1},
        output_tokens=LENGTHS,
        swings=(Swing(times=6.5, tenants={"{home}": 10, "{neighbour}": 1}),),
    ),
    sized={"tenant:{home}": SMALL},
    needs=["failover"],
    must={
        "fairness_ratio during burst >= 80%": ("fair-share",),
        "availability[tenant={neighbour}] during burst >= 80%": ("fair-share",),
        "time_to_error_p90_s during burst <= 2s": (),
        "hung_requests <= 0": (),
    },
)
def test_one_tenants_burst(run: Run) -> None:
    """One tenant's burst is its own affair: its neighbour is served as before."""
    run.must_hold()


@scenario(
    tenants=BOTH,
    load=Load(times=0.8, output_tokens=LENGTHS, swings=(Swing(times=5, classes={"interactive": 1, "background": 3}),)),
    sized={"tenant:{home}": SMALL},
    needs=["failover"],
    must={
        "availability[class=interactive] during burst >= 85%": ("load-shedding",),
        "shed_in_order_ratio during burst >= 92%": ("load-shedding",),
        "clean_refusal_ratio during burst >= 90%": ("load-shedding",),
        "time_to_error_p90_s during burst <= 2s": (),
        "background_on_provisioned <= 0": ("class-routing",),
        "hung_requests <= 0": (),
    },
)
def test_overload_sheds_background(run: Run) -> None:
    """When there is not enough for all, background work goes without, at once and told so; who waits is answered."""
    run.must_hold()
