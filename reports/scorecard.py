"""Scorecards: one page for each product that was judged, and an index over all.

A page is made from one file that lies beside it (``<target>.verdicts.json``) and from what people wrote about it
(``<target>.notes.md``, included as it stands), so that it can be made again without the run's evidence.
"""

from pathlib import Path

import msgspec

from brownout.rundir import RunDir
from reports import scorecard_page
from reports.card import card_of, read_card

_CARD, _NOTES = ".verdicts.json", ".notes.md"


def publish(run: RunDir, folder: Path) -> Path:
    """Write what a run's page is made from into a folder, and return its path.

    Raises:
        BadInput: the run was not judged, or names no target file.
    """
    card = card_of(run)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{card.verdicts.target}{_CARD}"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(card), indent=1) + b"\n")
    return path


def render_again(folder: Path) -> list[Path]:
    """Make every page of a folder again, and the index; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    cards = {path.name.removesuffix(_CARD): read_card(path) for path in sorted(folder.glob(f"*{_CARD}"))}
    written = []
    for name, card in cards.items():
        notes = folder / f"{name}{_NOTES}"
        text = scorecard_page.page(card, notes.read_text(encoding="utf-8") if notes.is_file() else "")
        written.append(_write(folder / f"{name}.md", text))
    written.append(_write(folder / "README.md", scorecard_page.index(cards)))
    return written


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path
