"""Answering: which attempts a request's answer may be of, by the canaries that both ends have on record. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from brownout.canary import tenant_of
from brownout.evidence import ClientRecord, ProviderRecord
from brownout.owners import is_public


class Answering:
    """One test's attempts, told apart by what was asked.

    For which of the requests that ask a common question an attempt was made, nobody knows: its answer may be given to
    all of them that have not ended by then.

    Args:
        client: the requests.
        attempts: what endpoints received, in order; what bears no canary is passed over.

    Attributes:
        by_canary: the attempts of each request that asked a question of its own.
        by_question: the attempts for each common question, by its canary.
    """

    def __init__(self, client: Iterable[ClientRecord], attempts: Iterable[ProviderRecord]) -> None:
        self._common = {record.canary: record for record in client if record.question}
        asked = defaultdict[str, list[ProviderRecord]](list)
        for record in attempts:
            if record.canary is not None:
                asked[record.canary].append(record)
        self.by_canary = {canary: made for canary, made in asked.items() if not is_public(tenant_of(canary))}
        self.by_question = {canary: made for canary, made in asked.items() if is_public(tenant_of(canary))}

    def question_of(self, request: str) -> str:
        """Return the common question that a request asked; empty where it asked one of its own."""
        asked = self._common.get(request)
        return asked.question if asked else ""

    def to(self, request: str) -> Sequence[ProviderRecord]:
        """Return the attempts that a request's answer may be of."""
        asked = self._common.get(request)
        if asked is None:
            return self.by_canary.get(request, ())
        return [one for one in self.by_question.get(asked.question, ()) if one.arrived_s <= asked.end_s]
