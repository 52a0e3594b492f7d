"""Metrics of finite capacity: each tells right from wrong, and says so where it cannot tell."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.capacity import Limits
from brownout.capacity.on_demand import OnDemand
from brownout.evidence import ClientRecord, ProviderRecord
from brownout.history import History
from brownout.metrics import METRICS, NoEvidence, Observation
from brownout.metrics.capacity import max_min
from brownout.slo import parse_slo
from brownout.topology import Tenant, Topology
from brownout.viewing import view_of
from brownout.workload import Arrival, Burst, Workload
from tests.histories import (
    ABROAD,
    ACME,
    EUROPA,
    NEAR,
    SPARE,
    TOPOLOGY,
    a_test,
    ask,
    attempt,
    fault_records,
    lost,
    phases,
)

GLOBEX = "globex"
BURST = Burst(at_s=10.0, for_s=10.0, rate_rps=40.0)
INTERACTIVE, BACKGROUND = {"traffic_class": "interactive"}, {"traffic_class": "background"}


def shared(**near: Any) -> Topology:
    """Return the topology with provisioned capacity near (changed as told), and a tenant that shares it."""
    first, *others = TOPOLOGY.endpoints
    return msgspec.structs.replace(
        TOPOLOGY,
        endpoints=[msgspec.structs.replace(first, **({"capacity": "provisioned"} | near)), *others],
        tenants={**TOPOLOGY.tenants, GLOBEX: Tenant(allow=[NEAR, SPARE])},
    )


def seen(
    promise: str,
    client: Sequence[ClientRecord],
    attempts: Sequence[ProviderRecord] = (),
    *,
    topology: Topology | None = None,
    faulty: bool = False,
) -> Observation:
    """Return what a promise's metric sees in a test whose load has one burst, from 10 to 20 s."""
    plan = a_test(injections=None if faulty else [], workload=Workload(arrival=Arrival(bursts=(BURST,))))
    history = History(
        plan,
        topology or shared(),
        client=client,
        provider=attempts,
        faults=fault_records() if faulty else [],
        phases=phases(),
    )
    slo = parse_slo(promise, faults=["burst", "region-down"])
    return METRICS[slo.metric].measure(view_of(history, slo))


# --- provisioned capacity ------------------------------------------------------------------------------------------


def test_what_is_served_elsewhere_is_not_on_provisioned() -> None:
    """Three of four served on what was bought are 75 %, and the fourth is the witness; refusals do not count."""
    client = [ask(number, 1.0) for number in range(5)]
    attempts = [attempt(number, 1.0) for number in range(3)]
    attempts += [attempt(3, 1.0, SPARE), attempt(4, 1.0, SPARE, outcome="refused", status=429)]
    figure = seen("on_provisioned_ratio >= 90%", client, attempts)
    assert (0.75, 4, ["acme-3"]) == (figure.value, figure.samples, figure.witnesses)


def test_who_may_not_use_what_was_bought_does_not_count() -> None:
    """A tenant whose boundary lies elsewhere takes nothing from the share; without anybody else nothing is known."""
    client = [ask(0, 1.0), ask(0, 1.0, tenant=EUROPA)]
    attempts = [attempt(0, 1.0), attempt(0, 1.0, ABROAD, tenant=EUROPA)]
    assert 1.0 == seen("on_provisioned_ratio >= 90%", client, attempts).value
    with pytest.raises(NoEvidence):
        seen("on_provisioned_ratio >= 90%", client[1:], attempts[1:])


def test_without_provisioned_capacity_nothing_is_known_of_it() -> None:
    """A topology that has none cannot keep or break a promise about it."""
    for promise in ("on_provisioned_ratio >= 90%", "background_on_provisioned <= 0"):
        with pytest.raises(NoEvidence, match="no provisioned"):
            seen(promise, [ask(0, 1.0)], [attempt(0, 1.0)], topology=TOPOLOGY)


def test_background_on_provisioned_is_counted_even_when_refused() -> None:
    """An attempt there is one too many, whatever came of it; interactive ones are as they should be."""
    client = [ask(0, 1.0), ask(1, 1.0, **BACKGROUND), ask(2, 1.0, **BACKGROUND)]
    attempts = [attempt(0, 1.0), attempt(1, 1.0, outcome="refused", status=429), attempt(2, 1.0, SPARE)]
    figure = seen("background_on_provisioned <= 0", client, attempts)
    assert (1, ["acme-1"]) == (figure.value, figure.witnesses)
    assert 0 == seen("background_on_provisioned <= 0", client, [attempts[0], attempts[2]]).value


def test_without_background_work_nothing_is_known_of_its_way() -> None:
    """Only background requests of tenants that could have gone there tell anything."""
    with pytest.raises(NoEvidence):
        seen("background_on_provisioned <= 0", [ask(0, 1.0), ask(1, 1.0, tenant=EUROPA, **BACKGROUND)], [])


# --- dropped though there was room ---------------------------------------------------------------------------------


def dropped(*others: ProviderRecord, faulty: bool = False, topology: Topology | None = None, **changes: Any) -> float:
    """Return the share dropped with capacity, of one refused request due at 12 s beside one that was served."""
    client = [lost(0, 12.0, status=429, end_s=12.1, **changes), ask(1, 12.0)]
    return seen("dropped_with_capacity <= 0", client, others, faulty=faulty, topology=topology).value


def test_a_request_refused_while_another_place_serves_is_dropped() -> None:
    """The spare endpoint served others before and after, and refused nobody: there was room."""
    assert 0.5 == dropped(attempt(1, 12.0, SPARE))


@pytest.mark.parametrize(
    "others",
    [
        [],
        [attempt(1, 12.0, SPARE), attempt(2, 12.5, SPARE, outcome="refused", status=429)],
        [attempt(1, 15.0, SPARE)],
        [attempt(1, 12.0, ABROAD, tenant=EUROPA)],
    ],
    ids=["nobody was served", "others were refused", "too long after", "beyond its boundary"],
)
def test_a_request_refused_where_room_is_not_proven_is_not_dropped(others: list[ProviderRecord]) -> None:
    """No room counts but what served somebody, and refused nobody, around the very time, within the boundary."""
    assert 0.0 == dropped(*others)


def test_room_at_a_place_with_a_fault_is_none() -> None:
    """Whoever stays away from an endpoint with a fault on it is right."""
    assert 0.5 == dropped(attempt(1, 12.0, NEAR))
    assert 0.0 == dropped(attempt(1, 12.0, NEAR), faulty=True)


def test_background_work_has_no_room_on_provisioned_capacity() -> None:
    """What was bought is not for background work: that it has room there excuses nobody, and accuses nobody."""
    assert 0.0 == dropped(attempt(1, 12.0, NEAR), **BACKGROUND)


@pytest.mark.parametrize(
    ("size", "share"),
    [
        ({"limits": Limits(concurrent=4)}, 0.5),
        ({"limits": Limits(concurrent=3)}, 0.0),
        ({"limits": Limits(rate_rps=2.0)}, 0.5),
        ({"limits": Limits(rate_rps=1.0)}, 0.0),
        ({"behind": OnDemand(tokens_per_minute=1000)}, 0.0),
    ],
    ids=["half open", "more than half open", "half the rate", "more than that", "a model of its own"],
)
def test_a_place_more_than_half_full_has_no_room(size: Mapping[str, Any], share: float) -> None:
    """A router may leave some of an endpoint's size alone; where the size is not known, nothing is proven."""
    both = [attempt(1, 12.0, NEAR), attempt(2, 12.1, NEAR)]
    assert share == dropped(*both, topology=shared(**size))


def test_one_that_began_to_be_answered_is_not_dropped() -> None:
    """A request cut after its first token failed otherwise than for want of room."""
    client = [lost(0, 12.0, "error", first_token_s=12.1)]
    assert 0.0 == seen("dropped_with_capacity <= 0", client, [attempt(1, 12.0, SPARE)]).value


# --- fairness ------------------------------------------------------------------------------------------------------


def burst_of(tenant: str, due: int, served: int) -> list[ClientRecord]:
    """Return a tenant's requests in the burst, the first of which were served."""
    return [(ask if number < served else lost)(number, 12.0, tenant=tenant) for number in range(due)]


def test_a_neighbour_that_pays_for_anothers_burst_is_unfair() -> None:
    """Both lose half: who asked for little is entitled to all of it."""
    figure = seen("fairness_ratio during burst >= 80%", burst_of(ACME, 100, 50) + burst_of(GLOBEX, 10, 5))
    assert 0.5 == figure.value
    assert 5 == len(figure.witnesses)


def test_a_burst_that_pays_for_itself_is_fair() -> None:
    """The one with the burst gets what the other leaves."""
    assert 1.0 == seen("fairness_ratio during burst >= 80%", burst_of(ACME, 100, 45) + burst_of(GLOBEX, 10, 10)).value


def test_a_tenant_that_shares_nothing_is_not_compared() -> None:
    """What a tenant elsewhere loses is no matter of fairness; and alone, nobody can be treated unfairly."""
    client = burst_of(ACME, 20, 20) + burst_of(EUROPA, 20, 0)
    with pytest.raises(NoEvidence, match="in common"):
        seen("fairness_ratio during burst >= 80%", client)
    assert 1.0 == seen("fairness_ratio during burst >= 80%", client + burst_of(GLOBEX, 5, 5)).value


def test_where_nobody_was_served_nothing_was_shared() -> None:
    """Equal misery proves nothing."""
    with pytest.raises(NoEvidence, match="nobody"):
        seen("fairness_ratio during burst >= 80%", burst_of(ACME, 20, 0) + burst_of(GLOBEX, 5, 0))


@given(st.lists(st.integers(0, 50).map(float), min_size=1, max_size=6), st.integers(0, 200).map(float))
def test_max_min_divides_all_there_is_and_no_more(demands: list[float], capacity: float) -> None:
    """Nobody gets more than asked for; all is given out or all are content; who lacks has no less than anybody."""
    asked = {str(number): demand for number, demand in enumerate(demands)}
    given_out = max_min(asked, capacity)
    assert min(capacity, sum(demands)) == pytest.approx(sum(given_out.values()))
    assert all(given_out[name] <= asked[name] for name in asked)
    lacking = [given_out[name] for name in asked if given_out[name] < asked[name]]
    assert all(part >= max(given_out.values()) - 1e-6 for part in lacking)


# --- shedding ------------------------------------------------------------------------------------------------------


def shed(interactive: int, background: int) -> list[ClientRecord]:
    """Return a burst in which so many were refused, beside one of each class that was served."""
    first = [ask(900, 12.0, **INTERACTIVE), ask(901, 12.0, **BACKGROUND)]
    return [
        *first,
        *(lost(number, 12.0, **INTERACTIVE) for number in range(interactive)),
        *(lost(100 + number, 12.0, **BACKGROUND) for number in range(background)),
    ]


def test_interactive_requests_that_are_shed_are_out_of_order() -> None:
    """One of twenty lost waited for its answer: 95 %, and it is the witness."""
    figure = seen("shed_in_order_ratio during burst >= 90%", shed(1, 19))
    assert (0.95, ["acme-0"]) == (figure.value, figure.witnesses)


@pytest.mark.parametrize("client", [shed(0, 9), [lost(number, 12.0) for number in range(20)]])
def test_an_order_is_not_told_from_few_or_from_one_class(client: list[ClientRecord]) -> None:
    """Fewer than ten lost, or nobody of the other class, prove no order."""
    with pytest.raises(NoEvidence):
        seen("shed_in_order_ratio during burst >= 90%", client)


@pytest.mark.parametrize(
    ("status", "retry_after_s", "clean"),
    [(429, 1.0, 1.0), (503, 2.0, 1.0), (529, 1.0, 1.0), (503, None, 0.0), (500, 1.0, 0.0), (400, 1.0, 0.0)],
)
def test_a_clean_refusal_says_when_to_come_back(status: int, retry_after_s: float | None, clean: float) -> None:
    """It is a 429, 503 or 529 with a Retry-After."""
    client = [lost(number, 12.0, status=status, retry_after_s=retry_after_s) for number in range(10)]
    assert clean == seen("clean_refusal_ratio during burst >= 90%", client).value


def test_of_few_refusals_nothing_is_said() -> None:
    """Nine refusals are too few to tell how it refuses."""
    with pytest.raises(NoEvidence):
        seen("clean_refusal_ratio >= 90%", [lost(number, 12.0, status=503) for number in range(9)])


# --- goodput -------------------------------------------------------------------------------------------------------


def before_and_during(prompt: int, late: int) -> list[ClientRecord]:
    """Return 20 requests served in the 10 s before the burst, and so many prompt and late ones in its 10 s."""
    return [
        *(ask(number, number / 2) for number in range(20)),
        *(ask(100 + number, 10 + number * 10 / prompt) for number in range(prompt)),
        *(ask(1000 + number, 12.0, first_token_s=17.0, end_s=18.0) for number in range(late)),
    ]


def test_goodput_is_prompt_answers_against_those_before() -> None:
    """Ten prompt answers in as long as twenty before are a half, however many come late besides."""
    figure = seen("goodput_ratio during burst >= 90%", before_and_during(10, 90))
    assert 0.5 == pytest.approx(figure.value)
    assert 100 == figure.samples


def test_goodput_that_grows_with_the_load_is_above_one() -> None:
    """Three times as many prompt answers as before are 3."""
    assert 3.0 == pytest.approx(seen("goodput_ratio during burst >= 90%", before_and_during(60, 0)).value)


def test_goodput_compares_like_with_like() -> None:
    """Before, too, only the class counts that is asked about."""
    client = before_and_during(20, 0) + [ask(2000 + number, 5.0, **BACKGROUND) for number in range(50)]
    assert 1.0 == pytest.approx(seen("goodput_ratio[class=interactive] during burst >= 90%", client).value)


def test_without_a_baseline_goodput_is_not_known() -> None:
    """Who was hardly served before has nothing to be compared with."""
    with pytest.raises(NoEvidence, match="before"):
        seen("goodput_ratio during burst >= 90%", before_and_during(30, 0)[10:])
