"""A bound on the answer must be given."""

from brownout.conformance import check
from fixtures.conform.probe import Probe


@check(level="extended", source="Claude API reference, 'Messages': max_tokens is required")
async def max_tokens_required(probe: Probe) -> None:
    """A request without max_tokens is refused as invalid."""
    body = probe.body()
    del body["max_tokens"]
    probe.refused(await probe.send(probe.with_body(body), refusable=True), 400, kinds=("invalid",))
