"""A tenant's data stays inside its boundary, by every channel, under every kind of fault, and nobody sees another's.

Every request bears canaries of all kinds, and so does every answer. What is not seen is told by each layer of evidence
that looked for it, and a layer that missed something makes these promises unknown.
"""

from brownout.plan import TARGET
from brownout.scenario import MOSTLY_HOME, Load, inject, scenario
from brownout.workload import TrafficClass
from fixtures.plugin import Run

REGION = "primary-region"
INTERACTIVE: dict[TrafficClass, float] = {"interactive": 1.0}
PLANTED = Load(planted=True)
COMMON = Load(planted=True, common_share=0.5)
BATCHES = Load(planted=True, batch_lines=6)
HURRIED = Load(planted=True, patience_s=3.0)
TRICKLE_S = (
    1.5  # four tokens are later than a hurried client waits, and none so late that a router takes it for a stall
)
ALL = {"{home}": 2, "{neighbour}": 1, "{pinned}": 1}
INSIDE = {
    "boundary_violations <= 0": ("tenant-boundary",),
    "mixed_requests <= 0": (),
    "data_in_replies <= 0": (),
    "data_in_telemetry <= 0": ("no-data-in-telemetry",),
    "data_written <= 0": ("no-data-written",),
}


@scenario(
    inject("region-down", REGION, how="refused", to=0.25),
    inject("region-down", REGION, how="5xx", from_=0.25, to=0.5),
    inject("stream-cut", REGION, from_=0.5, to=0.75),
    inject("late-error", REGION, from_=0.75),
    tenants=ALL,
    load=PLANTED,
    successive=4,
    must=INSIDE,
)
def test_inside_while_failing_over(run: Run) -> None:
    """Whatever a region fails by, before an answer or within it, data goes to no place outside its boundary."""
    run.must_hold()


@scenario(
    inject("throttling", REGION, to=0.5),
    inject("bad-replica", REGION, from_=0.5),
    successive=2,
    tenants=ALL,
    load=PLANTED,
    must=INSIDE,
)
def test_inside_while_spilling_over(run: Run) -> None:
    """Who is throttled, or retried, is served inside its boundary or not at all."""
    run.must_hold()


@scenario(
    inject("slow-first-token", REGION, delay_s=20),
    tenants=ALL,
    load=PLANTED,
    must=INSIDE,
)
def test_inside_while_waiting(run: Run) -> None:
    """A request that waits at a silent endpoint, and is asked elsewhere meanwhile, stays inside its boundary."""
    run.must_hold()


@scenario(
    inject("request-rejected", REGION, says="context-length", to=0.5),
    inject("request-rejected", REGION, says="content-filter", from_=0.5),
    successive=2,
    tenants=ALL,
    load=PLANTED,
    must=INSIDE,
)
def test_inside_when_rejected(run: Run) -> None:
    """A prompt that is too long for a model, or filtered, is not taken outside to a model that would have it."""
    run.must_hold()


@scenario(
    inject("slow-tokens", "all", inter_token_s=TRICKLE_S),
    tenants=ALL,
    load=HURRIED,
    must=INSIDE,
)
def test_inside_when_clients_leave(run: Run) -> None:
    """What was being answered to a client that hangs up is given to nobody else, and goes nowhere else."""
    run.must_hold()


@scenario(
    inject("region-down", "all", how="5xx", to=0.5),
    inject("region-down", "all", how="refused", from_=0.5),
    successive=2,
    tenants=ALL,
    load=PLANTED,
    must=INSIDE,
)
def test_closed_when_all_is_down(run: Run) -> None:
    """With every endpoint gone a router fails closed: tenants are refused, and nothing of theirs goes anywhere."""
    run.must_hold()


@scenario(
    inject("region-down", "tenant:{pinned}", how="refused", to=0.5),
    inject("throttling", "tenant:{pinned}", from_=0.5),
    successive=2,
    tenants={"{pinned}": 2, "{home}": 1},
    load=PLANTED,
    must=INSIDE,
)
def test_closed_when_ones_own_are_down(run: Run) -> None:
    """A tenant whose every endpoint is gone is refused, though others' endpoints are idle."""
    run.must_hold()


@scenario(
    inject("flapping", REGION, period_s=3),
    tenants=ALL,
    load=PLANTED,
    must=INSIDE,
)
def test_inside_while_flapping(run: Run) -> None:
    """Breakers that open and close again and again let nobody's data out."""
    run.must_hold()


@scenario(
    inject("router-killed", TARGET, down_s=1, from_=0.25, to=0.5),
    inject("region-down", REGION, how="5xx"),
    inject("slow-tokens", "all", inter_token_s=0.5, to=0.5),  # so that much is in flight whenever it is killed
    tenants=ALL,
    load=PLANTED,
    must=INSIDE,
)
def test_inside_after_a_restart(run: Run) -> None:
    """A router that is killed and comes up again amid an outage has forgotten no boundary."""
    run.must_hold()


@scenario(
    inject("provider-outage", "auth:sigv4"),
    credentials_live=0.4,
    tenants=ALL,
    load=PLANTED,
    must=INSIDE,
)
def test_inside_while_credentials_end(run: Run) -> None:
    """Credentials that end, and are renewed while a cloud is out, take no tenant's data with them."""
    run.must_hold()


@scenario(
    inject("region-down", REGION, how="5xx"),
    load=Load(planted=True, model="{shadowed}", classes=INTERACTIVE),
    tenants=MOSTLY_HOME,
    needs=["shadow-traffic"],
    must=INSIDE,
)
def test_inside_when_copied(run: Run) -> None:
    """Shadow copies of a tenant's requests stay inside its boundary, also while a region is down."""
    run.must_hold()


@scenario(
    inject("region-down", REGION, how="5xx"),
    load=Load(planted=True, model="{experiment}", classes=INTERACTIVE),
    tenants=MOSTLY_HOME,
    needs=["ab-shares"],
    must=INSIDE,
)
def test_inside_when_split(run: Run) -> None:
    """An experiment's arms take nobody out of its boundary, also while a region is down."""
    run.must_hold()


@scenario(
    inject("region-down", REGION, how="5xx", from_=0.5),
    tenants=ALL,
    load=COMMON,
    must=INSIDE | {"foreign_answers <= 0": ()},
)
def test_answers_stay_with_who_asked(run: Run) -> None:
    """Asked the same, each tenant is given an answer of its own: no cache, and no waiting for another's, joins them."""
    run.must_hold()


@scenario(
    inject("region-down", REGION, how="5xx", to=0.5),
    inject("region-down", "all", how="5xx", from_=0.5),
    successive=2,
    tenants=ALL,
    load=BATCHES,
    needs=["batch"],
    must=INSIDE | {"lost_batch_lines <= 0": ()},
)
def test_inside_in_batches(run: Run) -> None:
    """What a batch asks for later stays inside as well, and another tenant is shown neither the batch nor its files."""
    run.must_hold()
