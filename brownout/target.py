"""Target: the router under test, as its file describes it."""

import math
from pathlib import Path

import msgspec

from brownout.dialects import dialect_named
from brownout.errors import BadInput, unknown
from brownout.loading import load_yaml

FEATURES = {
    "failover": "sends a request elsewhere when an endpoint fails it",
    "fail-back": "returns to the preferred endpoint after it has healed",
    "partial-open": "lets a healed endpoint have a trickle first, and more only on sustained health",
    "retry-budget": "bounds the attempts it makes when everything fails",
    "retry-after": "stays away from an endpoint for as long as the endpoint says",
    "first-token-timeout": "gives up on an endpoint that does not begin to answer",
    "streaming": "passes a stream on as it comes",
    "tenant-boundary": "keeps each tenant's data at the endpoints allowed for it, and fails closed",
}


class Ready(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a started target counts as ready: a GET of ``path`` is answered 200 ``within_s``.

    Then ``warm_up`` requests per tenant are sent that bear no canary and do not count: what a process does once, at its
    first requests, is not what is judged.
    """

    path: str = "/healthz"
    within_s: float = 30.0
    warm_up: int = 0


class Start(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to start a target.

    ``command``, ``env`` and the rendered ``config`` may use ``{port}``, ``{world}`` (path of ``world.json``),
    ``{run_dir}``, ``{python}``, ``{config}`` (path of the rendered config) and ``{venv}`` (its own environment).
    ``config`` is a Jinja template beside the target's file; it also sees ``world`` as data. Relative paths
    in the command's first word are relative to the target's file. ``requirements`` is a pip requirements file,
    installed into an environment of the target's own under ``.targets/``. ``side_by_side`` is how many of it one
    machine bears at once: a heavy target is played in fewer tests at a time (``--jobs`` says otherwise).
    """

    command: list[str]
    config: str = ""
    env: dict[str, str] = msgspec.field(default_factory=dict)
    ready: Ready = Ready()
    requirements: str = ""
    side_by_side: int | None = None


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The HTTP header that carries a fact to the target."""

    header: str


class Telemetry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the target tells of itself. ``prometheus`` is a path on its own URL."""

    prometheus: str = ""


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The router under test.

    ``dialect`` is what clients speak to it. Give ``start`` (brownout starts it, for each test anew) or ``url`` (it runs
    already). ``declares`` lists its features (see `FEATURES`); a promise that needs one it does not declare is skipped.
    Left out, the target is held to all of them.

    What it says of its own timing is what it is held to, and tests last as long as that needs: ``failover_within_s`` is
    how long users may go without prompt answers when an endpoint fails; ``cooldown_s`` the longest that it leaves an
    endpoint alone before it asks again; ``recover_within_s`` the time it may take to return to normal.

    ``embedded`` names a router that brownout can also run inside itself, which the virtual clock needs.
    """

    target: str
    dialect: str = "openai-chat"
    start: Start | None = None
    url: str = ""
    tenant: Header = Header(header="x-tenant")
    klass: Header = msgspec.field(default=Header(header="x-traffic-class"), name="class")
    models: list[str] = msgspec.field(default_factory=lambda: ["default"])
    telemetry: Telemetry = Telemetry()
    declares: list[str] | None = None
    failover_within_s: float = 6.0
    cooldown_s: float = 5.0
    recover_within_s: float = 10.0
    api_key: str = "brownout-client"
    embedded: str = ""

    def lacks(self, features: list[str]) -> list[str]:
        """Return those of the features that the target does not declare."""
        return [] if self.declares is None else [name for name in features if name not in self.declares]


def load_target(reference: str) -> tuple[Target, Path]:
    """Return the target of a file or URL, and the folder its relative paths start from.

    Raises:
        BadInput: as `load_yaml`; also for an unknown feature, or neither or both of ``start`` and ``url``.
    """
    if reference.startswith(("http://", "https://")):
        return Target(target=reference, url=reference.rstrip("/")), Path.cwd()
    path = Path(reference)
    target = load_yaml(path, Target)
    dialect_named(target.dialect, where=f"{path}: dialect")
    for name in target.declares or []:
        if name not in FEATURES:
            raise unknown("feature", name, FEATURES, where=f"{path}: declares")
    if bool(target.url) == (target.start is not None):
        raise BadInput(f"{path}: give either start (brownout starts the target) or url (it runs already), not both.")
    if not target.models:
        raise BadInput(f"{path}: models is empty; name at least one model that clients ask for.")
    for name in ("failover_within_s", "cooldown_s", "recover_within_s"):
        if not 0 < getattr(target, name) < math.inf:
            raise BadInput(f"{path}: {name} must be above 0 and finite, not {getattr(target, name):g}.")
    if target.start is not None and not target.start.command:
        raise BadInput(f"{path}: start.command is empty; give the program and its arguments.")
    return target, path.resolve().parent
