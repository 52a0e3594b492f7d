"""Credentials come from a file or from the environment, and a file that will not do says why."""

import datetime as dt
from pathlib import Path

import pytest

from brownout.dialects import DIALECTS
from brownout.errors import BadInput
from brownout.wire import HttpRequest
from fixtures.conform.credentials import ANONYMOUS, Credentials, Prover, load_credentials

UTC = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
REQUEST = HttpRequest(method="POST", path="/", headers={"Content-Type": "application/json"}, body=b"{}")


def _file(folder: Path, text: str) -> Path:
    path = folder / "credentials.yaml"
    path.write_text(text)
    return path


def test_a_value_may_stand_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``env:NAME`` is read from the environment, so that no file need hold a secret."""
    monkeypatch.setenv("A_KEY", "sk-1234567")
    found = load_credentials(_file(tmp_path, "api_key: env:A_KEY\n"), DIALECTS["openai-chat"])
    assert "sk-1234567" == found.api_key
    assert ["sk-1234567"] == [secret for secret in found.secrets() if secret]


@pytest.mark.parametrize(
    ("dialect", "text", "said"),
    [
        ("openai-chat", "api_key: env:NOT_SET_ANYWHERE\n", "the environment variable 'NOT_SET_ANYWHERE' is not set"),
        ("openai-chat", "api_kye: sk-1\n", "Did you mean 'api_key'"),
        ("openai-chat", "region: here\n", "openai-chat needs api_key"),
        (
            "bedrock-converse",
            "access_key_id: AKIA\n",
            "access_key_id with secret_access_key with region, or bearer_token",
        ),
        ("vertex-generate", "access_token: t\n", "access_token with project with location"),
        ("vertex-generate", "{service_account_file: nowhere.json, project: p, location: l}\n", "cannot be read"),
    ],
)
def test_bad_credentials_are_bad_input(tmp_path: Path, dialect: str, text: str, said: str) -> None:
    """What is missing, misspelt or not set is named, with the file and the fix."""
    with pytest.raises(BadInput) as caught:
        load_credentials(_file(tmp_path, text), DIALECTS[dialect])
    assert said in str(caught.value)
    assert "credentials.yaml" in str(caught.value)


@pytest.mark.parametrize("text", ["[]", "{}", '{"client_email": "a", "private_key": 1}'])
def test_a_service_account_that_is_none_is_bad_input(tmp_path: Path, text: str) -> None:
    """A file of another kind is said to be one."""
    account = tmp_path / "account.json"
    account.write_text(text)
    path = _file(tmp_path, f"{{service_account_file: {account}, project: p, location: l}}\n")
    with pytest.raises(BadInput, match="service_account_file"):
        load_credentials(path, DIALECTS["vertex-generate"])


@pytest.mark.parametrize(
    ("dialect", "credentials", "header", "starts"),
    [
        ("openai-chat", Credentials(api_key="sk-1"), "Authorization", "Bearer sk-1"),
        ("anthropic-messages", Credentials(api_key="sk-1"), "x-api-key", "sk-1"),
        ("vertex-generate", Credentials(access_token="ya29"), "Authorization", "Bearer ya29"),
        ("bedrock-converse", Credentials(bearer_token="b"), "Authorization", "Bearer b"),
        (
            "sagemaker-invoke",
            Credentials(access_key_id="AKIA1", secret_access_key="s", region="us-east-1"),
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=AKIA1/20260101/us-east-1/sagemaker/aws4_request",
        ),
    ],
)
def test_each_dialect_has_its_proof(dialect: str, credentials: Credentials, header: str, starts: str) -> None:
    """Keys, tokens and signatures stand where each vendor looks for them."""
    proof = Prover(DIALECTS[dialect], credentials, "h").proof(REQUEST, UTC)
    assert proof[header].startswith(starts)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_without_a_file_nothing_is_proved(dialect: str) -> None:
    """A run without credentials sends none."""
    assert ANONYMOUS == load_credentials(None, DIALECTS[dialect])
    prover = Prover(DIALECTS[dialect], ANONYMOUS, "h")
    assert prover.is_anonymous
    assert {} == prover.proof(REQUEST, UTC)
