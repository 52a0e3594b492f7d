"""What must be there must be there."""

from brownout.conformance import check
from fixtures.conform.probe import Probe


@check(level="core", source="{reference}: required members")
async def missing_member_refused(probe: Probe) -> None:
    """A body without its required member is refused with 400, as an error of the vendor's shape."""
    body = probe.body()
    del body[probe.form.required]
    probe.refused(await probe.send(probe.with_body(body), refusable=True), *probe.form.invalid, kinds=("invalid",))
