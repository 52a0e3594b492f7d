"""A member that the API does not know is refused."""

from brownout.conformance import check
from fixtures.conform.probe import Probe


@check(level="extended", source="{reference}: the members of a request")
async def unknown_member_refused(probe: Probe) -> None:
    """A member that the API does not know is refused as invalid: a misspelt setting must not be passed over."""
    body = probe.body() | {"brownout_no_such_member": 1}
    probe.refused(await probe.send(probe.with_body(body), refusable=True), *probe.form.invalid, kinds=("invalid",))
