"""Where a call to Vertex AI goes: project, location, publisher and model in its path, and the host of each location.

Paths follow Google's discovery document of ``aiplatform`` v1 and v1beta1, hosts Google's "Generative AI on Vertex AI
locations": a region's own, that of the ``global`` location, and those of the multi-regions ``us`` and ``eu``. A host
serves its own location only.
"""

import re
from urllib.parse import quote, unquote

import msgspec

from brownout.wire import Refusal

_PATH = re.compile(
    r"/(?P<version>v1|v1beta1)/projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)"
    r"/(?:publishers/(?P<publisher>[^/]+)/models/(?P<model>[^/:]+?)|endpoints/(?P<endpoint>[^/:]+?))"
    r"(?::|%3[Aa])(?P<call>[A-Za-z]+)"
)
_MULTI_REGIONS = frozenset({"us", "eu"})
_GOOGLE = "google"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What a path says, decoded.

    Attributes:
        version: the API's, ``v1`` or ``v1beta1``.
        project: id or number.
        location: a region, a multi-region, or ``global``.
        publisher: whose model; empty for an endpoint of the project's own.
        model: the model's id; ``endpoints/ID`` for an endpoint of the project's own.
        call: the method after the colon.
    """

    version: str
    project: str
    location: str
    publisher: str
    model: str
    call: str

    @property
    def resource(self) -> str:
        """The resource's full name, as Google's messages write it."""
        model = f"publishers/{self.publisher}/models/{self.model}" if self.publisher else self.model
        return f"projects/{self.project}/locations/{self.location}/{model}"


def read_path(path: str) -> Place | None:
    """Return what a percent-encoded path says; None when it is no call on a model."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    own = match["endpoint"]
    return Place(
        version=match["version"],
        project=unquote(match["project"]),
        location=unquote(match["location"]),
        publisher=unquote(match["publisher"] or ""),
        model=f"endpoints/{unquote(own)}" if own else unquote(match["model"]),
        call=match["call"],
    )


def path_of(place: Place) -> str:
    """Return the percent-encoded path of a call."""
    own = place.model.removeprefix("endpoints/")
    if place.publisher:
        model = f"publishers/{quote(place.publisher, safe='')}/models/{quote(place.model, safe='@')}"
    else:
        model = f"endpoints/{quote(own, safe='')}"
    where = f"projects/{quote(place.project, safe='')}/locations/{quote(place.location, safe='')}"
    return f"/{place.version}/{where}/{model}:{place.call}"


def host_of(location: str) -> str:
    """Return the host name that serves a location."""
    if location == "global":
        return "aiplatform.googleapis.com"
    if location in _MULTI_REGIONS:
        return f"aiplatform.{location}.rep.googleapis.com"
    return f"{location}-aiplatform.googleapis.com"


def why_not_placed(request_path: str, region: str) -> Refusal | None:
    """Return Google's refusal of a call that names another location than its host's; None when it names that one."""
    place = read_path(request_path)
    if place is None or place.location == region:
        return None
    # The request's member that bears the resource's name, which differs from call to call.
    field = "model" if place.call.lower().endswith("generatecontent") else "endpoint"
    found = f"The provided location ID doesn't match the endpoint. The valid location ID is `{region}`."
    return Refusal("invalid", f"List of found errors:\t1.Field: {field}; Message: {found}\t")


def why_not_served(endpoint_model: str, region: str, asked: str, request_path: str) -> Refusal | None:
    """Return Google's refusal of a call at an endpoint; None when the endpoint answers it.

    Args:
        endpoint_model: the id of the model that the endpoint serves.
        region: the location that its host serves.
        asked: the model asked for, which some calls name in the body.
        request_path: the path, percent-encoded.
    """
    misplaced = why_not_placed(request_path, region)
    if misplaced is not None or asked == endpoint_model:
        return misplaced
    place = read_path(request_path)
    return None if place is None else no_such_model(msgspec.structs.replace(place, model=asked))


def no_such_model(place: Place) -> Refusal:
    """Return Google's refusal of a model that is not there."""
    if not place.publisher:
        return Refusal("not-found", f'The Endpoint resource "{place.resource}" is not found.')
    return Refusal(
        "not-found",
        f"Publisher Model `{place.resource}` was not found or your project does not have access to it. Please ensure "
        f"you are using a valid model version. For more information, see: "
        f"https://cloud.google.com/vertex-ai/generative-ai/docs/learn/model-versions",
    )
