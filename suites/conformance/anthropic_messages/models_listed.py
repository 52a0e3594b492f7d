"""The models are listed."""

from brownout.conformance import check
from brownout.wire import HttpRequest
from fixtures.conform.judging import json_of, must
from fixtures.conform.probe import Probe


@check(level="extended", source="Claude API reference, 'List models'")
async def models_listed(probe: Probe) -> None:
    """GET /v1/models lists the models, page by page."""
    headers = {"anthropic-version": "2023-06-01"}
    body = json_of(await probe.whole(HttpRequest(method="GET", path="/v1/models", headers=headers)))
    must("has_more" in body and "first_id" in body, expected="a page of models", observed=sorted(body))
    entries = body.get("data") or [{}]
    must(entries[0].get("type") == "model", expected="entries of the type 'model'", observed=entries[:2])
