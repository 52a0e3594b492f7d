"""Whose a canary is, in words: a tenant's, a router's own, or nobody's."""

from collections.abc import Mapping

from brownout.canary import OWN, PUBLIC

_WORDS: Mapping[str, str] = {
    "router@aws": "AWS token",
    "router@aws-secret": "AWS secret access key",
    "router@google": "Google token",
    "router@google-secret": "Google private key",
    "router@keys": "API key",
}


def is_own(owner: str) -> bool:
    """Return whether something is a router's own credential, and no tenant's data."""
    return owner in OWN


def is_public(owner: str) -> bool:
    """Return whether something is nobody's: a question that anybody may ask, or an answer to one."""
    return owner in PUBLIC


def whose(owner: str, what: str) -> str:
    """Return whose something is: ``acme's prompt``, ``the router's AWS token``.

    Args:
        owner: a tenant, or one of `brownout.canary.OWN`.
        what: what of a tenant's it is, in words.
    """
    own = _WORDS.get(owner)
    return f"the router's {own}" if own else f"{owner}'s {what}"
