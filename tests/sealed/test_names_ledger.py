"""The ledger of names: what is asked for and is the world's, what is not, and what is hidden in names."""

import base64
from typing import TYPE_CHECKING

import dns.message
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.canary import CanaryMint, run_key
from fixtures.providers.names import NameServer
from fixtures.sealed.names import NameLedger
from fixtures.sealed.redaction import shown

if TYPE_CHECKING:
    from brownout.egress import EgressRecord

HOST = "bedrock-runtime.us-east-1.amazonaws.com"
MINT = CanaryMint(run_key(1), ["acme"])
SECRET = MINT.value("acme", 4)


class Still:
    """A clock that stands."""

    def now_s(self) -> float:
        """Return always the same."""
        return 7.0


class Asking:
    """A ledger before a name server of one name, and what it has recorded."""

    def __init__(self) -> None:
        self.records: list[EgressRecord] = []
        clock = Still()
        addresses = {HOST: "198.18.1.1"}
        server = NameServer({"od": HOST}, clock=clock, addresses=addresses)  # type: ignore[arg-type]
        self.ledger = NameLedger("t", MINT, server, addresses, clock=clock, record=self.records.append)  # type: ignore[arg-type]

    def ask(self, name: str, kind: str = "A") -> dns.message.Message:
        """Ask."""
        reply = self.ledger.answer(dns.message.make_query(name, kind).to_wire())
        assert reply is not None
        return dns.message.from_wire(reply)

    @property
    def denied(self) -> set[str]:
        """The names that were denied."""
        return {one.place for one in self.records if one.denied and not one.canary}

    @property
    def canaries(self) -> set[str]:
        """Whose data was seen."""
        return {one.canary for one in self.records if one.canary}


def test_a_name_of_the_worlds_leads_to_its_address_and_is_no_leak() -> None:
    """It is told at the end, with how often."""
    asking = Asking()
    answers = [record.to_text() for each in asking.ask(HOST).answer for record in each]
    asking.ask(HOST.upper(), "AAAA")

    layer = asking.ledger.layer(2)
    assert ["198.18.1.1"] == answers
    assert [(HOST, 2, False)] == [(one.place, one.times, one.denied) for one in asking.records]
    assert layer.complete


def test_any_other_name_is_denied_at_once() -> None:
    """Also one above the world's names."""
    asking = Asking()
    asking.ask("telemetry.example.com")
    asking.ask("amazonaws.com", "TXT")

    assert {"telemetry.example.com", "amazonaws.com"} == asking.denied


@pytest.mark.parametrize(
    "name", ["localhost", "sealed", "a.localhost", "1.1.18.198.in-addr.arpa", "1.0.0.127.in-addr.arpa"]
)
def test_what_leads_to_the_target_itself_or_to_the_world_is_no_leak(name: str) -> None:
    """Libraries ask for these without anybody's wish."""
    asking = Asking()
    asking.ask(name, "PTR")

    assert set() == asking.denied


def test_a_foreign_address_turned_back_is_denied() -> None:
    """Who asks for its name has said the address."""
    asking = Asking()
    asking.ask("8.8.8.8.in-addr.arpa", "PTR")

    assert 1 == len(asking.denied)


@pytest.mark.parametrize(
    "name",
    [
        f"{SECRET}.evil.example",
        f"{SECRET.lower()}.evil.example",
        f"{SECRET[:9]}.{SECRET[9:]}.evil.example",
        f"{base64.b32encode(SECRET.encode()).decode().rstrip('=').lower()}.evil.example",
        f"{SECRET.encode().hex()}.evil.example",
    ],
    ids=["as it is", "in small letters", "over labels", "base32", "hexadecimal"],
)
def test_a_secret_in_a_name_is_seen_and_not_shown(name: str) -> None:
    """Whatever it lies under."""
    asking = Asking()
    asking.ask(name)
    asking.ledger.layer(1)

    assert {"acme-4"} == asking.canaries
    assert 1 == len({one.place for one in asking.records if one.canary})
    assert not [one for one in asking.records if SECRET[4:12].lower() in one.place.lower()]


def test_a_secret_over_many_names_of_one_domain_is_put_together() -> None:
    """Each asked for twice, as for both kinds of address."""
    asking = Asking()
    for at in range(0, len(SECRET), 5):
        for kind in ("A", "AAAA"):
            asking.ask(f"{SECRET[at : at + 5]}.evil.example", kind)
    asking.ledger.layer(10)

    assert {"acme-4"} == asking.canaries


def test_what_is_no_question_is_on_record_and_looked_at() -> None:
    """The name server need not understand it."""
    asking = Asking()
    asking.ledger.answer(b"\x00\x01\x01\x00" + bytes(8) + SECRET.encode())

    assert {"what is no question"} == asking.denied
    assert {"acme-4"} == asking.canaries


def test_a_ledger_is_complete_when_as_many_messages_came_as_were_sent() -> None:
    """One that was lost on the way may have asked for anything."""
    asking = Asking()
    asking.ask(HOST)

    assert [True, False] == [asking.ledger.layer(sent).complete for sent in (1, 2)]


def test_a_flood_of_names_is_counted_after_the_first() -> None:
    """Evidence is bounded, and says what it leaves out."""
    asking = Asking()
    for number in range(510):
        asking.ask(f"n{number}.evil.example")
    asking.ledger.layer(510)

    assert ("more names", 10) == (asking.records[-1].place, asking.records[-1].times)


@given(st.lists(st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=24, max_size=63), min_size=1, max_size=3))
def test_labels_that_look_like_data_are_shown_by_their_length(labels: list[str]) -> None:
    """Never themselves; who was asked is."""
    said = shown(".".join([*labels, "evil", "example"]))

    assert said.endswith(".evil.example")
    assert not [label for label in labels if label in said]


def test_names_that_people_gave_are_shown_whole() -> None:
    """What a target tries at its start is worth reading."""
    for name in ("openaipublic.blob.core.windows.net", "raw.githubusercontent.com", "_dns.resolver.arpa"):
        assert name == shown(name)
