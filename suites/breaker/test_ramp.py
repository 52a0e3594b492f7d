"""The way back: a trickle, then more in steps, as long as all goes well."""

from brownout.scenario import MOSTLY_HOME, Load, inject, scenario
from fixtures.plugin import Run


@scenario(
    inject("region-down", "primary", how="5xx"),
    load=Load(times=1.8, classes={"interactive": 1.0}),
    tenants=MOSTLY_HOME,
    must={
        "ramp_step_ratio <= 80%": ("partial-open",),
        "reopen_share_ratio <= 70%": ("partial-open",),
        "time_to_full_return_s <= {recover_within_s}": ("breaker", "fail-back"),
        "hung_requests <= 0": (),
    },
)
def test_traffic_comes_back_in_steps(run: Run) -> None:
    """A healed endpoint has its traffic back in steps: no single one is nearly all of it, and the last is the rest."""
    run.must_hold()


@scenario(
    inject("provider-outage", "primary"),
    load=Load(times=2, classes={"interactive": 0.4, "background": 0.6}),
    tenants=MOSTLY_HOME,
    must={
        "ramp_overshoot_ratio <= 190%": ("breaker", "fail-back"),
        "hung_requests <= 0": (),
    },
)
def test_a_healed_endpoint_is_not_flooded(run: Run) -> None:
    """Nobody makes up for what an endpoint has missed: it never gets much more than it had before it fell ill."""
    run.must_hold()


@scenario(
    inject("region-down", "primary", how="5xx", to=0.35),
    inject("region-down", "primary", how="5xx", from_=0.6),
    load=Load(times=2),
    tenants=MOSTLY_HOME,
    lasts=1.2,
    must={
        "ramp_relapse_ratio <= 30%": ("partial-open",),
        "time_to_full_return_s <= {recover_within_s}": ("breaker", "fail-back"),
    },
)
def test_a_relapse_takes_traffic_back(run: Run) -> None:
    """An endpoint that fails again while traffic comes back to it loses what it had, and is let up anew when well."""
    run.must_hold()
