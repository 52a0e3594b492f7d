"""Counts as OpenTelemetry's conventions for generative AI name them, written for Prometheus."""

from collections import Counter
from collections.abc import Mapping

from fixtures.router.tally import Tally

_PROVIDERS = {"bedrock": "aws.bedrock", "vertex": "gcp.vertex_ai"}


class OtelTally(Tally):
    """The same counts in other words: by provider, and no failovers, which the conventions do not know.

    Args:
        providers: each endpoint's.
    """

    def __init__(self, providers: Mapping[str, str]) -> None:
        super().__init__()
        self._provider = {name: _PROVIDERS.get(provider, provider) for name, provider in providers.items()}

    def text(self) -> str:
        """Return the counts in Prometheus's text format."""
        requests: Counter[str] = Counter()
        for (outcome, kind), count in self.requests.items():
            requests["" if outcome == "ok" else kind or outcome] += count
        attempts: Counter[tuple[str, str]] = Counter()
        for (endpoint, kind), count in self.attempts.items():
            attempts[self._provider[endpoint], "" if kind == "ok" else kind] += count
        tokens: Counter[str] = Counter()
        for endpoint, count in self.output_tokens.items():
            tokens[self._provider[endpoint]] += count
        lines = ["# TYPE gen_ai_server_request_duration_seconds histogram"]
        lines += [
            f'gen_ai_server_request_duration_seconds_count{{error_type="{kind}"}} {count}'
            for kind, count in sorted(requests.items())
        ]
        lines += ["# TYPE gen_ai_client_operation_duration_seconds histogram"]
        operations = "gen_ai_client_operation_duration_seconds_count"
        lines += [
            f'{operations}{{gen_ai_provider_name="{name}",error_type="{kind}"}} {count}'
            for (name, kind), count in sorted(attempts.items())
        ]
        lines += ["# TYPE gen_ai_client_token_usage histogram"]
        lines += [
            f'gen_ai_client_token_usage_sum{{gen_ai_provider_name="{name}",gen_ai_token_type="output"}} {count}'
            for name, count in sorted(tokens.items())
        ]
        return "\n".join(lines) + "\n"
