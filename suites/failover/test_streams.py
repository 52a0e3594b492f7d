"""Answers that begin late, or end early."""

from brownout.scenario import inject, scenario
from fixtures.plugin import Run


@scenario(
    inject("slow-first-token", "primary-region", delay_s=20),
    tenants={"{home}": 3, "{pinned}": 1},
    must={
        "availability[tenant={home}] >= 90%": ("failover", "first-token-timeout"),
        "time_to_failover_s <= 6s": ("failover", "first-token-timeout"),
        "time_to_recover_s <= {recover_within_s}": ("failover", "fail-back"),
        "hung_requests <= 0": ("first-token-timeout",),
    },
)
def test_slow_first_token(run: Run) -> None:
    """An endpoint that is up, but does not begin to answer, counts as down."""
    run.must_hold()


@scenario(
    inject("stream-cut", "primary-region", after_tokens=3),
    tenants={"{home}": 3, "{pinned}": 1},
    must={
        "truncated_as_success <= 0": (),
        "time_to_failover_s <= 6s": ("failover",),
        "time_to_recover_s <= {recover_within_s}": ("failover", "fail-back"),
        "hung_requests <= 0": (),
    },
)
def test_stream_cut(run: Run) -> None:
    """An answer cut in the middle is never passed off as whole, and an endpoint that cuts answers is left."""
    run.must_hold()
