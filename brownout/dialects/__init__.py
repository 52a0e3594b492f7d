"""The dialects spoken on the wire: one file each, registered here."""

from brownout.dialects.bedrock_converse import BEDROCK_CONVERSE
from brownout.dialects.openai_chat import OPENAI_CHAT
from brownout.dialects.vertex_generate import VERTEX_GENERATE
from brownout.errors import unknown
from brownout.wire import Dialect

DIALECTS = {dialect.name: dialect for dialect in (BEDROCK_CONVERSE, OPENAI_CHAT, VERTEX_GENERATE)}


def dialect_named(name: str, *, where: str = "") -> Dialect:
    """Return the dialect of that name; raises `BadInput` with the nearest match when there is none."""
    try:
        return DIALECTS[name]
    except KeyError:
        raise unknown("dialect", name, DIALECTS, where=where) from None
