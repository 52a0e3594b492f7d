"""What the container refuses comes wrapped."""

from brownout.conformance import check
from fixtures.conform.judging import equal, json_of, must
from fixtures.conform.probe import Probe


@check(level="extended", source="botocore's sagemaker-runtime service model, ModelError")
async def container_errors_wrapped(probe: Probe) -> None:
    """What the container refuses is a ModelError (424), with the container's status and words within."""
    body = probe.body()
    del body["messages"]
    exchange = await probe.send(probe.with_body(body), refusable=True)
    equal("ModelError", probe.refused(exchange, 424), "name of the error")
    said = json_of(exchange)
    status = said.get("OriginalStatusCode")
    must(isinstance(status, int) and 400 <= status < 500, expected="the container's 4xx", observed=said)
    must(said.get("OriginalMessage"), expected="the container's words", observed=said)
