"""The filter of system calls lets through what it should, and nothing else: run here as the kernel runs it."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.sealed.calls import FAMILIES, MACHINES, UNKNOWN_CALL, UNKNOWN_FAMILY, Machine, program

ALLOW, ERROR = 0x7FFF_0000, 0x0005_0000
NO_CALL, NO_FAMILY = ERROR | UNKNOWN_CALL, ERROR | UNKNOWN_FAMILY


def run(machine: Machine, audit: int, number: int, argument: int) -> int:
    """Run the filter over a call, and return what it says."""
    words = {4: audit, 0: number, 16: argument}
    made, at, loaded = program(machine), 0, 0
    while True:
        one = made[at]
        at += 1
        if one.code == 0x06:
            return one.value
        if one.code == 0x20:
            loaded = words[one.value]
            continue
        so = loaded == one.value if one.code == 0x15 else loaded >= one.value
        at += one.then if so else one.otherwise


MACHINE = st.sampled_from(list(MACHINES.values()))


@given(machine=MACHINE, family=st.integers(0, 2**32 - 1), which=st.integers(0, 1))
def test_sockets_are_made_of_the_allowed_families_alone(machine: Machine, family: int, which: int) -> None:
    """One, or a pair."""
    expected = ALLOW if family in FAMILIES else NO_FAMILY

    assert expected == run(machine, machine.audit, machine.sockets[which], family)


@given(machine=MACHINE, number=st.integers(0, 1023), argument=st.integers(0, 64))
def test_all_other_calls_pass_but_those_that_lead_past_it(machine: Machine, number: int, argument: int) -> None:
    """Whatever they are asked."""
    if number not in machine.sockets:
        forbidden = number in {425, 426, 427, *machine.keys}
        assert (NO_CALL if forbidden else ALLOW) == run(machine, machine.audit, number, argument)


@given(machine=MACHINE, number=st.integers(0, 2**32 - 1), audit=st.integers(0, 2**32 - 1))
def test_calls_by_other_numbers_do_not_pass(machine: Machine, number: int, audit: int) -> None:
    """Of another word size, or of x86-64's second set."""
    if audit != machine.audit or number >= 0x4000_0000:
        assert NO_CALL == run(machine, audit, number, socket.AF_INET)


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_no_jump_leads_out_of_the_program(machine: Machine) -> None:
    """The kernel would refuse it."""
    made = program(machine)

    assert all(at + 1 + max(one.then, one.otherwise) < len(made) for at, one in enumerate(made[:-1]))
    assert all(0 <= skip < 256 for one in made for skip in (one.then, one.otherwise))
    assert 0x06 == made[-1].code
