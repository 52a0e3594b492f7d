"""In a sealed world everything is where it is in production: by name, and at its usual ports."""

from hypothesis import given
from hypothesis import strategies as st

from brownout.topology import Endpoint, Tenant, Topology
from fixtures.catalogue import load_topology
from fixtures.providers.cloud import SERVICES
from fixtures.providers.sink import SINKS
from fixtures.sealed.addresses import HONEYPOT, NAME_SERVER, plan_addresses

DIALECTS = st.sampled_from(["bedrock-converse", "vertex-generate", "openai-chat", "anthropic-messages"])


def topology(places: list[tuple[str, str]]) -> Topology:
    """Return one of these dialects in these regions."""
    endpoints = [
        Endpoint(name=f"e{n}", cloud="c", provider="p", region=region, capacity="on-demand", dialect=dialect, model="m")
        for n, (dialect, region) in enumerate(places)
    ]
    return Topology(topology="t", endpoints=endpoints, tenants={"acme": Tenant(allow=["e0"])})


def test_endpoints_have_the_addresses_that_production_has() -> None:
    """Two of one name share it, the second at other ports; the metadata service is where every machine finds it."""
    planned = plan_addresses(load_topology("slack"), SERVICES)

    first, second = planned.endpoints["bedrock-pt-us-east-1"], planned.endpoints["bedrock-od-us-east-1"]
    host = "bedrock-runtime.us-east-1.amazonaws.com"
    assert [f"http://{host}", f"https://{host}"] == [first.url, first.tls_url]
    assert [f"http://{host}:8080", f"https://{host}:8443"] == [second.url, second.tls_url]
    assert first.address == second.address == planned.names[host]
    assert "http://169.254.169.254" == planned.services["imds"].url
    assert planned.names["sts.us-east-1.amazonaws.com"] == planned.services["sts"].address


@given(st.lists(st.tuples(DIALECTS, st.sampled_from(["us-east-1", "eu-west-1"])), min_size=1, max_size=12))
def test_no_two_are_at_one_place(places: list[tuple[str, str]]) -> None:
    """Whatever the topology; nor where the name server is; and the name of each leads to it."""
    planned = plan_addresses(topology(places), SERVICES, SINKS)

    ways = [*planned.endpoints.values(), *planned.services.values()]
    taken = [(way.address, port) for way in ways for port in (way.plain, way.tls)]
    assert len(taken) == len(set(taken))
    assert not {way.address for way in ways} & {NAME_SERVER, HONEYPOT}
    assert all(planned.names.get(way.host, way.address) == way.address for way in ways)
