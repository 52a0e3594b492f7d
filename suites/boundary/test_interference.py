"""What others receive does not depend on a tenant's secret: nothing of it left, under whatever cipher."""

from brownout.scenario import Load, inject, scenario
from fixtures.plugin import Run


@scenario(
    inject("region-down", "primary-region", how="5xx", to=0.5),
    inject("provider-outage", "primary-cloud", from_=0.5),
    credentials_live=0.4,
    load=Load(planted=True),
    twin="{home}",
    must={"interference <= 0": ("tenant-boundary",)},
)
def test_no_word_of_it(run: Run) -> None:
    """Another secret of one tenant's changes nothing of what others receive: no byte, no instant, no endpoint."""
    run.must_hold()


@scenario(
    inject("throttling", "primary-region", to=0.33),
    inject("stream-cut", "primary-region", from_=0.33, to=0.66),
    inject("region-down", "all", how="refused", from_=0.66),
    successive=3,
    load=Load(planted=True),
    twin="{home}",
    must={"interference <= 0": ("tenant-boundary",)},
)
def test_no_word_of_it_amid_errors(run: Run) -> None:
    """Nor does it when requests are throttled, when answers are cut off, and when nothing is left to answer them."""
    run.must_hold()
