"""From where a request may come: through the escrow's VPC endpoints, through somebody else's, from the internet."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from brownout.iam.context import Value
from brownout.iam.escrow import Escrow
from brownout.iam.exports import Endpoint, Exports

INTERNET = "the internet"
ANOTHER_VPC = "another VPC's endpoint"


@dataclass(frozen=True)
class Vantage:
    """A way in.

    Attributes:
        name: what a reader calls it.
        endpoint: the escrow's, that it goes through; None outside.
        keys: condition keys that come from the way.
    """

    name: str
    endpoint: Endpoint | None
    keys: Mapping[str, Value]

    @property
    def outside(self) -> bool:
        """Whether it is none of the escrow's own ways."""
        return self.endpoint is None


def outside() -> Iterator[Vantage]:
    """Return the ways that are not the escrow's."""
    yield Vantage(INTERNET, None, _keys(None, None, None))
    yield Vantage(ANOTHER_VPC, None, _keys("vpce-0e15e00000000e15e", "vpc-0e15e00000000e15e", "elsewhere"))


def inside(escrow: Escrow, exports: Exports, service: str) -> Iterator[Vantage]:
    """Return the escrow's own endpoints that carry a service."""
    for region, names in escrow.endpoints.items():
        for name in names:
            endpoint = exports.endpoints[name]
            if endpoint.service in _CARRIED_BY.get(service, (service,)):
                keys = {**_keys(name, endpoint.vpc, endpoint.owner), "aws:ViaAWSService": "false"}
                yield Vantage(f"{name} ({region})", endpoint, keys)


_CARRIED_BY: Mapping[str, tuple[str, ...]] = {
    "sagemaker": ("sagemaker.api", "sagemaker.api-fips"),
    "kms": ("kms", "kms-fips"),
    "sts": ("sts", "sts-fips"),
    "s3": ("s3",),
}
"""By the prefix of the actions, what the services' endpoints are called behind the region's name."""


def _keys(endpoint: str | None, vpc: str | None, owner: str | None) -> dict[str, Value]:
    keys: dict[str, Value] = {"aws:SourceVpce": endpoint, "aws:SourceVpc": vpc, "aws:SourceAccount": None}
    keys |= {"aws:SourceArn": None, "aws:SourceOrgID": None}  # of services that call by themselves
    # An address in a VPC is another key than one on the internet (IAM User Guide, "Global condition context keys").
    keys |= {"aws:SourceIp": None} if endpoint else {"aws:VpcSourceIp": None}
    if endpoint is None:
        keys |= dict.fromkeys(("aws:SourceVpcArn", "aws:VpceOrgID", "aws:VpceOrgPaths"))
    return keys if owner == "" else {**keys, "aws:VpceAccount": owner}
