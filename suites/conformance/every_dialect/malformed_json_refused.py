"""A body that is no JSON is the caller's mistake."""

from brownout.conformance import check
from fixtures.conform.probe import Probe


@check(level="core", source="{reference}: 400 for a body that cannot be parsed")
async def malformed_json_refused(probe: Probe) -> None:
    """A body that is no JSON is refused with 400, as an error of the vendor's shape."""
    broken = probe.request().body[:-2]
    probe.refused(await probe.send(probe.with_body(broken), refusable=True), *probe.form.invalid, kinds=("invalid",))
