"""docs/capacity.md names every setting that a topology may say of a capacity."""

from pathlib import Path

import msgspec
import pytest

from brownout.capacity.gpu_pool import GpuPoolSettings
from brownout.capacity.on_demand import OnDemand
from brownout.capacity.pool import Pool
from brownout.capacity.provisioned import Provisioned
from brownout.capacity.shared_quota import SharedQuota

PAGE = (Path(__file__).parents[1] / "docs" / "capacity.md").read_text(encoding="utf-8")
UNSAID = {"model"}
"""Has one value so far."""


@pytest.mark.parametrize("kind", [GpuPoolSettings, OnDemand, Pool, Provisioned, SharedQuota])
def test_the_page_names_every_setting(kind: type[msgspec.Struct]) -> None:
    """Whoever adds a setting says on the page what it means."""
    names = {field.encode_name for field in msgspec.structs.fields(kind)} - UNSAID
    assert set() == {name for name in names if f"`{name}`" not in PAGE}
