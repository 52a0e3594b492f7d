"""Copies of the example escrow, and ways to change what is in their files."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from brownout.iam import EscrowVerdicts, judge_escrow, load_folder
from brownout.iam.verdicts import Finding

EXAMPLE = Path(__file__).resolve().parents[2] / "fixtures" / "escrows" / "sagemaker"
NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
PROVIDER, CUSTOMER, EAST, WEST = "111111111111", "222222222222", "333333333333", "444444444444"
Statements = list[dict[str, Any]]


class Folder:
    """A copy of the example, to be changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        shutil.copytree(EXAMPLE, path)

    def judge(self) -> EscrowVerdicts:
        """Return what is found of it."""
        return judge_escrow(*load_folder(self.path), NOW)

    def without_grants(self) -> None:
        """Leave out what grants the weights' key in the fallback region has: nobody exported them."""
        file = "provider/weights-key-us-west-2.grants.json"
        self.text("escrow.yaml", f"    grants: {file}\n", "")
        (self.path / file).unlink()

    def text(self, file: str, old: str, new: str) -> None:
        """Put one text for another, which must be there."""
        text = (self.path / file).read_text()
        assert old in text, f"{old!r} is not in {file}"
        (self.path / file).write_text(text.replace(old, new))

    def body(self, file: str, change: Callable[[Any], None]) -> None:
        """Change a file's JSON."""
        body = json.loads((self.path / file).read_text())
        change(body)
        (self.path / file).write_text(json.dumps(body, indent=4))

    def statements(self, file: str, change: Callable[[Statements], None]) -> None:
        """Change the statements of a resource's policy, or an SCP's, which is text within JSON."""

        def within(body: Any) -> None:
            holder, key = body, "Policy" if "Policy" in body else "ResourcePolicy"
            if isinstance(body[key], dict):
                holder, key = body[key], "Content"
            document = json.loads(holder[key])
            change(document["Statement"])
            holder[key] = json.dumps(document)

        self.body(file, within)

    def role(self, file: str, name: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Change a role in an account's authorization details."""
        self.body(file, lambda body: change(next(one for one in body["RoleDetailList"] if one["RoleName"] == name)))

    def trust(self, file: str, name: str, principal: Any, condition: Any = None) -> None:
        """Let a role be assumed by somebody else."""
        statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        document = {"Version": "2012-10-17", "Statement": [statement | ({"Condition": condition} if condition else {})]}
        self.role(file, name, lambda role: role.update(AssumeRolePolicyDocument=document))

    def may(self, file: str, name: str, action: str, resource: str) -> None:
        """Give a role one more thing that it may do."""
        document = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}],
        }
        self.role(
            file, name, lambda role: role["RolePolicyList"].append({"PolicyName": "more", "PolicyDocument": document})
        )


def outcomes(verdicts: EscrowVerdicts, outcome: str) -> set[str]:
    """Return ``promise@region`` of the findings with this outcome."""
    return {f"{one.promise}@{one.region}" for one in verdicts.findings if one.outcome == outcome}


def finding(verdicts: EscrowVerdicts, name: str) -> Finding:
    """Return the finding of ``promise@region``."""
    return next(one for one in verdicts.findings if f"{one.promise}@{one.region}" == name)
