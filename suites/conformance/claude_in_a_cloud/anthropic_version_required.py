"""The body says which version it is written in."""

from brownout.conformance import check
from fixtures.conform.probe import Probe


@check(level="extended", source="AWS's and Google's guides to Claude: anthropic_version in the body")
async def anthropic_version_required(probe: Probe) -> None:
    """A body without anthropic_version is refused as invalid."""
    body = probe.body()
    del body["anthropic_version"]
    probe.refused(await probe.send(probe.with_body(body), refusable=True), 400, kinds=("invalid",))
