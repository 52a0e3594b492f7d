"""Whoever says so wrongly is not answered."""

from brownout.conformance import check
from fixtures.conform.credentials import Credentials
from fixtures.conform.probe import Probe


@check(level="extended", needs=("auth",), source="{reference}", requests=2)
async def wrong_credentials_refused(probe: Probe) -> None:
    """Credentials that nobody issued are refused, as an error of the vendor's shape."""
    await probe.demand_proof()
    made_up = Credentials(
        api_key="sk-brownout-nobody-issued-this-key",
        access_key_id="AKIABROWNOUTNOBODYS0",
        secret_access_key="nobody/issued/this/secret/access/key+0000",  # noqa: S106 - made up
        region=probe.subject.credentials.region,
        access_token="nobody-issued-this-token",  # noqa: S106 - made up
    )
    exchange = await probe.send(probe.request(), credentials=made_up, refusable=True)
    probe.refused(exchange, *probe.form.unauthenticated, kinds=("unauthenticated", "denied"))
