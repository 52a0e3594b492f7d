"""Routers that leak, by one way each. A boundary that nobody could cross unseen is one that each of them was seen at.

Adding one is a few lines in the file of its channel, and a line here. They are played on ``suites/boundary`` alone.
"""

from collections.abc import Mapping
from types import MappingProxyType

from suites.selftest.leaks import batches, ciphers, keys, neighbours, parts, places, sideways, spellings
from suites.selftest.planted.base import Planted

LEAKS: Mapping[str, Planted] = MappingProxyType(
    {
        one.name: one
        for one in (
            places.RETRIES_ABROAD,
            places.SPILLS_ABROAD,
            places.HEDGES_ABROAD,
            places.WIDER_ON_RETRY,
            places.SPLITS_ABROAD,
            places.PROBES_WITH_PROMPTS,
            places.RESUMES_ABROAD,
            places.REJECTED_ABROAD,
            spellings.BASE64_IN_A_HEADER,
            spellings.GZIPPED_METRICS,
            spellings.NESTED_PAYLOAD,
            spellings.IN_PIECES,
            spellings.HEX_IN_THE_ADDRESS,
            parts.MODERATES_ABROAD,
            parts.EMBEDS_ABROAD,
            parts.TELLS_ITS_INSTRUCTIONS,
            parts.PASSES_TOKENS_ON,
            neighbours.CACHES_FOR_ALL,
            neighbours.CACHES_BY_QUESTION,
            neighbours.JOINS_ASKERS,
            neighbours.ANSWERS_THE_NEXT,
            neighbours.QUOTES_IN_ERRORS,
            neighbours.REMEMBERS_FOR_ALL,
            sideways.LOGS_PROMPTS,
            sideways.PREVIEWS_PROMPTS,
            sideways.DUMPS_BROKEN,
            sideways.DUMPS_THE_WIRE,
            sideways.COUNTS_PROMPTS,
            sideways.TRACES_PROMPTS,
            sideways.SHIPS_ANSWERS,
            sideways.REPLAYS_ON_START,
            batches.BATCHES_AT_THE_IDLE,
            batches.BATCHES_FOR_ALL,
            batches.BATCHES_ON_DISK,
            batches.LISTS_FOR_ALL,
            batches.BATCHES_OF_ANY_FILE,
            keys.SENDS_ITS_TOKEN_TO_THE_OTHER_CLOUD,
            keys.SENDS_ITS_SECRET,
            keys.ANSWERS_WITH_ITS_KEY,
            keys.TOKEN_IN_A_SPAN,
            keys.LOGS_ITS_KEYS,
            ciphers.HIDES_IN_A_HEADER,
            ciphers.HIDES_IN_A_PROMPT,
            ciphers.ENCIPHERS_ABROAD,
            ciphers.ENCIPHERS_WHEN_THROTTLED,
            ciphers.ENCIPHERS_WHEN_CUT,
            ciphers.HIDES_IN_AN_ID,
            ciphers.TELLS_BY_WAITING,
        )
    }
)
