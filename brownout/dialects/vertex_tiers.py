"""Which capacity a call to Vertex AI asks for, in headers (Google: "Use Provisioned Throughput", "Priority PayGo")."""

from collections.abc import Mapping

from brownout.dialects.headers import header

_REQUEST_TYPE = "X-Vertex-AI-LLM-Request-Type"
_SHARED_REQUEST_TYPE = "X-Vertex-AI-LLM-Shared-Request-Type"
_REQUEST_TYPES = frozenset({"dedicated", "shared"})


def asked_tier(headers: Mapping[str, str]) -> str:
    """Return what the headers ask for: ``dedicated``, ``shared``, ``priority``, ``flex``; several joined by a comma."""
    sent = (header(headers, name.lower()) for name in (_REQUEST_TYPE, _SHARED_REQUEST_TYPE))
    return ",".join(word.strip().lower() for word in sent if word)


def tier_headers(tier: str) -> dict[str, str]:
    """Return the headers that ask for that."""
    words = [word for word in tier.split(",") if word]
    return {_REQUEST_TYPE if word in _REQUEST_TYPES else _SHARED_REQUEST_TYPE: word for word in words}
