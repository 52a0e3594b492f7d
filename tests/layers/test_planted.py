"""A planted load is one that every provider takes, and bears canaries of every kind where such data is in real ones."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import aiohttp
import msgspec
import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.answer import read_reply, say
from brownout.canary import KINDS, CanaryMint, run_key
from brownout.clock import LoopClock
from brownout.dialects import DIALECTS
from brownout.dialects.openai_chat import OPENAI_CHAT
from brownout.egress import EgressRecord, LayerRecord
from brownout.evidence import ProviderRecord
from brownout.plan import Plan
from brownout.scanning import scan_request, scanned
from brownout.topology import Tenant, Topology
from brownout.virtual import VirtualConnector, run_virtual
from brownout.wire import HttpReply, HttpRequest
from brownout.workload import DueRequest, Workload
from faults.network.embedded import EmbeddedPlane
from fixtures.gate import make_plan
from fixtures.router.__main__ import reference
from fixtures.router.world_file import read_world
from fixtures.world import World, WorldSpec
from loadgen.plan import LoadPlan
from loadgen.plants import PLANTED
from loadgen.prompts import http_request
from tests.live import endpoint
from tests.options import reference_options

SEED = 5
TENANTS = ["acme", "europa"]
MINT = CanaryMint(run_key(SEED), TENANTS)


def request(number: int = 3, *, prompt_tokens: int = 30, stream: bool = True, planted: bool = True) -> HttpRequest:
    """Return a request as a driver sends it."""
    plan = LoadPlan(
        test="t",
        url="http://127.0.0.1:1",
        dialect="openai-chat",
        api_key="",
        tenant_header="x-tenant",
        class_header="x-traffic-class",
        models=["m"],
        tenants=TENANTS,
        key_hex=run_key(SEED).hex(),
        workload=Workload(duration_s=1, planted=planted),
        seed=1,
        epoch_s=0.0,
        client_path="",
    )
    due = DueRequest(
        number=number,
        due_s=0.0,
        tenant="acme",
        traffic_class="interactive",
        stream=stream,
        prompt_tokens=prompt_tokens,
        output_tokens=9,
    )
    return http_request(plan, OPENAI_CHAT, due, MINT)


def kinds_in(sent: HttpRequest) -> dict[str, set[str]]:
    """Return, by kind, whose data a request bears."""
    found: dict[str, set[str]] = {}
    for one in scan_request(MINT, sent).sightings.get("body", []):
        found.setdefault(one.kind, set()).add(one.canary)
    return found


@given(st.integers(0, 10**6), st.integers(1, 2048), st.booleans())
@settings(max_examples=40)
def test_a_planted_request_bears_every_kind_that_a_client_sends(
    number: int,
    prompt_tokens: int,
    stream: bool,  # noqa: FBT001 - a case, not a switch
) -> None:
    """Each is found by the scanner in the request as sent, and is the request's own."""
    sent = request(number, prompt_tokens=prompt_tokens, stream=stream)
    assert {kind: {f"acme-{number}"} for kind in ("prompt", *PLANTED)} == kinds_in(sent)


def test_every_kind_is_borne_by_requests_or_by_answers() -> None:
    """No kind is defined and then sent by nobody."""
    assert set(KINDS) == {"prompt", "completion", *PLANTED}


def test_a_load_that_is_not_planted_bears_its_prompts_canary_alone() -> None:
    """Loads of other suites are what they were."""
    assert {"prompt": {"acme-3"}} == kinds_in(request(planted=False))


@given(st.integers(0, 10**6), st.integers(1, 500))
@settings(max_examples=40)
def test_planted_data_changes_nothing_of_what_is_asked(number: int, prompt_tokens: int) -> None:
    """The last turn holds what the user asks, the tool that is offered is not called, and the answer is as long."""
    plain = OPENAI_CHAT.server.read_ask(request(number, prompt_tokens=prompt_tokens, planted=False))
    asked = OPENAI_CHAT.server.read_ask(request(number, prompt_tokens=prompt_tokens))
    assert plain.turn in asked.turn
    said, before = (say("near", f"acme-{number}", one, reply_id="r") for one in (asked, plain))
    assert (before.tokens, None, before.stop) == (said.tokens, said.call, said.stop)


def test_every_call_of_a_tool_has_its_result_and_turns_alternate() -> None:
    """Providers refuse a conversation that has not."""
    messages = json.loads(request().body)["messages"]
    assert ["system", "user", "assistant", "tool", "assistant", "user"] == [one["role"] for one in messages]
    calls = [call["id"] for one in messages for call in one.get("tool_calls", [])]
    assert calls == [one["tool_call_id"] for one in messages if one["role"] == "tool"]


async def _answered(
    url: str, sent: HttpRequest, session: aiohttp.ClientSession, headers: Mapping[str, str]
) -> tuple[int, str]:
    """Return the status of the answer, and its text."""
    async with session.post(url + sent.path, data=sent.body, headers={**sent.headers, **headers}) as reply:
        body = await reply.read()
    stream = json.loads(sent.body).get("stream", False)
    if reply.status != 200:
        return reply.status, body.decode()
    if not stream:
        return 200, OPENAI_CHAT.client.answer(HttpReply(status=200, headers=reply.headers, body=body)).text
    return 200, "".join(getattr(event, "text", "") for event in OPENAI_CHAT.client.reader().feed(body))


class Asked(NamedTuple):
    """What came of asking an endpoint: statuses and texts, what it received, and what was seen in that."""

    answers: list[tuple[int, str]]
    attempts: list[ProviderRecord]
    astray: list[EgressRecord]
    layers: list[LayerRecord]


def _asked(dialect: str, folder: Path, *, by_router: bool) -> Asked:
    """Ask an endpoint of a dialect, by the reference router or directly, streamed and not."""
    place = endpoint("near", dialect)
    topology = Topology(
        topology="t", endpoints=[place], tenants={"acme": Tenant(allow=["near"]), "europa": Tenant(allow=["near"])}
    )
    attempts: list[ProviderRecord] = []
    astray: list[EgressRecord] = []
    layers: list[LayerRecord] = []

    async def play() -> list[tuple[int, str]]:
        clock = LoopClock()
        spec = WorldSpec(test="t", seed=SEED, topology=topology, folder=str(folder), epoch_s=0.0, planted=True)
        world = World(
            spec,
            clock=clock,
            plane=EmbeddedPlane(SEED),
            record=attempts.append,
            record_fault=lambda _: None,
            record_egress=astray.append,
            record_layer=layers.append,
        )
        await world.start()
        facts = read_world(world.path)
        router = reference(facts, clock, VirtualConnector(limit=0, resolver=facts.resolver(clock)))
        listener = await asyncio.get_running_loop().create_server(web.Server(router.handle), "127.0.0.1", 0)
        try:
            async with aiohttp.ClientSession(connector=VirtualConnector()) as session:
                url = facts.endpoints[0].url
                key = world.cloud.identity.credentials("near").get("api_key", "")
                headers = {"Authorization": f"Bearer {key}"}
                if by_router:
                    url, headers = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", {}
                sent = [request(number, stream=number == 1) for number in (1, 2)]
                if not by_router:
                    sent = [_for_model(one, place.model) for one in sent]
                return [await _answered(url, one, session, headers) for one in sent]
        finally:
            listener.close()
            await router.close()
            await world.close()

    return Asked(run_virtual(play()), attempts, astray, layers)


def _for_model(sent: HttpRequest, model: str) -> HttpRequest:
    body = json.loads(sent.body) | {"model": model}
    return msgspec.structs.replace(sent, body=json.dumps(body).encode())


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_every_provider_takes_a_planted_request_by_the_reference_router(dialect: str, tmp_path: Path) -> None:
    """It is answered whole, in an answer that bears a canary of its own."""
    asked = _asked(dialect, tmp_path, by_router=True)
    for number, (status, text) in enumerate(asked.answers, start=1):
        assert (200, ("near", "whole")) == (status, read_reply(text, f"acme-{number}")), text
        assert MINT.value("acme", number, "completion") in text
    assert {"ok"} == {one.outcome for one in asked.attempts}


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_every_kind_is_seen_at_home_by_way_of_the_reference_router(dialect: str, tmp_path: Path) -> None:
    """Arguments of tools, too: what is never seen where it belongs could not be told elsewhere."""
    asked = _asked(dialect, tmp_path, by_router=True)
    (layer,) = (one for one in asked.layers if one.layer == "plaintext")
    assert f"({', '.join(f'{kind} 2' for kind in KINDS)})" in layer.why
    assert (True, []) == (layer.complete, asked.astray)


def test_an_openai_endpoint_takes_a_planted_request_as_it_is(tmp_path: Path) -> None:
    """Also from a router that passes bodies on, byte by byte."""
    asked = _asked("openai-chat", tmp_path, by_router=False)
    assert [200, 200] == [status for status, _ in asked.answers], asked.answers
    assert ["acme-1", "acme-2"] == [one.canary for one in asked.attempts]


def _planned(dialect: str) -> Plan:
    options = reference_options(only=["inside-while-flapping", "stream-cut"], clock="virtual")
    return make_plan(msgspec.structs.replace(options, target=msgspec.structs.replace(options.target, dialect=dialect)))


def test_a_planted_load_is_left_out_where_it_cannot_be_spoken() -> None:
    """Visibly; and everything else is played."""
    left_out = {one.test: one.skipped for one in _planned("anthropic-messages").tests}
    reason = "here: a planted load in anthropic-messages (there is one in openai-chat)"
    assert {"inside-while-flapping": [reason], "stream-cut": []} == left_out
    assert {"inside-while-flapping": [], "stream-cut": []} == {
        one.test: one.skipped for one in _planned("openai-chat").tests
    }


def _texts(told: object) -> list[str]:
    """Return every string of a message that is said, and every one that a tool's arguments are made of."""
    if isinstance(told, str):
        return list(json.loads(told).values()) if told.startswith("{") else [told]
    if isinstance(told, dict):
        return [text for key, value in told.items() if key not in {"role", "id", "type"} for text in _texts(value)]
    return [text for value in told for text in _texts(value)] if isinstance(told, list) else []


@pytest.mark.parametrize("prompt_tokens", [1, 30, 400])
def test_who_keeps_only_the_beginning_of_something_keeps_a_canary(prompt_tokens: int) -> None:
    """Of each kind: the first 36 characters of what bears it hold it; a prompt's last 32 do so, too."""
    sent = json.loads(request(prompt_tokens=prompt_tokens).body)["messages"]
    begins = {kind for text in _texts(sent) for kind in _kinds_in(text[:36])}
    assert set(KINDS) == begins
    assert {"prompt"} == _kinds_in(sent[-1]["content"][:32]) == _kinds_in(sent[-1]["content"][-32:])


def _kinds_in(text: str) -> set[str]:
    seen, _ = scanned(MINT, text.encode(), [])
    return {one.kind for one in seen}
