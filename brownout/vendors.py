"""Vendors: who made a model, told from its id, whichever cloud hosts it and however that cloud writes it."""

import re
from collections.abc import Mapping

_WORDS: Mapping[str, tuple[str, ...]] = {
    "ai21": ("ai21", "jamba"),
    "amazon": ("amazon", "nova", "titan"),
    "anthropic": ("anthropic", "claude"),
    "cohere": ("cohere", "command"),
    "deepseek": ("deepseek",),
    "google": ("google", "gemini", "gemma", "palm"),
    "meta": ("meta", "llama[0-9]*", "codellama"),
    "microsoft": ("microsoft", "phi[0-9]*"),
    "mistral": ("mistral", "mistralai", "mixtral", "ministral", "magistral", "codestral", "pixtral"),
    "nvidia": ("nvidia", "nemotron"),
    "openai": ("openai", "gpt", "gpt[0-9]+", "chatgpt", "o[1-9]", "davinci"),
    "qwen": ("qwen[0-9]*", "qwq"),
    "stability": ("stability", "stabilityai"),
    "writer": ("writer", "palmyra"),
    "xai": ("xai", "grok"),
}
"""By vendor, what a word of an id must be: the publisher as clouds name it, or a family of its models."""

VENDORS = tuple(_WORDS)
_VENDOR_OF_WORD = re.compile("|".join(f"(?P<{vendor}>{'|'.join(words)})" for vendor, words in _WORDS.items()))


def vendor_of(model: str) -> str:
    """Return the vendor of a model; empty where its id does not tell.

    The first word that tells decides, so that ``deepseek-r1-distill-llama-70b`` is DeepSeek's. The ARN of an inference
    profile or a foundation model tells; that of bought capacity, an endpoint's number and a name of one's own do not.

    Args:
        model: its id, as callers write it: ``us.anthropic.claude-sonnet-4-20250514-v1:0``,
            ``publishers/google/models/gemini-2.0-flash-001``, ``meta-llama/Llama-3-70b``, ``gpt-4o``, an ARN.
    """
    name = model.lower()
    if name.startswith("arn:"):
        name = name.split(":", 5)[-1]  # what stands before is the cloud's
    for word in re.findall(r"[a-z0-9]+", name):
        told = _VENDOR_OF_WORD.fullmatch(word)
        if told is not None and told.lastgroup is not None:
            return told.lastgroup
    return ""
