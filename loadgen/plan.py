"""What a load driver is told: one JSON file, the same for the Locust and the asyncio shell."""

from pathlib import Path

import msgspec

from brownout.workload import Workload


class LoadPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a driver needs to play one test's load at one URL.

    ``epoch_s`` is the machine's monotonic clock at the test's epoch (instants in evidence count from it);
    ``key_hex`` the run's canary key; ``tenants`` all tenants of the topology in its order (canaries number them so);
    ``client_path`` the file that records are appended to, ``egress_path`` and ``layers_path`` those of what was seen in
    replies to a planted load. ``models`` are asked for in turn, ``{tenant}`` filled in;
    ``headers`` are what each tenant's requests bear besides.

    ``other_secret_of`` is the tenant, if any, whose prompts say another thing of the same length (and have other
    canaries); ``tape_path`` the file that what clients are given is taped to (see `brownout.tape`), empty for none.
    """

    test: str
    url: str
    dialect: str
    api_key: str
    tenant_header: str
    class_header: str
    models: list[str]
    tenants: list[str]
    key_hex: str
    workload: Workload
    seed: int
    epoch_s: float
    client_path: str
    egress_path: str = ""
    layers_path: str = ""
    headers: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)
    other_secret_of: str = ""
    tape_path: str = ""


def read_load_plan(path: Path) -> LoadPlan:
    """Return the plan in a file."""
    return msgspec.json.decode(path.read_bytes(), type=LoadPlan)
