"""Credentials end. Whoever serves with them renews them in time, once for all, and without a secret of its own."""

from brownout.scenario import Load, inject, scenario
from fixtures.plugin import Run

SIGNED, TOKENED = "auth:sigv4", "auth:google-oauth"
RENEWED_IN_TIME = {
    "expired_credentials_sent <= 0": ("credential-refresh",),
    "token_stampede <= 5": ("credential-refresh",),  # one caller for all, in each of a few workers
    "static_credentials <= 0": ("secretless",),
}


@scenario(
    credentials_live=0.5,
    needs=["credential-refresh"],
    fast=True,
    must=RENEWED_IN_TIME | {"availability >= 95%": ("credential-refresh",)},
)
def test_renewed_before_they_end(run: Run) -> None:
    """Credentials that hold for seconds only are renewed before they end: nobody is ever refused for one."""
    run.must_hold()


@scenario(
    inject("provider-outage", SIGNED),
    credentials_live=0.4,
    needs=["credential-refresh", "failover"],
    tenants={"{pinned}": 3, "{home}": 1},
    must=RENEWED_IN_TIME | {"availability >= 90%": ("credential-refresh", "failover")},
)
def test_renewed_at_the_other_cloud(run: Run) -> None:
    """Nor is it when another cloud, with tokens of another kind, has taken over; nor on the way back."""
    run.must_hold()


@scenario(
    inject("sts-down", SIGNED, how="5xx"),
    inject("imds-down", SIGNED),
    credentials_live=2,
    needs=["credential-refresh"],
    must={
        "availability during sts-down >= 90%": ("credential-refresh",),
        "share_left_ratio during sts-down >= 70%": ("credential-refresh",),
        "time_to_serve_again_s <= {recover_within_s}": ("credential-refresh",),
    },
)
def test_token_service_down(run: Run) -> None:
    """While AWS gives out no sessions, those that are out are used on: nobody is lost, and no endpoint is given up."""
    run.must_hold()


@scenario(
    inject("provider-outage", SIGNED),
    inject("token-service-down", TOKENED, service="token", from_=0.5),
    inject("token-service-down", TOKENED, service="google_sts", from_=0.5),
    inject("token-service-down", TOKENED, service="iam_credentials", from_=0.5),
    credentials_live=1.5,
    needs=["credential-refresh", "failover"],
    tenants={"{pinned}": 3, "{home}": 1},
    must={
        "availability during token-service-down >= 90%": ("credential-refresh", "failover"),
    },
)
def test_token_service_down_at_the_last_cloud(run: Run) -> None:
    """The same holds for Google's tokens when there is no other cloud left to go to."""
    run.must_hold()


@scenario(
    inject("expired-tokens", SIGNED),
    needs=["credential-refresh"],
    must={
        "expired_for_s during expired-tokens <= {failover_within_s}": ("credential-refresh",),
        "availability during expired-tokens >= 90%": ("credential-refresh",),
        "time_to_serve_again_s <= {recover_within_s}": ("credential-refresh",),
    },
)
def test_expired_before_their_time(run: Run) -> None:
    """A credential that is refused as expired, whatever it said of its end, is replaced and not sent on and on."""
    run.must_hold()


@scenario(
    inject("refresh-stampede", SIGNED, delay_s=0.6),
    needs=["credential-refresh"],
    tenants={"{home}": 1},
    load=Load(times=2),
    must={
        "token_stampede during refresh-stampede <= 5": ("credential-refresh",),
        "expired_for_s during refresh-stampede <= {failover_within_s}": ("credential-refresh",),
        "availability during refresh-stampede >= 90%": ("credential-refresh",),
    },
)
def test_one_renews_for_all(run: Run) -> None:
    """When all credentials end at once and services are slow, one caller renews each, and the others wait for it."""
    run.must_hold()
