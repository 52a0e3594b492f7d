"""A reply can be found again."""

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe


@check(
    level="extended",
    needs=("request-id",),
    source="{reference}: x-request-id, request-id, x-amzn-RequestId, responseId",
    requests=2,
)
async def request_id(probe: Probe) -> None:
    """Every reply bears an id of its own, where the vendor's replies do."""
    first, second = [probe.form.request_id(await probe.whole(probe.asked(max_tokens=8))) for _ in range(2)]
    if not first and not second:
        raise probe.lacks("its replies bear no request id")
    must(first and second and first != second, expected="two different ids", observed=f"{first!r}, {second!r}")
