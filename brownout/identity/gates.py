"""What each kind of endpoint asks of its callers."""

import datetime as dt
import hmac
from functools import partial

from brownout.dialects.headers import header
from brownout.identity import aws_keys, bedrock_keys
from brownout.identity.aws_actions import Action, action_of
from brownout.identity.aws_keys import LONG_AGO, Caller
from brownout.identity.aws_roles import AwsAccounts, denied
from brownout.identity.bedrock_keys import BedrockKeys
from brownout.identity.harms import Admitted, How
from brownout.identity.impersonation import INVALID, MISSING, TOO_NARROW
from brownout.identity.sigv4 import CredentialRefusal
from brownout.identity.tokens import CLOUD_PLATFORM, TokenBook
from brownout.topology import Endpoint
from brownout.wire import Dialect, HttpRequest, Refusal

_ANTHROPIC_PATH = "/v1/messages"
_SHORTEST_SHOWN = 8  # of a shorter key nothing is repeated


class AwsGate:
    """Bedrock and SageMaker: SigV4 in the headers or the query; on Bedrock also API keys, over TLS only."""

    def __init__(self, endpoint: Endpoint, dialect: Dialect, accounts: AwsAccounts, keys: BedrockKeys) -> None:
        self._endpoint, self._dialect, self._accounts, self._keys = endpoint, dialect, accounts, keys

    def check(self, request: HttpRequest, utc: dt.datetime, *, secure: bool) -> Admitted:
        """Raise `Refusal`: ``unauthenticated``; ``denied`` for a caller without a right here."""
        caller = self._caller(request, utc, secure=secure)
        action = action_of(
            request.path,
            service=self._dialect.signing_name,
            region=self._endpoint.region,
            account=self._accounts.escrow,
        )
        self._accounts.authorize(caller, self._endpoint.name, action)
        return Admitted(caller.issued, partial(self._refusal, request, caller, action))

    def _refusal(self, request: HttpRequest, caller: Caller, action: Action, how: How) -> Refusal:
        if how == "expired":
            return bedrock_keys.expired() if bearer(request) else aws_keys.expired()
        return denied(caller, action, explicitly=how == "revoked")

    def _caller(self, request: HttpRequest, utc: dt.datetime, *, secure: bool) -> Caller:
        region = self._endpoint.region
        shown = bearer(request) if self._dialect.host == "bedrock" else ""
        if shown and not secure:
            # The real service does not listen here at all: a key that crossed a network in the clear is lost.
            raise CredentialRefusal("AccessDeniedException", "An API key is accepted over TLS only.")
        if shown:
            return self._keys.caller(shown, region=region, utc=utc)
        ring = self._accounts.ring
        return ring.authenticate(request, service=self._dialect.signing_name, region=region, utc=utc).caller


class GoogleGate:
    """Vertex: a bearer token of the endpoint's own service account, for its project.

    Args:
        email: the service account.
        project: the project's id.
        tokens: all tokens.
    """

    def __init__(self, email: str, project: str, tokens: TokenBook) -> None:
        self._email, self._project, self._tokens = email, project, tokens

    def check(self, request: HttpRequest, utc: dt.datetime, *, secure: bool) -> Admitted:
        """Raise `Refusal`: ``unauthenticated``; ``denied`` for another account, project or scope."""
        del secure  # a bearer token must cross TLS in production; here it may not, since only this world knows it
        shown = bearer(request)
        token = self._tokens.find(shown, utc)
        if token is None:
            raise _unauthenticated(INVALID if shown else MISSING)
        if CLOUD_PLATFORM not in token.scopes:
            raise Refusal("denied", TOO_NARROW, code="ACCESS_TOKEN_SCOPE_INSUFFICIENT")
        named = request.path.partition("/projects/")[2]
        # A path that names no project names nothing that is served here: there is no permission to lack.
        if named and (not named.startswith(f"{self._project}/") or token.principal != self._email):
            raise _denied(request)
        return Admitted(token.issued, lambda how: _denied(request) if how == "denied" else _unauthenticated(INVALID))


class ApiKeyGate:
    """OpenAI's and Anthropic's own APIs: one key, as ``Authorization: Bearer`` or as ``x-api-key``."""

    def __init__(self, key: str) -> None:
        self.key = key

    def check(self, request: HttpRequest, utc: dt.datetime, *, secure: bool) -> Admitted:
        """Raise `Refusal` in the sentence of the family whose path was called."""
        del utc, secure
        shown = bearer(request) or (header(request.headers, "x-api-key") or "").strip()
        if not hmac.compare_digest(shown.encode(), self.key.encode()):
            raise self._refusal(request, shown)
        # A key has no end and no permissions of its own: it can only be taken back, and is unknown then.
        return Admitted(LONG_AGO, lambda _: self._refusal(request, shown))

    def _refusal(self, request: HttpRequest, shown: str) -> Refusal:
        if request.path.startswith(_ANTHROPIC_PATH):
            return Refusal("unauthenticated", "invalid x-api-key" if shown else "x-api-key header is required")
        if not shown:
            return Refusal(
                "unauthenticated",
                "You didn't provide an API key. You need to provide your API key in an Authorization header using "
                "Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
            )
        # Only as much of a key as OpenAI repeats: enough to recognise it, too little to use it.
        seen = shown[:3] if len(shown) > _SHORTEST_SHOWN else ""
        return Refusal(
            "unauthenticated",
            f"Incorrect API key provided: {seen}****. You can find your API key at "
            "https://platform.openai.com/account/api-keys.",
        )


def bearer(request: HttpRequest) -> str:
    """Return the bearer token that a request shows; empty for none."""
    scheme, _, value = (header(request.headers, "authorization") or "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def _unauthenticated(message: str) -> Refusal:
    return Refusal("unauthenticated", message)


def _denied(request: HttpRequest) -> Refusal:
    """Return Google's sentence for who may not use what the path names."""
    resource = request.path.partition("/projects/")[2].rpartition(":")[0]
    place = f" '//aiplatform.googleapis.com/projects/{resource}'" if resource else ""
    message = f"Permission 'aiplatform.endpoints.predict' denied on resource{place} (or it may not exist)."
    return Refusal("denied", message, code="IAM_PERMISSION_DENIED")
