"""How a router asks again when something failed: seldom, not too soon, not all at once, and not what cannot be."""

from brownout.scenario import MOSTLY_HOME, inject, scenario
from fixtures.plugin import Run


@scenario(
    variants={
        "failing": [inject("region-down", "all", how="5xx")],
        "silent": [inject("slow-first-token", "all", delay_s=20)],
    },
    must={
        "retry_amplification during faults <= 2x": ("retry-budget",),
        # Every endpoint of a tenant's once, and one to spare: three tries of a client that makes three each are nine.
        "attempts_per_request_max <= 6": ("retry-budget",),
        "retries_in_step_ratio <= 50%": (),
        "unsaid_failures <= 0": (),
        "hung_requests <= 0": ("first-token-timeout",),
        "time_to_serve_again_s <= {recover_within_s}": (),
    },
)
def test_outage_everywhere(run: Run) -> None:
    """When nobody can answer, the clouds get no multiple of the load, no request many tries, and no herd."""
    run.must_hold()


@scenario(
    variants={
        "for-long": [inject("throttling", "primary", retry_after_s=15)],
        "by-503": [inject("provider-outage", "primary", refusal="unavailable", retry_after_s=6)],
    },
    tenants=MOSTLY_HOME,
    must={
        "early_retry_ratio <= 30%": ("retry-after",),
        "availability[tenant={home}] >= 90%": ("failover",),
        "hung_requests <= 0": (),
    },
)
def test_told_to_stay_away(run: Run) -> None:
    """An endpoint that says when to come back is left alone until then, however long that is and whatever it is for."""
    run.must_hold()


@scenario(
    inject("late-error", "primary-region", to=0.5),
    inject("stream-cut", "primary-region", after_tokens=3, from_=0.5),
    successive=2,
    tenants=MOSTLY_HOME,
    must={
        "retried_streams <= 0": (),
        "truncated_as_success <= 0": (),
        "garbled_as_success <= 0": (),
        "unsaid_failures <= 0": (),
    },
)
def test_stream_is_not_begun_again(run: Run) -> None:
    """A stream that breaks when its client has begun to read ends with an error: nothing is asked again for it."""
    run.must_hold()
