"""A signature holds in one region."""

import msgspec

from brownout.conformance import check
from fixtures.conform.probe import Probe


@check(
    level="extended", needs=("auth",), source="AWS, 'Create a signed AWS API request': the credential scope", requests=2
)
async def wrong_region_refused(probe: Probe) -> None:
    """A request that was signed for another region is refused."""
    await probe.demand_proof()
    its = probe.subject.credentials
    elsewhere = msgspec.structs.replace(its, region="sa-east-1" if its.region != "sa-east-1" else "us-west-2")
    exchange = await probe.send(probe.request(), refusable=True, credentials=elsewhere)
    probe.refused(exchange, 400, 401, 403, kinds=("unauthenticated", "denied"))
