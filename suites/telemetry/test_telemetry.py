"""What a router says of itself is what its clients and its providers saw."""

from brownout.scenario import inject, scenario
from fixtures.plugin import Run

TRUE = {
    "telemetry_requests_error_ratio <= 2%": ("telemetry",),
    "telemetry_errors_error_ratio <= 2%": ("telemetry",),
    "telemetry_attempts_error_ratio <= 2%": ("telemetry-attempts",),
    "telemetry_tokens_error_ratio <= 5%": ("telemetry-tokens",),
}


@scenario(
    inject("region-down", "primary-region", how="5xx"),
    inject("region-down", "tenant:{pinned}", how="5xx", to=0.6),
    fast=True,
    needs=["telemetry"],
    must=TRUE | {"telemetry_failovers_error_ratio <= 2%": ("telemetry-failovers", "failover")},
)
def test_told_of_an_outage(run: Run) -> None:
    """In an outage, its metrics tell of every request, failure, attempt and failover, once, and where it was."""
    run.must_hold()


@scenario(inject("stream-cut", "all", after_tokens=3), needs=["telemetry"], must=TRUE)
def test_told_of_cut_streams(run: Run) -> None:
    """A stream that broke off is told of as a failure, and what it had put out is not forgotten."""
    run.must_hold()


@scenario(
    inject("throttling", "primary"),
    inject("throttling", "tenant:{pinned}", to=0.6),
    needs=["telemetry"],
    must=TRUE | {"telemetry_failovers_error_ratio <= 2%": ("telemetry-failovers", "failover")},
)
def test_told_of_throttling(run: Run) -> None:
    """A refusal is one attempt more where it came from, and a failure only where nobody else could be asked."""
    run.must_hold()
