"""Rejections: what services say of a request that they will not serve for what it says, however often it comes.

OpenAI has codes for these (``context_length_exceeded``, ``content_filter``). The others have one error for every
request that is wrong, and tell them apart by the sentence alone; so whoever writes picks the sentence by OpenAI's code,
and whoever reads must know it. The sentences are those of public captures:

* Bedrock: aws-samples/bedrock-chat issue 95, aws-samples/assessment-generator issue 2; with Anthropic's words after
  "The model returned the following errors": continuedev/continue issue 6005, daisuke-awaji/moca issue 254.
* Google: googleapis/python-genai issue 2050, google-gemini/gemini-cli issue 6678. A prompt that is filtered is a 400
  with Imagen; Gemini answers 200 without a candidate (``promptFeedback``).
* Anthropic: for length the same words as behind Bedrock; for content anthropics/claude-code issues 6195, 58367 (a 400
  ``invalid_request_error``), and Anthropic's own help on that message:
  https://support.claude.com/en/articles/10023638-why-am-i-receiving-an-output-blocked-by-content-filtering-policy-error
* vLLM: its OpenAI server's validation of a request's length.

Two are not confirmed by a public source. Bedrock's for content is put together of what was captured apart: its
beginning, and Anthropic's words. (Amazon's own models say "This request has been blocked by our content filters. Our
filters automatically flagged this prompt [...]": ktrnka/branded-image-gen-service, README.md in its history.) vLLM's
for content is what a filter in front of it might say.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from brownout.wire import Refusal

Rejection: TypeAlias = Literal["context_length_exceeded", "content_filter"]

BEDROCK: Mapping[str, str] = {
    "context_length_exceeded": "Input is too long for requested model.",
    "content_filter": "The model returned the following errors: Output blocked by content filtering policy",
}
GOOGLE: Mapping[str, str] = {
    "context_length_exceeded": "The input token count (25270) exceeds the maximum number of tokens allowed (4000).",
    "content_filter": (
        "The prompt could not be submitted. This prompt contains sensitive words that violate Google's Responsible AI "
        "practices. Try rephrasing the prompt."
    ),
}
ANTHROPIC: Mapping[str, str] = {
    "context_length_exceeded": "prompt is too long: 200049 tokens > 200000 maximum",
    "content_filter": "Output blocked by content filtering policy",
}
VLLM: Mapping[str, str] = {
    "context_length_exceeded": (
        "This model's maximum context length is 8192 tokens. However, you requested 9001 tokens in the messages. "
        "Please reduce the length of the messages."
    ),
    "content_filter": "The request was rejected by the content filter in front of the model.",
}
_TELLING: Mapping[Rejection, tuple[str, ...]] = {
    "context_length_exceeded": (
        "input is too long",
        "prompt is too long",
        "exceeds the maximum number of tokens",
        "maximum context length",
        "context window",
    ),
    "content_filter": ("content filter", "responsible ai practices", "content management policy", "usage policy"),
}


def worded(refusal: Refusal, words: Mapping[str, str]) -> Refusal:
    """Return a rejection in a service's own words; any other refusal, and one that has words already, as it is."""
    if refusal.kind != "invalid" or refusal.message or refusal.code not in words:
        return refusal
    return Refusal("invalid", words[refusal.code], retry_after_s=refusal.retry_after_s)


def rejection_in(refusal: Refusal) -> Rejection | None:
    """Return which rejection a refusal is, by its code or by its sentence; None when it is neither."""
    if refusal.kind not in {"invalid", "too-large"}:
        return None
    said = refusal.message.lower()
    for code, sentences in _TELLING.items():
        if refusal.code == code or any(sentence in said for sentence in sentences):
            return code
    return None
