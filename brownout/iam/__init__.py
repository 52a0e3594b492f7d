"""AWS authorization, judged from exported policies: who may do what, and whether an escrow keeps what it promises.

`brownout.iam.evaluate` answers one request; `brownout.iam.promises` asks all those that matter to an escrow.
"""

from brownout.iam.escrow import load_escrow
from brownout.iam.exports import read_exports
from brownout.iam.promises import PROMISES, judge_escrow
from brownout.iam.verdicts import EscrowVerdicts

__all__ = ["PROMISES", "EscrowVerdicts", "judge_escrow", "load_escrow", "read_exports"]
