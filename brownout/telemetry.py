"""Telemetry: how a target tells of itself, and what in it means what."""

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Literal

import msgspec

from brownout.errors import BadInput
from brownout.exposition import Exposition, chosen, read_selector

COUNTED = ("requests", "errors", "attempts", "tokens", "failovers")


class Says(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of a target's counters tell what: selectors (see `brownout.exposition`), summed. Empty: it does not tell.

    Attributes:
        requests: requests that clients sent it.
        errors: those of them that their clients did not get a whole answer to.
        attempts: requests that it sent to providers.
        by: the label of ``attempts`` that names the provider, by anything that a place is named by: an endpoint's name,
            a region, a cloud, a provider.
        called: what values of that label mean, where they are not a place's name.
        tokens: output tokens.
        failovers: requests that went to another endpoint after one had failed them; or each such move.
    """

    requests: str = ""
    errors: str = ""
    attempts: str = ""
    by: str = ""
    called: Mapping[str, str] = msgspec.field(default_factory=dict)
    tokens: str = ""
    failovers: str = ""


# OpenTelemetry's semantic conventions for generative AI (metrics, and the values of gen_ai.provider.name) as exporters
# write them for Prometheus: dots become underscores; a unit of seconds is appended or not, by their settings.
CONVENTIONS: Mapping[str, Says] = {
    "otel-genai": Says(
        requests="gen_ai_server_request_duration_seconds_count or gen_ai_server_request_duration_count",
        errors='gen_ai_server_request_duration_seconds_count{error_type!=""} '
        'or gen_ai_server_request_duration_count{error_type!=""}',
        attempts="gen_ai_client_operation_duration_seconds_count or gen_ai_client_operation_duration_count",
        by="gen_ai_provider_name",
        called={"aws.bedrock": "bedrock", "gcp.vertex_ai": "vertex"},
        tokens='gen_ai_client_token_usage_sum{gen_ai_token_type="output"}',
    )
}


class Telemetry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the target tells of itself, and how.

    ``prometheus`` is a path on its own URL; ``convention`` a set of names that it follows; what ``says`` names goes
    before these.
    """

    prometheus: str = ""
    convention: Literal["", "otel-genai"] = ""
    says: Says = Says()

    @property
    def told(self) -> Says:
        """Return what means what, by the convention and by what is said besides."""
        known = CONVENTIONS.get(self.convention, Says())
        own = {name: value for name, value in msgspec.structs.asdict(self.says).items() if value}
        return msgspec.structs.replace(known, **own)

    @property
    def features(self) -> dict[str, bool]:
        """Return, by feature, whether it is described well enough to be held to it."""
        told, read = self.told, bool(self.prometheus)
        return {
            "telemetry": read and bool(told.requests and told.errors),
            "telemetry-attempts": read and bool(told.attempts and told.by),
            "telemetry-tokens": read and bool(told.tokens),
            "telemetry-failovers": read and bool(told.failovers),
        }

    def check(self, *, where: str) -> None:
        """Raise `BadInput` for a selector that cannot be read, and for what cannot be asked for."""
        told = self.told
        for name in COUNTED:
            if text := getattr(told, name):
                read_selector(text, where=f"{where}.says.{name}")
        if told != Says() and not self.prometheus:
            raise BadInput(
                f"{where}: it says what, and not where. Add prometheus: the path of its metrics, /metrics say."
            )
        if self.prometheus and not self.prometheus.startswith("/"):
            raise BadInput(f"{where}.prometheus: {self.prometheus!r} is no path; begin it with '/'.")


def total(text: str, said: Exposition) -> float | None:
    """Return what a selector sums up to; None where nothing is known by its name."""
    found = chosen(read_selector(text), said)
    return None if found is None else math.fsum(one.value for one in found.of(said))


def totals_by(text: str, label: str, said: Exposition) -> dict[str, float] | None:
    """Return what a selector sums up to by the values of a label; None where nothing is known by its name."""
    found = chosen(read_selector(text), said)
    if found is None:
        return None
    totals: dict[str, float] = defaultdict(float)
    for one in found.of(said):
        totals[one.labels.get(label, "")] += one.value
    return dict(totals)
