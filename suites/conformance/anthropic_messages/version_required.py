"""The request says which version it is written in."""

import msgspec

from brownout.conformance import check
from fixtures.conform.probe import Probe


@check(level="extended", source="Claude API reference, 'Versions': anthropic-version is required")
async def version_required(probe: Probe) -> None:
    """A request without the header anthropic-version is refused as invalid."""
    request = probe.request()
    headers = {name: value for name, value in request.headers.items() if name.lower() != "anthropic-version"}
    exchange = await probe.send(msgspec.structs.replace(request, headers=headers), refusable=True)
    probe.refused(exchange, 400, kinds=("invalid",))
