"""For all tests: how long an example takes is the machine's affair, and no finding; and their runs are theirs alone."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from brownout.state import OVERRIDE

# The same examples each time: what fails here fails for everybody. New ones: pytest --hypothesis-profile=explore tests
settings.register_profile("brownout", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile("brownout")


@pytest.fixture(scope="session", autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the tests' runs out of sight of everybody else's ``brownout abort``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(OVERRIDE, str(tmp_path_factory.mktemp("state", numbered=True) / "brownout"))
        yield
