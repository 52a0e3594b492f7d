"""Who calls, and how an endpoint knows: AWS's signatures and roles, Google's tokens and federation, API keys.

Pure but for the credential files it writes. Secrets follow from the run's seed (and nothing outside the run ever
accepts them), so that one seed gives one history. The time always comes from the caller.
"""

from brownout.identity.aws_keys import AwsKeys, verify
from brownout.identity.bedrock_keys import short_term_key
from brownout.identity.cloud import CloudIdentity
from brownout.identity.external_account import FederationUrls
from brownout.identity.google import (
    GOOGLE_TOKEN_AUDIENCE,
    JWT_BEARER,
    TOKEN_LIFE,
    GrantRefused,
    TokenIssuer,
    assertion,
    service_account,
)
from brownout.identity.lives import Lives
from brownout.identity.sigv4 import SKEW, CredentialRefusal, presign, sign
from brownout.identity.tokens import CLOUD_PLATFORM, IssuedToken

__all__ = [
    "CLOUD_PLATFORM",
    "GOOGLE_TOKEN_AUDIENCE",
    "JWT_BEARER",
    "SKEW",
    "TOKEN_LIFE",
    "AwsKeys",
    "CloudIdentity",
    "CredentialRefusal",
    "FederationUrls",
    "GrantRefused",
    "IssuedToken",
    "Lives",
    "TokenIssuer",
    "assertion",
    "presign",
    "service_account",
    "short_term_key",
    "sign",
    "verify",
]
