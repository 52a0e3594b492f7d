"""A request's body that has to be one JSON object."""

from typing import Any

import msgspec

from brownout.wire import Refusal

_decode = msgspec.json.Decoder().decode


def json_object(raw: bytes, *, no_json: str, no_object: str, code: str = "") -> dict[str, Any]:
    """Return the JSON object in a request's bytes.

    Args:
        raw: the body.
        no_json: the provider's words for bytes that are no JSON; what is wrong with them is put into its ``{}``.
        no_object: the provider's words for JSON that is no object.
        code: the provider's name for either error.

    Raises:
        Refusal: ``invalid``, when there is none.
    """
    try:
        body = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal("invalid", no_json.format(error), code=code) from None
    if not isinstance(body, dict):
        raise Refusal("invalid", no_object, code=code)
    return body
