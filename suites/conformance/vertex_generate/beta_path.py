"""The beta version of the API answers too."""

import msgspec

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe


@check(level="extended", source="Google's discovery document of aiplatform v1beta1; google-genai's default version")
async def beta_path(probe: Probe) -> None:
    """The same request by the path of v1beta1 is answered."""
    request = probe.request()
    beta = msgspec.structs.replace(request, path=request.path.replace("/v1/", "/v1beta1/", 1))
    exchange = await probe.whole(beta)
    must(probe.answer(exchange).text, expected="a text", observed=exchange.said())
