"""An unmodified boto3 cannot tell the emulated control plane of SageMaker from the real one."""

import asyncio
import datetime as dt
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, TypeVar

import boto3
import botocore.config
import botocore.exceptions
import httpx2
import pytest
from aiohttp import web
from botocore import xform_name

from brownout.capacity.gpu_pool import GpuPool, GpuPoolSettings
from brownout.clock import rng_for, utc_now
from brownout.dialects.models import objection
from brownout.dialects.sagemaker_invoke import VARIANT
from brownout.identity import CloudIdentity
from brownout.topology import Endpoint
from fixtures.providers.services.sagemaker_control import OPERATIONS as PROMISED
from fixtures.providers.services.sagemaker_control import SageMakerControl
from tests.wire.world import World

_T = TypeVar("_T")
UP_S = 90.0 + 333.0 + 102.0
"""How long an instance takes to come up by default: provision, pull, start."""


def _endpoint(name: str, model: str, region: str, behind: GpuPoolSettings | None) -> Endpoint:
    return Endpoint(
        name=name,
        cloud="aws",
        provider="aws",
        region=region,
        capacity="gpu",
        dialect="sagemaker-invoke",
        model=model,
        behind=behind,
    )


POOL = GpuPoolSettings(instances=1, max_instances=4, front="sagemaker")
ENDPOINTS = [
    _endpoint("gpu", "llama-70b", "us-east-1", POOL),
    _endpoint("copy-1", "shared/copy-1", "us-east-1", POOL),
    _endpoint("copy-2", "shared/copy-2", "us-east-1", POOL),
    _endpoint("paced", "small", "us-east-1", None),
    _endpoint("far", "llama-70b-eu", "eu-west-1", POOL),
]


@dataclass
class HandClock:
    """A clock that the test moves; signatures need the true day."""

    at_s: float = 0.0

    def now_s(self) -> float:
        """Return the time."""
        return self.at_s

    def utc(self) -> dt.datetime:
        """Return the true date and time of day."""
        return utc_now()


@dataclass
class Plane:
    """A control plane that listens, and what it manages."""

    url: str
    control: SageMakerControl
    clock: HandClock
    pools: dict[str, GpuPool]
    identity: CloudIdentity
    loop: asyncio.AbstractEventLoop
    scaled: list[str] = field(default_factory=list)

    def client(self, region: str = "us-east-1", **changed: str) -> Any:
        """Return boto3's client of SageMaker."""
        keys = self.identity.credentials("gpu") | changed
        return boto3.client(
            "sagemaker",
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=keys["access_key_id"],
            aws_secret_access_key=keys["secret_access_key"],
            aws_session_token=keys["session_token"],
            config=botocore.config.Config(read_timeout=10),
        )

    def pass_s(self, span_s: float) -> None:
        """Let time pass."""
        self.clock.at_s += span_s
        for pool in self.pools.values():
            pool.advance(self.clock.at_s)


def _on(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, _T]) -> _T:
    return asyncio.run_coroutine_threadsafe(work, loop).result(10)


@pytest.fixture
def plane(running: World) -> Iterator[Plane]:
    """Run a control plane of its own on the session's loop."""
    clock = HandClock()
    identity = CloudIdentity(7, ENDPOINTS, "http://127.0.0.1/token")
    pools = {
        one.name: GpuPool(one.behind, rng_for(7, one.name))
        for one in ENDPOINTS
        if isinstance(one.behind, GpuPoolSettings)
    }
    scaled: list[str] = []
    control = SageMakerControl(
        clock,
        endpoints=ENDPOINTS,
        capacity_of=pools.get,
        verify=lambda request: _check(identity, request),
        scaled=scaled.append,
    )

    async def open_() -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(web.Server(control.handle), "127.0.0.1", 0)

    async def close(server: asyncio.Server) -> None:
        server.close()
        await server.wait_closed()

    server = _on(running.loop, open_())
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield Plane(url, control, clock, pools, identity, running.loop, scaled)
    _on(running.loop, close(server))


def _check(identity: CloudIdentity, request: Any) -> None:
    identity.aws.ring.authenticate(request, service="sagemaker", region=None, utc=utc_now())


def _wished(instances: int, **more: Any) -> dict[str, Any]:
    wish = {"VariantName": VARIANT, "DesiredInstanceCount": instances, **more}
    return {"EndpointName": "llama-70b", "DesiredWeightsAndCapacities": [wish]}


def _call(client: Any, operation: str, asked: dict[str, Any]) -> Any:
    return getattr(client, xform_name(operation))(**asked)


def _counts(client: Any, name: str = "llama-70b") -> tuple[str, int, int]:
    said = client.describe_endpoint(EndpointName=name)
    (variant,) = said["ProductionVariants"]
    return said["EndpointStatus"], variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]


# --- endpoints ---------------------------------------------------------------------------------------------


@pytest.mark.wire("sagemaker-control", "DescribeEndpoint", "ok")
@pytest.mark.wire("sagemaker-control", "DescribeEndpointConfig", "ok")
def test_an_endpoint_is_described(plane: Plane) -> None:
    """An endpoint has its ARN, status, variant and configuration, with times that boto3 reads."""
    client = plane.client()
    said = client.describe_endpoint(EndpointName="llama-70b")
    assert said["EndpointArn"].endswith(":endpoint/llama-70b")
    assert ("InService", VARIANT) == (said["EndpointStatus"], said["ProductionVariants"][0]["VariantName"])
    assert isinstance(said["CreationTime"], dt.datetime)
    assert "FailureReason" not in said
    config = client.describe_endpoint_config(EndpointConfigName=said["EndpointConfigName"])
    (variant,) = config["ProductionVariants"]
    assert ("ml.p5.48xlarge", 1) == (variant["InstanceType"], variant["InitialInstanceCount"])


OPERATIONS = [
    ("DescribeEndpoint", {"EndpointName": "llama-70b"}),
    ("DescribeEndpoint", {"EndpointName": "shared"}),
    ("DescribeEndpointConfig", {"EndpointConfigName": "shared-config"}),
    ("DescribeInferenceComponent", {"InferenceComponentName": "copy-1"}),
    ("ListEndpoints", {"MaxResults": 1}),
    ("ListInferenceComponents", {}),
    ("UpdateEndpointWeightsAndCapacities", _wished(2)),
    (
        "UpdateInferenceComponentRuntimeConfig",
        {"InferenceComponentName": "copy-1", "DesiredRuntimeConfig": {"CopyCount": 2}},
    ),
]


@pytest.mark.parametrize(("operation", "asked"), OPERATIONS)
def test_every_reply_conforms_to_the_service_model(plane: Plane, operation: str, asked: dict[str, Any]) -> None:
    """Every operation's reply has the members that the service model says, at rest and short of instances."""
    plane.control._verify = None
    plane.pools["gpu"].withhold_instances(0.0)
    plane.pools["copy-1"].withhold_instances(0.0)
    plane.pools["gpu"].scale_to(0.0, 3)
    plane.pools["copy-1"].scale_to(0.0, 3)
    reply = httpx2.post(plane.url, json=asked, headers={"X-Amz-Target": f"SageMaker.{operation}"})
    assert 200 == reply.status_code
    assert None is objection(f"sagemaker/{operation}:output", reply.json())


@pytest.mark.wire("sagemaker-control", "UpdateEndpointWeightsAndCapacities", "ok")
def test_scaling_out_takes_as_long_as_an_instance_does(plane: Plane) -> None:
    """An endpoint is Updating until its new instances serve, and cannot be updated meanwhile."""
    client = plane.client()
    assert client.update_endpoint_weights_and_capacities(**_wished(3))["EndpointArn"].endswith("llama-70b")
    assert (("Updating", 1, 3), ["gpu"]) == (_counts(client), plane.scaled)
    with pytest.raises(botocore.exceptions.ClientError, match="Cannot update in-progress endpoint"):
        client.update_endpoint_weights_and_capacities(**_wished(2))
    plane.pass_s(UP_S - 1.0)
    assert ("Updating", 1, 3) == _counts(client)
    plane.pass_s(1.0)
    assert ("InService", 3, 3) == _counts(client)
    client.update_endpoint_weights_and_capacities(**_wished(1))
    assert ("InService", 1, 1) == _counts(client)


@pytest.mark.wire("sagemaker-control", "DescribeEndpoint", "waiter")
def test_boto3s_waiter_sees_the_endpoint_come_into_service(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's own waiter asks until the status is InService."""
    client = plane.client()
    client.update_endpoint_weights_and_capacities(**_wished(2))
    monkeypatch.setattr("botocore.waiter.time", SimpleNamespace(sleep=plane.pass_s))
    client.get_waiter("endpoint_in_service").wait(EndpointName="llama-70b", WaiterConfig={"Delay": 100})
    assert 600.0 == plane.clock.at_s


@pytest.mark.wire("sagemaker-control", "DescribeEndpoint", "insufficient capacity")
def test_instances_that_cannot_be_had_are_said(plane: Plane) -> None:
    """Short of instances, desired stays above current with the reason why, until they can be had."""
    client = plane.client()
    pool = plane.pools["gpu"]
    toll = pool.withhold_instances(0.0)
    client.update_endpoint_weights_and_capacities(**_wished(2))
    said = client.describe_endpoint(EndpointName="llama-70b")
    (variant,) = said["ProductionVariants"]
    assert ("InService", 1, 2) == _counts(client)
    assert "Unable to provision requested ML compute capacity" in said["FailureReason"]
    assert said["FailureReason"] == variant["VariantStatus"][0]["StatusMessage"]
    pool.undo(0.0, toll)
    plane.pass_s(60.0)
    assert ("Updating", 1, 2) == _counts(client)
    plane.pass_s(UP_S)
    assert ("InService", 2, 2) == _counts(client)
    assert "FailureReason" not in client.describe_endpoint(EndpointName="llama-70b")


@pytest.mark.wire("sagemaker-control", "UpdateEndpointWeightsAndCapacities", "ok")
def test_a_short_endpoint_can_be_asked_for_less(plane: Plane) -> None:
    """What cannot be had can be given up."""
    plane.pools["gpu"].withhold_instances(0.0)
    client = plane.client()
    client.update_endpoint_weights_and_capacities(**_wished(4))
    client.update_endpoint_weights_and_capacities(**_wished(1, DesiredWeight=0.5))
    assert ("InService", 1, 1) == _counts(client)
    (variant,) = client.describe_endpoint(EndpointName="llama-70b")["ProductionVariants"]
    assert (0.5, 0.5) == (variant["CurrentWeight"], variant["DesiredWeight"])


@pytest.mark.wire("sagemaker-control", "UpdateEndpointWeightsAndCapacities", "ResourceLimitExceeded")
@pytest.mark.parametrize("name", ["llama-70b", "small"])
def test_more_than_the_limit_is_a_typed_error(plane: Plane, name: str) -> None:
    """More instances than there may be is the client's ResourceLimitExceeded, and changes nothing."""
    client = plane.client()
    before = _counts(client, name)
    with pytest.raises(client.exceptions.ResourceLimitExceeded, match="endpoint usage"):
        client.update_endpoint_weights_and_capacities(**_wished(5) | {"EndpointName": name})
    assert (before, []) == (_counts(client, name), plane.scaled)


# --- lists -------------------------------------------------------------------------------------------------


@pytest.mark.wire("sagemaker-control", "ListEndpoints", "ok")
def test_endpoints_are_listed_page_by_page(plane: Plane) -> None:
    """The client's paginator sees every endpoint of the region once."""
    client = plane.client()
    pages = client.get_paginator("list_endpoints").paginate(PaginationConfig={"PageSize": 1}, SortBy="Name")
    assert ["small", "shared", "llama-70b"] == [one["EndpointName"] for page in pages for one in page["Endpoints"]]
    assert ["llama-70b-eu"] == [one["EndpointName"] for one in plane.client("eu-west-1").list_endpoints()["Endpoints"]]


@pytest.mark.wire("sagemaker-control", "ListEndpoints", "filters")
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"NameContains": "LLAMA"}, ["llama-70b"]),
        ({"StatusEquals": "Updating"}, []),
        ({"CreationTimeBefore": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}, []),
        ({"CreationTimeAfter": dt.datetime(2020, 1, 1, tzinfo=dt.UTC), "MaxResults": 2}, ["llama-70b", "shared"]),
        ({"SortBy": "Name", "SortOrder": "Ascending"}, ["llama-70b", "shared", "small"]),
    ],
)
def test_lists_are_filtered_and_sorted(plane: Plane, wanted: dict[str, Any], expected: list[str]) -> None:
    """Names, states and times choose, and the order is the one asked for."""
    assert expected == [one["EndpointName"] for one in plane.client().list_endpoints(**wanted)["Endpoints"]]


# --- inference components ----------------------------------------------------------------------------------


@pytest.mark.wire("sagemaker-control", "UpdateInferenceComponentRuntimeConfig", "ResourceLimitExceeded")
def test_more_copies_than_the_limit_is_a_typed_error(plane: Plane) -> None:
    """More copies than there may be is the client's ResourceLimitExceeded."""
    client = plane.client()
    with pytest.raises(client.exceptions.ResourceLimitExceeded):
        client.update_inference_component_runtime_config(
            InferenceComponentName="copy-1", DesiredRuntimeConfig={"CopyCount": 9}
        )


@pytest.mark.wire("sagemaker-control", "DescribeInferenceComponent", "ok")
@pytest.mark.wire("sagemaker-control", "UpdateInferenceComponentRuntimeConfig", "ok")
@pytest.mark.wire("sagemaker-control", "ListInferenceComponents", "ok")
def test_a_component_scales_by_copies(plane: Plane) -> None:
    """A component's copies are asked for by count, and its endpoint's instances are those of all its components."""
    client = plane.client()
    listed = client.list_inference_components(EndpointNameEquals="shared", SortBy="Name", SortOrder="Ascending")
    assert ["copy-1", "copy-2"] == [one["InferenceComponentName"] for one in listed["InferenceComponents"]]
    client.update_inference_component_runtime_config(
        InferenceComponentName="copy-1", DesiredRuntimeConfig={"CopyCount": 3}
    )
    said = client.describe_inference_component(InferenceComponentName="copy-1")
    assert ("Updating", {"DesiredCopyCount": 3, "CurrentCopyCount": 1}) == (
        said["InferenceComponentStatus"],
        said["RuntimeConfig"],
    )
    assert ("Updating", 2, 4) == _counts(client, "shared")
    plane.pass_s(UP_S)
    assert ("InService", 4, 4) == _counts(client, "shared")
    with pytest.raises(botocore.exceptions.ClientError, match="copy counts"):
        client.update_endpoint_weights_and_capacities(**_wished(2) | {"EndpointName": "shared"})


# --- refusals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "asked", "words"),
    [
        pytest.param(*case, marks=pytest.mark.wire("sagemaker-control", case[0], "ValidationException"))
        for case in [
            ("DescribeEndpoint", {"EndpointName": "none"}, "Could not find endpoint"),
            ("DescribeEndpoint", {"EndpointName": "llama-70b-eu"}, "Could not find endpoint"),
            ("DescribeEndpointConfig", {"EndpointConfigName": "none"}, "Could not find endpoint configuration"),
            ("DescribeInferenceComponent", {"InferenceComponentName": "none"}, "Could not find inference component"),
            ("UpdateEndpointWeightsAndCapacities", _wished(1) | {"EndpointName": "none"}, "Could not find endpoint"),
            (
                "UpdateEndpointWeightsAndCapacities",
                _wished(1, VariantName="Blue"),
                "not present within endpoint configuration",
            ),
            (
                "UpdateInferenceComponentRuntimeConfig",
                {"InferenceComponentName": "none", "DesiredRuntimeConfig": {"CopyCount": 1}},
                "Could not find inference component",
            ),
            ("ListEndpoints", {"NextToken": "x"}, "NextToken"),
            ("ListInferenceComponents", {"NextToken": "ZnJvbSB4"}, "NextToken"),
        ]
    ],
)
def test_what_is_not_there_is_not_found(plane: Plane, operation: str, asked: dict[str, Any], words: str) -> None:
    """Names that nobody has in this region, and pages' tokens that no page gave, are ValidationExceptions, once."""
    with pytest.raises(botocore.exceptions.ClientError, match=words) as caught:
        _call(plane.client(), operation, asked)
    said = caught.value.response
    assert ("ValidationException", 400) == (said["Error"]["Code"], said["ResponseMetadata"]["HTTPStatusCode"])
    assert 1 == plane.control.seen


@pytest.mark.parametrize(
    ("body", "target", "code"),
    [
        (b'{"EndpointName":"a b"}', "SageMaker.DescribeEndpoint", "ValidationException"),
        (b"{}", "SageMaker.DescribeEndpoint", "ValidationException"),
        (b'{"EndpointName":3}', "SageMaker.DescribeEndpoint", "SerializationException"),
        (b"{", "SageMaker.DescribeEndpoint", "SerializationException"),
        (b"[" * 10_000, "SageMaker.DescribeEndpoint", "SerializationException"),
        (b"{}", "SageMaker.DeleteEverything", "UnknownOperationException"),
        (b"{}", "Bedrock.DescribeEndpoint", "UnknownOperationException"),
    ],
)
def test_what_is_no_request_is_refused(plane: Plane, body: bytes, target: str, code: str) -> None:
    """What the service model forbids, what is no JSON and what is no operation each has AWS's name."""
    plane.control._verify = None
    reply = httpx2.post(plane.url, content=body, headers={"X-Amz-Target": target})
    assert (400, code) == (reply.status_code, reply.json()["__type"])


WRONG: list[tuple[str, dict[str, str], int]] = [
    ("InvalidSignatureException", {"secret_access_key": "x" * 40}, 1),
    ("UnrecognizedClientException", {"access_key_id": "ASIAAAAAAAAAAAAAAAAA"}, 1),
    ("ThrottlingException", {}, 3),
]


@pytest.mark.parametrize(
    ("operation", "asked", "code", "changed", "attempts"),
    [
        pytest.param(
            operation,
            asked,
            code,
            changed,
            attempts,
            marks=pytest.mark.wire("sagemaker-control", operation, code),
            id=f"{operation}-{code}",
        )
        for operation, asked in dict(OPERATIONS).items()
        for code, changed, attempts in WRONG
    ],
)
def test_every_operation_refuses_strangers_and_floods(
    plane: Plane,
    operation: str,
    asked: dict[str, Any],
    code: str,
    changed: dict[str, str],
    attempts: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Wrong secrets and keys, and throttling, have AWS's own names; only throttling is tried again."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _s: None))
    if code == "ThrottlingException":
        plane.control.down = 400
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        _call(plane.client(**changed), operation, asked)
    assert (code, 400) == (
        caught.value.response["Error"]["Code"],
        caught.value.response["ResponseMetadata"]["HTTPStatusCode"],
    )
    assert attempts == plane.control.seen


@pytest.mark.wire("sagemaker-control", "DescribeEndpoint", "ServiceUnavailable")
def test_a_plane_that_is_down_says_so(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plane that is down refuses everything with the status it is told to, and boto3 asks again."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _s: None))
    plane.control.down = 503
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        plane.client().describe_endpoint(EndpointName="llama-70b")
    assert ("ServiceUnavailable", 3) == (caught.value.response["Error"]["Code"], plane.control.seen)


def test_every_operation_is_tried() -> None:
    """The cases are all that the control plane promises."""
    assert set(PROMISED) == {operation for operation, _ in OPERATIONS}


def test_any_order_of_wishes_keeps_the_counts_true(plane: Plane) -> None:
    """Whatever is asked for and whatever becomes of it, what is described is what the pool has."""
    rng = rng_for(7, "wishes")
    client, pool = plane.client(), plane.pools["gpu"]
    for _ in range(40):
        wish = rng.randrange(6)
        try:
            client.update_endpoint_weights_and_capacities(**_wished(wish))
        except botocore.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] in {"ValidationException", "ResourceLimitExceeded"}  # noqa: PT017
        plane.pass_s(rng.choice([1.0, 300.0, UP_S]))
        status, current, desired = _counts(client)
        assert (pool.current, pool.desired) == (current, desired)
        assert (status == "InService") == (current == desired)
