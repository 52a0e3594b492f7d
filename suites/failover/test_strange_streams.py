"""Answers that break in the middle in every way there is, and answers that only look strange."""

from brownout.scenario import MOSTLY_HOME, inject, scenario
from fixtures.plugin import Run

REGION = "primary-region"
WHOLE_OR_TOLD: dict[str, tuple[str, ...]] = {
    "truncated_as_success <= 0": (),
    "garbled_as_success <= 0": (),
    "hung_requests <= 0": (),
    "time_to_serve_again_s <= {recover_within_s}": (),
    "boundary_violations <= 0": ("tenant-boundary",),
}
# Whoever asks a sick endpoint whether it has healed loses that request, for its tokens have gone out: what is promised
# is to have left. To ask elsewhere comes too late: it takes a breaker.
BROKEN: dict[str, tuple[str, ...]] = WHOLE_OR_TOLD | {
    "unsaid_failures <= 0": (),
    "served_during_fault >= 30%": ("breaker", "failover"),
    "time_to_recover_s <= {recover_within_s}": ("failover", "fail-back"),
}
LEFT: dict[str, tuple[str, ...]] = {"time_to_detect_s <= {failover_within_s}": ("breaker", "failover")}


@scenario(inject("late-error", REGION), tenants=MOSTLY_HOME, must=BROKEN | LEFT)
def test_late_error(run: Run) -> None:
    """An error that comes under a 200, in the middle of a stream, is an error: told to its client, and learnt from."""
    run.must_hold()


@scenario(
    tenants=MOSTLY_HOME,
    variants={
        "malformed-chunk": [inject("malformed-chunk", REGION)],
        "no-terminator": [inject("stream-cut", REGION, how="clean")],
    },
    must=BROKEN | LEFT,
)
def test_broken_stream(run: Run) -> None:
    """A stream that cannot be read, or ends without its terminator, is broken, and its client is told so."""
    run.must_hold()


# That a stream stands still can be seen only by waiting: how soon its endpoint is left is the waiter's affair.
@scenario(inject("stream-stall", REGION), tenants=MOSTLY_HOME, must=BROKEN)
def test_stalled_stream(run: Run) -> None:
    """A stream that stands still in the middle is given up, its client told so, and its endpoint left."""
    run.must_hold()


# Vendors may say that each of their answers tells its usage (Bedrock's Converse does): one without it is asked only of
# who says to bear it. That nobody takes half an answer for a whole one is asked of everybody all the same.
@scenario(
    inject("wrong-content-type", REGION, to=0.33),
    inject("missing-usage", REGION, from_=0.33, to=0.66),
    inject("drip", REGION, piece_bytes=200, delay_ms=2, from_=0.66),
    tenants=MOSTLY_HOME,
    must=WHOLE_OR_TOLD
    | {
        "availability during wrong-content-type >= 90%": (),
        "availability during missing-usage >= 90%": ("uncounted-answers",),
        "availability during drip >= 90%": (),
    },
)
def test_odd_streams(run: Run) -> None:
    """An answer with a wrong label, without a count of its tokens, or in small pieces is an answer all the same."""
    run.must_hold()


@scenario(
    inject("duplicated-chunk", REGION, to=0.33),
    inject("reordered-chunk", REGION, from_=0.33, to=0.66),
    inject("wrong-answer", REGION, how="truncated", from_=0.66),
    tenants=MOSTLY_HOME,
    must=WHOLE_OR_TOLD | {"availability[tenant={pinned}] >= 95%": ()},
)
def test_falsified_answers(run: Run) -> None:
    """What an endpoint itself makes wrong under a 200 nobody can see; nothing is made worse, and nobody else hit."""
    run.must_hold()
