"""A member of another type is refused."""

from brownout.conformance import check
from fixtures.conform.probe import Probe


@check(level="extended", source="{reference}: types of members")
async def wrong_type_refused(probe: Probe) -> None:
    """A number where the conversation ought to stand is refused with 400, as an error of the vendor's shape."""
    body = probe.body() | {probe.form.required: 7}
    probe.refused(await probe.send(probe.with_body(body), refusable=True), *probe.form.invalid, kinds=("invalid",))
