"""History, as it lies on disk: one JSON object a line, fields ending in their unit, no prompt text.

Times (``*_s`` of an instant) are seconds since the test's epoch, on one clock for all processes.
"""

import contextlib
import functools
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from brownout.answer import Integrity

ClientOutcome: TypeAlias = Literal[
    "ok",  # whole, with its terminator, and the text is the right one
    "refused",  # an HTTP error before any token
    "error",  # an error after the 200, said aloud: error event, reset, broken transfer
    "truncated",  # ended without the dialect's terminator
    "wrong",  # terminated as if whole, but the text is not the whole right answer
    "hung",  # not ended within the client's patience
    "unsent",  # the load generator did not get it out (its own fault, not the target's)
]


class ClientRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One request as its client saw it. Latency counts from ``due_s``."""

    test: str
    canary: str
    tenant: str
    traffic_class: str
    stream: bool
    due_s: float
    sent_s: float
    end_s: float
    outcome: ClientOutcome
    first_token_s: float | None = None
    status: int | None = None
    error: str = ""
    integrity: Integrity | None = None
    served_by: str | None = None
    retry_after_s: float | None = None
    tokens: int = 0

    @property
    def ttft_s(self) -> float | None:
        """Time to first token from when the request was due."""
        return None if self.first_token_s is None else round(self.first_token_s - self.due_s, 6)

    @property
    def e2e_s(self) -> float:
        """Time to the last byte from when the request was due."""
        return round(self.end_s - self.due_s, 6)


class ProviderRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One attempt as an endpoint received it.

    Attributes:
        canary: None for traffic that is not the load's.
        faults: the injections that touched it.
        falsified: whether one of these made its answer wrong under a 200, in a way that nobody can see who does not
            know what it should say: half of it, or another request's.
    """

    test: str
    endpoint: str
    arrived_s: float
    end_s: float
    outcome: Literal["ok", "refused", "cut", "client-gone", "open"]
    canary: str | None = None
    tenant: str | None = None
    status: int | None = None
    refusal: str = ""
    retry_after_s: float | None = None
    first_token_s: float | None = None
    tokens: int = 0
    stream: bool = False
    faults: list[str] = msgspec.field(default_factory=list)
    falsified: bool = False


class FaultRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Something that happened to an injection.

    Attributes:
        event: ``on``, ``off``, or ``called-off``: the fault has ended the run by a stop condition of its own.
        at_s: the measured instant: of ``on``, when its first part came on; of ``off``, when its last part was gone.
        took_s: from the first part's coming on (or going off) to the last's.
        fired: of ``off``: how often it acted, counted where it acts: exchanges, connections, calls, lookups; or, where
            nothing else can tell, probes that met it.
        acts: of ``off``: how many tokens or frames it acted on, where it acts on these.
        undone: of ``off``: whether the undo was read back as clean.
        why: why it went off before its time; why it could not be undone; why the run is to end.
    """

    test: str
    injection: str
    fault: str
    at: str
    endpoints: list[str]
    event: Literal["on", "off", "called-off"]
    at_s: float
    took_s: float = 0.0
    fired: int = 0
    acts: int = 0
    undone: bool | None = None
    why: str = ""


class PhaseRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A mark in the test's life.

    ``phase`` is ``target-ready``, ``target-failed``, ``target-died``, ``load-start``, ``load-end``, ``aborted``,
    ``done``, ``stopped`` (a stop condition was met at that instant; ``value``: the figure), or ``cpu-pressure``
    (``value``: the share of the load's time in which something waited for a processor).
    """

    test: str
    phase: str
    at_s: float
    why: str = ""
    value: float | None = None


class Journal:
    """Appends records to a file, a line each, in one unbuffered write, so that a killed run keeps what it saw."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._encoder = msgspec.json.Encoder()

    def write(self, record: msgspec.Struct) -> None:
        """Append one record."""
        self._file.write(self._encoder.encode(rounded(record)) + b"\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def rounded(record: msgspec.Struct) -> msgspec.Struct:
    """Return the record with its floats at a microsecond: finer is noise, and noise in a history is a lie."""
    changes = {
        name: round(value, 6) for name in _float_fields(type(record)) if (value := getattr(record, name)) is not None
    }
    return msgspec.structs.replace(record, **changes)


@functools.cache
def _float_fields(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """Return the names of a record's fields that are floats, or floats that may be missing."""
    return tuple(field.name for field in msgspec.structs.fields(kind) if field.type in {float, float | None})


def read_records(path: Path, kind: type[msgspec.Struct]) -> list[msgspec.Struct]:
    """Return a file's records; an absent file is none. A last line cut short by a kill is left out."""
    if not path.exists():
        return []
    decoder = msgspec.json.Decoder(kind)
    lines = path.read_bytes().split(b"\n")
    records = [decoder.decode(line) for line in lines[:-1] if line]
    if lines[-1]:
        with contextlib.suppress(msgspec.DecodeError):
            records.append(decoder.decode(lines[-1]))
    return records
