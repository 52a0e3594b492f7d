"""A cloud on a real loop in a thread of its own."""

import importlib
import logging
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from tests.threads import served
from tests.wire.world import World, serve


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Run a cloud for the whole session."""
    with served(serve, tmp_path_factory.mktemp("accounts")) as world:
        yield world


@pytest.fixture
def world(running: World) -> Iterator[World]:
    """Lend the cloud to one test: no fault on, no record yet, and the ids of replies the same whatever ran before."""
    running.seen().clear()
    for endpoint in running.cloud.endpoints.values():
        endpoint._count = 0
    yield running
    for endpoint in running.cloud.endpoints.values():
        endpoint.faults.clear()


@pytest.fixture(scope="session")
def lite() -> Iterator[Any]:
    """Import LiteLLM so that it asks nobody: no price list, no tokenizer, no telemetry, no callbacks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        patch.setenv("HF_HUB_OFFLINE", "1")
        # Claude on Vertex needs no more of Google's SDK than that it can be imported.
        vertexai = ModuleType("vertexai")
        vertexai.preview = ModuleType("vertexai.preview")  # type: ignore[attr-defined]
        patch.setitem(sys.modules, "vertexai", vertexai)
        litellm = importlib.import_module("litellm")
        patch.setattr(litellm, "telemetry", False)
        patch.setattr(litellm, "suppress_debug_info", True)
        patch.setattr(litellm, "disable_hf_tokenizer_download", True)
        patch.setattr(litellm, "callbacks", [])
        logger = logging.getLogger("LiteLLM")
        level = logger.level
        logger.setLevel(logging.CRITICAL)
        yield litellm
        logger.setLevel(level)
