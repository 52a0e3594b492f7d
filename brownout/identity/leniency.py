"""Leniency: what an emulated endpoint overlooks for a target that could not be tested else, and says so each time.

A target's file asks for it by name. Every request that was let in only thus is marked in ``provider.jsonl``.
"""

import datetime as dt

import msgspec

from brownout.dialects.headers import header
from brownout.identity.harms import Admitted, Gate
from brownout.identity.sigv4 import CredentialRefusal
from brownout.wire import HttpRequest, Refusal

HOST_WITHOUT_PORT = "sigv4-host-without-port"
LENIENCIES = {
    HOST_WITHOUT_PORT: "takes an AWS signature made over the host's name without its port, though the port was sent",
}
"""All leniencies, each with its meaning.

AWS's own endpoints are at port 443, which no client sends; a client that signs the bare name is right there, and is
wrong only at the odd ports of an emulated cloud.
"""


class HostWithoutPort:
    """A gate that tries a signature again as if the ``Host`` header had no port.

    Args:
        gate: the strict one. What it refuses for another reason stays refused, in its words.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def check(self, request: HttpRequest, utc: dt.datetime, *, secure: bool) -> Admitted:
        """Raise `Refusal` as the strict gate does; what is let in only thus says so."""
        try:
            return self._gate.check(request, utc, secure=secure)
        except CredentialRefusal as refusal:
            bare = _without_port(request)
            if bare is None or refusal.code != "InvalidSignatureException":
                raise
            try:
                admitted = self._gate.check(bare, utc, secure=secure)
            except Refusal:
                raise refusal from None
        return admitted._replace(leniency=HOST_WITHOUT_PORT)


def _without_port(request: HttpRequest) -> HttpRequest | None:
    name, colon, _ = (header(request.headers, "host") or "").rpartition(":")
    if not colon:
        return None
    headers = {key: value for key, value in request.headers.items() if key.lower() != "host"}
    return msgspec.structs.replace(request, headers={**headers, "host": name})
