"""How a router asks whether an endpoint has healed."""

from brownout.scenario import Load, inject, scenario
from fixtures.plugin import Run


@scenario(
    variants={
        "silent": [inject("slow-first-token", "primary", delay_s=20)],
        "failing": [inject("region-down", "primary", how="5xx")],
    },
    load=Load(times=1.5, classes={"interactive": 1.0}),
    must={
        "probe_rate_rps <= 3rps": ("bounded-probes",),
        "probes_in_flight <= 5": ("bounded-probes",),
        "boundary_violations <= 0": ("tenant-boundary",),
    },
)
def test_probes_are_few(run: Run) -> None:
    """A sick endpoint is asked now and then, and by few at once, whether it is sick because it answers or hangs."""
    run.must_hold()
