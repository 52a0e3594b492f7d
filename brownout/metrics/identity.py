"""Credentials: renewed in time, once for all, and had without a secret."""

from collections.abc import Sequence

from brownout.dialects import dialect_named
from brownout.evidence import CredentialRecord, ProviderRecord
from brownout.history import grouped
from brownout.metrics import places
from brownout.metrics.base import NoEvidence, Observation, View, metric, need, some

_TEMPORARY_FOR = frozenset({"sigv4", "google-oauth"})  # whose callers can do without a secret
_LASTING = frozenset({"static", "keyed-token"})
# Who asks these is told for which role or account. The metadata service and Google's STS are asked on behalf of the
# machine, by everybody who renews anything: many calls there are no stampede.
_ONE_FOR_EACH = frozenset({"sts", "iam_credentials", "token"})
_TOGETHER_S = 1.0


@metric("expired_credentials_sent", "count", stands_alone=True, lacks=places.credentials_that_end)
def expired_credentials_sent(view: View) -> Observation:
    """Attempts that were refused because the credential they showed had ended."""
    late = [r for r in view.attempts if r.expired]
    end = view.history.last_s
    ending = {r.credential_id for r in view.attempts if r.credential_until_s is not None and r.credential_until_s < end}
    if not late and not ending:
        raise NoEvidence("no credential that an attempt showed has ended in this test")
    return Observation(
        value=len(late),
        samples=len(view.attempts),
        witnesses=some([r.canary for r in late]),
        why=f"{len(late)} of {len(view.attempts)} attempts were refused as expired; "
        f"{len(ending)} of the credentials shown have ended in this test",
    )


@metric("expired_for_s", "s", timed=True, lacks=places.credentials_that_end)
def expired_for_s(view: View) -> Observation:
    """Longest time for which a credential went on being sent after it had been refused as expired."""
    late = [r for r in view.attempts if r.expired]
    need(late, 1, "attempts that were refused as expired")
    by_credential = grouped(late, lambda one: one.credential_id)
    worst = max(by_credential.values(), key=_stretch_s)
    return Observation(
        value=_stretch_s(worst),
        samples=len(late),
        witnesses=some([r.canary for r in reversed(worst)]),
        why=f"{len(late)} attempts with {len(by_credential)} credentials were refused as expired; "
        f"the one shown for longest was refused {len(worst)} times, at {worst[0].endpoint}",
    )


@metric("token_stampede", "count", lacks=places.credentials_that_end)
def token_stampede(view: View) -> Observation:
    """Most calls in any one second to a service that gives out credentials, for the same role or account."""
    calls = [r for r in view.credentials if r.service in _ONE_FOR_EACH]
    need(calls, 1, "calls for a role's or an account's credentials")
    by_principal = grouped(calls, lambda one: one.principal)
    most, principal = max((_most_together(asked), name) for name, asked in by_principal.items())
    return Observation(
        value=most,
        samples=len(calls),
        why=f"{len(calls)} calls for {len(by_principal)} roles and accounts; for {principal.rpartition('/')[2]} "
        f"{most} within {_TOGETHER_S:g} s",
    )


@metric("static_credentials", "count", stands_alone=True, lacks=places.credentials_that_end)
def static_credentials(view: View) -> Observation:
    """Attempts with a secret that knows no end, or with a token had for one, where the cloud gives temporary ones."""
    able = {one.name for one in view.history.topology.endpoints if dialect_named(one.dialect).auth in _TEMPORARY_FOR}
    shown = [r for r in view.attempts if r.endpoint in able and r.credential]
    need(shown, 1, "attempts at endpoints of AWS or Google")
    lasting = [r for r in shown if r.credential in _LASTING]
    return Observation(
        value=len(lasting),
        samples=len(shown),
        witnesses=some([r.canary for r in lasting]),
        why=f"{len(lasting)} of {len(shown)} attempts showed a credential that does not end, or one had for such",
    )


def _stretch_s(late: Sequence[ProviderRecord]) -> float:
    """From when the first refusal was out until the last request came that showed the same: nobody knows before."""
    return max(late[-1].arrived_s - min(r.end_s for r in late), 0.0)


def _most_together(calls: Sequence[CredentialRecord]) -> int:
    return max(sum(call.at_s <= one.at_s < call.at_s + _TOGETHER_S for one in calls) for call in calls)
