"""Nobody answers for a model that is not there."""

import msgspec

from brownout.conformance import check
from fixtures.conform.probe import Probe


@check(level="core", source="{reference}: a model that does not exist")
async def unknown_model_refused(probe: Probe) -> None:
    """A model that does not exist is refused, as an error of the vendor's shape; nothing else answers in its stead."""
    ask = msgspec.structs.replace(probe.asked(), model="brownout-no-such-model")
    exchange = await probe.send(probe.request(ask), refusable=True)
    probe.refused(exchange, *probe.form.unknown_model, kinds=("not-found", "invalid", "denied"))
