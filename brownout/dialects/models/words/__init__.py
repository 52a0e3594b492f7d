"""Objections in each vendor's own words."""

from brownout.dialects.models.words.anthropic import anthropic_words
from brownout.dialects.models.words.aws import aws_code, aws_words
from brownout.dialects.models.words.google import google_field, google_words
from brownout.dialects.models.words.openai import openai_words

__all__ = ["anthropic_words", "aws_code", "aws_words", "google_field", "google_words", "openai_words"]
