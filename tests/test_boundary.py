"""A boundary lets in what it names and nothing else, and one that cannot be meant so is refused before a run."""

import re
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from brownout.boundary import Boundary, Place
from brownout.canary import KINDS
from brownout.dialects.bedrock_ids import GEOGRAPHIES, geography_covers, reaches
from brownout.errors import BadInput
from brownout.topology import Endpoint, Tenant, Topology
from fixtures.catalogue import load_topology

MODEL = "anthropic.claude-sonnet-4-20250514-v1:0"
ESCROW = "123456789012"
REGIONS = [
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "us-gov-west-1", "eu-west-1", "eu-central-1", "eu-north-1"),
    *("ca-central-1", "ap-northeast-1", "ap-northeast-3", "ap-southeast-2", "ap-southeast-4", "me-central-1"),
    *("sa-east-1", "il-central-1", "cn-north-1"),
]
"""Regions that AWS has, some of each geography."""

YAML = """\
topology: t
endpoints:
  - {{name: near, cloud: aws, provider: bedrock, region: us-east-1, capacity: on-demand, dialect: bedrock-converse,
     model: "{model}", account: "123456789012"}}
  - {{name: wide, cloud: aws, provider: bedrock, region: us-west-2, capacity: on-demand, dialect: bedrock-converse,
     model: "us.{model}"}}
  - {{name: abroad, cloud: aws, provider: bedrock, region: eu-west-1, capacity: on-demand, dialect: bedrock-converse,
     model: "arn:aws:bedrock:eu-west-1:999999999999:inference-profile/eu.{model}"}}
boundaries:
  escrow: {boundary}
tenants:
  acme: {tenant}
"""


def endpoint(name: str, region: str = "us-east-1", model: str = MODEL, **changes: str) -> Endpoint:
    """Return an endpoint of Bedrock's, unless told."""
    known = {"cloud": "aws", "provider": "bedrock", "capacity": "on-demand", "dialect": "bedrock-converse"}
    return Endpoint(name=name, region=region, model=model, **(known | changes))  # type: ignore[arg-type]


ENDPOINTS = [
    endpoint("near", account=ESCROW),
    endpoint("bought", model=f"arn:aws:bedrock:us-east-1:{ESCROW}:provisioned-model/abc"),
    endpoint("spare", "us-west-2"),
    endpoint("wide", "us-west-2", f"us.{MODEL}"),
    endpoint("widest", "eu-west-1", f"global.{MODEL}"),
    endpoint("abroad", "eu-west-1"),
    # Its name begins like a profile's, and it is none: it is not Bedrock's.
    endpoint("own", "us-dc1", "eu.llama-3", dialect="openai-chat", provider="selfhosted", cloud="own"),
]
NAMES = [one.name for one in ENDPOINTS]


def allowed(boundary: Boundary, tenant: Tenant | None = None) -> list[str]:
    """Return what a tenant of the boundary may use; it is checked."""
    topology = Topology(
        topology="t",
        endpoints=ENDPOINTS,
        boundaries={"line": boundary},
        tenants={"acme": tenant or Tenant(boundary="line")},
    )
    topology.check(where="t")
    return topology.tenants["acme"].allow


@pytest.mark.parametrize(
    ("boundary", "inside"),
    [
        (Boundary(), ["near", "bought", "spare", "abroad", "own"]),
        (Boundary(endpoints=["abroad", "near"]), ["near", "abroad"]),
        (Boundary(regions=["us-*"]), ["near", "bought", "spare", "own"]),
        (Boundary(regions=["us-east-1", "eu-*"]), ["near", "bought", "abroad"]),
        (Boundary(accounts=[ESCROW]), ["near", "bought"]),
        (Boundary(regions=["us-*"], inference_profiles=["us"]), ["near", "bought", "spare", "wide", "own"]),
        (Boundary(regions=["*"], inference_profiles=["us", "global"]), NAMES),
        (Boundary(endpoints=["near", "spare"], accounts=[ESCROW], regions=["us-*"]), None),
        (Boundary(endpoints=["wide"], inference_profiles=["us"]), ["wide"]),
    ],
)
def test_inside_is_what_every_line_of_a_boundary_lets_in(boundary: Boundary, inside: list[str] | None) -> None:
    """Endpoints, regions, accounts and profiles each keep out what they do not name."""
    if inside is None:
        with pytest.raises(BadInput, match="spare is outside all the same: its account"):
            allowed(boundary)
    else:
        assert inside == allowed(boundary)


def test_a_tenant_may_have_less_than_its_boundary_lets_in() -> None:
    """With both, it may use what it allows; alone, either says it all."""
    line = Boundary(regions=["us-*"])
    assert ["spare"] == allowed(line, Tenant(boundary="line", allow=["spare"]))
    assert ["abroad", "wide"] == allowed(line, Tenant(allow=["abroad", "wide"]))


def test_a_tenant_without_a_boundary_is_bound_to_what_it_may_use() -> None:
    """Its endpoints are its boundary, with the profiles that they serve and no other."""
    topology = Topology(topology="t", endpoints=ENDPOINTS, tenants={"acme": Tenant(allow=["near", "wide", "own"])})
    line = topology.boundary_of("acme")
    assert (["near", "wide", "own"], ["us"], list(KINDS)) == (line.endpoints, line.inference_profiles, line.never)
    assert [True, True, False] == [line.lets(one) for one in ("", "us", "global")]


def _some(values: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), unique=True, max_size=3)


BOUNDARIES = st.builds(
    Boundary,
    endpoints=_some(NAMES),
    regions=_some(["*", "us-*", "us-west-?", "eu-*", "us-dc1", "us-[!w]*"]),
    accounts=_some([ESCROW]),
    inference_profiles=_some(["us", "global", "eu"]),
)


@given(BOUNDARIES, _some(NAMES))
def test_whatever_is_allowed_is_inside(boundary: Boundary, allow: list[str]) -> None:
    """A topology that is let in lets no tenant out, whichever way its boundary and its tenant were written."""
    topology = Topology(
        topology="t",
        endpoints=ENDPOINTS,
        boundaries={"line": boundary},
        tenants={"acme": Tenant(boundary="line", allow=allow)},
    )
    try:
        topology.check(where="t")
    except BadInput:
        assume(False)  # noqa: FBT003 - refused whole: nothing is played
    for name in topology.tenants["acme"].allow:
        one = topology.endpoint(name)
        place = Place(name=name, region=one.region, account=one.owner, profile=one.profile)
        assert "" == topology.boundary_of("acme").why_outside(place)


@given(BOUNDARIES)
def test_a_profile_is_let_in_only_with_all_regions_that_it_reaches(boundary: Boundary) -> None:
    """Where a boundary names regions, no profile that it names reaches beyond them."""
    try:
        allowed(boundary)
    except BadInput:
        assume(False)  # noqa: FBT003 - refused whole
    let_in = [
        region
        for region in REGIONS
        if not boundary.regions or Boundary(regions=boundary.regions).holds(Place(name="x", region=region))
    ]
    reached = {region for profile in boundary.inference_profiles for region in REGIONS if reaches(profile, region)}
    assert reached <= set(let_in)


HEADS = ["", "us", "us-", "eu-", "ap-", "me-", "ca-", "us-gov-", "a"]
TAILS = ["*", "**", "?", "?*", "*?", "[*]", "[!w]*", "*-*", ""]
PATTERNS = st.lists(st.builds(str.__add__, st.sampled_from(HEADS), st.sampled_from(TAILS)), min_size=2, max_size=5)


@given(st.sampled_from(sorted(GEOGRAPHIES)), PATTERNS)
def test_patterns_that_cover_a_geography_let_in_every_region_of_it(geography: str, patterns: list[str]) -> None:
    """Odd patterns too: what is said to be covered is."""
    assume(geography_covers(geography, patterns))
    line = Boundary(regions=patterns)
    assert [] == [r for r in REGIONS if reaches(geography, r) and not line.holds(Place(name="x", region=r))]


@pytest.mark.parametrize(
    ("geography", "patterns", "covered"),
    [
        ("us", ["us-*"], True),
        ("us", ["*"], True),
        ("us", ["u*"], True),
        ("us", ["us-?"], False),  # matches "us-*" itself, and no region
        ("us", ["us-[*]"], False),
        ("us", ["us-east-*", "us-west-*"], False),  # AWS may add a third
        ("global", ["us-*", "eu-*"], False),
        ("global", ["*"], True),
        ("apac", ["ap-*"], False),
        ("apac", ["ap-*", "me-*"], True),
        ("jp", ["ap-northeast-1", "ap-northeast-3"], True),
        ("jp", ["ap-northeast-1"], False),
        ("us-gov", ["us-*"], True),
        ("us", [], False),
    ],
)
def test_a_geography_is_covered_by_what_lets_all_of_it_in(
    geography: str, patterns: list[str], *, covered: bool
) -> None:
    """The whole of it, or it is not covered."""
    assert covered == geography_covers(geography, patterns)


BAD = [
    ("{regions: [us-esat-1]}", "", "boundaries.escrow.regions: unknown region 'us-esat-1'. Did you mean 'us-east-1'?"),
    ("{endpoints: [neer]}", "", "boundaries.escrow.endpoints: unknown endpoint 'neer'. Did you mean 'near'? Known:"),
    (
        "{accounts: ['12345678901']}",
        "",
        "boundaries.escrow.accounts: unknown account '12345678901'. Did you mean '123456789012'?",
    ),
    (
        "{inference_profiles: [uss]}",
        "",
        "boundaries.escrow.inference_profiles: unknown inference profile 'uss'. Did you mean 'us'? Known: apac,",
    ),
    (
        "{regions: [us-east-1, us-west-2], inference_profiles: [us]}",
        "",
        "us. profiles reach regions that us-east-1, us-west-2 does not let in. Widen regions, or leave",
    ),
    (
        "{endpoints: [near, wide]}",
        "",
        "escrow.endpoints: wide is outside all the same: it serves an inference profile, us., that inference_profiles",
    ),
    ("{endpoints: [near], regions: [eu-*]}", "", "near is outside all the same: its region us-east-1 is none of eu-*."),
    (
        "{regions: [eu-*]}",
        "",
        "escrow: no endpoint is inside; its tenants could not be served at all. Of near, for one: its region",
    ),
    ("{never: []}", "", "boundaries.escrow.never: it keeps nothing in. Name at least one of prompt, system,"),
    ("{never: [promt]}", "", "boundaries.escrow.never.0: unknown value 'promt'. Did you mean 'prompt'?"),
    ("{region: [us-*]}", "", "boundaries.escrow: unknown field 'region'. Did you mean 'regions'?"),
    ("{}", "{boundary: escorw}", "tenants.acme.boundary: unknown boundary 'escorw'. Did you mean 'escrow'?"),
    ("{}", "{}", "tenants.acme: neither boundary nor allow; name a boundary, or at least one endpoint."),
    ("{}", "{allow: [neer]}", "tenants.acme.allow: unknown endpoint 'neer'. Did you mean 'near'?"),
    (
        "{accounts: ['123456789012']}",
        "{boundary: escrow, allow: [near, abroad]}",
        "acme.allow: abroad is outside the tenant's boundary escrow: its account 999999999999 is none of 123456789012.",
    ),
]


@pytest.mark.parametrize(("boundary", "tenant", "message"), BAD)
def test_what_cannot_be_meant_is_refused_with_its_place_and_the_fix(
    boundary: str, tenant: str, message: str, tmp_path: Path
) -> None:
    """Before anything starts; with what is known, and what is nearest."""
    path = tmp_path / "t.yaml"
    path.write_text(YAML.format(model=MODEL, boundary=boundary, tenant=tenant or "{boundary: escrow}"))
    with pytest.raises(BadInput, match=re.escape(message)) as refused:
        load_topology(str(path))
    assert str(refused.value).startswith(str(path))
