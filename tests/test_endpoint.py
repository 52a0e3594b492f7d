"""An emulated endpoint answers in time, flows through its faults, and leaves one true record of every request."""

import asyncio
import functools
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from yarl import URL

from brownout.answer import read_reply, reply_tokens
from brownout.canary import ANSWERED, COMMON, PREFIX, CanaryMint, Mark, run_key
from brownout.capacity import Limits
from brownout.clock import LoopClock, wait_until
from brownout.evidence import ProviderRecord
from brownout.fault import Exchange, ReplyFault
from brownout.identity import JWT_BEARER, assertion, sign
from brownout.topology import Endpoint, Tenant, Topology
from brownout.virtual import VirtualConnector, run_virtual
from brownout.wire import Ask, Cut, End, Event, HttpReply, HttpRequest, Refusal, Token, Tool, ToolCall, ToolResult, Turn
from fixtures.providers.active import ActiveFault
from fixtures.providers.cloud import Cloud
from tests.active import active_fault

DIALECTS = {"aws": "bedrock-converse", "gcp": "vertex-generate", "own": "openai-chat"}
MINT = CanaryMint(run_key(3), ["acme", "europa"])
PROMPT = f"hello {MINT.value('europa', 9)}"


@dataclass
class Seen:
    """What a caller saw of one reply: its status, its events and when each came, what ended it."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    events: list[tuple[float, Event]] = field(default_factory=list)
    error: BaseException | None = None

    @property
    def text(self) -> str:
        """The reply's text."""
        return "".join(event.text for _, event in self.events if isinstance(event, Token))

    @property
    def whole(self) -> bool:
        """Whether the dialect's terminator was seen."""
        return any(isinstance(event, End) for _, event in self.events)


@dataclass
class World:
    """A cloud of one endpoint a dialect, a caller, and the evidence."""

    cloud: Cloud
    session: aiohttp.ClientSession
    records: list[ProviderRecord]

    def on(self, endpoint: str, fault: ReplyFault, injection: str = "i1") -> ActiveFault:
        """Turn a fault on."""
        shell = self.cloud.endpoints[endpoint]
        active = active_fault(fault, shell.clock, injection)
        shell.faults[injection] = active
        return active

    async def send(self, endpoint: str, request: HttpRequest) -> aiohttp.ClientResponse:
        """Send a request with its credentials."""
        host, port = self.cloud.addresses[endpoint]
        headers = {**request.headers, **self._proof(endpoint, request, f"{host}:{port}")}
        url = f"http://{host}:{port}{request.path}" + (f"?{request.query}" if request.query else "")
        return await self.session.request(request.method, URL(url, encoded=True), data=request.body, headers=headers)

    async def arrived(self) -> bool:
        """Tell whether a request is at the endpoint called ``own``."""
        return self.cloud.endpoints["own"].in_flight > 0

    async def ask(self, endpoint: str, **changes: Any) -> Seen:
        """Ask as a careful client would, and tell what was seen."""
        asked: dict[str, Any] = {"model": "m", "prompt": PROMPT, "max_tokens": 5} | changes
        client = self.cloud.endpoints[endpoint].surface.own.client
        request = client.request(Ask(**asked), project=self.cloud.identity.project, location="r")
        seen = Seen()
        try:
            async with await self.send(endpoint, request) as response:
                seen.status, seen.headers = response.status, dict(response.headers)
                if response.status != 200:
                    raise client.refusal(
                        HttpReply(status=response.status, headers=seen.headers, body=await response.read())
                    )
                if not asked.get("stream", True):
                    answer = client.answer(HttpReply(status=200, body=await response.read()))
                    parts: list[Event] = [Token(answer.text), *([answer.end] if answer.end else [])]
                    seen.events = [(self._now_s(), part) for part in parts]
                    return seen
                reader = client.reader()
                async for data in response.content.iter_any():
                    seen.events += [(self._now_s(), event) for event in reader.feed(data)]
        except (Refusal, aiohttp.ClientError) as error:
            seen.error = error
        return seen

    def _now_s(self) -> float:
        return self.cloud.endpoints["own"].clock.now_s()

    def _proof(self, endpoint: str, request: HttpRequest, host: str) -> dict[str, str]:
        credentials = self.cloud.identity.credentials(endpoint)
        utc = self.cloud.endpoints[endpoint].clock.utc()
        if endpoint == "own":
            return {"Authorization": f"Bearer {credentials['api_key']}"}
        if endpoint == "aws":
            return sign(request, region="r", host=host, utc=utc, **credentials)
        account = msgspec.json.decode(Path(credentials["service_account_file"]).read_bytes())
        token = self.cloud.identity.issuer.exchange(JWT_BEARER, assertion(account, utc=utc), utc)
        return {"Authorization": f"Bearer {token.value}"}


Scenario = Callable[[World], Coroutine[Any, Any, None]]


async def _raise(scenario: Scenario, folder: Path, limits: Limits, connector: Callable[[], Any]) -> None:
    endpoints = [
        Endpoint(
            name=name, cloud=name, provider="p", region="r", capacity="gpu", dialect=dialect, model="m", limits=limits
        )
        for name, dialect in DIALECTS.items()
    ]
    topology = Topology(topology="t", endpoints=endpoints, tenants={"acme": Tenant(allow=["own"])})
    records: list[ProviderRecord] = []
    cloud = Cloud(topology, seed=3, test="t", clock=LoopClock(), mint=MINT, record=records.append, folder=folder)
    await cloud.start()
    async with aiohttp.ClientSession(connector=connector()) as session:
        await scenario(World(cloud, session, records))
    await cloud.close()


def virtually(scenario: Scenario, folder: Path, limits: Limits | None = None) -> None:
    """Run a scenario in a world of virtual time, where instants are exact."""
    still = limits or Limits(ttft_s=1.0, inter_token_s=0.1, jitter=0.0)
    run_virtual(_raise(scenario, folder, still, VirtualConnector))


def really(scenario: Scenario, folder: Path) -> None:
    """Run a scenario in a world of real sockets."""
    quick = Limits(ttft_s=0.01, inter_token_s=0.001)
    asyncio.run(asyncio.wait_for(_raise(scenario, folder, quick, aiohttp.TCPConnector), 20))


@dataclass
class Refuse:
    """Refuses after some tokens."""

    refusal: Exception
    after: int = 0

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Pass some tokens, then raise."""
        passed = 0
        async for event in reply:
            if passed == self.after:
                break
            passed += 1
            yield event
        exchange.fired()
        exchange.fired()
        raise self.refusal


@dataclass
class Slow:
    """Waits before every token."""

    wait_s: float

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Be slow."""
        exchange.fired()
        async for event in reply:
            await exchange.sleep(self.wait_s)
            yield event


@dataclass
class Shout:
    """Marks every token, and keeps what it was shown."""

    mark: str
    shown: list[tuple[str, str | None, str]] = field(default_factory=list)

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Mark."""
        self.shown.append((exchange.endpoint, exchange.tenant, exchange.ask.model))
        exchange.fired()
        async for event in reply:
            yield Token(event.text + self.mark) if isinstance(event, Token) else event


@dataclass
class Silent:
    """Passes some tokens and ends without a terminator, politely."""

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Leave the end out."""
        async for event in reply:
            if isinstance(event, End):
                exchange.fired()
                return
            yield event


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("endpoint", list(DIALECTS))
def test_a_reply_is_whole_and_in_time(tmp_path: Path, endpoint: str, *, stream: bool) -> None:
    """The first token comes after the time to first token, each next after its pace; the record says the same."""

    async def scenario(world: World) -> None:
        seen = await world.ask(endpoint, stream=stream)
        assert (200, True) == (seen.status, seen.whole)
        assert "".join(reply_tokens(endpoint, "europa-9", 5)) == seen.text
        tokens_s = [round(at_s, 3) for at_s, event in seen.events if isinstance(event, Token)]
        assert ([1.0, 1.1, 1.2, 1.3, 1.4] if stream else [1.4]) == tokens_s
        expected = ProviderRecord(
            test="t",
            endpoint=endpoint,
            arrived_s=0.0,
            end_s=1.4,
            outcome="ok",
            canary="europa-9",
            tenant="europa",
            status=200,
            first_token_s=1.0,
            tokens=5,
            stream=stream,
        )
        shown = {"credential": "", "credential_id": "", "credential_until_s": None}
        assert [expected] == [msgspec.structs.replace(_rounded(record), **shown) for record in world.records]

    virtually(scenario, tmp_path)


def _rounded(record: ProviderRecord) -> ProviderRecord:
    first_s = None if record.first_token_s is None else round(record.first_token_s, 3)
    return msgspec.structs.replace(
        record, arrived_s=round(record.arrived_s, 3), end_s=round(record.end_s, 3), first_token_s=first_s
    )


@pytest.mark.parametrize("endpoint", list(DIALECTS))
def test_a_refusal_before_the_first_token_is_an_http_error(tmp_path: Path, endpoint: str) -> None:
    """A fault's refusal becomes the provider's status with its wait, counted once for the fault."""

    async def scenario(world: World) -> None:
        active = world.on(endpoint, Refuse(Refusal("throttled", retry_after_s=2.5)))
        seen = await world.ask(endpoint)
        assert isinstance(seen.error, Refusal)
        assert (429, "throttled", 2.5) == (seen.status, seen.error.kind, seen.error.retry_after_s)
        assert "3" == seen.headers["Retry-After"]
        (record,) = world.records
        assert ("refused", "throttled", 2.5, 429) == (
            record.outcome,
            record.refusal,
            record.retry_after_s,
            record.status,
        )
        assert (1, ["i1"], 0) == (active.fired, record.faults, record.tokens)

    virtually(scenario, tmp_path)


@pytest.mark.parametrize("endpoint", list(DIALECTS))
def test_a_refusal_after_the_first_token_is_a_frame(tmp_path: Path, endpoint: str) -> None:
    """After the 200, a refusal is said within the stream, which then closes cleanly."""

    async def scenario(world: World) -> None:
        world.on(endpoint, Refuse(Refusal("internal"), after=2))
        seen = await world.ask(endpoint)
        assert isinstance(seen.error, Refusal)
        assert (200, "internal", 2, False) == (seen.status, seen.error.kind, len(seen.events), seen.whole)
        (record,) = world.records
        assert ("refused", "internal", 200, 2) == (record.outcome, record.refusal, record.status, record.tokens)

    virtually(scenario, tmp_path)


@pytest.mark.parametrize("run", [virtually, really])
@pytest.mark.parametrize("endpoint", list(DIALECTS))
@pytest.mark.parametrize(("after", "stream"), [(0, True), (2, True), (2, False)])
def test_a_cut_breaks_the_transfer(
    tmp_path: Path, run: Callable[[Scenario, Path], None], endpoint: str, after: int, *, stream: bool
) -> None:
    """A cut closes the connection without the end of the chunked transfer, before or after the 200."""

    async def scenario(world: World) -> None:
        world.on(endpoint, Refuse(Cut(), after=after))
        seen = await world.ask(endpoint, stream=stream)
        assert isinstance(seen.error, aiohttp.ClientError)
        assert not seen.whole
        assert [("cut", ["i1"], after)] == [(r.outcome, r.faults, r.tokens) for r in world.records]
        del world.cloud.endpoints[endpoint].faults["i1"]
        assert (await world.ask(endpoint)).whole

    run(scenario, tmp_path)


@pytest.mark.parametrize("endpoint", list(DIALECTS))
def test_a_reply_without_its_end_is_recorded_as_cut(tmp_path: Path, endpoint: str) -> None:
    """A reply that runs out before its terminator closes politely, is not whole, and is recorded as cut."""

    async def scenario(world: World) -> None:
        world.on(endpoint, Silent())
        seen = await world.ask(endpoint)
        assert (None, 5, False) == (seen.error, len(seen.events), seen.whole)
        assert [("cut", 200)] == [(record.outcome, record.status) for record in world.records]

    virtually(scenario, tmp_path)


def test_faults_are_piped_in_their_order(tmp_path: Path) -> None:
    """The fault that came first acts first; each sees the ask and its tenant; both are in the record."""

    async def scenario(world: World) -> None:
        first, second = Shout("<"), Shout(">")
        world.on("own", first, "i1")
        world.on("own", second, "i2")
        seen = await world.ask("own")
        assert "fin<>" == seen.text.split()[-1]
        assert [("own", "europa", "m")] == first.shown == second.shown
        assert [["i1", "i2"]] == [sorted(record.faults) for record in world.records]

    virtually(scenario, tmp_path)


def test_a_fault_can_be_slow_and_be_lifted(tmp_path: Path) -> None:
    """A fault's waits are on the world's clock; once lifted, the next reply is as before."""

    async def scenario(world: World) -> None:
        world.on("own", Slow(0.5))
        slow = await world.ask("own")
        world.cloud.endpoints["own"].faults.clear()
        begun_s = slow.events[-1][0]
        quick = await world.ask("own")
        # Tokens wait for one another in a slow pipe: each is half a second after the one before, its own pace included.
        assert [1.5, 2.0, 2.5, 3.0, 3.5] == [round(at_s, 3) for at_s, event in slow.events if isinstance(event, Token)]
        assert 1.0 == round(quick.events[0][0] - begun_s, 3)

    virtually(scenario, tmp_path)


@pytest.mark.parametrize("run", [virtually, really])
@pytest.mark.parametrize("when_s", [0.0, 1.15])
def test_a_caller_that_leaves_is_recorded_as_gone(
    tmp_path: Path, run: Callable[[Scenario, Path], None], when_s: float
) -> None:
    """An endpoint does not generate for nobody: it stops, records that, and gives the slot back."""

    async def scenario(world: World) -> None:
        world.on("own", Slow(10))
        asking = asyncio.create_task(world.ask("own", max_tokens=500))
        assert await wait_until(world.arrived, within_s=5, poll_s=0.001)
        await asyncio.sleep(when_s)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        for _ in range(200):
            await asyncio.sleep(0.005)
            if world.records:
                break
        assert ["client-gone"] == [record.outcome for record in world.records]
        assert 0 == world.cloud.endpoints["own"].capacity.in_flight

    run(scenario, tmp_path)


def test_limits_refuse_by_themselves(tmp_path: Path) -> None:
    """Beyond its rate an endpoint throttles and says when to come back; beyond its slots it is overloaded."""

    async def scenario(world: World) -> None:
        shell = world.cloud.endpoints["own"]
        first = await asyncio.gather(*(world.ask("own") for _ in range(3)))
        assert ["overloaded"] == [reply.error.kind for reply in first if isinstance(reply.error, Refusal)]
        second = await world.ask("own")
        assert isinstance(second.error, Refusal)
        assert ("throttled", 429) == (second.error.kind, second.status)
        assert second.error.retry_after_s is not None
        await asyncio.sleep(second.error.retry_after_s)
        assert (await world.ask("own")).whole
        assert 0 == shell.capacity.in_flight

    virtually(scenario, tmp_path, Limits(jitter=0, rate_rps=0.5, burst=2, concurrent=2))


def test_only_who_was_held_against_a_quota_is_told_of_it(tmp_path: Path) -> None:
    """Answers and refusals for want of quota say what is left of it; what is refused before that says nothing."""

    async def scenario(world: World) -> None:
        served, over = await world.ask("own"), await world.ask("own")
        stranger, invalid = await world.ask("own", model="other"), await world.ask("own", max_tokens=-1)
        asked = [served, over, stranger, invalid]
        assert [200, 429, 404, 400] == [seen.status for seen in asked]
        told = [any(name.startswith("x-ratelimit-") for name in seen.headers) for seen in asked]
        assert [True, True, False, False] == told
        assert "The model `other` does not exist" in str(stranger.error)

    virtually(scenario, tmp_path, Limits(jitter=0, rate_rps=0.5, burst=1))


def test_a_failure_of_our_own_is_said_to_be_ours(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A bug in a fault is logged and recorded as our bug, before and after the 200, and the endpoint goes on."""

    async def scenario(world: World) -> None:
        world.on("aws", Refuse(ZeroDivisionError("a bug")))
        assert 500 == (await world.ask("aws")).status
        world.on("aws", Refuse(ZeroDivisionError("a bug"), after=1))
        assert not (await world.ask("aws")).whole
        world.cloud.endpoints["aws"].faults.clear()
        assert (await world.ask("aws")).whole
        assert ["our-bug", "our-bug", ""] == [record.refusal for record in world.records]

    with caplog.at_level(logging.ERROR, "brownout.providers"):
        virtually(scenario, tmp_path)
    assert 2 == len(caplog.records)


def test_what_is_in_flight_at_the_end_is_recorded_as_open(tmp_path: Path) -> None:
    """Taking the cloud down leaves one record, ``open``, of a request still in flight."""
    kept: list[ProviderRecord] = []

    async def scenario(world: World) -> None:
        world.on("own", Slow(1000))
        asking = asyncio.create_task(world.ask("own"))
        await asyncio.sleep(1)
        await world.cloud.close()
        await asyncio.gather(asking, return_exceptions=True)
        kept.extend(world.records)

    virtually(scenario, tmp_path)
    assert [("open", 1.0)] == [(record.outcome, round(record.end_s, 3)) for record in kept]


def test_traffic_that_is_not_the_loads_has_no_canary(tmp_path: Path) -> None:
    """A request without a genuine canary is answered and recorded without a tenant; a bad one is recorded too."""

    async def scenario(world: World) -> None:
        assert (await world.ask("own", prompt="who are you? CNRYAAAAAAAAAAAAAAAAAA")).whole
        host, port = world.cloud.addresses["own"]
        async with world.session.post(f"http://{host}:{port}/v1/chat/completions", data=b"{") as response:
            assert 401 == response.status
        refused = await world.ask("own", model="other")
        assert 404 == refused.status
        seen = [(record.canary, record.outcome, record.refusal) for record in world.records]
        assert [(None, "ok", ""), (None, "refused", "unauthenticated"), ("europa-9", "refused", "not-found")] == seen

    virtually(scenario, tmp_path)


def test_a_refused_request_has_still_arrived(tmp_path: Path) -> None:
    """Evidence names the tenant of a prompt that came with bad credentials or in a bad body: it left its boundary."""

    async def scenario(world: World) -> None:
        for name in DIALECTS:
            host, port = world.cloud.addresses[name]
            async with world.session.post(f"http://{host}:{port}/elsewhere", data=PROMPT.encode()) as response:
                assert response.status in {401, 403}
        assert [("europa-9", "europa", "unauthenticated")] * 3 == [
            (record.canary, record.tenant, record.refusal) for record in world.records
        ]

    virtually(scenario, tmp_path)


@pytest.mark.parametrize("endpoint", list(DIALECTS))
def test_only_the_text_names_the_endpoint(tmp_path: Path, endpoint: str) -> None:
    """Ids and headers differ from request to request and do not give the endpoint away."""

    async def scenario(world: World) -> None:
        dialect = world.cloud.endpoints[endpoint].surface.own
        seen = []
        for _ in range(2):
            request = dialect.client.request(
                Ask(model="m", prompt=PROMPT, max_tokens=5, stream=False),
                project=world.cloud.identity.project,
                location="r",
            )
            async with await world.send(endpoint, request) as response:
                raw = (await response.read()).replace(f"[{endpoint} ".encode(), b"")
                seen.append(raw + str(dict(response.headers)).encode())
        assert seen[0] != seen[1]
        assert not any(f"{endpoint}-".encode() in one or f'"{endpoint}"'.encode() in one for one in seen)

    virtually(scenario, tmp_path)


def test_long_replies_are_capped(tmp_path: Path) -> None:
    """However many tokens are allowed, a reply has 512 at most."""

    async def scenario(world: World) -> None:
        assert 512 == len((await world.ask("own", max_tokens=100_000)).events) - 1

    virtually(scenario, tmp_path)


def test_one_seed_gives_one_history(tmp_path: Path) -> None:
    """The same world twice leaves the same records, to the microsecond and in the same order."""

    async def scenario(kept: list[ProviderRecord], world: World) -> None:
        asks = [world.ask(name, max_tokens=number + 2) for number in range(8) for name in DIALECTS]
        await asyncio.gather(*asks)
        kept.extend(world.records)

    histories: list[list[ProviderRecord]] = [[], []]
    for history in histories:
        virtually(functools.partial(scenario, history), tmp_path, Limits())
    assert 24 == len(histories[0])
    assert histories[0] == histories[1]


# -- common questions


def test_an_answer_to_a_common_question_bears_a_mark_of_its_own(tmp_path: Path) -> None:
    """Its head names the question; no two answers bear the same, whichever endpoints of the world gave them."""
    question = f"hello {MINT.value(COMMON, 3)}"

    async def scenario(world: World) -> None:
        seen = [await world.ask(name, prompt=question) for name in (*DIALECTS, *DIALECTS)]
        assert {"whole"} == {read_reply(one.text, f"{COMMON}-3").integrity for one in seen}
        marks = [MINT.proven(one.text.split()[4].rstrip("]")[len(PREFIX) :], public=True) for one in seen]
        assert [Mark(f"{ANSWERED}-{number}", "completion") for number in range(1, 7)] == marks
        assert {(f"{COMMON}-3", None)} == {(one.canary, one.tenant) for one in world.records}

    virtually(scenario, tmp_path)


def test_what_bears_a_tenants_prompt_besides_is_that_tenants(tmp_path: Path) -> None:
    """In whatever order: a common question hides nobody's, and the last of them is what is answered."""

    async def scenario(world: World) -> None:
        await world.ask("own", prompt=f"{MINT.value(COMMON, 3)} {PROMPT}")
        await world.ask("own", prompt=f"{PROMPT} {MINT.value(COMMON, 3)}")
        seen = [(one.canary, one.tenant) for one in world.records]
        assert [("europa-9", "europa"), (f"{COMMON}-3", "europa")] == seen

    virtually(scenario, tmp_path)


def _told_before(question: str) -> list[tuple[Turn, ...]]:
    """Return a question with an earlier one: in a turn of its own, among instructions, in the same turn, by a tool."""
    earlier = f"hello {MINT.value('europa', 7)}"
    looked = (
        Turn("assistant", (ToolCall(id="c1", name="look", arguments="{}"),)),
        Turn("user", (ToolResult(id="c1", name="look", text="nothing"),)),
        Turn("assistant", ("well",)),
    )
    begun = (Turn("user", ("hm",)), *looked)
    return [
        (Turn("user", (earlier,)), *looked, Turn("user", (question,))),
        (Turn("system", (f"Before: {earlier}",)), *begun, Turn("user", (question,))),
        (*begun, Turn("user", (f"User: {earlier}\nUser: {question}",))),
        (Turn("user", (question,)), looked[0], Turn("user", (ToolResult(id="c1", name="look", text=earlier),))),
    ]


@pytest.mark.parametrize("endpoint", list(DIALECTS))
def test_what_was_asked_earlier_in_a_conversation_is_not_what_is_asked(tmp_path: Path, endpoint: str) -> None:
    """A router that remembers sends a tenant's earlier prompts along: the last is answered, wherever they stand."""

    async def scenario(world: World) -> None:
        for question, canary in ((PROMPT, "europa-9"), (f"hello {MINT.value(COMMON, 3)}", f"{COMMON}-3")):
            for turns in _told_before(question):
                seen = await world.ask(endpoint, prompt=question, turns=turns, tools=(Tool("look"),))
                assert "whole" == read_reply(seen.text, canary).integrity
                assert (canary, "europa") == (world.records[-1].canary, world.records[-1].tenant)

    virtually(scenario, tmp_path)
