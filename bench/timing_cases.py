"""Which faults `bench.timing` puts on, with settings by which a caller can tell at once that they are there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from brownout.capacity import Limits
from brownout.capacity.gpu_pool import GpuPoolSettings
from brownout.topology import Endpoint, Tenant, Topology


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """A fault as it is timed.

    Attributes:
        at: where it is put on.
        asked: the endpoint that is asked.
        how: what is asked there: ``reply``, ``handshake``, ``name``, or a service's name.
        ends: why what callers see does not end with the fault; empty where it does.
    """

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    at: str = "plain"
    asked: str = "plain"
    how: str = "reply"
    ends: str = ""


_RESTARTS = "what died starts anew"
CASES = (
    Case(kind="region-down", settings={"how": "refused"}),
    Case(kind="region-down", settings={"how": "silent"}),
    Case(kind="region-down", settings={"how": "silent"}, at="all", asked="claude"),
    Case(kind="region-down", settings={"how": "5xx"}),
    Case(kind="zone-down", settings={"zones": 2}),
    Case(kind="bandwidth", settings={"rate_kbps": 8.0}),
    Case(kind="drip", settings={"piece_bytes": 16, "delay_ms": 20.0}),
    Case(kind="jitter"),
    Case(kind="random-resets"),
    Case(kind="slow-close"),
    Case(kind="provider-outage"),
    Case(kind="vendor-outage", at="vendor:anthropic", asked="claude"),
    Case(kind="client-error-outage"),
    Case(kind="throttling"),
    Case(kind="throttling-bursts"),
    Case(kind="throttle-in-stream"),
    Case(kind="flapping", settings={"down_share": 0.9}),
    Case(kind="slow-recovery", ends="it fades"),
    Case(kind="bad-replica", settings={"replicas": 2}),
    Case(kind="wrong-answer"),
    Case(kind="cold-cache", at="paced", asked="paced", ends="it warms"),
    Case(kind="slow-first-token"),
    Case(kind="slow-tokens"),
    Case(kind="tail-latency", settings={"tail_share": 1.0}),
    Case(kind="stream-cut"),
    Case(kind="stream-stall"),
    Case(kind="late-error"),
    Case(kind="malformed-chunk"),
    Case(kind="duplicated-chunk"),
    Case(kind="reordered-chunk"),
    Case(kind="missing-usage", at="claude", asked="claude"),
    Case(kind="wrong-content-type"),
    Case(kind="quota-shrink", settings={"ratio": 0.0}, at="bounded", asked="bounded", ends="a bucket fills"),
    Case(kind="thundering-herd", settings={"rate_rps": 1000.0}, at="bounded", asked="bounded", ends="a queue empties"),
    Case(kind="slow-gpu", settings={"slowdown_ratio": 100.0}, at="pool", asked="pool", ends="a batch ends"),
    Case(kind="gpu-memory-full", settings={"left_ratio": 0.02}, at="pool", asked="pool", ends="a queue empties"),
    Case(kind="rank-hang", at="pool", asked="pool", ends=_RESTARTS),
    Case(kind="engine-death", at="pool", asked="pool", ends=_RESTARTS),
    Case(kind="gpu-out-of-memory", at="pool", asked="pool", ends=_RESTARTS),
    Case(kind="instance-loss", at="pool", asked="pool", ends=_RESTARTS),
    Case(kind="lost-permission", at="bedrock", asked="bedrock"),
    Case(kind="revoked-credentials", at="bedrock", asked="bedrock"),
    Case(kind="sts-down", at="bedrock", asked="bedrock", how="sts"),
    Case(kind="imds-down", at="bedrock", asked="bedrock", how="imds"),
    Case(kind="tls-broken", how="handshake"),
    Case(kind="dns-gone", how="name"),
    Case(kind="control-plane-down", settings={"how": "5xx"}, at="hosted", asked="hosted", how="sagemaker"),
)
NOT_TIMED = {
    "no-instances": "it shows when something scales",
    "slow-start": "it shows when something starts",
    "expired-tokens": "it shows on tokens that are given out while it is on",
    "refresh-stampede": "it shows on tokens that are given out while it is on",
    "clock-skew": "it shows on signatures by the skewed clock",
    "token-service-down": "as sts-down, of another service",
    "aws-fis": "it is somebody else's cloud",
    "toxiproxy": "it is somebody else's proxy",
}


def topology_of_cases() -> Topology:
    """Return the world that they are put on: endpoints that answer at once, where nothing else is said."""

    def one(name: str, dialect: str, model: str, **more: Any) -> Endpoint:
        limits = more.pop("limits", Limits(ttft_s=0.0, inter_token_s=0.0, jitter=0.0))
        place = {"provider": "p", "capacity": "gpu", "region": "r", "cloud": "own"}
        return Endpoint(name=name, dialect=dialect, model=model, limits=limits, **place, **more)

    pool = GpuPoolSettings(
        speedup=100.0, kv_tokens=4000, provision_s=0.1, image_pull_s=0.1, weights_s=0.1, start_s=0.1, spare_instances=1
    )
    endpoints = [
        one("plain", "openai-chat", "llama"),
        one("claude", "anthropic-messages", "claude-sonnet-4-20250514"),
        one("paced", "openai-chat", "llama", limits=Limits(ttft_s=0.02, inter_token_s=0.001, jitter=0.0)),
        one(
            "bounded",
            "openai-chat",
            "llama",
            limits=Limits(ttft_s=0.0, inter_token_s=0.0, jitter=0.0, rate_rps=400.0, burst=20.0),
        ),
        one("pool", "openai-chat", "llama", behind=pool),
        one("hosted", "sagemaker-invoke", "llama"),
        one("bedrock", "bedrock-converse", "anthropic.claude-3-haiku-20240307-v1:0"),
    ]
    return Topology(topology="timing", endpoints=endpoints, tenants={"acme": Tenant(allow=["plain"])})
