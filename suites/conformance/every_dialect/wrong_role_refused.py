"""A role that nobody plays is refused."""

from brownout.conformance import check
from fixtures.conform.judging import changed
from fixtures.conform.probe import Probe


@check(level="extended", source="{reference}: the roles of a conversation")
async def wrong_role_refused(probe: Probe) -> None:
    """A turn of a role that does not exist is refused as invalid, as an error of the vendor's shape."""
    body = changed(probe.body(), probe.form.role_at, "robot")
    probe.refused(await probe.send(probe.with_body(body), refusable=True), *probe.form.invalid, kinds=("invalid",))
