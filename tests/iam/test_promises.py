"""The promises of an escrow: the example keeps them, and each planted defect breaks the one that is meant for it."""

from pathlib import Path

import pytest

from brownout.iam import PROMISES, judge_escrow, load_folder
from tests.iam.folders import EXAMPLE, NOW, PROVIDER, Folder, finding, outcomes
from tests.iam.planted import DEFECTS

EVERYTHING = {f"{promise}@{region}" for promise in PROMISES for region in ("us-east-1", "us-west-2")}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A copy of the example."""
    return Folder(tmp_path / "escrow")


def test_the_example_keeps_every_promise_at_home_and_failing_over() -> None:
    """All green, and each by requests that were judged."""
    verdicts = judge_escrow(*load_folder(EXAMPLE), NOW)
    assert EVERYTHING == outcomes(verdicts, "pass")
    assert all(one.questions > 0 for one in verdicts.findings)
    assert "pass" == verdicts.outcome


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_breaks_the_promise_that_is_meant_for_it_and_no_other(name: str, folder: Folder) -> None:
    """The red promise names the statement that decided; what is not broken by the defect is kept."""
    defect = DEFECTS[name]
    defect.plant(folder)
    verdicts = folder.judge()
    red = {defect.meant} | defect.also
    assert red == outcomes(verdicts, "fail")
    assert EVERYTHING - red == outcomes(verdicts, "pass")
    assert any(defect.by in where for one in finding(verdicts, defect.meant).breaches for where in one.by)


def test_a_chain_names_every_role_on_the_way(folder: Folder) -> None:
    """From the customer's role over the provider's to the escrow's."""
    DEFECTS["a chain of two roles"].plant(folder)
    breach = finding(folder.judge(), "weights-unreadable@us-east-1").breaches[0]
    assert "arn:aws:iam::222222222222:role/app" == breach.who
    assert ["arn:aws:iam::111111111111:role/helpdesk", "arn:aws:iam::333333333333:role/escrow-runtime"] == breach.roles


def test_what_is_not_known_is_unknown_and_says_what(folder: Folder) -> None:
    """An operator that is not supported, in the one statement that matters."""
    file = "provider/weights-bucket-us-west-2.json"
    folder.text(file, "StringNotEquals", "BinaryEquals")
    verdicts = folder.judge()
    assert {"endpoint-only@us-west-2", "readers-can-read@us-west-2"} == outcomes(verdicts, "unknown")
    why = finding(verdicts, "endpoint-only@us-west-2").breaches[0].why
    assert ["the condition operator 'BinaryEquals', which is not supported"] == why


def test_an_operator_that_is_not_known_does_not_matter_where_another_statement_decides(folder: Folder) -> None:
    """A Deny that holds is a Deny, whatever else there is."""
    folder.text("provider/weights-bucket-us-west-2.json", r"{\"Bool\"", r"{\"Boole\"")
    assert {"readers-can-read@us-west-2"} == outcomes(folder.judge(), "unknown")


def test_a_region_of_which_nothing_is_said_is_unknown(folder: Folder) -> None:
    """Named as one to fail over to, and no weights, data or endpoints there."""
    folder.text("escrow.yaml", "failover_to: [us-west-2]", "failover_to: [us-west-2, eu-west-1]")
    there = {f"{promise}@eu-west-1" for promise in PROMISES} - {"external-id-required@eu-west-1"}
    verdicts = folder.judge()
    assert there == outcomes(verdicts, "unknown")
    assert "weights names nothing in eu-west-1" == finding(verdicts, "weights-unreadable@eu-west-1").why


def test_a_key_whose_grants_were_not_exported_is_unknown(folder: Folder) -> None:
    """A grant may open what its policy does not."""
    folder.without_grants()
    verdicts = folder.judge()
    assert {"weights-unreadable@us-west-2"} == outcomes(verdicts, "unknown")


def test_a_managed_policy_that_was_not_exported_is_unknown(folder: Folder) -> None:
    """It is attached to who reads the weights, and might deny it."""
    arn = "arn:aws:iam::aws:policy/NotThere"
    attached = {"PolicyName": "NotThere", "PolicyArn": arn}
    folder.role(
        "escrow-west/authorization.json",
        "escrow-runtime",
        lambda role: role["AttachedManagedPolicies"].append(attached),
    )
    verdicts = folder.judge()
    assert "readers-can-read@us-west-2" in outcomes(verdicts, "unknown")
    assert set() == outcomes(verdicts, "fail")


def test_a_federation_that_opens_a_reader_is_unknown(folder: Folder) -> None:
    """Whom it lets in is in no export."""
    folder.trust(
        "escrow-west/authorization.json",
        "escrow-runtime",
        {"Federated": "arn:aws:iam::444444444444:oidc-provider/token.example.com"},
    )
    verdicts = folder.judge()
    assert {"weights-unreadable@us-west-2", "tenant-data-unreadable@us-west-2"} == outcomes(verdicts, "unknown")
    assert "token.example.com" in finding(verdicts, "weights-unreadable@us-west-2").breaches[0].why[0]


def test_what_a_federation_opens_is_followed_from_there(folder: Folder) -> None:
    """A role of the provider's, whose people are not known, that may become the one that reads."""
    helpdesk = f"arn:aws:iam::{PROVIDER}:role/helpdesk"
    folder.trust("provider/authorization.json", "helpdesk", {"Federated": f"arn:aws:iam::{PROVIDER}:saml-provider/x"})
    folder.may("provider/authorization.json", "helpdesk", "sts:AssumeRole", "*")
    folder.trust("escrow-west/authorization.json", "escrow-runtime", {"AWS": helpdesk})
    found = finding(folder.judge(), "weights-unreadable@us-west-2")
    assert "unknown" == found.outcome
    assert [helpdesk, "arn:aws:iam::444444444444:role/escrow-runtime"] == found.breaches[0].roles


def test_a_federation_of_the_owners_own_opens_nothing_to_others(folder: Folder) -> None:
    """escrow.yaml says whose people it lets in; of one that it does not name, that is not known."""
    provider = f"arn:aws:iam::{PROVIDER}:saml-provider/acme"
    folder.trust("provider/authorization.json", "administrator", {"Federated": provider})
    folder.statements("provider/model-packages-us-west-2.json", lambda all_of: all_of.pop())
    assert "weights-unreadable@us-west-2" in outcomes(folder.judge(), "unknown")
    with (folder.path / "escrow.yaml").open("a") as file:
        file.write(f"federations: {{{provider!r}: provider}}\n")
    assert "weights-unreadable@us-west-2" in outcomes(folder.judge(), "pass")


def test_without_the_owners_authorization_details_nothing_is_shown(folder: Folder) -> None:
    """Who may become one of its roles cannot be told."""
    (folder.path / "provider" / "authorization.json").unlink()
    verdicts = folder.judge()
    assert {"weights-unreadable@us-east-1", "weights-unreadable@us-west-2"} == outcomes(verdicts, "unknown")


def test_the_other_partys_details_are_not_needed(folder: Folder) -> None:
    """The worst role that it could have is judged instead."""
    (folder.path / "provider" / "authorization.json").unlink()
    assert {"tenant-data-unreadable@us-east-1", "tenant-data-unreadable@us-west-2"} <= outcomes(folder.judge(), "pass")
