"""An AWS account with a Fault Injection Service, emulated by moto in this process.

moto's experiments move by being asked: each `GetExperiment` takes one from pending to initiating to running, and from
stopping to stopped. It runs no action, evaluates no stop condition, and knows no way into ``failed`` or ``cancelled``:
what FIS does there of its own accord is done here by hand (`FisCloud.ends_by_itself`). By default it would also take
a running experiment on to completed at the next question; here it runs until somebody ends it, as AWS's do for the
length of their actions.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import boto3
from moto.core import DEFAULT_ACCOUNT_ID
from moto.fis.models import Experiment, fis_backends
from moto.moto_api import state_manager
from moto.server import ThreadedMotoServer

REGION = "us-east-1"
ALARM = {"source": "aws:cloudwatch:alarm", "value": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:too-bad"}
_ACTIONS = {"stop": {"actionId": "aws:ec2:stop-instances", "targets": {"Instances": "all"}, "parameters": {}}}
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIASAMPLE", "AWS_SECRET_ACCESS_KEY": "sample"}


@dataclass
class FisCloud:
    """The account; ``moves`` is how an experiment goes on when it is asked."""

    url: str
    moves: dict[str | None, str]

    @property
    def client(self) -> Any:
        """Somebody else's client, to look on."""
        return boto3.session.Session().client("fis", region_name=REGION, endpoint_url=self.url)

    def template(self, *stop_conditions: dict[str, str]) -> str:
        """Make a template, and return its id."""
        made = self.client.create_experiment_template(
            description="instances stop",
            stopConditions=list(stop_conditions),
            targets={"all": {"resourceType": "aws:ec2:instance", "selectionMode": "ALL", "resourceTags": {"a": "b"}}},
            actions=_ACTIONS,
            roleArn="arn:aws:iam::123456789012:role/fis",
        )
        return str(made["experimentTemplate"]["id"])

    def experiments(self) -> list[Experiment]:
        """Return every experiment there ever was, without asking it for its state (which would move it)."""
        return list(fis_backends[DEFAULT_ACCOUNT_ID][REGION].experiments.values())

    def states(self) -> list[str | None]:
        """Return their states."""
        return [one._status for one in self.experiments()]

    def ends_by_itself(self, status: str) -> None:
        """Let every experiment end as a stop condition or a failed action would end it."""
        for one in self.experiments():
            one._status = status


@contextlib.contextmanager
def fis_cloud() -> Iterator[FisCloud]:
    """Raise the account, empty, on loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moves: dict[str | None, str] = {"pending": "initiating", "initiating": "running", "stopping": "stopped"}
    state_manager.set_transition("fis::experiment", {"progression": "manual", "times": 1})
    with (
        mock.patch.dict(os.environ, _CREDENTIALS),
        mock.patch.object(Experiment, "_get_next_status", lambda _, previous: moves.get(previous, previous)),
    ):
        server.start()
        try:
            host, port = server.get_host_and_port()
            yield FisCloud(f"http://{host}:{port}", moves)
        finally:
            server.stop()
            fis_backends.reset()
            state_manager.unset_transition("fis::experiment")
