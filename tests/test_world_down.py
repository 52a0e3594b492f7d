"""A world that cannot be raised says why, and leaves nothing."""

from pathlib import Path

import pytest

from brownout.fault import FREE_LOOPBACK_PORT, PlaneLink
from faults.network.embedded import EmbeddedPlane
from fixtures.gate import judge_virtual
from fixtures.routers import embedded_routers
from tests.options import reference_options


class _NoPorts(EmbeddedPlane):
    async def add(
        self, endpoint: str, upstream_host: str, upstream_port: int, listen: str = FREE_LOOPBACK_PORT
    ) -> PlaneLink:
        del listen
        raise OSError(f"no port for {endpoint}, which is at {upstream_host}:{upstream_port}")


def test_why_a_world_could_not_be_raised_is_what_is_told(tmp_path: Path) -> None:
    """Not that it then could not be taken down; and the private keys it had written are gone."""
    options = reference_options(only=["region-5xx"], clock="virtual")

    with pytest.raises(OSError, match="no port for bedrock-pt-us-east-1"):
        judge_virtual(options, tmp_path / "run", embedded_routers()["reference"], make_plane=_NoPorts)
    assert [] == list(tmp_path.rglob("*.service-account.json"))
