"""The identities of one world: every credential it gives out, and the one question its endpoints ask."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from brownout.canary import CanaryMint
from brownout.clock import rng_for
from brownout.dialects import dialect_named
from brownout.identity import draw
from brownout.identity.aws_roles import AwsAccounts
from brownout.identity.bedrock_keys import BedrockKeys
from brownout.identity.external_account import FederationUrls, WorkloadPool
from brownout.identity.gates import ApiKeyGate, AwsGate, GoogleGate
from brownout.identity.google import TokenIssuer, service_account
from brownout.identity.harms import Gate, Harms
from brownout.identity.impersonation import Impersonation
from brownout.identity.instance import Instance
from brownout.identity.leniency import HOST_WITHOUT_PORT, HostWithoutPort
from brownout.identity.lives import Lives
from brownout.identity.marks import Marks
from brownout.identity.refreshes import Refreshes
from brownout.identity.shown import Shown, shown_as_key, shown_to_aws, shown_to_google
from brownout.identity.sts import SecurityTokenService
from brownout.identity.tokens import TokenBook
from brownout.topology import Endpoint
from brownout.wire import HttpRequest

_DEFAULT_REGION = "us-east-1"
_NO_SKEW = dt.timedelta()


class CloudIdentity:
    """Issues the credentials of every endpoint, and checks what callers show.

    Every endpoint has its own: a caller that mixes up regions is refused, as in the real clouds.

    Args:
        seed: the run's.
        endpoints: all endpoints of the topology.
        token_uri: where service accounts ask for tokens.
        lenient: what is overlooked (see `brownout.identity.leniency`).
        lives: how long what opens an endpoint holds.
        mint: makes canaries for all that is secret of what is given out; None: it bears none.

    Attributes:
        project: the Google project's id.
        aws: AWS's accounts, roles and keys.
        sts: AWS STS.
        instance: the target's machine.
        bedrock_keys: Bedrock's API keys.
        tokens: Google's bearer tokens.
        issuer: Google's token endpoint.
        pool: Google's workload identity pool.
        impersonation: Google's IAM Credentials.
        refreshes: what was given out when.
        skew: by endpoint, how far its clock is ahead of the world's.
        harms: what is wrong for a while with who may call.
    """

    def __init__(
        self,
        seed: int,
        endpoints: Sequence[Endpoint],
        token_uri: str,
        *,
        lenient: Sequence[str] = (),
        lives: Lives | None = None,
        mint: CanaryMint | None = None,
    ) -> None:
        self._lenient, self._lives, self._marks = lenient, lives or Lives(), Marks(mint)
        self._endpoints = {endpoint.name: endpoint for endpoint in endpoints}
        self._dialects = {endpoint.name: dialect_named(endpoint.dialect) for endpoint in endpoints}
        self.project = f"brownout-{draw.text(rng_for(seed, 'identity', 'project'), draw.HEX, 6)}"
        self.refreshes = Refreshes()
        self.skew: dict[str, dt.timedelta] = {}
        self.harms = Harms()
        self._raise_aws(seed, self._with("sigv4"))
        self._raise_google(seed, self._with("google-oauth"), token_uri)
        self._api_keys = {name: self._api_key(seed, name) for name in self._with("api-key")}
        self._gates = {name: self._gate(endpoint) for name, endpoint in self._endpoints.items()}

    def _raise_aws(self, seed: int, names: list[str]) -> None:
        endpoints = [self._endpoints[name] for name in names]
        self.aws = AwsAccounts(seed, endpoints, self._marks)
        self.sts = SecurityTokenService(self.aws, self.refreshes, self._lives)
        region = endpoints[0].region if endpoints else _DEFAULT_REGION
        self.instance = Instance(seed, self.aws, region, self._marks)
        with_keys = [name for name in names if self._dialects[name].host == "bedrock"]
        self.bedrock_keys = BedrockKeys(seed, self.aws.escrow, with_keys, self.aws.ring, self._marks)
        self._standing = {name: self.aws.begin_session(self.aws.role_of(name), "app") for name in names}

    def _raise_google(self, seed: int, names: list[str], token_uri: str) -> None:
        self.tokens = TokenBook(seed, self._marks)
        self._accounts = {name: self._account(seed, name, token_uri) for name in names}
        emails = [account["client_email"] for account in self._accounts.values()]
        self.issuer = TokenIssuer(emails, token_uri, self.tokens, self._lives)
        self.pool = WorkloadPool(seed, trusted=self.aws.app, aws=self.sts, tokens=self.tokens, refreshes=self.refreshes)
        self.impersonation = Impersonation(self.tokens, self.refreshes, self._lives)
        for email in emails:
            self.impersonation.may[email] = {self.pool.members_with_role(self.instance.role_arn)}
        self._files: dict[str, Path] = {}
        self._external_files: dict[str, Path] = {}

    # -- what callers are given

    def write_service_accounts(self, folder: Path) -> None:
        """Write every Vertex endpoint's service account file, readable by this user only."""
        for name, account in self._accounts.items():
            self._files[name] = _write(folder / f"{name}.service-account.json", account)

    def write_external_accounts(self, folder: Path, urls: FederationUrls) -> None:
        """Write every Vertex endpoint's ``external_account`` file. It holds addresses and no secret."""
        for name, account in self._accounts.items():
            config = self.pool.credential_config(account["client_email"], urls)
            self._external_files[name] = _write(folder / f"{name}.external-account.json", config)

    def credentials(self, endpoint_name: str) -> dict[str, str]:
        """Return what a caller of this endpoint is given.

        Returns:
            ``{api_key}``, or ``{access_key_id, secret_access_key, session_token}``, or ``{service_account_file}``;
            the file exists once `write_service_accounts` was called.
        """
        if endpoint_name in self._api_keys:
            return {"api_key": self._api_keys[endpoint_name]}
        if endpoint_name in self._accounts:
            return {"service_account_file": str(self._files[endpoint_name])}
        keys = self._standing[endpoint_name].keys
        return {
            "access_key_id": keys.access_key_id,
            "secret_access_key": keys.secret_access_key,
            "session_token": keys.session_token,
        }

    def role_arn(self, endpoint_name: str) -> str:
        """Return the role to assume for an AWS endpoint; empty for the others."""
        return self.aws.role_of(endpoint_name).arn if endpoint_name in self._standing else ""

    def bedrock_api_key(self, endpoint_name: str) -> str:
        """Return a Bedrock endpoint's long-term API key; empty for the others."""
        takes = endpoint_name in self._standing and self._dialects[endpoint_name].host == "bedrock"
        return self.bedrock_keys.long_term(endpoint_name) if takes else ""

    def external_account_file(self, endpoint_name: str) -> str:
        """Return a Vertex endpoint's file, once `write_external_accounts` wrote it; empty for the others."""
        path = self._external_files.get(endpoint_name)
        return "" if path is None else str(path)

    def service_account_email(self, endpoint_name: str) -> str:
        """Return a Vertex endpoint's service account; empty for the others."""
        account = self._accounts.get(endpoint_name)
        return "" if account is None else account["client_email"]

    # -- screws

    def expire(self, endpoint_name: str, at: dt.datetime) -> int:
        """Let every session and token that opens an endpoint end at an instant; return how many there were.

        Keys that know no end (those of OpenAI and Anthropic) stay.
        """
        if endpoint_name in self._accounts:
            return self.tokens.expire(self._accounts[endpoint_name]["client_email"], at)
        if endpoint_name not in self._standing:
            return 0
        if self.bedrock_api_key(endpoint_name):
            self.bedrock_keys.expire(endpoint_name, at)
        return self.aws.ring.expire(self.aws.role_of(endpoint_name).arn, at)

    def revoke(self, endpoint_name: str, utc: dt.datetime) -> None:
        """Take back what opens an endpoint now: AWS sessions are denied everything, Google tokens are over."""
        if endpoint_name in self._accounts:
            self.tokens.expire(self._accounts[endpoint_name]["client_email"], utc)
        elif endpoint_name in self._standing:
            self.aws.revoke_sessions(self.aws.role_of(endpoint_name).arn, utc)

    # -- the question

    def verify(self, endpoint_name: str, request: HttpRequest, utc: dt.datetime, *, secure: bool = False) -> str:
        """Check that a request proves the right to call this endpoint; return what was overlooked, empty for nothing.

        Args:
            endpoint_name: which.
            request: as it came.
            utc: now.
            secure: whether it came over TLS.

        Raises:
            Refusal: ``unauthenticated``; ``denied`` for a known caller without a right to this endpoint.
        """
        gate, utc = self._gates[endpoint_name], utc + self.skew.get(endpoint_name, _NO_SKEW)
        admitted = gate.check(request, utc, secure=secure)
        for harm in self.harms.at(endpoint_name):
            harm.check(admitted, gate, request, utc, secure=secure)
        return admitted.leniency

    def shown(self, endpoint_name: str, request: HttpRequest) -> Shown:
        """Return what a request shows an endpoint of its sender, unchecked."""
        dialect = self._dialects[endpoint_name]
        if dialect.auth == "sigv4":
            return shown_to_aws(request, self.aws.ring, self.bedrock_keys, takes_keys=dialect.host == "bedrock")
        return shown_to_google(request, self.tokens) if dialect.auth == "google-oauth" else shown_as_key(request)

    def is_over(self, endpoint_name: str, shown: Shown, utc: dt.datetime) -> bool:
        """Return whether a credential has come to its end, as that endpoint sees it."""
        here = utc + self.skew.get(endpoint_name, _NO_SKEW)
        ended = shown.expires is not None and shown.expires <= here
        return ended or any(harm.ends(shown.issued) for harm in self.harms.at(endpoint_name))

    def _gate(self, endpoint: Endpoint) -> Gate:
        name, dialect = endpoint.name, self._dialects[endpoint.name]
        if dialect.auth == "sigv4":
            gate = AwsGate(endpoint, dialect, self.aws, self.bedrock_keys)
            return HostWithoutPort(gate) if HOST_WITHOUT_PORT in self._lenient else gate
        if dialect.auth == "google-oauth":
            return GoogleGate(self._accounts[name]["client_email"], self.project, self.tokens)
        return ApiKeyGate(self._api_keys[name])

    def _with(self, auth: str) -> list[str]:
        return [name for name, dialect in self._dialects.items() if dialect.auth == auth]

    def _account(self, seed: int, name: str, token_uri: str) -> dict[str, str]:
        return service_account(
            email=f"{name}@{self.project}.iam.gserviceaccount.com",
            project=self.project,
            key_id=draw.text(rng_for(seed, "identity", "key id", name), draw.HEX, 40),
            token_uri=token_uri,
            marks=self._marks,
        )

    def _api_key(self, seed: int, name: str) -> str:
        drawn = draw.text(rng_for(seed, "identity", "api key", name), draw.BASE62, 48)
        number = list(self._endpoints).index(name) + 1
        return "sk-" + self._marks.put(drawn, "router@keys", at=12, number=number)


def _write(path: Path, content: Mapping[str, Any]) -> Path:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(json.dumps(content, indent=2))
    return path
