"""An error names its request."""

from brownout.conformance import check
from fixtures.conform.judging import equal, json_of
from fixtures.conform.probe import Probe


@check(level="extended", needs=("error-request-id",), source="Claude API reference, 'Errors': request id")
async def error_request_id(probe: Probe) -> None:
    """An error bears its request's id in the body, the one of the header request-id."""
    body = probe.body()
    del body["messages"]
    exchange = await probe.send(probe.with_body(body), refusable=True)
    probe.refused(exchange, 400)
    named = json_of(exchange).get("request_id")
    if not named and not exchange.header("request-id"):
        raise probe.lacks(exchange.said())
    equal(exchange.header("request-id"), named, "request_id")
