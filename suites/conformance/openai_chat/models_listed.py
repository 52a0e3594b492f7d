"""The models are listed."""

from brownout.conformance import check
from brownout.wire import HttpRequest
from fixtures.conform.judging import equal, json_of, must
from fixtures.conform.probe import Probe


@check(level="extended", source="OpenAI API reference, 'List models'")
async def models_listed(probe: Probe) -> None:
    """GET /v1/models lists the models, the one asked for among them."""
    request = HttpRequest(method="GET", path="/v1/models")
    exchange = await probe.whole(request)
    body = json_of(exchange)
    equal("list", body.get("object"), "object")
    names = [entry.get("id") for entry in body.get("data", []) if entry.get("object") == "model"]
    must(probe.subject.model in names, expected=f"{probe.subject.model} among the models", observed=names[:10])
