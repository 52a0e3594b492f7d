"""An error is JSON too."""

from brownout.conformance import check
from fixtures.conform.judging import equal, must
from fixtures.conform.probe import Probe


@check(level="core", source="RFC 9110, 8.3; the vendors' SDKs read an error's body by its media type")
async def errors_are_json(probe: Probe) -> None:
    """An error says that its body is JSON, and it is."""
    body = probe.body()
    del body[probe.form.required]
    exchange = await probe.send(probe.with_body(body), refusable=True)
    must(exchange.status != 200, expected="an error", observed=exchange.said())
    equal("application/json", exchange.content_type, "Content-Type")
    probe.form.error_name(exchange)
