"""An error says which parameter is wrong."""

from brownout.conformance import check
from fixtures.conform.judging import equal, json_of
from fixtures.conform.probe import Probe


@check(level="extended", source="OpenAI's guide 'Error codes'; openai-python's APIError: param")
async def error_names_the_parameter(probe: Probe) -> None:
    """A refusal for one parameter's sake names it in error.param."""
    body = probe.body() | {"temperature": 99}
    exchange = await probe.send(probe.with_body(body), refusable=True)
    probe.refused(exchange, 400)
    equal("temperature", json_of(exchange)["error"].get("param"), "error.param")
