"""Under every fault a tenant's data stays inside its boundary: prompts, what surrounds them, and answers."""

from brownout.scenario import MOSTLY_HOME, Load, inject, scenario
from fixtures.plugin import Run

# Canaries of every kind in every request, and one in each answer.
PLANTED = Load(planted=True)
INSIDE = {
    "boundary_violations <= 0": ("tenant-boundary",),
}


@scenario(inject("region-down", "primary-region", how="refused"), tenants=MOSTLY_HOME, load=PLANTED, must=INSIDE)
def test_data_stays_inside_while_a_region_is_gone(run: Run) -> None:
    """A region that is gone sends nobody's data out of its boundary."""
    run.must_hold()
