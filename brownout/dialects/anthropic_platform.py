"""On whose servers Claude runs, as far as it shows in the model's own replies.

The marks in identifiers are those of public captures of each service: ``msg_01...`` of Anthropic's own API,
``msg_bdrk_01...`` of Amazon Bedrock, ``msg_vrtx_01...`` of Vertex AI, and so for requests and tool calls.
"""

import re

import msgspec

_CALL = "call_"
"""What the emulated model's own tool call ids begin with; each provider has a beginning of its own."""

_BEDROCK_ID = re.compile(r"(?:[a-z-]+\.)?anthropic\.(?P<name>claude-.+?)(?:-v\d+(?::\d+)*(?::\d+k)?)?")
_VERTEX_VERSION = re.compile(r"(?:-v\d+)?@")


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """One platform.

    Attributes:
        mark: what stands in every identifier after its kind.
        names_tier: whether the usage in a reply names the service tier.
        pings: whether streams bear ``ping`` events.
        organization: the ``anthropic-organization-id`` of every reply; empty where there is none.
    """

    mark: str = ""
    names_tier: bool = False
    pings: bool = False
    organization: str = ""

    def headers(self, content_type: str, reply_id: str) -> dict[str, str]:
        """Return the headers of a reply that is no error."""
        headers = {"Content-Type": content_type, "request-id": self.identifier("req", reply_id)}
        return headers | ({"anthropic-organization-id": self.organization} if self.organization else {})

    def identifier(self, kind: str, reply_id: str) -> str:
        """Return an identifier in Anthropic's form: ``req_bdrk_01...`` for kind ``req``."""
        return f"{kind}_{self.mark}01{reply_id[:22]}"

    def tool_id(self, call_id: str) -> str:
        """Return a tool call's identifier in Anthropic's form; one that is not the emulated model's stays as it is."""
        if not call_id.startswith(_CALL):
            return call_id
        return self.identifier("toolu", call_id.removeprefix(_CALL))


ANTHROPIC = Platform(names_tier=True, pings=True, organization="5f0d0c3e-2b5c-4a55-9d3b-0b6f1c7e9a10")
BEDROCK = Platform(mark="bdrk_")
VERTEX = Platform(mark="vrtx_", pings=True)


def claude(model_id: str) -> str:
    """Return the model's name as its own replies bear it, whatever a platform calls it.

    ``anthropic.claude-3-haiku-20240307-v1:0`` and ``claude-3-haiku@20240307`` are ``claude-3-haiku-20240307``. What
    does not tell its model (the ARN of a provisioned one) stays as it is.
    """
    on_bedrock = _BEDROCK_ID.fullmatch(model_id.rpartition("/")[2])
    if on_bedrock is not None:
        return on_bedrock["name"]
    return _VERTEX_VERSION.sub("-", model_id, count=1) if "@" in model_id else model_id
