"""What many providers do not have: a server half says so by its bases."""

import datetime as dt
from collections.abc import Mapping

from brownout.wire import Ask, HttpReply, Meter, Refusal


class NoCount:
    """The dialect has no operation that counts tokens, so no `Ask` of its own has ``count``."""

    def counted(self, ask: Ask, prompt_tokens: int, *, reply_id: str) -> HttpReply:
        """Never asked for."""
        del ask, prompt_tokens, reply_id
        raise Refusal("not-found")


class NoStanding:
    """The provider does not say what is left of a caller's quotas."""

    def standing(self, meters: Mapping[str, Meter], *, utc: dt.datetime) -> Mapping[str, str]:
        """Return no headers."""
        del meters, utc
        return {}
