"""Target: the router under test, as its file describes it."""

import math
from collections.abc import Collection
from pathlib import Path

import msgspec

from brownout.dialects import dialect_named
from brownout.errors import BadInput, unknown
from brownout.identity.leniency import LENIENCIES
from brownout.loading import load_yaml
from brownout.shaping import Shaping
from brownout.telemetry import Telemetry

FEATURES = {
    "failover": "sends a request elsewhere when an endpoint fails it",
    "fail-back": "returns to the endpoint that it left, the preferred one or one of many, after that has healed",
    "breaker": "leaves an endpoint that keeps failing, it alone, and not only the request that failed",
    "latency-breaker": "leaves an endpoint whose first tokens are late, though it fails nothing",
    "bounded-probes": "asks a sick endpoint now and then, and by few at once, whether it has healed",
    "partial-open": "lets a healed endpoint have a trickle first, and more only on sustained health",
    "retry-budget": "bounds the retries of all requests together: fewer than there are requests when everything fails",
    "final-rejections": "asks nobody else when a request is too long for a model or filtered by a provider",
    "uncounted-answers": "takes an answer for whole whose provider does not say how many tokens it cost",
    "normalised-errors": "tells clients of an error in the same form whichever provider sent it",
    "retry-after": "stays away from an endpoint for as long as the endpoint says",
    "first-token-timeout": "gives up on an endpoint that does not begin to answer",
    "host-names": "finds the endpoints by the world's name server (dns in world.json), anew once names have expired",
    "streaming": "passes a stream on as it comes",
    "provisioned-first": "uses provisioned capacity first for interactive requests",
    "class-routing": "never sends background work to provisioned capacity",
    "fair-share": "lets no tenant's burst take the capacity that others share with it",
    "load-shedding": "refuses at once what it has no capacity for, background work first, and says when to come back",
    "credential-refresh": "renews credentials before they end, however short their life, and uses them while they hold",
    "secretless": "calls AWS and Google with temporary credentials alone, had for what it is and not for a secret",
    "tenant-boundary": "keeps each tenant's data at the endpoints allowed for it, and fails closed",
    "content-routing": "sends requests where what they say says (for a cache of prefixes), so that others may feel it",
    "no-data-in-telemetry": "puts no tenant's data into its metrics, nor into spans and log lines that it sends",
    "no-data-written": "writes no tenant's data to its output or to files",
    "ab-shares": "splits the requests for a model over the arms of an experiment, by their shares",
    "flag-rollback": "ends an experiment while it runs, when it is told to",
    "shadow-traffic": "sends a copy of a share of the requests for a model elsewhere, and lets nobody feel that",
    "batch": "takes files of requests by OpenAI's Batch API, as background work, and shows each to its tenant alone",
    "telemetry": "tells in its metrics how many requests it had, and how many of these got no whole answer",
    "telemetry-attempts": "tells how many requests it sent to each provider",
    "telemetry-tokens": "tells how many tokens were put out",
    "telemetry-failovers": "tells how often a request went elsewhere because an endpoint had failed it",
}


OF_DATA = ("no-data-in-telemetry", "no-data-written")
"""Features by which a tenant's data stays inside its boundary as much as by where requests are sent."""


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
    installed into an environment of the target's own under ``.targets/``; ``packages`` is a ``package.json`` that npm
    installs there instead. ``side_by_side`` is how many of it one machine bears at once: a heavy target is played in
    fewer tests at a time (``--jobs`` says otherwise), and tests with a burst of load alone. ``sees`` are files and
    folders that it reads when it is sealed (``--seal``), besides its program, what its command names and the machine's
    own.
    """

    command: list[str]
    config: str = ""
    env: dict[str, str] = msgspec.field(default_factory=dict)
    ready: Ready = Ready()
    requirements: str = ""
    packages: str = ""
    side_by_side: int | None = None
    sees: list[str] = msgspec.field(default_factory=list)


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The HTTP header that carries a fact to the target."""

    header: str


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The router under test.

    ``dialect`` is what clients speak to it. Give ``start`` (brownout starts it, for each test anew) or ``url`` (it runs
    already). ``declares`` lists its features (see `FEATURES`); a promise that needs one it does not declare is skipped.
    Left out, the target is held to all of them. ``forgoes`` lists those of `OF_DATA` that it is known not to have. Who
    declares ``tenant-boundary`` and neither declares nor forgoes one of these is not held to it, and not passed either
    where it is seen not to hold.

    What it says of its own timing is what it is held to, and tests last as long as that needs: ``failover_within_s`` is
    how long users may go without prompt answers when an endpoint fails; ``cooldown_s`` the longest that it leaves an
    endpoint alone before it asks again; ``recover_within_s`` the time it may take to return to normal.

    ``prefix`` goes before the dialect's own paths; ``models`` are asked for in turn, ``{tenant}`` filled in.
    ``headers`` are sent with each request besides: by name, a Jinja template beside the target's file, rendered for
    each tenant of ``world.json``. ``topology`` is the one it is for, where none is asked for. ``lenient`` names what
    the emulated clouds overlook for its sake (`brownout.identity.leniency`); each use is on record. ``product`` is what
    people call it.

    ``embedded`` names a router that brownout can also run inside itself, which the virtual clock needs.
    """

    target: str
    product: str = ""
    topology: str = ""
    dialect: str = "openai-chat"
    start: Start | None = None
    url: str = ""
    prefix: str = ""
    tenant: Header = Header(header="x-tenant")
    klass: Header = msgspec.field(default=Header(header="x-traffic-class"), name="class")
    models: list[str] = msgspec.field(default_factory=lambda: ["default"])
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    lenient: list[str] = msgspec.field(default_factory=list)
    telemetry: Telemetry = Telemetry()
    shaping: Shaping = Shaping()
    declares: list[str] | None = None
    forgoes: list[str] = msgspec.field(default_factory=list)
    failover_within_s: float = 6.0
    cooldown_s: float = 5.0
    recover_within_s: float = 10.0
    api_key: str = "brownout-client"
    embedded: str = ""

    def lacks(self, features: list[str]) -> list[str]:
        """Return those of the features that the target does not declare, or does not describe where they need it."""
        bare = self.undescribed
        return [name for name in features if name in bare or (self.declares is not None and name not in self.declares)]

    def leaves_open(self, features: Collection[str]) -> bool:
        """Return whether it keeps tenants' boundaries, and does not say of one of these features that it lacks it."""
        open_ones = set(OF_DATA).intersection(self.lacks(list(features))) - set(self.forgoes)
        return bool(open_ones) and not self.lacks(["tenant-boundary"])

    @property
    def undescribed(self) -> list[str]:
        """The features that only ``shaping`` and ``telemetry`` could make anything of, and that these leave out."""
        return [name for name, there in (self.shaping.features | self.telemetry.features).items() if not there]


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
    _check_features(target, path)
    if bool(target.url) == (target.start is not None):
        raise BadInput(f"{path}: give either start (brownout starts the target) or url (it runs already), not both.")
    if not target.models:
        raise BadInput(f"{path}: models is empty; name at least one model that clients ask for.")
    for name in ("failover_within_s", "cooldown_s", "recover_within_s"):
        if not 0 < getattr(target, name) < math.inf:
            raise BadInput(f"{path}: {name} must be above 0 and finite, not {getattr(target, name):g}.")
    _check_start(target, path)
    return target, path.resolve().parent


def _check_start(target: Target, path: Path) -> None:
    for name in target.lenient:
        if name not in LENIENCIES:
            raise unknown("leniency", name, LENIENCIES, where=f"{path}: lenient")
    if target.start is None:
        if target.lenient or target.headers:
            raise BadInput(
                f"{path}: lenient and headers need a world raised with the target; with url, leave them out."
            )
        return
    if not target.start.command:
        raise BadInput(f"{path}: start.command is empty; give the program and its arguments.")
    if target.start.requirements and target.start.packages:
        raise BadInput(f"{path}: start: give either requirements (pip) or packages (npm), not both.")


def _check_features(target: Target, path: Path) -> None:
    for name in target.declares or []:
        if name not in FEATURES:
            raise unknown("feature", name, FEATURES, where=f"{path}: declares")
        if name in target.undescribed:
            part = "shaping" if name in target.shaping.features else "telemetry"
            raise BadInput(f"{path}: declares {name}, and {part} does not say how. Describe it there, or leave it out.")
    for name in target.forgoes:
        if name not in OF_DATA:
            raise unknown("feature to forgo", name, OF_DATA, where=f"{path}: forgoes")
        if not target.lacks([name]):
            raise BadInput(f"{path}: {name} is both declared and forgone. Leave it out of one of them.")
    target.shaping.check(where=f"{path}: shaping")
    target.telemetry.check(where=f"{path}: telemetry")
