"""History, as it lies on disk: one JSON object a line, fields ending in their unit, no prompt text.

Times (``*_s`` of an instant) are seconds since the test's epoch, on one clock for all processes.
"""

import contextlib
import functools
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

import msgspec

from brownout.answer import Integrity

Record = TypeVar("Record", bound=msgspec.Struct)

ClientOutcome: TypeAlias = Literal[
    "ok",  # whole, with its terminator, and the text is the right one
    "refused",  # an HTTP error before any token
    "error",  # an error after the 200, said aloud: error event, reset, broken transfer
    "truncated",  # ended without the dialect's terminator
    "wrong",  # terminated as if whole, but the text is not the whole right answer
    "hung",  # not ended within the client's patience
    "unsent",  # the load generator did not get it out (its own fault, not the target's)
]

CredentialKind: TypeAlias = Literal[
    "none",  # nothing was shown
    "static",  # a secret that knows no end: an API key, access keys for good
    "session",  # AWS access keys that end
    "token",  # a bearer token that ends
    "keyed-token",  # a bearer token that ends, but was had for a secret that does not: a service account's private key
]


class ClientRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One request as its client saw it. Latency counts from ``due_s``.

    ``error`` is what kind of refusal the client's dialect takes an error for, ``code`` what the error calls itself.
    ``question`` is the canary of the common question that it asked, which its attempts bear in place of its own; empty
    where it asked one of its own.
    ``batch`` is the batch that it was a line of, where the target had taken that one; ``filed`` then how many lines of
    the batch's output and error files are about it. A line has no first token: it ends when the files are read.
    """

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
    code: str = ""
    integrity: Integrity | None = None
    served_by: str | None = None
    retry_after_s: float | None = None
    tokens: int = 0
    question: str = ""
    batch: str = ""
    filed: int = 0

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
        canary: whose request's; of a common question the question's, and then nobody knows whose (``tenant`` is None,
            but for a tenant whose earlier prompts it bears, too). None for traffic that is not the load's.
        faults: the injections that touched it.
        falsified: whether one of these made its answer wrong under a 200, in a way that nobody can see who does not
            know what it should say: half of it, or another request's.
        leniency: what the endpoint overlooked to let it in (see `brownout.identity.leniency`); empty for nothing.
        credential: what kind of credential it showed, before that was checked; empty where it was refused earlier.
        credential_id: which one: the same for the same credential, and not the credential.
        credential_until_s: when that one ends; None for never, and where nobody knows.
        expired: whether it was refused because its credential had ended.
        profile: the geography of the inference profile that it asked by, where the endpoint answers to that: what it
            sent may have gone anywhere in there. Empty for the model itself.
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
    leniency: str = ""
    credential: CredentialKind | Literal[""] = ""
    credential_id: str = ""
    credential_until_s: float | None = None
    expired: bool = False
    profile: str = ""


class CredentialRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A credential asked for, as the service that gives it out saw it. Refused connections leave no trace here.

    Attributes:
        service: ``sts``, ``imds``, ``google_sts``, ``iam_credentials`` or ``token``.
        principal: for whom: a role's ARN, a service account's email; at ``google_sts``, the audience.
        status: the HTTP status of the answer; None where the caller had left before.
    """

    test: str
    service: str
    principal: str
    at_s: float
    end_s: float
    status: int | None = None


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


class TelemetryRecord(msgspec.Struct, kw_only=True):
    """What the target said of itself, as it said it: before load started, or after it had ended."""

    test: str
    at_s: float
    when: Literal["before", "after"]
    text: str


CPU_PRESSURE, TARGET_BUSY, TARGET_WAITED, TARGET_STARVED = (
    "cpu-pressure",
    "target-busy",
    "target-waited",
    "target-starved",
)


class PhaseRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A mark in the test's life.

    ``phase`` is ``target-ready``, ``target-failed``, ``target-died``, ``load-start``, ``load-end``, ``aborted``,
    ``done``, ``stopped`` (a stop condition was met at that instant; ``value``: the figure), ``cpu-pressure``
    (``value``: the share of the load's time in which something waited for a processor), ``target-busy`` (``value``: the
    most that one thread of the target's had of a processor over four seconds, as a share), ``target-waited`` (the
    most that one waited for it) or ``target-starved`` (the most that one waited for it which wanted most of it).
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


def read_records(path: Path, kind: type[Record]) -> list[Record]:
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
