"""The dialects spoken on the wire: one file each, registered here."""

from brownout.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from brownout.dialects.bedrock_converse import BEDROCK_CONVERSE
from brownout.dialects.bedrock_invoke import BEDROCK_INVOKE
from brownout.dialects.openai_chat import OPENAI_CHAT
from brownout.dialects.sagemaker_invoke import SAGEMAKER_INVOKE
from brownout.dialects.vertex_generate import VERTEX_GENERATE
from brownout.dialects.vertex_rawpredict import VERTEX_RAWPREDICT
from brownout.errors import unknown
from brownout.wire import Dialect

_ALL = (
    ANTHROPIC_MESSAGES,
    BEDROCK_CONVERSE,
    BEDROCK_INVOKE,
    OPENAI_CHAT,
    SAGEMAKER_INVOKE,
    VERTEX_GENERATE,
    VERTEX_RAWPREDICT,
)
DIALECTS = {dialect.name: dialect for dialect in _ALL}


def dialect_named(name: str, *, where: str = "") -> Dialect:
    """Return the dialect of that name; raises `BadInput` with the nearest match when there is none."""
    try:
        return DIALECTS[name]
    except KeyError:
        raise unknown("dialect", name, DIALECTS, where=where) from None
