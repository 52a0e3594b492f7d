"""A batch has time, and so no excuse: each of its lines is answered, or it is said why not."""

from brownout.scenario import MOSTLY_HOME, Load, inject, scenario
from fixtures.plugin import Run


@scenario(
    inject("region-down", "primary-region", how="refused", to=0.5),
    inject("region-down", "all", how="5xx", from_=0.5),
    successive=2,
    tenants=MOSTLY_HOME,
    load=Load(batch_lines=6),
    needs=["batch"],
    must={"lost_batch_lines <= 0": (), "boundary_violations <= 0": ("tenant-boundary",)},
)
def test_batches_are_accounted_for(run: Run) -> None:
    """While a region fails, and then all do, each line of a batch ends once, in its output or in its error file."""
    run.must_hold()
