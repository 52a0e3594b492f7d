"""A signature does not hold for ever."""

import datetime as dt

from brownout.clock import utc_now
from brownout.conformance import check
from fixtures.conform.probe import Probe


@check(
    level="extended",
    needs=("auth",),
    source="AWS, 'Elements of an AWS API request signature': five minutes",
    requests=2,
)
async def expired_signature_refused(probe: Probe) -> None:
    """A request that was signed an hour ago is refused."""
    await probe.demand_proof()
    exchange = await probe.send(probe.request(), refusable=True, utc=utc_now() - dt.timedelta(hours=1))
    probe.refused(exchange, 400, 401, 403, kinds=("unauthenticated", "denied"))
