"""The reference router's policy keeps its word after any history: boundaries, budgets, breakers that open and close."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from brownout.wire import Refusal, RefusalKind
from fixtures.router.breaker import Breaker, BreakerSettings
from fixtures.router.policy import Place, Policy, Settings

SETTINGS = BreakerSettings()
PLACES = [
    Place(name="pt-east", capacity="provisioned", region="us-east-1"),
    Place(name="od-east", capacity="on-demand", region="us-east-1"),
    Place(name="od-west", capacity="on-demand", region="us-west-2"),
    Place(name="gpu", capacity="gpu", region="dc1"),
    Place(name="od-eu", capacity="on-demand", region="eu-west-1"),
    Place(name="pt-eu", capacity="provisioned", region="eu-west-1"),
]
ALLOW = {"acme": ["pt-east", "od-east", "od-west", "gpu"], "europa": ["od-eu", "pt-eu"], "nobody": []}
NAMES = [place.name for place in PLACES]
KINDS: list[RefusalKind] = ["throttled", "unavailable", "internal", "timeout", "invalid", "overloaded"]
GAPS = st.one_of(st.sampled_from([0.0, 0.1, 0.5, 1.0, 2.0, 5.0]), st.floats(0, 6))
STEPS = st.lists(st.tuples(GAPS, st.sampled_from(["ask", "success", "failure", "abandoned", "stay-away"])), max_size=60)


def sick(now_s: float = 0.0) -> Breaker:
    """Return a breaker that has just opened."""
    breaker = Breaker(SETTINGS)
    for _ in range(SETTINGS.failures_min):
        breaker.failure(now_s)
    assert "open" == breaker.state
    return breaker


def play(breaker: Breaker, steps: Sequence[tuple[float, str]]) -> float:
    """Let a history happen, each step so long after the one before; return its last instant."""
    now_s = 0.0
    for gap_s, what in steps:
        now_s += gap_s
        if what == "ask":
            breaker.admits(now_s)
        elif what == "success":
            breaker.success(now_s)
        elif what == "abandoned":
            breaker.abandoned()
        else:
            breaker.failure(now_s, stay_away_s=3.0 if what == "stay-away" else None)
    return now_s


@given(STEPS)
@settings(deadline=None)
def test_nothing_is_admitted_while_open(steps: list[tuple[float, str]]) -> None:
    """Until the time it names is over an open breaker admits nobody; from then on it asks."""
    breaker = Breaker(SETTINGS)
    now_s = play(breaker, steps)
    wait_s = breaker.opens_in_s(now_s)
    if wait_s > 1e-6:
        assert "open" == breaker.state
        for share in (0.0, 0.5, 0.99):
            assert not breaker.admits(now_s + share * wait_s)
            assert not breaker.bears_more()
        assert breaker.admits(now_s + wait_s + 1e-6)


@given(
    STEPS,
    st.floats(0, 60),
    st.lists(st.tuples(st.floats(0, 10), st.sampled_from(["ask", "success", "failure", "shorter"]))),
)
@settings(deadline=None)
def test_an_endpoints_own_word_is_honoured(
    steps: list[tuple[float, str]], stay_away_s: float, after: list[tuple[float, str]]
) -> None:
    """From a Retry-After on nothing is admitted before it is over, whatever happened before or is still under way."""
    breaker = Breaker(SETTINGS)
    told_s = now_s = play(breaker, steps)
    breaker.failure(told_s, stay_away_s=stay_away_s)
    for gap_s, what in after:
        now_s += gap_s
        if now_s >= told_s + stay_away_s:
            break
        assert not breaker.admits(now_s)
        if what == "success":
            breaker.success(now_s)
        elif what != "ask":
            breaker.failure(now_s, stay_away_s=0.1 if what == "shorter" else None)


@given(STEPS)
@settings(deadline=None)
def test_sustained_success_closes_it_again(steps: list[tuple[float, str]]) -> None:
    """However sick it was: with ten requests a second that are answered, it is closed within half a minute."""
    breaker = Breaker(SETTINGS)
    now_s = play(breaker, steps)
    breaker.abandoned()  # what was under way has ended, one way or another
    for _ in range(300):
        now_s += 0.1
        if breaker.admits(now_s):
            breaker.success(now_s)
        if breaker.state == "closed":
            break
    assert "closed" == breaker.state
    assert all(breaker.admits(now_s) for _ in range(50))


def test_a_closed_breaker_opens_only_on_enough_failures() -> None:
    """Fewer failures than the least, or less than the ratio of the last results, or old ones, trip nothing."""
    breaker = Breaker(SETTINGS)
    for _ in range(SETTINGS.failures_min - 1):
        breaker.failure(0.0)
    assert breaker.admits(0.0)
    breaker.failure(SETTINGS.window_s + 0.1)  # the others are too old by now
    assert breaker.admits(SETTINGS.window_s + 0.1)
    mostly_well = Breaker(SETTINGS)
    for number in range(60):
        (mostly_well.failure if number % 3 == 0 else mostly_well.success)(number / 100)
    assert "closed" == mostly_well.state


@given(st.integers(1, 400))
def test_a_trickle_is_no_more_than_its_share(requests: int) -> None:
    """After the first probe has succeeded, at most the first step's share of requests (and one) is admitted."""
    breaker = sick()
    now_s = SETTINGS.open_s
    assert breaker.admits(now_s)
    breaker.success(now_s)
    admitted = sum(breaker.admits(now_s) for _ in range(requests))
    assert admitted <= SETTINGS.steps[0] * requests + 1
    assert admitted >= SETTINGS.steps[0] * requests - 1


def test_one_probe_at_a_time_is_all_a_sick_endpoint_bears() -> None:
    """Until something has succeeded, one request is under way there, and others go elsewhere."""
    breaker = sick()
    assert [True] + [False] * 99 == [breaker.admits(SETTINGS.open_s + n / 100) for n in range(100)]
    assert not breaker.bears_more()


def test_an_abandoned_probe_frees_its_place() -> None:
    """A caller who leaves tells nothing, and blocks nobody."""
    breaker = sick()
    now_s = SETTINGS.open_s
    for _ in range(5):
        assert breaker.admits(now_s)
        assert not breaker.admits(now_s)
        breaker.abandoned()
    assert breaker.admits(now_s)


def test_every_relapse_keeps_it_away_longer_up_to_a_bound() -> None:
    """Open times double from the first to the longest, and begin anew once it has closed."""
    breaker = sick()
    now_s, waits = 0.0, []
    for _ in range(5):
        waits.append(breaker.opens_in_s(now_s))
        now_s += waits[-1]
        assert breaker.admits(now_s)
        breaker.failure(now_s)
    expected = [min(SETTINGS.open_s * 2**n, SETTINGS.open_max_s) for n in range(5)]
    assert expected == pytest.approx(waits)


def _policy(settings: Settings | None = None) -> Policy:
    return Policy(PLACES, ALLOW, settings or Settings())


class AnyHistory(RuleBasedStateMachine):
    """Requests come, are tried here and there, end somehow or never; time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.policy = _policy()
        self.now_s = 0.0
        self.requests: dict[int, tuple[str, str, list[str]]] = {}
        self.numbers = itertools.count()
        self.begun = self.retries = 0
        self.stay_away: dict[str, float] = {}

    @rule(tenant=st.sampled_from(sorted(ALLOW)), traffic_class=st.sampled_from(["interactive", "background", "", "x"]))
    def begin(self, tenant: str, traffic_class: str) -> None:
        """A request comes and is sent somewhere, or refused."""
        self.policy.begin()
        self.begun += 1
        self._send(next(self.numbers), tenant, traffic_class, [])

    def _send(self, number: int, tenant: str, traffic_class: str, tried: list[str]) -> None:
        candidates = self.policy.candidates(tenant, traffic_class)
        try:
            open_to = self.policy.with_room(self.now_s, candidates, tried, tenant, traffic_class)
            endpoint = self.policy.pick(self.now_s, open_to, tried)
            refusal: Refusal | None = None
        except Refusal as refused:
            refusal = refused
        if refusal is not None:
            assert refusal.kind in ("unavailable", "overloaded")
            assert (refusal.retry_after_s or 0.0) >= self.policy.settings.unavailable_retry_s
            return
        place = next(one for one in PLACES if one.name == endpoint)
        assert endpoint in ALLOW[tenant]
        assert endpoint not in tried
        assert not (traffic_class == "background" and place.capacity == "provisioned")
        assert "open" != self.policy.breakers[endpoint].state
        assert self.now_s >= self.stay_away.get(endpoint, 0.0)
        self.policy.entered(endpoint, tenant)
        self.requests[number] = (tenant, traffic_class, [*tried, endpoint])

    @precondition(lambda self: self.requests)
    @rule(
        data=st.data(),
        how=st.sampled_from(["ok", "abandoned", "failed"]),
        kind=st.sampled_from(KINDS),
        wait_s=st.none() | st.floats(0, 10),
    )
    def end_one(self, data: st.DataObject, how: str, kind: RefusalKind, wait_s: float | None) -> None:
        """An attempt ends; where it failed, the request is tried elsewhere if it may be."""
        number = data.draw(st.sampled_from(sorted(self.requests)))
        tenant, traffic_class, tried = self.requests.pop(number)
        endpoint = tried[-1]
        refusal = Refusal(kind, retry_after_s=wait_s if kind == "throttled" else None)
        if how == "abandoned":
            self.policy.abandoned(endpoint)
        elif how == "ok":
            self.policy.succeeded(self.now_s, endpoint)
        else:
            self.policy.failed(self.now_s, endpoint, refusal)
            if refusal.retry_after_s is not None:
                until_s = max(self.now_s + refusal.retry_after_s, self.stay_away.get(endpoint, 0.0))
                self.stay_away[endpoint] = until_s
        self.policy.left(endpoint, tenant)
        if how == "failed" and kind != "invalid" and self.policy.may_retry(len(tried)):
            self.retries += 1
            assert len(tried) < self.policy.settings.attempts_max
            self._send(number, tenant, traffic_class, tried)

    @rule(gap_s=GAPS)
    def wait(self, gap_s: float) -> None:
        """Time passes."""
        self.now_s += gap_s

    @invariant()
    def retries_stay_in_their_budget(self) -> None:
        """Never more than the burst and a share of the requests."""
        known = self.policy.settings
        assert self.retries <= known.retry_burst + known.retry_ratio * self.begun + 1e-6

    @invariant()
    def boundaries_do_not_move(self) -> None:
        """What a tenant may use never grows, whatever has happened."""
        for tenant, allowed in ALLOW.items():
            assert set(self.policy.candidates(tenant, "interactive")) == set(allowed)

    def teardown(self) -> None:
        """Once all is well again, every endpoint is used as before, within half a minute."""
        for endpoint in NAMES:
            self.policy.abandoned(endpoint)
        self.now_s = max([self.now_s, *self.stay_away.values()])
        for _ in range(400):
            self.now_s += 0.1
            for endpoint, breaker in self.policy.breakers.items():
                if breaker.admits(self.now_s):
                    self.policy.succeeded(self.now_s, endpoint)
        assert {"closed"} == {breaker.state for breaker in self.policy.breakers.values()}
        assert "pt-east" == self.policy.pick(self.now_s, self.policy.candidates("acme", "interactive"), [])


AnyHistory.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestAnyHistory = AnyHistory.TestCase


@given(st.text(max_size=10).filter(lambda name: name not in ALLOW), st.sampled_from(["interactive", "background"]))
def test_an_unknown_tenant_is_denied(tenant: str, traffic_class: str) -> None:
    """Who is not known reaches nothing."""
    with pytest.raises(Refusal) as caught:
        _policy().candidates(tenant, traffic_class)
    assert "denied" == caught.value.kind


@given(st.integers(0, 200), st.floats(0, 1), st.integers(0, 10), st.integers(1, 5))
def test_retries_are_bounded_over_any_run_of_requests(
    requests: int, ratio: float, burst: int, attempts_max: int
) -> None:
    """When everything fails: each request at most its attempts, all at most the budget, which is used."""
    policy = _policy(Settings(attempts_max=attempts_max, retry_ratio=ratio, retry_burst=burst))
    retries = 0
    for _ in range(requests):
        policy.begin()
        attempts = 1
        while policy.may_retry(attempts):
            attempts += 1
            retries += 1
        assert attempts <= attempts_max
    assert retries <= burst + ratio * requests + 1e-6
    assert retries >= min(burst, requests * (attempts_max - 1))


def test_preference_is_the_topologys_and_background_spills_over() -> None:
    """In the order of the places; background work leaves purchased capacity out."""
    assert ["pt-east", "od-east", "od-west", "gpu"] == _policy().candidates("acme", "interactive")
    assert ["od-east", "od-west", "gpu"] == _policy().candidates("acme", "background")
    assert [] == _policy().candidates("nobody", "interactive")


def test_after_a_failure_another_region_is_asked_first() -> None:
    """What failed one endpoint may have its region; when no other is left, it is asked all the same."""
    policy = _policy()
    names = policy.candidates("acme", "interactive")
    assert "od-west" == policy.pick(0.0, names, ["pt-east"])
    assert "od-east" == policy.pick(0.0, names, ["pt-east", "od-west", "gpu"])


def test_when_nobody_is_left_the_client_is_told_when_to_come_back() -> None:
    """The refusal names the time until the first of the tenant's endpoints may be asked again."""
    policy = _policy()
    for endpoint, wait_s in (("od-eu", 30.0), ("pt-eu", 7.0)):
        policy.failed(0.0, endpoint, Refusal("throttled", retry_after_s=wait_s))
    with pytest.raises(Refusal) as caught:
        policy.pick(2.0, policy.candidates("europa", "interactive"), [])
    assert ("unavailable", 5.0) == (caught.value.kind, caught.value.retry_after_s)


@given(st.floats(0, 1e9))
def test_no_header_loses_an_endpoint_for_long(told_s: float) -> None:
    """An endpoint's own word is kept to the second up to a bound; beyond it, the bound holds."""
    policy = _policy()
    policy.failed(0.0, "gpu", Refusal("throttled", retry_after_s=told_s))
    bound_s = policy.settings.stay_away_max_s
    waits = policy.breakers["gpu"].opens_in_s(0.0), policy.rooms["gpu"].opens_in_s(0.0)
    assert min(told_s, bound_s) == max(waits)
    assert policy.breakers["gpu"].admits(bound_s)
    assert policy.rooms["gpu"].fits(bound_s, "acme", "interactive", sharers=1)


def test_the_callers_own_mistake_says_nothing_of_an_endpoint() -> None:
    """Any number of invalid requests leaves the breaker closed."""
    policy = _policy()
    for _ in range(50):
        policy.failed(0.0, "gpu", Refusal("invalid"))
    assert "closed" == policy.breakers["gpu"].state
