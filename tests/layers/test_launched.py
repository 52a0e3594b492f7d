"""A target that is started here runs where what it writes is seen, and is told of collectors as in production."""

import asyncio
import json
import tempfile
from pathlib import Path

from brownout.target import Start, Target
from fixtures.launch import LaunchedTarget
from fixtures.ports import free_port


def environment(folder: Path, **env: str) -> dict[str, str]:
    """Return what a target is started with."""
    world = folder / "world.json"
    world.write_text(json.dumps({"sinks": {"otlp": "http://127.0.0.1:4318"}}))
    target = Target(target="t", start=Start(command=["true"], env=env))

    async def told() -> dict[str, str]:
        launched = LaunchedTarget(target, folder, test_folder=folder, world=world, port=free_port("t"))
        launched._port.release()
        command = launched._command()
        told = dict(command.environment)
        link, to = command.way or (None, None)
        told["the keeper's link"], told["where it leads"] = str(link), str(to)
        await launched.stop()
        return told

    return asyncio.run(told())


def test_temporary_files_go_where_they_are_looked_at(tmp_path: Path) -> None:
    """Into a folder that is there, within the one it runs in, by a way that is short enough for sockets."""
    told = environment(tmp_path)
    really = Path(told["where it leads"])
    assert (tmp_path / "target" / "tmp", True) == (really, really.is_dir())
    assert told["TMPDIR"] == told["the keeper's link"]
    assert len(told["TMPDIR"]) < len(str(Path(tempfile.gettempdir()))) + 20


def test_a_collector_is_named_as_sdks_read_it(tmp_path: Path) -> None:
    """It is this world's own, and outside every boundary."""
    told = environment(tmp_path)
    assert ("http://127.0.0.1:4318", "http/protobuf") == (
        told["OTEL_EXPORTER_OTLP_ENDPOINT"],
        told["OTEL_EXPORTER_OTLP_PROTOCOL"],
    )


def test_what_a_targets_own_file_says_comes_first(tmp_path: Path) -> None:
    """Who has a collector of its own, or a place for temporary files, keeps it."""
    told = environment(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="http://10.0.0.1", TMPDIR="/srv/t")
    assert ("http://10.0.0.1", "/srv/t") == (told["OTEL_EXPORTER_OTLP_ENDPOINT"], told["TMPDIR"])
