"""Workload identity federation: an AWS identity in, a Google token out, and no secret on any disk.

The caller signs AWS's ``GetCallerIdentity`` and hands the signed request to Google, which sends it to AWS and so learns
who the caller is (IAM: "Configure Workload Identity Federation with AWS"). Here the signature is checked in place.
"""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from brownout.clock import rng_for
from brownout.identity import draw
from brownout.identity.aws_keys import Caller
from brownout.identity.google import GrantRefused
from brownout.identity.refreshes import Refreshes
from brownout.identity.sts import SecurityTokenService
from brownout.identity.tokens import IssuedToken, TokenBook
from brownout.wire import HttpRequest, Refusal

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a name
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name
AWS_REQUEST = "urn:ietf:params:aws:token-type:aws4_request"
FEDERATED_LIFE = dt.timedelta(hours=1)
"""How long a federated token holds."""

VERIFICATION_URL = "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
"""What is signed. It must be https and AWS's own; google-auth only embeds it and never fetches it."""

_RESOURCE_HEADER = "x-goog-cloud-target-resource"
_STS_HOST = re.compile(r"sts(?:-fips)?(?:\.(?P<region>[a-z0-9-]+))?\.amazonaws\.com")
_AUDIENCE = re.compile(
    r"//iam\.googleapis\.com/projects/\d+/locations/global/workloadIdentityPools/[^/]+/providers/[^/]+"
)
_POOL = "brownout"
_PROVIDER = "aws"


class FederationUrls(msgspec.Struct, frozen=True, kw_only=True):
    """Where a world's services are: the token exchange in full, of the others what comes before the path."""

    imds: str
    google_sts: str
    iam_credentials: str


class _Header(msgspec.Struct):
    key: str
    value: str


class _SignedRequest(msgspec.Struct):
    url: str
    method: str
    headers: list[_Header]


class WorkloadPool:
    """One workload identity pool with one provider that trusts one AWS account.

    Args:
        seed: the run's.
        trusted: the AWS account whose callers are admitted.
        aws: knows callers by their signed requests.
        tokens: where federated tokens are kept.
        refreshes: told of every token.

    Attributes:
        project_number: of the Google project it is in.
        audience: its provider's name, which callers send along.
        disabled: while this is set nothing is exchanged.
    """

    def __init__(
        self, seed: int, *, trusted: str, aws: SecurityTokenService, tokens: TokenBook, refreshes: Refreshes
    ) -> None:
        self.project_number = "4" + draw.text(rng_for(seed, "identity", "project number"), draw.DIGITS, 11)
        self._pool = f"iam.googleapis.com/projects/{self.project_number}/locations/global/workloadIdentityPools/{_POOL}"
        self.audience = f"//{self._pool}/providers/{_PROVIDER}"
        self.disabled = False
        self._trusted, self._aws, self._tokens, self._refreshes = trusted, aws, tokens, refreshes

    def members_with_role(self, role_arn: str) -> str:
        """Return the ``principalSet://`` of all sessions of an AWS role."""
        _, _, _, _, account, role = role_arn.split(":", 5)
        return self._principal_set(f"arn:aws:sts::{account}:assumed-role/{role.rpartition('/')[2]}")

    def exchange(self, form: Mapping[str, str], utc: dt.datetime) -> IssuedToken:
        """Return a federated token for a signed request.

        Args:
            form: the fields of the request (RFC 8693).
            utc: now.

        Raises:
            GrantRefused: in Google's words.
        """
        self._check_form(form)
        caller = self._caller(form.get("subject_token", ""), form["audience"], utc)
        if caller.account != self._trusted:
            raise GrantRefused("unauthorized_client", "The given credential is rejected by the attribute condition.")
        principal = f"principal://{self._pool}/subject/{caller.principal}"
        self._refreshes.note("google_sts", principal, utc)
        return self._tokens.issue(
            principal,
            scopes=frozenset(form["scope"].split()),
            life=FEDERATED_LIFE,
            utc=utc,
            groups=frozenset({self._principal_set(caller.principal.rpartition("/")[0])}),
            prefix="ya29.d.",
        )

    def credential_config(self, email: str, urls: FederationUrls) -> dict[str, Any]:
        """Return an ``external_account`` file as plain data, of the shape ``gcloud iam`` writes.

        Args:
            email: the service account to become.
            urls: the world's services.
        """
        metadata = f"{urls.imds}/latest/meta-data"
        account = f"{urls.iam_credentials}/v1/projects/-/serviceAccounts/{email}"
        return {
            "universe_domain": "googleapis.com",
            "type": "external_account",
            "audience": self.audience,
            "subject_token_type": AWS_REQUEST,
            "token_url": urls.google_sts,
            "service_account_impersonation_url": f"{account}:generateAccessToken",
            "credential_source": {
                "environment_id": "aws1",
                "region_url": f"{metadata}/placement/availability-zone",
                "url": f"{metadata}/iam/security-credentials",
                "regional_cred_verification_url": VERIFICATION_URL,
                "imdsv2_session_token_url": f"{urls.imds}/latest/api/token",
            },
        }

    def _principal_set(self, assumed_role: str) -> str:
        return f"principalSet://{self._pool}/attribute.aws_role/{assumed_role}"

    def _check_form(self, form: Mapping[str, str]) -> None:
        if form.get("grant_type") != TOKEN_EXCHANGE:
            raise GrantRefused("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")
        if form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
            raise GrantRefused("invalid_request", "The requested token type is not supported.")
        if form.get("subject_token_type") != AWS_REQUEST:
            raise GrantRefused("invalid_request", "The subject token type does not match the identity provider.")
        audience = form.get("audience", "").removeprefix("https:")
        if not _AUDIENCE.fullmatch(audience):
            raise GrantRefused(
                "invalid_request",
                'Invalid value for "audience". This value should be the full resource name of the Identity Provider. '
                "See https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token for the list of possible "
                "formats.",
            )
        if audience != self.audience or self.disabled:
            raise GrantRefused(
                "invalid_target",
                'The target service indicated by the "audience" parameters is invalid. This might either be because '
                "the pool or provider is disabled or deleted or because it doesn't exist.",
            )
        if not form.get("scope", "").split():
            raise GrantRefused("invalid_scope", "Invalid OAuth scope or ID token audience provided.")

    def _caller(self, subject_token: str, audience: str, utc: dt.datetime) -> Caller:
        request, region, resource = _embedded(subject_token)
        if resource.removeprefix("https:") != audience.removeprefix("https:"):
            raise _malformed()
        try:
            return self._aws.caller(request, utc, region=region)
        except Refusal as refusal:
            said = f"Received invalid AWS response of type {refusal.code} with error message: {refusal.message}"
            raise GrantRefused("invalid_grant", said) from None


def _embedded(subject_token: str) -> tuple[HttpRequest, str, str]:
    """Return the request in a subject token, the region it is for, and the resource it is meant for."""
    try:
        signed = msgspec.json.decode(unquote(subject_token), type=_SignedRequest)
        url = urlsplit(signed.url)
    except (ValueError, msgspec.MsgspecError, RecursionError):
        raise _malformed() from None
    headers: dict[str, str] = {}
    for one in signed.headers:
        if headers.setdefault(one.key.lower(), one.value) != one.value:
            raise _malformed()
    host = _STS_HOST.fullmatch(url.netloc)
    own = VERIFICATION_URL.partition("?")[2]
    # Whatever else were signed here would be somebody's request to do something, not proof of who they are.
    if (
        host is None
        or url.scheme != "https"
        or url.path not in {"", "/"}
        or url.query != own
        or signed.method != "POST"
    ):
        raise _malformed()
    if headers.get("host") != url.netloc:
        raise _malformed()
    request = HttpRequest(method="POST", path="/", query=url.query, headers=headers)
    return request, host["region"] or "us-east-1", headers.get(_RESOURCE_HEADER, "")


def _malformed() -> GrantRefused:
    return GrantRefused("invalid_grant", "AWS request has invalid format.")
