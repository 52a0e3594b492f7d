"""Every dialect's endpoint of a cloud of ours, as the conformance run meets it: by its address and credentials."""

from brownout.capacity import Limits
from brownout.topology import Endpoint, Tenant, Topology
from fixtures.conform.forms import FORMS

SEED = 11
_FAST = Limits(ttft_s=0.001, inter_token_s=0.0002)
REGIONS = {"bedrock": "us-east-1", "sagemaker": "us-east-1", "vertex": "us-central1"}


def region_of(dialect: str) -> str:
    """Return where a dialect's endpoint is."""
    return REGIONS.get(dialect.partition("-")[0], "us")


def endpoint_of(dialect: str) -> Endpoint:
    """Return the endpoint that speaks a dialect; it is called like it."""
    cloud = dialect.partition("-")[0]
    return Endpoint(
        name=dialect,
        cloud=cloud,
        provider=cloud,
        region=region_of(dialect),
        capacity="on-demand",
        dialect=dialect,
        model=FORMS[dialect].model,
        limits=_FAST,
    )


TOPOLOGY = Topology(
    topology="conformance",
    endpoints=[endpoint_of(dialect) for dialect in FORMS],
    tenants={"acme": Tenant(allow=list(FORMS))},
)
