"""AWS's Security Token Service without the wire: who a caller is, and what role it may assume."""

import datetime as dt
import re
from collections.abc import Mapping

from brownout.identity.aws_keys import AwsSession, Caller
from brownout.identity.aws_roles import AwsAccounts
from brownout.identity.lives import Lives
from brownout.identity.refreshes import Refreshes
from brownout.identity.sts_fields import violations
from brownout.wire import HttpRequest, Refusal

STS_SKEW = dt.timedelta(minutes=15)
"""How far a caller's clock may be off: STS's own refusals say "- 15 min."."""

DEFAULT_S = 3600
"""The length of a session whose caller asks for none."""

LONGEST_CHAINED_S = 3600
"""The longest session for a caller that is itself a role's session (IAM: "Role chaining")."""

_NAMES = {
    "UnrecognizedClientException": "InvalidClientTokenId",
    "ExpiredTokenException": "ExpiredToken",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "MissingAuthenticationTokenException": "MissingAuthenticationToken",
    "IncompleteSignatureException": "IncompleteSignature",
}
"""STS's names for what the JSON services call otherwise (STS API Reference: "Common errors")."""

_MESSAGES = {
    "InvalidClientTokenId": "The security token included in the request is invalid",
    "MissingAuthenticationToken": "Request is missing Authentication Token",
}
_ROLE_ARN = re.compile(r"arn:aws:iam::\d{12}:role/[\w+=,.@/-]+")


class SecurityTokenService:
    """Decides what ``GetCallerIdentity`` and ``AssumeRole`` answer.

    Session policies, tags, MFA and source identities are taken and have no effect.

    Args:
        accounts: whose keys and roles.
        refreshes: told of every session begun.
        lives: how long they hold.
    """

    def __init__(self, accounts: AwsAccounts, refreshes: Refreshes, lives: Lives | None = None) -> None:
        self._accounts, self._refreshes, self._lives = accounts, refreshes, lives or Lives()

    def caller(self, request: HttpRequest, utc: dt.datetime, *, region: str | None = None) -> Caller:
        """Return whose request this is.

        Args:
            request: what was sent, signed for ``sts``.
            utc: now.
            region: the region it must be signed for; None for any.

        Raises:
            Refusal: ``unauthenticated``, with STS's own error name as ``code``.
        """
        try:
            session = self._accounts.ring.authenticate(request, service="sts", region=region, utc=utc, skew=STS_SKEW)
        except Refusal as refusal:
            code = _NAMES.get(refusal.code, refusal.code)
            raise Refusal(refusal.kind, _MESSAGES.get(code, refusal.message), code=code) from None
        return session.caller

    def assume_role(self, caller: Caller, form: Mapping[str, str], utc: dt.datetime) -> AwsSession:
        """Begin a session of another role.

        Args:
            caller: who asks.
            form: ``RoleArn``, ``RoleSessionName``, ``DurationSeconds``, ``ExternalId`` as sent.
            utc: now.

        Raises:
            Refusal: ``invalid`` with ``ValidationError``, ``denied`` with ``AccessDenied``.
        """
        arn, name = form.get("RoleArn", ""), form.get("RoleSessionName", "")
        wrong = violations(form)
        if wrong:
            count = "1 validation error" if len(wrong) == 1 else f"{len(wrong)} validation errors"
            raise _invalid(f"{count} detected: {'; '.join(wrong)}")
        if not _ROLE_ARN.fullmatch(arn):
            raise _invalid(f"{arn} is invalid")
        life_s = int(form.get("DurationSeconds", DEFAULT_S))
        role = self._accounts.roles.get(arn)
        admitted = role is not None and bool({caller.role, caller.principal} & role.trusts)
        if role is None or not admitted or role.external_id not in {"", form.get("ExternalId")}:
            raise _denied(caller, arn, "")
        if self._accounts.is_revoked(caller):
            raise _denied(caller, arn, " with an explicit deny in an identity-based policy")
        if caller.role and life_s > LONGEST_CHAINED_S:
            raise _invalid(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
            )
        if life_s > role.max_session.total_seconds():
            raise _invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
        life = self._lives.granted(dt.timedelta(seconds=life_s))
        session = self._accounts.begin_session(role, name, utc=utc, life=life)
        self._refreshes.note("sts", role.arn, utc)
        return session


def _invalid(message: str) -> Refusal:
    return Refusal("invalid", message, code="ValidationError")


def _denied(caller: Caller, arn: str, why: str) -> Refusal:
    message = f"User: {caller.principal} is not authorized to perform: sts:AssumeRole on resource: {arn}{why}"
    return Refusal("denied", message, code="AccessDenied")
