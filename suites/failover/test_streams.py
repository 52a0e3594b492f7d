"""Answers that begin late, or end early."""

from brownout.scenario import MOSTLY_HOME, inject, scenario
from fixtures.plugin import Run


@scenario(
    inject("slow-first-token", "primary-region", delay_s=20),
    tenants=MOSTLY_HOME,
    fast=True,
    must={
        "availability[tenant={home}] >= 90%": ("failover", "first-token-timeout"),
        # Who has no breaker has each request wait at the silent endpoint first: served, but never promptly.
        "time_to_failover_s <= {failover_within_s}": ("breaker", "failover", "first-token-timeout"),
        "time_to_detect_s <= {failover_within_s}": ("breaker", "failover", "first-token-timeout"),
        "time_to_serve_again_s <= {recover_within_s}": (),
        "time_to_recover_s <= {recover_within_s}": ("failover", "fail-back"),
        "hung_requests <= 0": ("first-token-timeout",),
        "boundary_violations <= 0": ("tenant-boundary",),
    },
)
def test_slow_first_token(run: Run) -> None:
    """An endpoint that is up, but does not begin to answer, counts as down."""
    run.must_hold()


@scenario(
    inject("stream-cut", "primary-region", after_tokens=3),
    tenants=MOSTLY_HOME,
    fast=True,
    must={
        "truncated_as_success <= 0": (),
        "garbled_as_success <= 0": (),
        "unsaid_failures <= 0": (),
        # Whoever asks a sick endpoint whether it has healed loses that request, for its tokens have gone out: this
        # is no promise about every request, but about having left. To ask elsewhere comes too late: it takes a breaker.
        "served_during_fault >= 30%": ("breaker", "failover"),
        "time_to_detect_s <= {failover_within_s}": ("breaker", "failover"),
        "time_to_serve_again_s <= {recover_within_s}": (),
        "time_to_recover_s <= {recover_within_s}": ("failover", "fail-back"),
        "hung_requests <= 0": (),
        "boundary_violations <= 0": ("tenant-boundary",),
    },
)
def test_stream_cut(run: Run) -> None:
    """An answer cut in the middle is never passed off as whole, and an endpoint that cuts answers is left."""
    run.must_hold()


@scenario(
    inject("stream-cut", "all", after_tokens=3),
    fast=True,
    must={
        "truncated_as_success <= 0": (),
        "garbled_as_success <= 0": (),
        "unsaid_failures <= 0": (),
        "time_to_serve_again_s <= {recover_within_s}": (),
        "hung_requests <= 0": (),
        "boundary_violations <= 0": ("tenant-boundary",),
    },
)
def test_stream_cut_everywhere(run: Run) -> None:
    """Whatever dialect an answer was cut in, the client is told."""
    run.must_hold()
