"""A stream tells its cost to those who ask."""

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe


@check(
    level="extended",
    needs=("usage-in-stream", "streaming"),
    source="OpenAI API reference, 'Create chat completion': stream_options.include_usage",
)
async def usage_on_demand(probe: Probe) -> None:
    """A stream that is not asked for its usage has no chunk without choices, and none with a usage."""
    ask = probe.asked(stream=True)
    body = probe.body(ask)
    body.pop("stream_options", None)
    events = probe.form.events((await probe.streamed(probe.with_body(body, ask))).body)
    for event in events:
        if event.body is not None:
            must(event.body["choices"] and not event.body.get("usage"), expected="chunks of text", observed=event.body)
