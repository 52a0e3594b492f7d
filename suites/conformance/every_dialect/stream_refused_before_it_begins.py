"""A stream that cannot begin is an error, not a stream."""

from brownout.conformance import check
from fixtures.conform.probe import Probe


@check(
    level="core",
    needs=("streaming",),
    source="{reference}: 400 for an invalid request, streamed or not",
)
async def stream_refused_before_it_begins(probe: Probe) -> None:
    """An invalid request for a stream is refused with 400 and an error of the vendor's shape, not with a 200."""
    ask = probe.asked(stream=True)
    body = probe.body(ask)
    del body[probe.form.required]
    probe.refused(await probe.send(probe.with_body(body, ask), refusable=True), *probe.form.invalid, kinds=("invalid",))
