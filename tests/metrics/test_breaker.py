"""What the breaker's metrics say of small histories: who was left, kept and asked, and how traffic came back."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.history import History
from brownout.metrics import METRICS, NoEvidence, Observation, View
from brownout.plan import PlannedInjection
from brownout.verdict import Promise
from tests.histories import (
    ABROAD,
    ACME,
    EUROPA,
    LAST_S,
    NEAR,
    OFF_S,
    ON_S,
    SPARE,
    TOPOLOGY,
    Story,
    a_test,
    ask,
    attempt,
    fault_records,
    injection,
    phases,
)

RPS = 10
Where = Callable[[int, float], Sequence[str]]
"""From a request's number and when it is due to where it went, in order; the last one served it."""


def to_spare(number: int, due_s: float) -> list[str]:
    """Go as a router that leaves at once and comes back at once."""
    del number
    return [SPARE] if ON_S <= due_s < OFF_S else [NEAR]


def probing(number: int, due_s: float) -> list[str]:
    """Ask once a second besides."""
    asks = ON_S <= due_s < OFF_S and number % RPS == 0
    return [NEAR, SPARE] if asks else to_spare(number, due_s)


def staying(number: int, due_s: float) -> list[str]:
    """Try the faulted place by every request."""
    del number
    return [NEAR, SPARE] if ON_S <= due_s < OFF_S else [NEAR]


def returning(*steps: float, step_s: float = 2.0) -> Where:
    """Come back after a probe a second, by so many of ten requests, each share for so long; then wholly."""

    def where(number: int, due_s: float) -> list[str]:
        step = int((due_s - OFF_S) / step_s)
        if due_s < OFF_S or step >= len(steps):
            return probing(number, due_s)
        return [NEAR] if number % RPS < steps[step] * RPS else [SPARE]

    return where


def story_of(folder: Path, where: Where, text: str, *, tenants: Sequence[str] = (ACME,), **plan: Any) -> Story:
    """Return ten requests a second, of the tenants in turn, each where it went."""
    story = Story(folder, text, **plan)
    story.client, story.provider = [], []
    for number in range(int(LAST_S) * RPS):
        due_s, tenant = number / RPS, tenants[number % len(tenants)]
        *failed, served = where(number, due_s)
        story.client.append(ask(number, due_s, tenant=tenant, served_by=served))
        story.provider += [
            attempt(number, due_s + 0.01, place, tenant=tenant, outcome="refused", status=503, end_s=due_s + 0.02)
            for place in failed
        ]
        story.provider.append(attempt(number, due_s + 0.03, served, tenant=tenant))
    return story


def judged(folder: Path, where: Where, text: str, **changes: Any) -> Promise:
    """Return the verdict on a story."""
    return story_of(folder, where, text, **changes).verdict()


@pytest.mark.parametrize(
    ("where", "outcome", "observed"),
    [(probing, "pass", 0.1), (staying, "fail", 1.0)],
)
def test_a_sick_place_is_left(tmp_path: Path, where: Where, outcome: str, observed: float) -> None:
    """What it still gets late in its fault, of what it had, is what it was not left by."""
    verdict = judged(tmp_path, where, "share_left_ratio <= 40%")
    assert (outcome, observed) == (verdict.outcome, verdict.observed)


def test_who_is_not_let_in_is_not_taken_for_one_who_stayed_away(tmp_path: Path) -> None:
    """Refused connections leave no attempt behind: that none is seen is no sign of a router that has left."""
    assert "unknown" == judged(tmp_path, to_spare, "share_left_ratio <= 40%").outcome


def test_of_a_small_share_repeats_tell_what_one_play_does_not(tmp_path: Path) -> None:
    """Six requests in a hundred are too few to say how many of them are left, and enough to say how many would tell."""

    def where(number: int, due_s: float) -> list[str]:
        return [NEAR, SPARE] if number % 16 == 0 and not ON_S + 2 <= due_s < OFF_S else [SPARE]

    verdict = judged(tmp_path, where, "share_left_ratio <= 40%")
    assert ("unknown", 0.0, True) == (verdict.outcome, verdict.observed, bool(verdict.repeats))


@pytest.mark.parametrize(("every", "kept"), [(3, True), (4, True), (10, False)])
def test_a_place_that_shared_with_others_is_back_when_it_has_what_it_had_at_least(
    tmp_path: Path, every: int, *, kept: bool
) -> None:
    """Of a hundred requests it had thirty, which may be a share of 23 %; a tenth is less than it can have had."""

    def where(number: int, due_s: float) -> list[str]:
        near = number % RPS < 3 if due_s < OFF_S else number % every == 0
        return [NEAR] if near and not ON_S <= due_s < OFF_S else [SPARE]

    assert kept == ("pass" == judged(tmp_path, where, "time_to_full_return_s <= 5s").outcome)


def test_a_place_that_had_nothing_cannot_be_left(tmp_path: Path) -> None:
    """What never carried traffic tells nothing by having none."""

    def elsewhere(number: int, due_s: float) -> list[str]:
        del number
        return [NEAR, SPARE] if ON_S <= due_s < ON_S + 1 else [SPARE]

    for name in ("share_left_ratio <= 40%", "probe_rate_rps <= 3rps", "probes_in_flight <= 5"):
        assert "unknown" == judged(tmp_path, elsewhere, name).outcome


def near_the_bound(number: int, due_s: float) -> list[str]:
    """Come late in the fault by two requests in five."""
    late = ON_S <= due_s < OFF_S and number % 5 < 2
    return [NEAR, SPARE] if late else to_spare(number, due_s)


def test_a_share_near_its_bound_is_unknown(tmp_path: Path) -> None:
    """Twenty of fifty prove neither that a place is left nor that it is not."""
    assert "unknown" == judged(tmp_path, near_the_bound, "share_left_ratio <= 45%").outcome


def _beside(number: int, due_s: float, *, after: str) -> list[str]:
    """Every second request goes to the near place, which has the fault's region, and goes elsewhere meanwhile."""
    if number % 2:
        return [SPARE]
    return [after] if ON_S <= due_s < OFF_S else [NEAR]


@pytest.mark.parametrize(("after", "outcome", "observed"), [(NEAR, "pass", 1.0), (SPARE, "fail", 0.0)])
def test_a_sick_places_neighbour_keeps_its_traffic(tmp_path: Path, after: str, outcome: str, observed: float) -> None:
    """Whoever has the fault's region and not the fault is as good as before."""
    neighbours = msgspec.structs.replace(TOPOLOGY.endpoints[1], region=TOPOLOGY.endpoints[0].region)
    ours = a_test(injections=[injection("region-down-1", SPARE)], sized=[neighbours])
    changes = {"injections": ours.injections, "sized": ours.sized}
    verdict = judged(
        tmp_path, lambda number, due_s: _beside(number, due_s, after=after), "share_kept_ratio >= 60%", **changes
    )
    assert (outcome, observed) == (verdict.outcome, verdict.observed)


@pytest.mark.parametrize(("then", "outcome", "observed"), [(SPARE, "pass", 1.0), (ABROAD, "unknown", None)])
def test_a_neighbour_that_had_nothing_is_kept_if_it_takes_over(
    tmp_path: Path, then: str, outcome: str, observed: float | None
) -> None:
    """Who asks down a list goes to the next in the region; who goes elsewhere may have another list."""
    neighbour = msgspec.structs.replace(TOPOLOGY.endpoints[1], region=TOPOLOGY.endpoints[0].region)

    def down_a_list(number: int, due_s: float) -> list[str]:
        asks = [NEAR] if number % 3 == 0 else []
        return [*asks, then] if ON_S <= due_s < OFF_S else [NEAR]

    verdict = judged(tmp_path, down_a_list, "share_kept_ratio >= 60%", sized=[neighbour])
    assert (outcome, observed) == (verdict.outcome, verdict.observed)


def test_a_fault_with_nobody_beside_it_tells_nothing_of_neighbours(tmp_path: Path) -> None:
    """A place alone in its region has none that could be kept."""
    assert "unknown" == judged(tmp_path, probing, "share_kept_ratio >= 60%").outcome


def _for_some() -> PlannedInjection:
    return msgspec.structs.replace(injection("region-down-1", NEAR, SPARE, ABROAD), tenants=[EUROPA])


@pytest.mark.parametrize(("where", "outcome"), [(lambda *_: [NEAR], "pass"), (to_spare, "fail")])
def test_what_strikes_one_tenant_alone_moves_no_other(tmp_path: Path, where: Where, outcome: str) -> None:
    """The others stay where they were: what is judged is the place that carried most of theirs."""

    def each(number: int, due_s: float) -> Sequence[str]:
        return where(number, due_s) if number % 2 == 0 else [ABROAD]

    text = "share_kept_ratio >= 60%"
    assert outcome == judged(tmp_path, each, text, tenants=(ACME, EUROPA), injections=[_for_some()]).outcome


@pytest.mark.parametrize(("of_ten", "place"), [(4, NEAR), (1, SPARE)])
def test_of_places_that_share_the_first_is_looked_at(tmp_path: Path, of_ten: int, place: str) -> None:
    """Which of several had the most was chance, and it loses that again; one that carries little is none of them."""

    def each(number: int, due_s: float) -> Sequence[str]:
        del due_s
        return [ABROAD] if number % 2 else [NEAR if number // 2 % 10 < of_ten else SPARE]

    text = "share_kept_ratio >= 60%"
    verdict = judged(tmp_path, each, text, tenants=(ACME, EUROPA), injections=[_for_some()])
    assert f"{place}: " in verdict.why


@pytest.mark.parametrize(
    ("where", "outcome", "observed"), [(probing, "pass", 1.0), (staying, "fail", 10.0), (to_spare, "unknown", None)]
)
def test_probes_are_counted_by_the_second(tmp_path: Path, where: Where, outcome: str, observed: float | None) -> None:
    """What comes to a faulted endpoint late in its fault are probes, so many a second."""
    verdict = judged(tmp_path, where, "probe_rate_rps <= 3rps")
    assert (outcome, observed) == (verdict.outcome, verdict.observed)


@pytest.mark.parametrize(("hangs_s", "outcome", "observed"), [(0.05, "pass", 1.0), (1.0, "fail", 10.0)])
def test_probes_under_way_at_once_are_counted(tmp_path: Path, hangs_s: float, outcome: str, observed: float) -> None:
    """Ten a second that hang for a second are ten at once; those that came before are no probes."""
    story = story_of(tmp_path, staying, "probes_in_flight <= 5")
    for place, one in enumerate(story.provider):
        if one.endpoint == NEAR and ON_S <= one.arrived_s < OFF_S:
            story.provider[place] = msgspec.structs.replace(one, end_s=one.arrived_s + hangs_s)
    verdict = story.verdict()
    assert (outcome, observed) == (verdict.outcome, verdict.observed)


@pytest.mark.parametrize(
    ("where", "outcome", "observed"),
    [
        (returning(0.1, 0.5), "pass", 0.5),
        (returning(0.1), "fail", 0.9),
        (returning(), "fail", 0.9),
        (staying, "unknown", None),
        (returning(*[0.0] * 10), "unknown", None),
    ],
    ids=["in steps", "in one", "at once", "never left", "never back"],
)
def test_traffic_that_comes_back_in_steps_makes_no_large_one(
    tmp_path: Path, where: Where, outcome: str, observed: float | None
) -> None:
    """The largest step is that between two neighbouring windows, wherever they lie."""
    verdict = judged(tmp_path, where, "ramp_step_ratio <= 80%")
    assert (outcome, observed) == (verdict.outcome, verdict.observed)


def half_before(number: int, due_s: float, *, after: Sequence[str]) -> list[str]:
    """Half of the requests have the near place before its fault, and it has so much after."""
    if due_s >= OFF_S:
        return list(after) if number % 2 else [NEAR]
    return probing(number, due_s) if number % 2 == 0 else [SPARE]


@pytest.mark.parametrize(
    ("after", "outcome", "observed"),
    [([SPARE], "pass", 1.0), ([NEAR], "fail", 2.0), ([NEAR, NEAR], "fail", 3.0)],
    ids=["as before", "all", "all, the half of it twice"],
)
def test_a_healed_place_gets_no_more_than_it_had(
    tmp_path: Path, after: list[str], outcome: str, observed: float
) -> None:
    """Attempts count, and not requests: who asks twice is twice a burden."""
    verdict = judged(
        tmp_path, lambda number, due_s: half_before(number, due_s, after=after), "ramp_overshoot_ratio <= 150%"
    )
    assert (outcome, observed) == (verdict.outcome, verdict.observed)


@pytest.mark.parametrize(
    ("times", "outcome", "observed"),
    [(1, "pass", 0.5), (2, "pass", 1.0), (4, "fail", 2.0)],
    ids=["once", "as ever", "more"],
)
def test_who_always_asks_twice_is_held_to_that(tmp_path: Path, times: int, outcome: str, observed: float) -> None:
    """Half of the requests had the near place before its fault, each of them by two attempts."""

    def where(number: int, due_s: float) -> list[str]:
        if due_s >= OFF_S and number % 2 == 0:
            return [NEAR] * times
        return [one for one in half_before(number, due_s, after=[SPARE]) for _ in range(2)]

    verdict = judged(tmp_path, where, "ramp_overshoot_ratio <= 150%")
    assert (outcome, observed) == (verdict.outcome, verdict.observed)


@pytest.mark.parametrize(
    ("after", "outcome", "observed"),
    [((0, 1), "pass", 1.0), ((0, 1, 2, 3, 4), "fail", 2.5), ((), "unknown", None)],
    ids=["as before", "far more", "never back"],
)
def test_a_place_that_shares_is_watched_for_as_long_as_there_is(
    tmp_path: Path, after: Sequence[int], outcome: str, observed: float | None
) -> None:
    """A fifth of 100 requests is fewer than a peak is told from, and enough for all of them together."""

    def where(number: int, due_s: float) -> list[str]:
        kept = (0, 1) if due_s < ON_S else after if due_s >= OFF_S else (0,) if number % 40 == 0 else ()
        return [NEAR] if number % RPS in kept else [SPARE]

    verdict = judged(tmp_path, where, "ramp_overshoot_ratio <= 190%")
    assert (outcome, observed) == (verdict.outcome, verdict.observed)


def mixed(folder: Path, text: str, *, background: str, waiting: int) -> Story:
    """Return a story of two classes, half of each, of which only who waits had the near place before its fault.

    After it, so many of ten requests wait, and background work goes to the place that is named.
    """

    def waits(number: int, due_s: float) -> bool:
        return number % RPS < (waiting if due_s >= OFF_S else RPS / 2)

    def where(number: int, due_s: float) -> list[str]:
        if waits(number, due_s):
            return probing(number, due_s)
        return [background if due_s >= OFF_S else SPARE]

    story = story_of(folder, where, text)
    story.client = [
        msgspec.structs.replace(one, traffic_class="interactive" if waits(number, one.due_s) else "background")
        for number, one in enumerate(story.client)
    ]
    return story


@pytest.mark.parametrize(
    ("background", "waiting", "outcome", "observed"),
    [(SPARE, 5, "pass", 1.0), (SPARE, 10, "pass", 1.0), (NEAR, 5, "fail", 2.0), (NEAR, 2, "fail", 2.0)],
)
def test_a_class_that_always_came_is_no_flood_and_one_that_never_did_is(
    tmp_path: Path, background: str, waiting: int, outcome: str, observed: float
) -> None:
    """However many of a class come together by chance, it is their place; a class that had another is a burden."""
    verdict = mixed(tmp_path, "ramp_overshoot_ratio <= 150%", background=background, waiting=waiting).verdict()
    assert (outcome, observed) == (verdict.outcome, verdict.observed)


@pytest.mark.parametrize("waiting", [4, 5, 10])
def test_the_mix_of_classes_is_no_part_of_a_full_return(tmp_path: Path, waiting: int) -> None:
    """When fewer come of the class that had the place, it is back all the same with every one of them."""
    verdict = mixed(tmp_path, "time_to_full_return_s <= 5s", background=SPARE, waiting=waiting).verdict()
    assert ("pass", 0.0) == (verdict.outcome, verdict.observed)


@pytest.mark.parametrize(
    ("where", "outcome", "observed"),
    [
        (probing, "pass", 0.0),
        (returning(0.1, 0.5), "pass", 3.9),
        (returning(0.5, 0.5, 0.5), "fail", 5.9),
        (returning(*[0.8] * 10), "fail", None),
    ],
)
def test_it_closes_in_the_end(tmp_path: Path, where: Where, outcome: str, observed: float | None) -> None:
    """A place is back when 24 of 25 requests are there again that had all been; four fifths are not all."""
    verdict = judged(tmp_path, where, "time_to_full_return_s <= 5s")
    assert (outcome, observed) == (verdict.outcome, verdict.observed)


@pytest.mark.parametrize(("bound_s", "outcome"), [(7, "fail"), (7.6, "unknown"), (9, "unknown")])
def test_a_return_not_seen_while_nobody_could_watch_longer_is_unknown(
    tmp_path: Path, bound_s: float, outcome: str
) -> None:
    """The last 25 requests began 7.5 s after the fault: one who comes back later may yet be in time."""
    verdict = judged(tmp_path, staying_away, f"time_to_full_return_s <= {bound_s}s")
    assert (outcome, None) == (verdict.outcome, verdict.observed)


def staying_away(number: int, due_s: float) -> list[str]:
    """Leave, and never come back."""
    del number
    return [NEAR] if due_s < ON_S else [SPARE]


def one_of_six(number: int, due_s: float, *, after: int) -> list[str]:
    """Spread evenly over six places, and come back with so many of them."""
    if due_s >= OFF_S:
        return [NEAR] if number % 6 < after else [SPARE]
    return [NEAR] if number % 6 == 0 and due_s < ON_S else [SPARE]


@pytest.mark.parametrize(("after", "back", "flooded"), [(1, ("pass", 0.0), "unknown"), (0, ("fail", None), "unknown")])
def test_who_spreads_evenly_can_be_judged_by_its_return(
    tmp_path: Path, after: int, back: tuple[str, float | None], flooded: str
) -> None:
    """Sixty requests tell of a sixth whether it is back; a flood takes 180, and those are not there."""

    def where(number: int, due_s: float) -> list[str]:
        return one_of_six(number, due_s, after=after)

    story = story_of(tmp_path, where, "time_to_full_return_s <= 3s")
    story.plan = msgspec.structs.replace(
        story.plan, promises={**story.plan.promises, "flood": "ramp_overshoot_ratio <= 190%"}
    )
    returned, flood = story.judged()
    assert (back, flooded) == ((returned.outcome, returned.observed), flood.outcome)


def test_too_short_an_end_tells_no_full_return(tmp_path: Path) -> None:
    """Without 25 requests after the fault nobody knows."""
    story = story_of(tmp_path, probing, "time_to_full_return_s <= 5s")
    story.client = [one for one in story.client if one.due_s < OFF_S + 2.4]
    assert "unknown" == story.verdict().outcome


def relapsing(folder: Path, where: Where, *, served_between: bool = True) -> Story:
    """Return a story whose fault is on from 10 s to 14 s, and again from 18 s on."""
    twice = [injection("region-down-1"), injection("region-down-2")]

    def each(number: int, due_s: float) -> Sequence[str]:
        if 14.0 <= due_s < 18.0:
            return [NEAR] if served_between and number % 4 == 0 else [SPARE]
        return where(number, due_s)

    story = story_of(folder, each, "ramp_relapse_ratio <= 40%", injections=twice)
    story.faults = [
        *fault_records("region-down-1", off_s=14.0),
        *fault_records("region-down-2", on_s=18.0, off_s=OFF_S + 4),
    ]
    return story


def test_a_relapse_takes_traffic_back(tmp_path: Path) -> None:
    """Who goes on giving a place its traffic back while it fails again is told apart from who takes it away."""

    def contracting(number: int, due_s: float) -> list[str]:
        return probing(number, due_s) if due_s < OFF_S else [SPARE]

    def going_on(number: int, due_s: float) -> list[str]:
        return [NEAR, SPARE] if ON_S <= due_s < OFF_S + 4 else probing(number, due_s)

    def asking(number: int, due_s: float) -> list[str]:
        return [NEAR, SPARE] if number % RPS == 0 and due_s < OFF_S + 4 else contracting(number, due_s)

    assert "pass" == relapsing(tmp_path, asking).verdict().outcome
    assert "fail" == relapsing(tmp_path, going_on).verdict().outcome
    never_back = relapsing(tmp_path, asking, served_between=False).verdict()
    assert "unknown" == never_back.outcome
    assert "no fault came back" in never_back.why
    assert "unknown" == judged(tmp_path, probing, "ramp_relapse_ratio <= 40%").outcome


def _view(where: Sequence[bool]) -> View:
    """Return a history in which each request after the fault was at the near place, or not."""

    def each(number: int, due_s: float) -> list[str]:
        after = number - int(OFF_S) * RPS
        return probing(number, due_s) if after < 0 else [NEAR if where[after] else SPARE]

    client, provider = [], []
    for number in range(int(OFF_S) * RPS + len(where)):
        due_s = number / RPS
        client.append(ask(number, due_s))
        provider += [attempt(number, due_s, place) for place in each(number, due_s)]
    history = History(a_test(), TOPOLOGY, client=client, provider=provider, faults=fault_records(), phases=phases())
    return View(history=history, client=history.client, attempts=history.attempts, windows=history.windows)


def _seen(name: str, view: View) -> Observation | None:
    try:
        return METRICS[name].measure(view)
    except NoEvidence:
        return None


@given(st.lists(st.booleans(), min_size=40, max_size=100))
@settings(deadline=None, max_examples=60)
def test_figures_of_a_return_are_what_they_are_called(where: list[bool]) -> None:
    """However traffic comes back: no step is larger than the whole, nobody has more than all, and sooner is less."""
    view = _view(where)
    step, over, full = (
        _seen(name, view) for name in ("ramp_step_ratio", "ramp_overshoot_ratio", "time_to_full_return_s")
    )
    assert full is not None
    assert full.value == float("inf") or 0.0 <= full.value <= len(where) / RPS
    assert (full.value == 0.0) >= all(where)
    assert step is None or 0.0 <= step.value <= 1.0
    assert over is None or 0.0 < over.value <= 1.0
    better = _seen("time_to_full_return_s", _view([True, *where[1:]]))
    assert better is not None
    assert better.value <= full.value
