"""An experiment of AWS FIS: started once, watched, stopped, read back; found and stopped by whoever comes later.

FIS is emulated by moto (see `tests.faults.fis_cloud` for what that lacks); what moto cannot say is said by botocore's
Stubber, which holds every request and answer against AWS's own model of the API.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from brownout.debts import SETTLERS
from brownout.errors import BadInput
from brownout.hands import LeftOn
from faults import _fis
from faults._fis import Experiment, Fis, FisError
from faults.aws_fis import AwsFis
from tests.faults.fis_cloud import ALARM, REGION, FisCloud, fis_cloud
from tests.faults.owing import Owing


@pytest.fixture
def cloud() -> Iterator[FisCloud]:
    """Give an AWS account."""
    with fis_cloud() as made:
        yield made


def _fault(cloud: FisCloud, **changes: Any) -> AwsFis:
    settings = {"template_id": "", "region": REGION, "endpoint_url": cloud.url, "poll_s": 0.01, **changes}
    return AwsFis(**(settings | {"template_id": settings["template_id"] or cloud.template(ALARM)}))


async def _until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is awaited tells nobody
            await asyncio.sleep(0.01)


def test_it_names_what_it_reaches() -> None:
    """As ``may_inject`` does."""
    assert ["aws-fis:eu-west-1/EXT1"] == AwsFis(template_id="EXT1", region="eu-west-1").reaches()


def test_it_starts_counts_stops_and_owes_nothing_in_the_end(cloud: FisCloud) -> None:
    """On return it runs; after the undo it is stopped, by its own word."""
    owing = Owing()

    async def scenario() -> None:
        turned = await _fault(cloud, tags={"team": "serving"}).turn(owing.hands, ["e"])
        assert (["running"], 1) == (cloud.states(), turned.fired())
        (debt,) = owing.debts
        tags = cloud.client.list_experiments()["experiments"][0]["tags"]
        assert {"team": "serving", "brownout-run": debt.what["token"]} == tags
        assert cloud.experiments()[0].id == debt.what["experiment"]
        assert False is await turned.undone()
        await turned.undo()
        assert (True, ["stopped"], []) == (await turned.undone(), cloud.states(), owing.debts)
        await turned.undo()

    asyncio.run(scenario())
    assert [] == owing.called_off


def test_the_debt_is_written_before_the_start(cloud: FisCloud) -> None:
    """What cannot be written down is not begun."""
    owing = Owing()

    def full(debt: object) -> Any:
        del debt
        assert [] == cloud.experiments()
        raise OSError("disk full")

    owing.owe = full  # type: ignore[method-assign]
    with pytest.raises(OSError, match="disk full"):
        asyncio.run(_fault(cloud).turn(owing.hands, []))
    assert [] == cloud.experiments()


@pytest.mark.parametrize("conditions", [[], [{"source": "none"}]])
def test_a_template_that_nothing_would_stop_is_refused(cloud: FisCloud, conditions: list[dict[str, str]]) -> None:
    """Unless that is asked for in so many words."""
    template = cloud.template(*conditions)
    owing = Owing()
    with pytest.raises(BadInput, match="has no stop condition"):
        asyncio.run(_fault(cloud, template_id=template).turn(owing.hands, []))
    assert ([], []) == (cloud.experiments(), owing.ever)

    async def scenario() -> None:
        turned = await _fault(cloud, template_id=template, without_stop_conditions=True).turn(owing.hands, [])
        await turned.undo()

    asyncio.run(scenario())
    assert ["stopped"] == cloud.states()


def test_a_template_that_is_not_there_is_said(cloud: FisCloud) -> None:
    """In AWS's words, with nothing owed."""
    owing = Owing()
    with pytest.raises(FisError, match=r"get_experiment_template.*EXTnone does not exist"):
        asyncio.run(_fault(cloud, template_id="EXTnone").turn(owing.hands, []))
    assert [] == owing.ever


@pytest.mark.parametrize("status", ["stopping", "stopped", "failed", "cancelled"])
def test_an_experiment_that_fis_ends_calls_the_run_off(cloud: FisCloud, status: str) -> None:
    """A stop condition's alarm, say: somebody has seen enough."""
    owing = Owing()

    async def scenario() -> bool:
        turned = await _fault(cloud).turn(owing.hands, [])
        cloud.ends_by_itself(status)
        await _until(lambda: owing.called_off)
        await turned.undo()
        return await turned.undone()

    undone = asyncio.run(scenario())
    (why,) = owing.called_off
    assert cloud.experiments()[0].id in why
    # A failed experiment has ended, and nothing is left to stop; but what its actions did may not be undone.
    assert (status != "failed", []) == (undone, owing.debts)


def test_an_experiment_that_completes_calls_nothing_off(cloud: FisCloud) -> None:
    """Its actions were over before the injection was."""
    owing = Owing()

    async def scenario() -> bool:
        turned = await _fault(cloud).turn(owing.hands, [])
        cloud.ends_by_itself("completed")
        await _until(turned._watch.done)  # type: ignore[attr-defined]
        await turned.undo()
        return await turned.undone()

    assert (True, []) == (asyncio.run(scenario()), owing.called_off)


def test_one_that_nobody_can_watch_any_more_calls_the_run_off(cloud: FisCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that expired, say; its debt stands until somebody can."""
    owing = Owing()

    async def scenario() -> None:
        turned = await _fault(cloud).turn(owing.hands, [])
        with monkeypatch.context() as patch:
            patch.setattr(Fis, "get", _unheard)
            await _until(lambda: owing.called_off)
            with pytest.raises(FisError, match="expired"):
                await turned.undo()
            assert 1 == len(owing.debts)
        await turned.undo()

    asyncio.run(scenario())
    assert ("cannot be watched" in owing.called_off[0], []) == (True, owing.debts)


async def _unheard(_: Fis, __: str) -> Any:
    raise FisError("expired")


def test_one_that_does_not_come_to_run_is_stopped(cloud: FisCloud) -> None:
    """An error, and nothing left."""
    del cloud.moves["pending"]
    owing = Owing()
    with pytest.raises(FisError, match=r"is pending after 0\.1 s"):
        asyncio.run(_fault(cloud, starts_within_s=0.1).turn(owing.hands, []))
    assert (["stopped"], []) == (cloud.states(), owing.debts)


def test_whoever_is_interrupted_at_the_start_leaves_nothing(cloud: FisCloud) -> None:
    """Wherever it is caught, what was started is stopped before the interruption goes on."""
    owing = Owing()

    async def scenario() -> None:
        work = asyncio.create_task(_fault(cloud, poll_s=5).turn(owing.hands, []))
        await _until(lambda: cloud.experiments() or work.done())
        for one in cloud.experiments():
            one._status = "stopped"  # it would take moto two polls of 5 s
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    asyncio.run(scenario())
    assert (["stopped"], [], True) == (cloud.states(), owing.debts, bool(owing.ever))


@pytest.mark.parametrize("known", [True, False])
def test_who_comes_later_finds_and_stops_it(cloud: FisCloud, known: bool) -> None:  # noqa: FBT001 - a parameter of pytest's
    """By the token alone, whether or not the experiment's id came to be written; and others' are left alone."""
    owing = Owing()

    async def killed() -> None:
        turned = await _fault(cloud).turn(owing.hands, [])
        turned._watch.cancel()  # type: ignore[attr-defined]

    asyncio.run(killed())
    other = cloud.client.start_experiment(
        clientToken="other", experimentTemplateId=owing.debts[0].what["template_id"], tags={"brownout-run": "other"}
    )["experiment"]["id"]
    what = dict(owing.debts[0].what if known else owing.ever[0].what)
    assert known is ("experiment" in what)
    SETTLERS["fis-experiment"](what)
    SETTLERS["fis-experiment"](what)
    states = {one.id: one._status for one in cloud.experiments()}
    assert "pending" == states.pop(other)
    assert ["stopped"] == list(states.values())


def test_a_start_that_nobody_answered_keeps_its_debt(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have been heard: only FIS knows."""
    owing = Owing()

    async def template(*_: object) -> dict[str, Any]:
        return {"stopConditions": [ALARM]}

    async def unanswered(*_: object) -> None:
        raise FisError("read timeout")

    async def none(*_: object) -> list[Experiment]:
        return []

    monkeypatch.setattr(Fis, "template", template)
    monkeypatch.setattr(Fis, "start", unanswered)
    monkeypatch.setattr(Fis, "tagged", none)
    with pytest.raises(LeftOn, match="read timeout; the start may be heard later"):
        asyncio.run(AwsFis(template_id="EXT1", region=REGION).turn(owing.hands, []))
    assert 1 == len(owing.debts)


def _stubbed(fis: Fis) -> Stubber:
    client = boto3.session.Session(aws_access_key_id="a", aws_secret_access_key="b").client("fis", region_name=REGION)
    fis._clients.append(client)
    return Stubber(client)


def _document(status: str, *actions: str) -> dict[str, Any]:
    began = {"startTime": 1.0}
    return {
        "id": "EXP1",
        "state": {"status": status, "reason": "so it is"},
        "actions": {
            f"a{number}": {"state": {"status": action}, **(began if action not in {"pending", "cancelled"} else {})}
            for number, action in enumerate(actions)
        },
    }


def test_actions_count_once_they_have_begun() -> None:
    """By AWS's own states; what was skipped, cancelled or is still to come did nothing."""
    fis = Fis(region=REGION, poll_s=0.001)
    states = ("pending", "running", "completed", "stopped", "cancelled", "skipped", "failed")
    with _stubbed(fis) as stub:
        stub.add_response("get_experiment", {"experiment": _document("running", *states)}, {"id": "EXP1"})
        one = Experiment(fis, _document("pending"))
        assert 0 == one.ran
        asyncio.run(one.refresh())
    assert 3 == one.ran


def test_one_that_ends_between_the_question_and_the_order_is_stopped_enough() -> None:
    """AWS may refuse to stop what has ended."""
    fis = Fis(region=REGION, poll_s=0.001)
    with _stubbed(fis) as stub:
        stub.add_response("get_experiment", {"experiment": _document("running")}, {"id": "EXP1"})
        stub.add_client_error("stop_experiment", "ValidationException", http_status_code=400)
        stub.add_response("get_experiment", {"experiment": _document("completed")}, {"id": "EXP1"})
        one = Experiment(fis, _document("running"))
        asyncio.run(one.stop())
    assert "completed" == one.status


def test_one_that_does_not_stop_is_said() -> None:
    """With the state that it is in."""
    fis = Fis(region=REGION, poll_s=1.0)
    with _stubbed(fis) as stub:
        stub.add_response("get_experiment", {"experiment": _document("running")}, {"id": "EXP1"})
        stub.add_response("stop_experiment", {"experiment": _document("stopping")}, {"id": "EXP1"})
        with pytest.raises(FisError, match=r"EXP1 was told to stop, and is running 0\.01 s later"):
            asyncio.run(Experiment(fis, _document("running")).stop(within_s=0.01))


def test_every_page_is_searched_for_our_tag() -> None:
    """An account may have many experiments."""
    fis = Fis(region=REGION)
    asked = {"experimentTemplateId": "EXT1", "maxResults": 100}
    with _stubbed(fis) as stub:
        page = {"experiments": [{"id": "EXP1", "state": {"status": "running"}, "tags": {"brownout-run": "other"}}]}
        stub.add_response("list_experiments", {**page, "nextToken": "more"}, asked)
        page = {"experiments": [{"id": "EXP2", "state": {"status": "running"}, "tags": {"brownout-run": "ours"}}]}
        stub.add_response("list_experiments", page, {**asked, "nextToken": "more"})
        found = asyncio.run(fis.tagged("EXT1", "ours"))
    assert ["EXP2"] == [one.id for one in found]


def test_a_no_of_fis_and_a_silence_are_told_apart() -> None:
    """After a no nothing was begun."""
    fis = Fis(region=REGION)
    with _stubbed(fis) as stub:
        for status in (402, 500):
            stub.add_client_error("start_experiment", "ServiceQuotaExceededException", http_status_code=status)
        refused = []
        for _ in range(2):
            with pytest.raises(FisError) as caught:
                asyncio.run(fis.start("EXT1", "token", {}))
            refused.append(caught.value.refused)
    assert [True, False] == refused


def test_tokens_differ_from_run_to_run() -> None:
    """Else the second run of a seed would be given the first one's experiment."""
    assert _fis.new_token() != _fis.new_token()
