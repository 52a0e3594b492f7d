"""Bedrock's model identifiers, and which of them an endpoint answers to.

Forms follow the pattern of ``ConversationalModelId`` in botocore's ``bedrock-runtime`` service model; which regions a
cross-Region profile is called from, AWS's "Supported Regions and models for inference profiles" and the CDK's
``CrossRegionInferenceProfileRegion``. A profile's own list of regions differs from model to model: here a profile
reaches every region of its geography.
"""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias, get_args

import msgspec

from brownout.dialects.bedrock_errors import INVALID_IDENTIFIER
from brownout.wire import Refusal

IdentifierKind: TypeAlias = Literal[
    "foundation-model",
    "inference-profile",
    "application-inference-profile",
    "provisioned-model",
    "custom-model",
    "custom-model-deployment",
    "imported-model",
    "prompt",
    "prompt-router",
    "default-prompt-router",
    "marketplace-endpoint",
    "name",  # none of the forms above: a name of its own
]

_KINDS: dict[str, IdentifierKind] = {kind: kind for kind in get_args(IdentifierKind)}
_EXACT_REGIONS = {
    "jp": frozenset({"ap-northeast-1", "ap-northeast-3"}),
    "au": frozenset({"ap-southeast-2", "ap-southeast-4"}),
}
_REGION_PREFIXES: dict[str, tuple[str, ...]] = {
    "us": ("us-",),
    "us-gov": ("us-gov-",),
    "eu": ("eu-",),
    "apac": ("ap-", "me-"),
    "ca": ("ca-",),
    "global": ("",),
}
_OTHER_PARTITIONS = ("us-gov-", "cn-")
"""Regions of partitions of their own, which no commercial profile reaches."""

GEOGRAPHIES = frozenset({*_EXACT_REGIONS, *_REGION_PREFIXES})
"""What a cross-Region profile's id may begin with."""

_ARN = re.compile(
    r"arn:aws(?:-[^:]+)?:(?P<service>bedrock|sagemaker):(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12})?:"
    r"(?P<kind>[a-z-]+)/(?P<resource>.+)"
)
_WILD = re.compile(r"[*?\[]")
_FOUNDATION = re.compile(r"[a-z0-9-]{1,63}\.[a-z0-9-]{1,63}(?:[.:]?[a-z0-9-]{1,63})*")


class ModelId(msgspec.Struct, frozen=True, kw_only=True):
    """One identifier.

    Attributes:
        kind: what it names.
        resource: the foundation model's id, also of a cross-Region profile; else the resource's own name.
        geography: of a cross-Region profile: ``us``, ``eu``, ``global``.
        region: of an ARN, the region in it; else empty.
        account: of an ARN, the account in it; else empty.
    """

    kind: IdentifierKind
    resource: str
    geography: str = ""
    region: str = ""
    account: str = ""


def read_model_id(text: str) -> ModelId:
    """Return what an identifier says."""
    match = _ARN.fullmatch(text)
    if match is None:
        return _bare(text)
    kind = "marketplace-endpoint" if match["service"] == "sagemaker" else _KINDS.get(match["kind"])
    if kind is None:
        return ModelId(kind="name", resource=text)
    place = {"region": match["region"], "account": match["account"] or ""}
    if kind == "inference-profile":
        inside = _bare(match["resource"])
        return ModelId(kind=kind, resource=inside.resource, geography=inside.geography, **place)
    return ModelId(kind=kind, resource=match["resource"], **place)


def _bare(text: str) -> ModelId:
    geography, _, model = text.partition(".")
    if geography in GEOGRAPHIES and _FOUNDATION.fullmatch(model):
        return ModelId(kind="inference-profile", resource=model, geography=geography)
    kind: IdentifierKind = "foundation-model" if _FOUNDATION.fullmatch(text) else "name"
    return ModelId(kind=kind, resource=text)


def reaches(geography: str, region: str) -> bool:
    """Return whether a cross-Region profile of that geography is called from that region."""
    if geography in _EXACT_REGIONS:
        return region in _EXACT_REGIONS[geography]
    if geography != "us-gov" and region.startswith(_OTHER_PARTITIONS):
        return False
    return region.startswith(_REGION_PREFIXES[geography]) if geography in _REGION_PREFIXES else False


def geography_covers(geography: str, regions: Iterable[str]) -> bool:
    """Return whether patterns of regions (``us-*``) let in every region that a geography's profiles reach.

    AWS adds regions to a geography. So a list of those there are, or a pattern that leaves out any, lets in not all.
    """
    patterns = list(regions)
    if geography in _EXACT_REGIONS:
        return all(any(fnmatchcase(region, one) for one in patterns) for region in _EXACT_REGIONS[geography])
    let_in = tuple(one.rstrip("*") for one in patterns if one.endswith("*") and not _WILD.search(one.rstrip("*")))
    return all(any(prefix.startswith(one) for one in let_in) for prefix in _REGION_PREFIXES[geography])


def why_not_served(endpoint_model: str, region: str, asked: str, *, count: bool = False) -> Refusal | None:
    """Return Bedrock's refusal of an identifier at an endpoint; None when the endpoint answers to it.

    An endpoint that serves a foundation model answers to its id, to its ARN, and to every cross-Region profile of it
    that is called from the endpoint's region. One that serves a profile answers to that alone: the model itself is
    then not to be had on demand. Profiles do not go with provisioned throughput, so what serves a provisioned model,
    a custom one, or an application's profile answers to exactly that ARN.

    Args:
        endpoint_model: what the endpoint serves, as its topology names it.
        region: the endpoint's region.
        asked: the identifier in the request.
        count: whether tokens are to be counted, which needs no throughput: the model itself will do.
    """
    if asked == endpoint_model:
        return None
    served, wanted = read_model_id(endpoint_model), read_model_id(asked)
    same_model = served.resource == wanted.resource
    if same_model and wanted.region in {"", region}:
        if served.kind == wanted.kind:
            if served.geography == wanted.geography and wanted.account in {"", served.account or wanted.account}:
                return None
        elif served.kind == "foundation-model" and wanted.kind == "inference-profile":
            if reaches(wanted.geography, region):
                return None
        elif served.kind == "inference-profile" and wanted.kind == "foundation-model":
            return None if count else _only_by_profile(asked)
    return Refusal("not-found", INVALID_IDENTIFIER, code="ValidationException")


def _only_by_profile(asked: str) -> Refusal:
    return Refusal(
        "invalid",
        f"Invocation of model ID {asked} with on-demand throughput isn\N{RIGHT SINGLE QUOTATION MARK}t supported. "
        f"Retry your request with the ID or ARN of an inference profile that contains this model.",
    )
