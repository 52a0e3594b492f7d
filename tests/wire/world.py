"""A cloud on a real loop in a thread of its own, and the vendors' own clients pointed at it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anthropic
import boto3
import botocore.config
import openai
from google import genai
from google.genai import types
from google.oauth2 import service_account

from brownout.canary import CanaryMint, run_key
from brownout.capacity import Limits
from brownout.capacity.gpu_pool import GpuPoolSettings
from brownout.clock import LoopClock, wait_until
from brownout.egress import EgressRecord
from brownout.evidence import ProviderRecord
from brownout.fault import Exchange
from brownout.topology import Endpoint, Tenant, Topology
from brownout.wire import End, Event, Refusal, Token
from fixtures.providers.active import ActiveFault
from fixtures.providers.cloud import Cloud
from fixtures.providers.plaintext import Plaintext
from fixtures.providers.proofs import proofs_of
from tests.active import active_fault

SEED = 7
FAST = Limits(ttft_s=0.002, inter_token_s=0.0005)
CLAUDE = "anthropic.claude-3-haiku-20240307-v1:0"
CLAUDE_NATIVE = "claude-haiku-4-5-20251001"
CLAUDE_VERTEX = "claude-3-5-sonnet@20240620"
HOSTED = "llama-70b-prod"
HOSTED_COMPONENT = "shared-gpus/llama-70b-copy"
FLEET = "llama-70b-fleet"
PROFILE = "us.anthropic.claude-sonnet-4-20250514-v1:0"
PROVISIONED = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/br0wn0utpt01"


POOL = GpuPoolSettings(front="sagemaker", max_instances=3, max_batch=1, speedup=3.0, startup_scale=0.002)
"""One request at a time on each instance, and one more instance within about a second."""


def _endpoint(
    name: str, provider: str, region: str, dialect: str, model: str, behind: GpuPoolSettings | None = None
) -> Endpoint:
    return Endpoint(
        name=name,
        cloud=provider,
        provider=provider,
        region=region,
        capacity="on-demand",
        dialect=dialect,
        model=model,
        limits=FAST,
        behind=behind,
    )


TOPOLOGY = Topology(
    topology="test",
    endpoints=[
        _endpoint("bedrock", "aws", "us-east-1", "bedrock-converse", CLAUDE),
        _endpoint("bedrock-pt", "aws", "us-east-1", "bedrock-converse", PROVISIONED),
        _endpoint("vertex", "gcp", "us-central1", "vertex-generate", "gemini-2.0-flash"),
        _endpoint("vertex-eu", "gcp", "europe-west4", "vertex-generate", "gemini-2.0-flash"),
        _endpoint("bedrock-profile", "aws", "us-east-1", "bedrock-converse", PROFILE),
        _endpoint("vertex-global", "gcp", "global", "vertex-generate", "gemini-2.0-flash"),
        _endpoint("vertex-claude", "gcp", "us-east5", "vertex-rawpredict", CLAUDE_VERTEX),
        _endpoint("claude", "anthropic", "us", "anthropic-messages", CLAUDE_NATIVE),
        _endpoint("own", "own", "dc1", "openai-chat", "llama-3-70b"),
        _endpoint("sagemaker", "aws", "us-east-1", "sagemaker-invoke", HOSTED),
        _endpoint("sagemaker-ic", "aws", "us-east-1", "sagemaker-invoke", HOSTED_COMPONENT),
        _endpoint("sagemaker-gpu", "aws", "us-east-1", "sagemaker-invoke", FLEET, POOL),
    ],
    tenants={"acme": Tenant(allow=["own"])},
)


@dataclass
class RefuseBefore:
    """Refuses every request before its first token."""

    refusal: Refusal

    async def pipe(self, exchange: Exchange, _reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Refuse."""
        exchange.fired()
        raise self.refusal
        yield  # the generator that a pipe is


@dataclass
class StopAfter:
    """Lets some tokens through and then cuts, refuses, or falls silent politely (``how`` None)."""

    tokens: int
    how: Exception | None

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Pass tokens through, then end."""
        passed = 0
        async for event in reply:
            if passed == self.tokens or isinstance(event, End):
                exchange.fired()
                if self.how is not None:
                    raise self.how
                return
            passed += isinstance(event, Token)
            yield event


@dataclass
class World:
    """A running cloud and what it wrote."""

    cloud: Cloud
    loop: asyncio.AbstractEventLoop
    mint: CanaryMint
    records: list[ProviderRecord] = field(default_factory=list)
    kept: list[genai.Client] = field(default_factory=list)
    astray: list[EgressRecord] = field(default_factory=list)

    def fault(self, endpoint: str, fault: RefuseBefore | StopAfter) -> ActiveFault:
        """Turn a fault on at an endpoint."""
        shell = self.cloud.endpoints[endpoint]
        active = active_fault(fault, shell.clock)
        shell.faults["i1"] = active
        return active

    def seen(self) -> list[ProviderRecord]:
        """Return the records, once every request has its own: a caller has its answer a little earlier."""
        assert self.came_true(lambda: not any(one.in_flight for one in self.cloud.endpoints.values()))
        return self.records

    def came_true(self, condition: Callable[[], bool]) -> bool:
        """Return whether a condition came true in time, looked at from the cloud's own loop."""

        async def holds() -> bool:
            return condition()

        async def wait() -> bool:
            return await wait_until(holds, within_s=5, poll_s=0.001)

        return asyncio.run_coroutine_threadsafe(wait(), self.loop).result(10)

    def url(self, endpoint: str) -> str:
        """Return an endpoint's address."""
        host, port = self.cloud.addresses[endpoint]
        return f"http://{host}:{port}"

    def bedrock(
        self, endpoint: str = "bedrock", *, config: botocore.config.Config | None = None, **credentials: str
    ) -> Any:
        """Return boto3's client, its retries as they come."""
        keys = self.cloud.identity.credentials(endpoint) | credentials
        return boto3.client(
            "bedrock-runtime",
            region_name=credentials.get("region", "us-east-1"),
            endpoint_url=self.url(endpoint),
            aws_access_key_id=keys["access_key_id"],
            aws_secret_access_key=keys["secret_access_key"],
            aws_session_token=keys["session_token"],
            config=config or botocore.config.Config(read_timeout=10),
        )

    def vertex(
        self, endpoint: str = "vertex", *, account: str = "vertex", location: str = "us-central1"
    ) -> genai.Client:
        """Return google-genai's client."""
        path = self.cloud.identity.credentials(account)["service_account_file"]
        credentials = service_account.Credentials.from_service_account_file(  # type: ignore[no-untyped-call]
            path, scopes=["https://www.googleapis.com/auth/cloud-platform"]
        )
        client = genai.Client(
            vertexai=True,
            project=self.cloud.identity.project,
            location=location,
            credentials=credentials,
            http_options=types.HttpOptions(base_url=self.url(endpoint)),
        )
        self.kept.append(client)  # it closes itself when collected, even while its iterator lives
        return client

    def claude(self, api_key: str | None = None) -> anthropic.Anthropic:
        """Return Anthropic's client, its retries as they come."""
        key = api_key or self.cloud.identity.credentials("claude")["api_key"]
        return anthropic.Anthropic(base_url=self.url("claude"), api_key=key)

    def anthropic_bedrock(self, endpoint: str = "bedrock", **credentials: str) -> anthropic.AnthropicBedrock:
        """Return Anthropic's client for Bedrock, its retries as they come."""
        keys = self.cloud.identity.credentials(endpoint) | credentials
        return anthropic.AnthropicBedrock(
            aws_access_key=keys["access_key_id"],
            aws_secret_key=keys["secret_access_key"],
            aws_session_token=keys["session_token"],
            aws_region=credentials.get("region", "us-east-1"),
            base_url=self.url(endpoint),
        )

    def anthropic_vertex(
        self, endpoint: str = "vertex-claude", *, access_token: str | None = None
    ) -> anthropic.AnthropicVertex:
        """Return Anthropic's client for Vertex, its retries as they come."""
        path = self.cloud.identity.credentials(endpoint)["service_account_file"]
        credentials = service_account.Credentials.from_service_account_file(  # type: ignore[no-untyped-call]
            path, scopes=["https://www.googleapis.com/auth/cloud-platform"]
        )
        return anthropic.AnthropicVertex(
            region="us-east5",
            project_id=self.cloud.identity.project,
            credentials=None if access_token else credentials,
            access_token=access_token,
            base_url=f"{self.url(endpoint)}/v1",
        )

    def sagemaker(self, endpoint: str = "sagemaker", **credentials: str) -> Any:
        """Return boto3's client of SageMaker's runtime, its retries as they come."""
        return self._sagemaker("sagemaker-runtime", self.url(endpoint), endpoint, **credentials)

    def sagemaker_control(self, endpoint: str = "sagemaker-gpu", **credentials: str) -> Any:
        """Return boto3's client of SageMaker's control plane, with the keys of one endpoint's callers."""
        return self._sagemaker("sagemaker", self.cloud.service_urls["sagemaker"], endpoint, **credentials)

    def _sagemaker(self, service: str, url: str, endpoint: str, **credentials: str) -> Any:
        keys = self.cloud.identity.credentials(endpoint) | credentials
        return boto3.client(
            service,
            region_name=credentials.get("region", "us-east-1"),
            endpoint_url=url,
            aws_access_key_id=keys["access_key_id"],
            aws_secret_access_key=keys["secret_access_key"],
            aws_session_token=keys["session_token"],
            config=botocore.config.Config(read_timeout=10),
        )

    def openai(self, api_key: str | None = None) -> openai.OpenAI:
        """Return OpenAI's client, without its own retries."""
        key = api_key or self.cloud.identity.credentials("own")["api_key"]
        return openai.OpenAI(base_url=self.url("own") + "/v1", api_key=key, max_retries=0)


async def serve(folder: Path, ready: Future[World], stop: threading.Event, *, planted: bool = False) -> None:
    """Raise the cloud, hand it over, and keep it up until told to stop.

    ``planted``: its credentials bear canaries, and ``astray`` are those that were seen where they do not belong.
    """
    mint = CanaryMint(run_key(SEED), ["acme"])
    records: list[ProviderRecord] = []
    astray: list[EgressRecord] = []
    clock = LoopClock()
    layer = Plaintext("t", mint, {}, clock=clock, record=astray.append, proofs=proofs_of(TOPOLOGY))
    cloud = Cloud(
        TOPOLOGY,
        seed=SEED,
        test="t",
        clock=clock,
        mint=mint,
        record=records.append,
        folder=folder,
        plaintext=layer if planted else None,
        planted=planted,
    )
    await cloud.start()
    ready.set_result(World(cloud, asyncio.get_running_loop(), mint, records, astray=astray))
    await asyncio.to_thread(stop.wait)
    await cloud.close()
