"""Keys that were once copied into a file."""

from fixtures.router.credentials import Credentials, Workload, given
from fixtures.router.settings import UpstreamSettings
from suites.selftest.planted.base import Planted, with_workload


class _Secrets(Workload):
    def of(self, settings: UpstreamSettings) -> Credentials:
        return given(settings, self._session, self._clock)


KEEPS_A_SECRET = Planted(
    name="keeps-a-secret",
    about="shows standing keys, and tokens had for a private key, where it could do without either",
    make=with_workload(_Secrets),
    caught_by="static_credentials",
    also=frozenset({"expired_for_s"}),
    why="keys that nobody renews are sent again when they are refused",
    seen_in="renewed-before-they-end",
)
