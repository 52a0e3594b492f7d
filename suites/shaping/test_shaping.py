"""Traffic that is split, or copied, on purpose."""

from brownout.scenario import MOSTLY_HOME, Load, inject, scenario
from brownout.workload import TrafficClass
from fixtures.plugin import Run

INTERACTIVE: dict[TrafficClass, float] = {"interactive": 1.0}  # background work may have places of its own
NOBODY_FEELS_IT = {
    "availability >= 95%": (),
    "hung_requests <= 0": (),
    "boundary_violations <= 0": ("tenant-boundary",),
}


@scenario(
    load=Load(model="{experiment}", times=1.5, classes=INTERACTIVE),
    tenants=MOSTLY_HOME,
    needs=["ab-shares"],
    must=NOBODY_FEELS_IT | {"ab_deviation_ratio <= 10%": ()},
)
def test_ab_shares(run: Run) -> None:
    """An experiment's requests fall on its arms by their shares, and none leaves its tenant's boundary."""
    run.must_hold()


@scenario(
    inject("flag-rollback", "target", call="{rollback}", back="{rollback_back}"),
    load=Load(model="{experiment}", times=1.5, classes=INTERACTIVE),
    needs=["ab-shares", "flag-rollback"],
    must=NOBODY_FEELS_IT | {"rollback_s <= {rollback_within_s}": ()},
)
def test_flag_rollback(run: Run) -> None:
    """An experiment that is rolled back ends within seconds, and costs nobody an answer."""
    run.must_hold()


@scenario(
    inject("slow-first-token", "{shadow}", delay_s=20, from_=0.6),
    load=Load(model="{shadowed}", times=1.5, classes=INTERACTIVE),
    tenants=MOSTLY_HOME,
    needs=["shadow-traffic"],
    must=NOBODY_FEELS_IT
    | {
        "shadow_answers <= 0": (),
        "shadow_deviation_ratio before slow-first-token <= 15%": (),
        "ttft_p95_s during slow-first-token <= 2s": (),
    },
)
def test_shadow_traffic(run: Run) -> None:
    """Shadow traffic is sent at its share, within each tenant's boundary; nobody gets its answers or waits for them."""
    run.must_hold()
