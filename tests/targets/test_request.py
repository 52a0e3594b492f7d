"""What a target's file says of requests is what is sent: the tenant's model, and the tenant's headers."""

import msgspec

from brownout.canary import CanaryMint
from brownout.dialects import dialect_named
from brownout.workload import DueRequest, Workload
from loadgen.plan import LoadPlan
from loadgen.prompts import http_request

PLAN = LoadPlan(
    test="t",
    url="http://127.0.0.1:1/openai",
    dialect="openai-chat",
    api_key="",
    tenant_header="x-tenant",
    class_header="x-class",
    models=["model::{tenant}"],
    tenants=["acme", "europa"],
    key_hex="00",
    workload=Workload(duration_s=1),
    seed=1,
    epoch_s=0.0,
    client_path="",
    headers={"acme": {"x-config": "for acme"}},
)


def _sent(tenant: str) -> tuple[str, str | None]:
    due = DueRequest(
        number=0,
        due_s=0.0,
        tenant=tenant,
        traffic_class="interactive",
        stream=False,
        prompt_tokens=4,
        output_tokens=4,
    )
    request = http_request(PLAN, dialect_named("openai-chat"), due, CanaryMint(b"k", ["acme", "europa"]))
    return msgspec.json.decode(request.body)["model"], request.headers.get("x-config")


def test_each_tenant_asks_for_its_own_model_with_its_own_headers() -> None:
    """Nobody is sent another tenant's configuration."""
    assert [("model::acme", "for acme"), ("model::europa", None)] == [_sent("acme"), _sent("europa")]
