"""Asks ministack, an emulator of AWS that enforces policies, the cases of the matrix over the wire.

It is no dependency: 90 MB. ``pip install ministack`` into the environment of the tests, and they ask it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.client import Config
from botocore.exceptions import ClientError

from fixtures.ports import free_port
from tests.iam.matrix import BUCKET, KEY, Case

_SECRET = "test"


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Run it on a port of the loopback, and give its address."""
    port = free_port()
    quiet = {"SFTP_ENABLED": "0", "IOT_MTLS_ENABLED": "0", "S3_DATA_DIR": str(folder / "s3"), "TMPDIR": str(folder)}
    settings = {"AUTH": "true", "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "LOG_LEVEL": "ERROR", **quiet}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack"], env=os.environ | settings, stdout=log, stderr=log
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=20)


class Emulated:
    """The accounts of one case, there.

    Args:
        url: its address.
        case: what to set up.
    """

    def __init__(self, url: str, case: Case) -> None:
        self._url = url
        self._case = case

    def answer(self) -> str:
        """Set it up, and ask."""
        case = self._case
        _quietly(lambda: self._iam(case.caller).create_user(UserName="starter"))
        start = [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]
        self._iam(case.caller).put_user_policy(UserName="starter", PolicyName="start", PolicyDocument=_document(start))
        key = self._iam(case.caller).create_access_key(UserName="starter")["AccessKey"]
        trust = [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": case.caller}}]
        self._role(case.caller, "caller", trust, case.identity)
        sts = self._client("sts", key["AccessKeyId"], key["SecretAccessKey"])
        session = sts.assume_role(RoleArn=case.role, RoleSessionName="session")["Credentials"]
        mine = (session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
        return self._assumed(mine) if case.trust else self._read(mine)

    def _assumed(self, mine: tuple[str, str, str]) -> str:
        self._role(self._case.owner, "target", list(self._case.trust), ())
        sts = self._client("sts", *mine)
        return _outcome(lambda: sts.assume_role(RoleArn=self._case.target, RoleSessionName="session"))

    def _read(self, mine: tuple[str, str, str]) -> str:
        owners = self._client("s3", self._case.owner, _SECRET)
        _quietly(lambda: owners.create_bucket(Bucket=BUCKET))
        _quietly(lambda: owners.delete_bucket_policy(Bucket=BUCKET))
        owners.put_object(Bucket=BUCKET, Key=KEY, Body=b"weights")
        if self._case.bucket:
            owners.put_bucket_policy(Bucket=BUCKET, Policy=_document(list(self._case.bucket)))
        reader = self._client("s3", *mine)
        return _outcome(lambda: reader.get_object(Bucket=BUCKET, Key=KEY))

    def _role(self, account: str, name: str, trust: list[Any], identity: tuple[Any, ...]) -> None:
        iam = self._iam(account)
        _quietly(lambda: iam.delete_role_policy(RoleName=name, PolicyName="own"))
        _quietly(lambda: iam.delete_role(RoleName=name))
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust))
        if identity:
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=_document(list(identity)))

    def _iam(self, account: str) -> Any:
        return self._client("iam", account, _SECRET)  # an account's number is the key of its root

    def _client(self, service: str, key: str, secret: str, token: str | None = None) -> Any:
        return boto3.client(
            service,
            endpoint_url=self._url,
            region_name=self._case.region,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}),
        )


def _document(listed: list[Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": listed})


def _outcome(ask: Any) -> str:
    try:
        ask()
    except ClientError as error:
        if error.response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException", "403"}:
            return "denied"
        raise
    return "allowed"


def _quietly(do: Any) -> None:
    try:
        do()
    except ClientError:
        return  # it was there already, or was not
