"""A temperature out of its range is refused."""

from brownout.conformance import check
from fixtures.conform.judging import changed
from fixtures.conform.probe import Probe


@check(level="extended", source="{reference}: the range of temperature")
async def temperature_out_of_range_refused(probe: Probe) -> None:
    """A temperature of 99 is refused as invalid, as an error of the vendor's shape."""
    body = changed(probe.body(), probe.form.temperature_at, 99)
    probe.refused(await probe.send(probe.with_body(body), refusable=True), *probe.form.invalid, kinds=("invalid",))
