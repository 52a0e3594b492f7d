"""AWS authorization, judged from exported policies: who may do what, and whether an escrow keeps what it promises.

`brownout.iam.evaluate` answers one request; `brownout.iam.promises` asks all those that matter to an escrow.
"""

from pathlib import Path

from brownout.iam.escrow import Escrow, load_escrow
from brownout.iam.exports import Exports, read_exports
from brownout.iam.promises import PROMISES, judge_escrow
from brownout.iam.references import check_references
from brownout.iam.verdicts import EscrowVerdicts

__all__ = ["PROMISES", "Escrow", "EscrowVerdicts", "Exports", "judge_escrow", "load_folder"]


def load_folder(folder: Path) -> tuple[Escrow, Exports]:
    """Return what a folder says of an escrow, and the policies in it.

    Raises:
        BadInput: a file that cannot be read as what it is, or that another does not fit; the message says where.
    """
    escrow = load_escrow(folder)
    exports = read_exports(folder)
    check_references(folder, escrow, exports)
    return escrow, exports
