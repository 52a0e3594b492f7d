"""Every target that ships: its file can be read, its templates render, and say what they were meant to say."""

import asyncio
import json
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from brownout.errors import BadInput
from brownout.target import load_target
from fixtures.catalogue import DEFAULT_TOPOLOGY, load_topology
from fixtures.headers import check_headers, tenant_headers
from fixtures.launch import check_start
from fixtures.templates import rendered
from fixtures.world import sample_facts

TARGETS = Path(__file__).resolve().parents[2] / "fixtures" / "targets"
FILES = sorted(TARGETS.glob("*.yaml"))


def _config(name: str) -> str:
    target, folder = load_target(str(TARGETS / f"{name}.yaml"))
    assert target.start is not None
    world = sample_facts(load_topology(target.topology or DEFAULT_TOPOLOGY))
    return rendered(folder / target.start.config, {"world": world, "target": target.target, "port": "1"})


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shipped_target_can_be_started_in_the_world_that_it_is_for(path: Path) -> None:
    """Nothing that can be known before is left to the run to find out."""
    target, folder = load_target(str(path))
    if target.start is not None and "{" not in target.start.command[0] and not shutil.which(target.start.command[0]):
        pytest.skip("its program is not here")

    check_start(target, folder, load_topology(target.topology or DEFAULT_TOPOLOGY))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_target_of_others_says_the_product_and_pins_its_version(path: Path) -> None:
    """A page without a version is about nothing in particular."""
    target, folder = load_target(str(path))
    if target.start is None or target.embedded or "{python}" in target.start.command:
        pytest.skip("a router of ours")

    assert "" != target.product
    listed = (folder / (target.start.requirements or target.start.packages)).read_text()
    pinned = (
        [line.partition("==")[2] for line in listed.split()]
        if target.start.requirements
        else list(json.loads(listed)["dependencies"].values())
    )
    assert all(re.fullmatch(r"\d[\w.]*", version) for version in pinned), listed


def test_a_group_for_each_endpoint_is_chained_in_the_tenants_order() -> None:
    """The first group bears the tenant's name, and the others are its fallbacks."""
    config = yaml.safe_load(_config("litellm-groups"))

    assert {
        "europa": ["europa--vertex-europe-west4"],
    }.items() <= {
        name: groups for one in config["router_settings"]["fallbacks"] for name, groups in one.items()
    }.items()
    names = [one["model_name"] for one in config["model_list"]]
    assert len(names) == len(set(names))
    assert {"acme", "globex", "europa"} <= set(names)


def test_one_group_holds_every_deployment_elsewhere() -> None:
    """That a lone deployment is spared from cooldown must not decide about the other configurations."""
    configs = {name: yaml.safe_load(_config(name)) for name in ("litellm", "litellm-tuned", "litellm-retrying")}

    assert [{"default"}] * 3 == [{one["model_name"] for one in config["model_list"]} for config in configs.values()]
    assert [None, 0, 2] == [config["router_settings"].get("num_retries") for config in configs.values()]


def test_messages_are_kept_from_callbacks_in_the_private_configuration_alone() -> None:
    """Both send spans; what else differs is what the documentation says for sensitive data, and the cache."""
    observed, private = (
        yaml.safe_load(_config(name))["litellm_settings"] for name in ("litellm-observed", "litellm-private")
    )

    assert [["otel"], ["otel"]] == [observed["callbacks"], private["callbacks"]]
    assert [(None, True), (True, None)] == [
        (one.get("turn_off_message_logging"), one.get("cache")) for one in (observed, private)
    ]


def test_envoy_keeps_tenants_apart_and_endpoints_in_order() -> None:
    """A cluster a tenant, a priority an endpoint, and nothing for a caller whom it does not know."""
    config = yaml.safe_load(_config("envoy"))["static_resources"]

    order = {
        cluster["name"]: [
            one["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]["port_value"]
            for one in sorted(cluster["load_assignment"]["endpoints"], key=lambda one: one["priority"])
        ]
        for cluster in config["clusters"]
    }
    assert {"acme": 5, "globex": 5, "europa": 2} == {tenant: len(ports) for tenant, ports in order.items()}
    assert "127.0.0.1" == config["listeners"][0]["address"]["socket_address"]["address"]
    manager = config["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    assert {"status": 403} == manager["route_config"]["virtual_hosts"][0]["routes"][-1]["direct_response"]


def test_tensorzero_has_a_model_for_each_tenant() -> None:
    """Its providers are the tenant's endpoints, and no others."""
    models = tomllib.loads(_config("tensorzero"))["models"]

    assert ["od-eu-west-1", "second-europe-west4"] == models["europa"]["routing"]
    assert {name: set(one["routing"]) for name, one in models.items()} == {
        name: set(one["providers"]) for name, one in models.items()
    }


def test_rolter_has_a_route_for_each_tenant() -> None:
    """Its targets are the tenant's endpoints, in the topology's order, each a provider with a key of its own."""
    config = tomllib.loads(_config("rolter"))

    routes = {one["model"]: [it["provider"] for it in one["variants"][0]["targets"]] for one in config["routes"]}
    assert ["od-eu-west-1", "second-europe-west4"] == routes["europa"]
    assert {name for names in routes.values() for name in names} == {one["name"] for one in config["providers"]}
    assert "127.0.0.1" == config["server"]["host"]


def test_nullplatform_has_a_router_for_each_tenant() -> None:
    """It is for that tenant's requests, has that tenant's endpoints in order, and is long enough to ask all of them."""
    config = yaml.safe_load(_config("nullplatform"))

    routers = {one["conditions"]["headers"]["x-tenant"]: one["config"] for one in config["plugins"]}
    assert {"model": "od-eu-west-1", "fallbacks": ["second-europe-west4"]} == routers["europa"]
    models = {name: [one["model"], *one["fallbacks"]] for name, one in routers.items()}
    assert {name for names in models.values() for name in names} == {one["name"] for one in config["models"]}
    assert max(len(names) for names in models.values()) == config["maxRetries"]
    assert not any(one.get("isDefault") for one in config["models"])


def test_a_gateway_that_listens_everywhere_is_held_to_the_loopback() -> None:
    """Those that heed no host are started with what makes them listen at the loopback alone."""
    held = {
        path.stem
        for path in FILES
        if (start := load_target(str(path))[0].start) and "loopback.cjs" in start.env.get("NODE_OPTIONS", "")
    }
    by_npm = {path.stem for path in FILES if (start := load_target(str(path))[0].start) and start.packages}

    assert by_npm == held
    assert (TARGETS / "loopback.cjs").is_file()


def test_mlflow_has_an_endpoint_for_each_tenant() -> None:
    """Its models are the tenant's endpoints, in the topology's order, each with an address and a key."""
    config = yaml.safe_load(_config("mlflow"))

    assert {"acme": 5, "globex": 5, "europa": 2} == {name: len(one) for name, one in config["endpoints"].items()}
    assert ["od-eu-west-1", "second-europe-west4"] == config["endpoints"]["europa"]
    assert {name for names in config["endpoints"].values() for name in names} == set(config["models"])
    assert [{"model", "api_base", "api_key"}] * 7 == [set(one) for one in config["models"].values()]


def test_headers_are_rendered_for_each_tenant_on_one_line(tmp_path: Path) -> None:
    """A router that is configured by the request gets each tenant's own endpoints with that tenant's requests."""
    target, folder = load_target(str(TARGETS / "portkey.yaml"))
    facts = sample_facts(load_topology("openai-only"))
    world = tmp_path / "world.json"
    world.write_text(json.dumps(facts))

    headers = asyncio.run(tenant_headers(target, folder, world))

    configs: dict[str, Any] = {tenant: json.loads(its["x-portkey-config"]) for tenant, its in headers.items()}
    assert {"acme": 5, "globex": 5, "europa": 2} == {name: len(one["targets"]) for name, one in configs.items()}
    assert {"openai"} == {one["provider"] for config in configs.values() for one in config["targets"]}
    assert all("\n" not in its["x-portkey-config"] for its in headers.values())


def test_every_dialect_that_portkey_is_pointed_at_is_translated() -> None:
    """Bedrock and Vertex stand under their own names, with their own credentials."""
    target, folder = load_target(str(TARGETS / "portkey.yaml"))
    world = sample_facts(load_topology("slack"))
    tokens = {one["name"]: "t" for one in world["endpoints"]}

    text = rendered(folder / target.headers["x-portkey-config"], {"world": world, "tenant": "acme", "tokens": tokens})

    assert ["bedrock", "bedrock", "bedrock", "vertex-ai", "openai"] == [
        one["provider"] for one in json.loads(text)["targets"]
    ]


def test_a_header_that_is_no_header_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """What HTTP cannot carry is said with the template's name."""
    (tmp_path / "h.j2").write_text("caf\N{LATIN SMALL LETTER E WITH ACUTE}")
    (tmp_path / "t.yaml").write_text("target: t\nstart: {command: [router]}\nheaders: {x-h: h.j2}\n")
    target, folder = load_target(str(tmp_path / "t.yaml"))

    with pytest.raises(BadInput, match=r"h\.j2: a header may hold printable ASCII only"):
        check_headers(target, folder, load_topology("slack"))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("start: {command: [router]}\nlenient: [sigv4-host-without-prot]", "sigv4-host-without-port"),
        ("url: http://127.0.0.1:1\nlenient: [sigv4-host-without-port]", "leave them out"),
        ("start: {command: [router], requirements: a.txt, packages: b.json}", "not both"),
    ],
)
def test_what_cannot_be_is_refused_with_the_fix(tmp_path: Path, lines: str, said: str) -> None:
    """A target's file that asks for what is not there ends before anything starts."""
    path = tmp_path / "t.yaml"
    path.write_text(f"target: t\n{lines}\n")

    with pytest.raises(BadInput, match=said):
        load_target(str(path))
