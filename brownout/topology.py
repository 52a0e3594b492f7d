"""Topology: which endpoints exist, what they can carry, and inside which boundary each tenant's data stays."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from brownout.boundary import Boundary, Place
from brownout.canary import OWN, TENANTS_MAX
from brownout.capacity import Behind, make_capacity
from brownout.capacity.paced import Limits
from brownout.clock import rng_for
from brownout.dialects import DIALECTS, dialect_named
from brownout.dialects.bedrock_ids import read_model_id
from brownout.errors import BadInput, unknown
from brownout.vendors import vendor_of

Capacity: TypeAlias = Literal["provisioned", "on-demand", "gpu"]


_PRIMARY = {"primary": "name", "primary-region": "region", "primary-cloud": "cloud"}
_FALLBACK = ("fallback", "fallback-region")
_ONLY_IN_FULL = ("vendor", "auth")  # providers bear vendors' names, and a bare word means the provider


class Endpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider surface in one region with one capacity, speaking one dialect.

    ``limits`` bound it and set its pace; ``behind`` says what stands behind the wire (see `brownout.capacity`), where
    it is more than that. ``account`` is the AWS account or Google project it is in.
    """

    name: str
    cloud: str
    provider: str
    region: str
    capacity: Capacity
    dialect: str
    model: str
    limits: Limits = Limits()
    behind: Behind = None
    account: str = ""

    @property
    def owner(self) -> str:
        """The account (or project) it is in: ``account``, or the one in its model's ARN; empty where nobody says."""
        return self.account or read_model_id(self.model).account

    @property
    def profile(self) -> str:
        """The geography of the inference profile that it serves; empty where it is none, or not Bedrock's."""
        dialect = DIALECTS.get(self.dialect)
        return read_model_id(self.model).geography if dialect and dialect.host == "bedrock" else ""


class Tenant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A customer of the router, and the endpoints its data may reach.

    ``boundary`` names one of the topology's, whose endpoints these are; ``allow`` names them one by one instead. With
    both, it may use those of the boundary's that it is allowed.
    """

    allow: list[str] = []
    boundary: str = ""


class Topology(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Endpoints in the router's order of preference, tenants by name, and the boundaries they may be assigned to."""

    topology: str
    endpoints: list[Endpoint]
    tenants: dict[str, Tenant]
    boundaries: dict[str, Boundary] = {}
    why: str = ""

    def __post_init__(self) -> None:
        """Spell out which endpoints a boundary lets in: whoever asks where data may go, goes by ``allow``."""
        spelled = {name: self._spelled(tenant) for name, tenant in self.tenants.items()}
        msgspec.structs.force_setattr(self, "tenants", spelled)

    def _spelled(self, tenant: Tenant) -> Tenant:
        if tenant.allow or tenant.boundary not in self.boundaries:
            return tenant
        boundary = self.boundaries[tenant.boundary]
        inside = [one.name for one in self.endpoints if boundary.holds(_place(one))]
        return msgspec.structs.replace(tenant, allow=inside)

    def boundary_of(self, tenant: str) -> Boundary:
        """Return what a tenant's data may not cross; of one that was assigned to none: the endpoints it is allowed."""
        one = self.tenants[tenant]
        if one.boundary in self.boundaries:
            return self.boundaries[one.boundary]
        used = {self.endpoint(name).profile for name in one.allow}
        return Boundary(endpoints=one.allow, inference_profiles=sorted(used - {""}))

    def endpoint(self, name: str) -> Endpoint:
        """Return the endpoint of that name; raises `BadInput` when there is none."""
        for endpoint in self.endpoints:
            if endpoint.name == name:
                return endpoint
        raise unknown("endpoint", name, self.names)

    @property
    def names(self) -> list[str]:
        """The endpoints' names in order of preference."""
        return [endpoint.name for endpoint in self.endpoints]

    def select(self, selector: str, *, where: str = "") -> list[str]:
        """Return the names of the endpoints a selector means, in order.

        A selector is a comma-separated list of words; each is an endpoint's name, or a region, cloud,
        provider or capacity that some endpoint has (``us-east-1``, ``aws``, ``vertex``, ``provisioned``),
        optionally said in full (``region:us-east-1``). ``vendor:anthropic``, always in full, is every endpoint that
        serves a model of that vendor's, on whichever cloud (see `brownout.vendors`). ``auth:sigv4`` (or
        ``google-oauth``, ``api-key``) is every endpoint whose callers prove themselves so. ``all`` is every endpoint,
        ``tenant:NAME`` those a tenant may use, ``primary`` the first in order, ``primary-region`` and
        ``primary-cloud`` those that share its region or cloud. ``fallback`` is where the home tenant goes when the
        primary region is gone, and ``fallback-region`` all that share its region.
        """
        chosen: set[str] = set()
        for word in (part.strip() for part in selector.split(",")):
            matches = self._matches(word)
            if not matches:
                raise unknown("place", word, self._words(), where=where)
            chosen.update(matches)
        return [name for name in self.names if name in chosen]

    def has(self, word: str) -> bool:
        """Return whether one word of a selector means any endpoint."""
        return bool(self._matches(word))

    @property
    def home_tenant(self) -> str | None:
        """The first tenant that may use the primary endpoint."""
        return next((name for name, one in self.tenants.items() if self.names[0] in one.allow), None)

    @property
    def fallback(self) -> str | None:
        """The first endpoint that the home tenant may use outside the primary region."""
        near = set(self.select("primary-region"))
        home = self.tenants.get(self.home_tenant or "")
        return next((name for name in self.names if home and name in home.allow and name not in near), None)

    @property
    def home_vendor(self) -> str | None:
        """The vendor of the first endpoint that the home tenant may use and whose model's id tells its vendor."""
        home = self.tenants.get(self.home_tenant or "")
        vendors = (vendor_of(one.model) for one in self.endpoints if home and one.name in home.allow)
        return next(filter(None, vendors), None)

    @property
    def neighbour_tenant(self) -> str | None:
        """The second tenant that may use the primary endpoint: who shares it with the first."""
        near = [name for name, one in self.tenants.items() if self.names[0] in one.allow]
        return near[1] if len(near) > 1 else None

    @property
    def pinned_tenant(self) -> str | None:
        """The first tenant that may use nothing in the primary region: its boundary lies elsewhere."""
        near = set(self.select("primary-region"))
        return next((name for name, one in self.tenants.items() if not near & set(one.allow)), None)

    def check(self, *, where: str) -> None:
        """Raise `BadInput` where names clash or a tenant allows what is not there."""
        if len(set(self.names)) != len(self.names):
            twice = sorted({name for name in self.names if self.names.count(name) > 1})
            raise BadInput(f"{where}: endpoint names must differ; given twice: {', '.join(twice)}.")
        if not self.endpoints or not self.tenants:
            raise BadInput(f"{where}: a topology needs at least one endpoint and one tenant.")
        if taken := sorted(self.tenants.keys() & set(OWN)):
            raise BadInput(f"{where}: tenants.{taken[0]}: a name of a router's own credentials; take another.")
        if len(self.tenants) > TENANTS_MAX:
            raise BadInput(f"{where}: {len(self.tenants)} tenants, of which canaries can tell {TENANTS_MAX}.")
        for endpoint in self.endpoints:
            try:
                make_capacity(endpoint.behind, endpoint.limits, rng_for(0))
            except (BadInput, ValueError) as error:
                raise BadInput(f"{where}: endpoint {endpoint.name}: {error}") from None
        for name, boundary in self.boundaries.items():
            boundary.check([_place(one) for one in self.endpoints], where=f"{where}: boundaries.{name}")
        for tenant, entry in self.tenants.items():
            self._check_tenant(entry, f"{where}: tenants.{tenant}")

    def _check_tenant(self, tenant: Tenant, where: str) -> None:
        if tenant.boundary and tenant.boundary not in self.boundaries:
            raise unknown("boundary", tenant.boundary, self.boundaries, where=f"{where}.boundary")
        if not tenant.allow:
            raise BadInput(f"{where}: neither boundary nor allow; name a boundary, or at least one endpoint.")
        for name in tenant.allow:
            if name not in self.names:
                raise unknown("endpoint", name, self.names, where=f"{where}.allow")
            outside = tenant.boundary and self.boundaries[tenant.boundary].why_outside(_place(self.endpoint(name)))
            if outside:
                raise BadInput(
                    f"{where}.allow: {name} is outside the tenant's boundary {tenant.boundary}: {outside}. "
                    "Leave it out, or widen the boundary."
                )

    def _matches(self, word: str) -> list[str]:
        if word == "all":
            return self.names
        if word in _PRIMARY:
            shared = _PRIMARY[word]
            first = _facets(self.endpoints[0])
            return [e.name for e in self.endpoints if _facets(e)[shared] == first[shared]]
        if word in _FALLBACK:
            return self._fallbacks(whole_region=word != "fallback")
        if word.startswith("tenant:"):
            tenant = self.tenants.get(word.removeprefix("tenant:"))
            return [name for name in self.names if tenant is not None and name in tenant.allow]
        field, _, value = word.rpartition(":")
        facets = (field,) if field else ("name", "region", "cloud", "provider", "capacity")
        return [e.name for e in self.endpoints if value in {_facets(e).get(facet) for facet in facets}]

    def _fallbacks(self, *, whole_region: bool) -> list[str]:
        first = self.fallback
        region = self.endpoint(first).region if first else None
        return [e.name for e in self.endpoints if e.name == first or (whole_region and e.region == region)]

    def _words(self) -> set[str]:
        said = {
            f"{facet}:{value}" if facet in _ONLY_IN_FULL else value
            for endpoint in self.endpoints
            for facet, value in _facets(endpoint).items()
        }
        return said | {"all", *_FALLBACK} | _PRIMARY.keys()


def _place(endpoint: Endpoint) -> Place:
    return Place(name=endpoint.name, region=endpoint.region, account=endpoint.owner, profile=endpoint.profile)


def _facets(endpoint: Endpoint) -> Mapping[str, str]:
    vendor = vendor_of(endpoint.model)
    return {
        "name": endpoint.name,
        "region": endpoint.region,
        "cloud": endpoint.cloud,
        "provider": endpoint.provider,
        "capacity": endpoint.capacity,
        "auth": dialect_named(endpoint.dialect).auth,
        **({"vendor": vendor} if vendor else {}),
    }
