"""An unmodified boto3 scales what serves an endpoint of a running cloud, and its callers have the good of it."""

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import botocore.exceptions
import pytest

from brownout.answer import read_reply
from brownout.capacity.gpu_pool import GpuPool
from brownout.dialects.sagemaker_invoke import VARIANT
from tests.wire.world import FLEET, POOL, World

ENDPOINT = "sagemaker-gpu"
CALLERS = 3
assert POOL.max_instances == CALLERS


def _pool(world: World) -> GpuPool:
    pool = world.cloud.endpoints[ENDPOINT].capacity
    assert isinstance(pool, GpuPool)
    return pool


def _wished(instances: int) -> dict[str, Any]:
    wish = {"VariantName": VARIANT, "DesiredInstanceCount": instances}
    return {"EndpointName": FLEET, "DesiredWeightsAndCapacities": [wish]}


def _counts(client: Any) -> tuple[str, int, int]:
    said = client.describe_endpoint(EndpointName=FLEET)
    (variant,) = said["ProductionVariants"]
    return said["EndpointStatus"], variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]


def _await_service(client: Any) -> None:
    """Wait for the endpoint as boto3 does, only more often."""
    often = {"Delay": 0.05, "MaxAttempts": 200}
    client.get_waiter("endpoint_in_service").wait(EndpointName=FLEET, WaiterConfig=often)


def _scale(client: Any, instances: int) -> None:
    client.update_endpoint_weights_and_capacities(**_wished(instances))
    _await_service(client)


@pytest.fixture
def control(world: World) -> Iterator[Any]:
    """Lend boto3's client of the control plane, and leave one instance behind."""
    client = world.sagemaker_control(ENDPOINT)
    yield client
    _scale(client, 1)


@pytest.fixture
def callers() -> Iterator[ThreadPoolExecutor]:
    """Lend threads for callers that ask at once."""
    with ThreadPoolExecutor(CALLERS) as threads:
        yield threads


def _asking(world: World, callers: ThreadPoolExecutor) -> list[Future[str]]:
    """Let every caller ask at once for an answer that takes a while."""
    client = world.sagemaker(ENDPOINT)
    prompt = f"((answer 60 tokens)) {world.mint.value('acme', 3)}"
    body = json.dumps({"messages": [{"role": "user", "content": prompt}], "max_tokens": 200})

    def ask() -> str:
        reply = client.invoke_endpoint(EndpointName=FLEET, ContentType="application/json", Body=body)
        text: str = json.loads(reply["Body"].read())["choices"][0]["message"]["content"]
        return text

    return [callers.submit(ask) for _ in range(CALLERS)]


def _answered(asking: list[Future[str]]) -> None:
    assert [(ENDPOINT, "whole")] * CALLERS == [read_reply(one.result(20), "acme-3") for one in asking]


@pytest.mark.wire("sagemaker-control", "UpdateEndpointWeightsAndCapacities", "ok")
@pytest.mark.wire("sagemaker-control", "DescribeEndpoint", "waiter")
@pytest.mark.wire("sagemaker-control", "ListEndpoints", "ok")
@pytest.mark.wire("sagemaker-invoke", "InvokeEndpoint", "scaled out")
def test_instances_asked_for_serve_once_they_are_up(world: World, control: Any, callers: ThreadPoolExecutor) -> None:
    """One instance serves callers one by one; three, once the waiter has seen them come up, serve three at once."""
    pool = _pool(world)
    assert ("InService", 1, 1) == _counts(control)
    assert FLEET in [one["EndpointName"] for one in control.list_endpoints()["Endpoints"]]
    asking = _asking(world, callers)
    assert world.came_true(lambda: (1, CALLERS - 1) == (pool.running, pool.waiting))
    _answered(asking)

    control.update_endpoint_weights_and_capacities(**_wished(CALLERS))
    assert ("Updating", 1, CALLERS) == _counts(control)
    _await_service(control)
    assert ("InService", CALLERS, CALLERS) == _counts(control)
    asking = _asking(world, callers)
    assert world.came_true(lambda: (CALLERS, 0) == (pool.running, pool.waiting))
    _answered(asking)

    _scale(control, 1)
    assert ("InService", 1, 1) == _counts(control)
    assert ["ok"] * 2 * CALLERS == [record.outcome for record in world.seen()]


@pytest.mark.wire("sagemaker-invoke", "InvokeEndpoint", "ServiceUnavailable")
def test_an_endpoint_without_instances_is_unavailable(
    world: World, control: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scaled in to none, the endpoint refuses with 503, which boto3 tries three times; one instance brings it back."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _s: None))
    _scale(control, 0)
    asked = {"EndpointName": FLEET, "ContentType": "application/json", "Body": b'{"inputs":"hello"}'}
    client = world.sagemaker(ENDPOINT)
    with pytest.raises(client.exceptions.ServiceUnavailable) as caught:
        client.invoke_endpoint(**asked)
    assert 503 == caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
    assert ["unavailable"] * 3 == [record.refusal for record in world.seen()]
    _scale(control, 1)
    assert 200 == client.invoke_endpoint(**asked)["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.wire("sagemaker-control", "UpdateEndpointWeightsAndCapacities", "ResourceLimitExceeded")
def test_the_topologys_bound_is_the_accounts_limit(world: World, control: Any) -> None:
    """More instances than the topology allows are a typed error, once, and change nothing."""
    before = world.cloud.services["sagemaker"].seen
    with pytest.raises(control.exceptions.ResourceLimitExceeded) as caught:
        control.update_endpoint_weights_and_capacities(**_wished(CALLERS + 1))
    assert 400 == caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
    assert before + 1 == world.cloud.services["sagemaker"].seen
    assert ("InService", 1, 1) == _counts(control)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        pytest.param(wrong, code, id=code, marks=pytest.mark.wire("sagemaker-control", "DescribeEndpoint", code))
        for wrong, code in [
            ({"secret_access_key": "x" * 40}, "InvalidSignatureException"),
            ({"access_key_id": "ASIAAAAAAAAAAAAAAAAA"}, "UnrecognizedClientException"),
        ]
    ],
)
def test_the_clouds_own_keys_open_its_control_plane(world: World, wrong: dict[str, str], code: str) -> None:
    """The control plane knows the keys of the cloud's endpoints, and no others."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        world.sagemaker_control(ENDPOINT, **wrong).describe_endpoint(EndpointName=FLEET)
    said = caught.value.response
    assert (code, 400) == (said["Error"]["Code"], said["ResponseMetadata"]["HTTPStatusCode"])
