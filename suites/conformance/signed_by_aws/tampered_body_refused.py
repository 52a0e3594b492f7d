"""What was signed is what counts."""

import msgspec

from brownout.conformance import check
from fixtures.conform.probe import Probe


@check(
    level="extended",
    needs=("auth",),
    source="AWS, 'Create a signed AWS API request': the body's hash is signed",
    requests=2,
)
async def tampered_body_refused(probe: Probe) -> None:
    """A body that was changed after it was signed is refused."""
    await probe.demand_proof()
    other = probe.request(probe.asked("Say goodbye.")).body
    exchange = await probe.send(
        probe.request(), refusable=True, then=lambda request: msgspec.structs.replace(request, body=other)
    )
    probe.refused(exchange, 400, 401, 403, kinds=("unauthenticated", "denied"))
