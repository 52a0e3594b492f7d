"""An application knows one dialect, and not who answered it."""

from brownout.scenario import inject, scenario
from brownout.schedule import Scope
from fixtures.plugin import Run

TWO_NEIGHBOURS = {"{home}": 1, "{neighbour}": 1}
THE_NEIGHBOURS = Scope(tenants=["{neighbour}"])
REJECTED = {
    "rejections_masked <= 0": (),
    "time_to_error_p90_s <= 3s": (),
    "illegible_errors <= 0": ("normalised-errors",),
    "hung_requests <= 0": (),
    # What one tenant's requests say is nothing against the endpoint that will not have them.
    "availability[tenant={home}] >= 90%": (),
}


@scenario(
    inject("throttling", "all", retry_after_s=None),
    fast=True,
    must={
        "throttle_shapes <= 1": ("normalised-errors",),
        "illegible_errors <= 0": ("normalised-errors",),
        "unsaid_failures <= 0": (),
        "hung_requests <= 0": (),
    },
)
def test_throttles_look_alike(run: Run) -> None:
    """A throttle is one error to an application, whichever cloud it came from."""
    run.must_hold()


@scenario(
    inject("request-rejected", "all", says="malformed", scope=THE_NEIGHBOURS),
    tenants=TWO_NEIGHBOURS,
    fast=True,
    must=REJECTED | {"nonretryable_retries <= 0": ()},
)
def test_invalid_requests(run: Run) -> None:
    """Who sends what is not valid is told so at once, nobody else is asked, and nobody else feels it."""
    run.must_hold()


@scenario(
    inject("request-rejected", "all", says="context-length", scope=THE_NEIGHBOURS, to=0.5),
    inject("request-rejected", "all", says="content-filter", scope=THE_NEIGHBOURS, from_=0.5),
    tenants=TWO_NEIGHBOURS,
    must=REJECTED | {"nonretryable_retries <= 0": ("final-rejections",)},
)
def test_rejected_prompts(run: Run) -> None:
    """A prompt that is too long or filtered is a client's error in the client's dialect, whichever provider says so."""
    run.must_hold()


@scenario(
    inject("unknown-error", "primary-region", how="mixed"),
    inject("unknown-error", "tenant:{pinned}", how="mixed"),
    tenants={"{home}": 1, "{pinned}": 1},
    must={
        "availability[tenant={home}] >= 90%": ("failover",),
        "truncated_as_success <= 0": (),
        "garbled_as_success <= 0": (),
        "unsaid_failures <= 0": (),
        "illegible_errors <= 0": ("normalised-errors",),
        "hung_requests <= 0": (),
        "time_to_serve_again_s <= {recover_within_s}": (),
    },
)
def test_unknown_errors(run: Run) -> None:
    """An error that nobody knows is a failure: another endpoint is asked, or the client told in its own dialect."""
    run.must_hold()
