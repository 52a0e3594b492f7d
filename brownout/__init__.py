"""brownout: break a multi-cloud LLM serving stack on purpose and judge whether it held.

This package is the grammar: the nouns every room shares. It imports no room.
"""

__version__ = "0.1.0"
