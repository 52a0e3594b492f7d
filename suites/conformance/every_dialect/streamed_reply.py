"""A streamed reply is of the vendor's shape."""

from brownout.conformance import check
from fixtures.conform.judging import conforms, must
from fixtures.conform.probe import Probe


@check(
    level="core",
    needs=("streaming",),
    source="{reference}: the reply's shape",
)
async def streamed_reply(probe: Probe) -> None:
    """Every event of a streamed reply has the members that the vendor's model requires, each of its type."""
    exchange = await probe.streamed()
    events = probe.form.events(exchange.body)
    must(events, expected="events", observed=exchange.said())
    for event in events:
        model = probe.form.event_model(event)
        if model:
            conforms(model, event.body)
