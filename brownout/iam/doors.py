"""What must not be read, and each call that reads it or lets somebody read it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from brownout.iam.arns import Arn, parse_arn
from brownout.iam.context import Value
from brownout.iam.escrow import Held
from brownout.iam.wildcards import glob, instance, pattern

_READS: Mapping[str, tuple[str, ...]] = {
    "s3": ("s3:GetObject", "s3:GetObjectVersion"),
    "kms": ("kms:Decrypt", "kms:ReEncryptFrom"),
    "sagemaker": ("sagemaker:DescribeModelPackage",),
}
_OPENS: Mapping[str, tuple[str, ...]] = {
    "s3": ("s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutBucketAcl", "s3:PutReplicationConfiguration"),
    "kms": ("kms:CreateGrant", "kms:PutKeyPolicy", "kms:ReplicateKey"),
    "sagemaker": ("sagemaker:PutModelPackageGroupPolicy", "sagemaker:DeleteModelPackageGroupPolicy"),
}
_ANY_OBJECT = "any-object"


@dataclass(frozen=True)
class Door:
    """One call on one thing.

    Attributes:
        held: of what it is a part.
        action: such as ``s3:GetObject``.
        resource: an ARN without wildcards.
    """

    held: Held
    action: str
    resource: str

    @property
    def keys(self) -> Mapping[str, Value]:
        """What is known of a call on it. A key is used through S3 to read objects, whose bucket is judged by itself."""
        return {"kms:ViaService": None, "aws:ViaAWSService": "false"} if self.service == "kms" else {}

    @property
    def service(self) -> str:
        """The action's service."""
        return self.action.partition(":")[0]


def reads(held: Held, named: Iterable[str]) -> Iterator[Door]:
    """Return the calls that read it, the plainest first.

    Args:
        held: a bucket's objects, a key, model packages.
        named: the resources that the policies name; objects that one of them tells apart are asked for by themselves.
    """
    arn = _arn(held)
    things = _things(arn, named)
    yield from (Door(held, action, thing) for action in _READS[arn.service] for thing in things)


def opens(held: Held) -> Iterator[Door]:
    """Return the calls that change who may read it."""
    arn = _arn(held)
    whole = arn
    if arn.service == "s3":
        whole = arn._replace(resource=arn.resource.partition("/")[0])
    elif arn.service == "sagemaker":
        group = instance(arn.resource.removeprefix("model-package/").partition("/")[0])
        whole = arn._replace(resource=f"model-package-group/{group}")
    yield from (Door(held, action, str(whole)) for action in _OPENS[arn.service])


def _arn(held: Held) -> Arn:
    arn = parse_arn(held.arn)
    assert arn is not None  # escrow.yaml is checked
    return arn


def _things(arn: Arn, named: Iterable[str]) -> list[str]:
    if arn.service == "kms":
        return [str(arn)]
    container, _, rest = arn.resource.partition("/")
    if arn.service == "sagemaker":
        return [str(arn._replace(resource=instance(arn.resource, run="1")))]
    wanted = pattern(rest or "*")
    objects = [instance(rest, run=_ANY_OBJECT) if rest else _ANY_OBJECT]
    for name in named:
        other = parse_arn(name)
        if other is None or other.service != "s3" or "${" in name:
            continue
        bucket, _, key = other.resource.partition("/")
        if key and glob(pattern(bucket), container) and glob(wanted, instance(key)):
            objects.append(instance(key))
    return [str(arn._replace(resource=f"{container}/{key}")) for key in dict.fromkeys(objects)]
