"""Canaries in what clouds grant: a token or a key that turns up where it has no business says so itself.

They stand in place of letters that were drawn, so that a marked credential is as long as any, of the same alphabet, and
all that is drawn after it is what it would be.
"""

import base64
from collections import Counter

from brownout.canary import CanaryMint, Own

_LINE_LETTERS = 64
_LOCAL_KEY_ID = bytes.fromhex("06092a864886f70d010915")  # PKCS #9's localKeyId, an OID in DER


class Marks:
    """Marks the credentials of one world.

    Args:
        mint: makes the canaries; None: nothing is marked.
    """

    def __init__(self, mint: CanaryMint | None = None) -> None:
        self._mint = mint
        self._granted: Counter[Own] = Counter()

    def put(self, text: str, owner: Own, *, at: int, number: int | None = None) -> str:
        """Return a credential with a canary in it.

        Args:
            text: the credential; a canary goes over `brownout.canary.PREFIX` and `BODY_CHARS` of its letters.
            owner: what it is.
            at: how many letters stay before it; of base64 a multiple of four, and it stays base64.
            number: the canary's; left out: the how manieth of its owner's it is.
        """
        if self._mint is None:
            return text
        value = self._value(self._mint, owner, number)
        return f"{text[:at]}{value}{text[at + len(value) :]}"

    def put_in_key(self, pem: str, owner: Own) -> str:
        """Return a private key (PKCS #8 in PEM, of 256 bytes and more) with a canary among its attributes.

        Attributes are a key's own and no part of its numbers (RFC 5208, 5): whoever reads it passes them over.
        """
        if self._mint is None:
            return pem
        first, *lines, last = pem.splitlines()
        content = base64.b64decode("".join(lines))[4:]  # without a sequence's tag, and a length of two bytes
        value = self._value(self._mint, owner, None).encode()
        attribute = _der(0x30, _LOCAL_KEY_ID + _der(0x31, _der(0x04, value)))
        content += _der(0xA0, attribute)
        letters = base64.b64encode(b"\x30\x82" + len(content).to_bytes(2, "big") + content).decode()
        lines = [letters[at : at + _LINE_LETTERS] for at in range(0, len(letters), _LINE_LETTERS)]
        return "\n".join([first, *lines, last, ""])

    def _value(self, mint: CanaryMint, owner: Own, number: int | None) -> str:
        self._granted[owner] += 1
        return mint.value(owner, self._granted[owner] if number is None else number, "credential")


def _der(tag: int, content: bytes) -> bytes:
    """Return something short in DER."""
    return bytes([tag, len(content)]) + content
