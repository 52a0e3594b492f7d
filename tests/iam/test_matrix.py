"""Our evaluator gives AWS's answer to every case of the matrix, and an emulator that enforces policies agrees."""

import asyncio
import importlib.util
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from brownout.clock import wait_until
from tests.iam.matrix import CASES, ours
from tests.iam.ministack import Emulated, running

_DIFFERS = {
    "across accounts, bucket allows": "ministack 1.5.33 knows a caller of another account by its account alone",
}
_ASKABLE = [
    pytest.param(name, marks=pytest.mark.xfail(reason=_DIFFERS[name], strict=True) if name in _DIFFERS else ())
    for name, case in CASES.items()
    if not case.keys
]


@pytest.mark.parametrize("name", CASES)
def test_the_answer_is_that_of_aws(name: str) -> None:
    """Allowed or denied, and never unknown: all keys are known."""
    assert CASES[name].answer == ours(CASES[name]).answer


@pytest.fixture(scope="module")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address; the tests are skipped where it is not installed."""
    if importlib.util.find_spec("ministack") is None:
        pytest.skip("ministack is not installed here: pip install ministack, and the emulator is asked, too")
    with running(Path(tmp_path_factory.mktemp("ministack"))) as url:
        assert asyncio.run(wait_until(lambda: asyncio.to_thread(_answers, url), within_s=60))
        yield url


@pytest.mark.parametrize("name", _ASKABLE)
def test_the_emulator_agrees(ministack: str, name: str) -> None:
    """Set up there, and asked over the wire."""
    assert ours(CASES[name]).answer == Emulated(ministack, CASES[name]).answer()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_ministack/health", timeout=2):  # noqa: S310 - the loopback
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
