"""State: the folder in which the runs of one user on one machine know of each other.

It holds a record of every live run (`brownout.live`) and the locks of what runs take hold of (`brownout.planes`).
"""

import os
import stat
import tempfile
from pathlib import Path

from brownout.errors import BadInput

OVERRIDE = "BROWNOUT_STATE"


def state_folder() -> Path:
    """Return the folder, made where it is not there, readable by its owner alone.

    It is ``$BROWNOUT_STATE``, else ``brownout`` in the user's runtime folder (``$XDG_RUNTIME_DIR``), else
    ``brownout-UID`` in the system's temporary folder.

    Raises:
        BadInput: it cannot be made, is a link, is somebody else's, or others can look into it.
    """
    folder = _candidates()[0]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = folder.lstat()
    except OSError as error:
        raise BadInput(f"the state folder {folder} cannot be made ({error.strerror}). Set {OVERRIDE}.") from None
    if wrong := _wrong(facts):
        raise BadInput(
            f"the state folder {folder} {wrong}: who is there could be made to end what is not theirs. "
            f"Remove it, or set {OVERRIDE} to a folder of your own (mode 0700)."
        )
    return folder


def state_folders() -> list[Path]:
    """Return every folder in which runs of this user may have left word: a login and a service choose differently."""
    return [folder for folder in _candidates() if folder.is_dir() and not _wrong(folder.lstat())]


def _candidates() -> list[Path]:
    if given := os.environ.get(OVERRIDE):
        return [Path(given).absolute()]
    runtime = [Path(os.environ.get("XDG_RUNTIME_DIR") or "/nowhere"), Path(f"/run/user/{os.getuid()}")]
    usable = [folder / "brownout" for folder in runtime if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)]
    return list(dict.fromkeys([*usable, Path(tempfile.gettempdir()) / f"brownout-{os.getuid()}"]))


def _wrong(facts: os.stat_result) -> str:
    if stat.S_ISLNK(facts.st_mode):
        return "is a link"
    if not stat.S_ISDIR(facts.st_mode):
        return "is no folder"
    if facts.st_uid != os.getuid():
        return f"belongs to user {facts.st_uid}"
    return "is open to others" if facts.st_mode & 0o077 else ""
