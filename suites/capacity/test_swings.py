"""The day's and the night's swings of the load, up to ten times, and what is beyond all capacity."""

from brownout.capacity import Limits
from brownout.scenario import Load, Sized, Swing, scenario
from fixtures.plugin import Run

BOTH = {"{home}": 1, "{neighbour}": 1}
# Two of them carry the day's peak, and five the night's: no order of theirs is the only right one.
ENOUGH = Sized(limits=Limits(rate_rps=12, burst=12))
SMALL = Sized(limits=Limits(ttft_s=0.5, inter_token_s=0.12, concurrent=6))
# What is too much for one is another's: who asks nobody else loses what the first refuses.
NOBODY_LOST = {
    "availability >= 97%": ("failover",),
    "availability[class=interactive] during burst >= 95%": ("failover",),
    "ttft_p90_s[class=interactive] during burst <= 2s": (),
    "dropped_with_capacity <= 3%": ("failover",),
    "background_on_provisioned <= 0": ("class-routing",),
    "hung_requests <= 0": (),
}


@scenario(
    tenants=BOTH,
    load=Load(
        times=0.2, swings=(Swing(to=0.25, times=5), Swing(from_=0.25, to=0.75, times=10), Swing(from_=0.75, times=5))
    ),
    sized={"tenant:{home}": ENOUGH},
    must=NOBODY_LOST,
)
def test_daily_peak(run: Run) -> None:
    """From the night's trough to the day's peak the load grows tenfold, and nobody is lost or made to wait."""
    run.must_hold()


@scenario(
    tenants=BOTH,
    load=Load(times=0.3, swings=(Swing(times=10, classes={"interactive": 1, "background": 5}),)),
    sized={"tenant:{home}": ENOUGH},
    must=NOBODY_LOST,
)
def test_nightly_recap_burst(run: Run) -> None:
    """The night's recaps, ten times the load and nearly all background work, hurt nobody who waits for an answer."""
    run.must_hold()


@scenario(
    tenants=BOTH,
    load=Load(times=2, swings=(Swing(to=0.6, times=0.1), Swing(from_=0.6, times=1))),
    sized={"tenant:{home}": ENOUGH},
    needs=["failover"],  # also on a usual day it is more than the first endpoint bears
    must=NOBODY_LOST,
)
def test_weekend_trough(run: Run) -> None:
    """After a weekend with a tenth of the load, Monday's comes at once, and finds everybody ready."""
    run.must_hold()


@scenario(
    tenants=BOTH,
    load=Load(times=0.9, classes={"interactive": 1}, output_tokens=(6, 12), swings=(Swing(times=4.5),)),
    sized={"tenant:{home}": SMALL},
    needs=["failover"],  # the first endpoint alone bears less than what comes before the burst
    must={
        "goodput_ratio during burst >= 90%": ("load-shedding",),
        "clean_refusal_ratio during burst >= 90%": ("load-shedding",),
        "time_to_error_p90_s during burst <= 2s": (),
        "retry_amplification during burst <= 2x": ("retry-budget",),
        "hung_requests <= 0": (),
    },
)
def test_overload_keeps_goodput(run: Run) -> None:
    """Twice the load that there is capacity for leaves as many answered promptly as before, and more."""
    run.must_hold()
