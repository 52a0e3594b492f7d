"""A bearer key serves in a signature's place."""

from brownout.conformance import check
from fixtures.conform.credentials import Credentials
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe


@check(
    level="extended", needs=("bearer-key",), source="AWS, 'Amazon Bedrock API keys': Authorization: Bearer, over TLS"
)
async def bearer_key(probe: Probe) -> None:
    """Over TLS a Bedrock API key is taken in a signature's place."""
    its = probe.subject.credentials
    if not its.bearer_token:
        raise probe.lacks("the credentials file has no bearer_token to try")
    if not probe.subject.address.is_tls:
        raise probe.lacks("the endpoint's address is not https, and a key is not sent in the clear")
    exchange = await probe.whole(credentials=Credentials(bearer_token=its.bearer_token))
    must(probe.answer(exchange).text, expected="a text", observed=exchange.said())
