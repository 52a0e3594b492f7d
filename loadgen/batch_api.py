"""The words of OpenAI's Batch API, as its clients say and read them ("Batch", "Files" in its API reference)."""

from collections.abc import Mapping
from typing import Any

import msgspec

from brownout.wire import HttpRequest
from loadgen.fetch import Fetch

FILES, BATCHES = "/v1/files", "/v1/batches"
ENDED = {"completed", "failed", "expired", "cancelled"}


def create(file_id: str, endpoint: str, headers: Mapping[str, str], metadata: Mapping[str, str]) -> HttpRequest:
    """Return the request that makes a batch of a file; of no metadata nothing is said."""
    wanted: dict[str, Any] = {"input_file_id": file_id, "endpoint": endpoint, "completion_window": "24h"}
    if metadata:
        wanted["metadata"] = dict(metadata)
    told = {**headers, "Content-Type": "application/json"}
    return HttpRequest(method="POST", path=BATCHES, headers=told, body=msgspec.json.encode(wanted))


def content_of(file_id: str) -> str:
    """Return the path of a file's content."""
    return f"{FILES}/{file_id}/content"


def id_in(fetch: Fetch) -> str:
    """Return the id of what was made; empty where nothing was."""
    made = fetch.told().get("id") if fetch.served else None
    return made if isinstance(made, str) else ""


def files_in(told: Mapping[str, Any]) -> dict[str, str]:
    """Return the files that a batch names as what came of it."""
    named = {name: told.get(f"{name}_file_id") for name in ("output", "error")}
    return {name: file_id for name, file_id in named.items() if isinstance(file_id, str) and file_id}
