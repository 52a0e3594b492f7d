"""The member ``p`` of Bedrock's stream events, which hides their length from who watches the encrypted stream.

Seen in public captures of ConverseStream and InvokeModelWithResponseStream; clients pass over it. The service draws its
length at random. Here it follows from the event's own length, so that one reply is always the same bytes.
"""

_ALPHABET = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_LENGTHS = 61
_ENDS = tuple(b',"p":"' + _ALPHABET[: 1 + 7 * n % 62] + b'"}' for n in range(_LENGTHS))


def padded(payload: bytes) -> bytes:
    """Return a JSON object that is not empty, with its padding as the last member."""
    return payload[:-1] + _ENDS[len(payload) % _LENGTHS]
