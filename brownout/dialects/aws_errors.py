"""How AWS's JSON services say no: a table of errors, written and read as replies and as frames of an event stream.

The forms are those of the AWS restJson1 protocol (Smithy) as botocore reads them, and of public captures: the error's
name in ``x-amzn-ErrorType``, cut at a colon, the sentence in the body. In a stream an error that the service's model
names is an exception frame, any other an error frame with a code.
"""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from brownout.dialects.eventstream import Frame, encode_frame, encode_headers
from brownout.dialects.headers import (
    KIND_OF_STATUS,
    header,
    retry_after_header,
    retry_after_ms_header,
    retry_after_s,
    unknown_reply,
)
from brownout.wire import HttpReply, Refusal, RefusalKind

_RETRY_MS = "x-amz-retry-after"
"""Honoured, in milliseconds, by botocore's standard retry mode."""

_MAX_ERROR_MESSAGE = 4096
"""A string header holds 64 KiB at most; sentences are shorter, tests need not be."""


class AwsError(msgspec.Struct, frozen=True):
    """A row of a service's error table: what a refusal of some kind is called, its HTTP status and its sentence."""

    kind: RefusalKind
    name: str
    status: int
    message: str


GENERIC_ERRORS = (
    AwsError(
        "unauthenticated", "UnrecognizedClientException", 403, "The security token included in the request is invalid."
    ),
    AwsError(
        "unauthenticated",
        "InvalidSignatureException",
        403,
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details.",
    ),
    AwsError(
        "unauthenticated",
        "IncompleteSignatureException",
        403,
        "The request signature does not conform to AWS standards.",
    ),
    AwsError("unauthenticated", "IncompleteSignature", 400, "The request signature does not conform to AWS standards."),
    AwsError("unauthenticated", "MissingAuthenticationTokenException", 403, "Missing Authentication Token"),
    AwsError("unauthenticated", "ExpiredTokenException", 403, "The security token included in the request is expired"),
    AwsError("internal", "InternalFailure", 500, "The request processing has failed because of an unknown error."),
    AwsError("invalid", "InvalidAction", 400, "The action or operation requested is invalid."),
    AwsError("invalid", "SerializationException", 400, "The request body could not be read."),
    AwsError("not-found", "UnknownOperationException", 404, "The operation requested is not known."),
)
"""What every service of this protocol may answer outside its own model (AWS: "Common Errors", and the signature's)."""


class ErrorTable:
    """One service's errors.

    Args:
        rows: the first of a kind is its usual one, the others are chosen by `Refusal.code`. Of rows with one name the
            first says what kind a reader takes it for.
        namespace: what the service appends to a name after a colon; a client cuts it off there.
        message_member: the body's member with the sentence.
        sentences: beginnings of sentences that tell kinds apart where one name serves for several.
        members: returns what else stands in the body of an error: it is given the name, the refusal and the sentence.
    """

    def __init__(
        self,
        rows: Iterable[AwsError],
        *,
        namespace: str,
        message_member: str = "message",
        sentences: Mapping[str, RefusalKind] | None = None,
        members: Callable[[str, Refusal, str], Mapping[str, Any]] = lambda *_: {},
    ) -> None:
        known = [*rows, *GENERIC_ERRORS]
        self._usual: dict[RefusalKind, AwsError] = {row.kind: row for row in reversed(known)}
        self._named = {row.name: row for row in reversed(known)}
        self._namespace = namespace
        self._message_member = message_member
        self._sentences = tuple((sentences or {}).items())
        self._members = members

    def row(self, refusal: Refusal) -> AwsError:
        """Return the row of a refusal: that of its code, else its kind's usual one.

        A code that is not in the table names the error if it is the name of an exception; other providers' is not.
        """
        usual = self._usual[refusal.kind]
        if refusal.code in {"", usual.name}:
            return usual
        if refusal.code in self._named:
            return self._named[refusal.code]
        if refusal.code.endswith("Exception"):
            return AwsError(refusal.kind, refusal.code, usual.status, usual.message)
        return usual

    def reply(self, refusal: Refusal, *, reply_id: str) -> HttpReply:
        """Return the service's error for a refusal; for kind ``unknown``, one of no service."""
        if refusal.kind == "unknown":
            return unknown_reply(refusal, reply_id=reply_id)
        row = self.row(refusal)
        headers = {
            "Content-Type": "application/json",
            "x-amzn-RequestId": request_id(reply_id),
            "x-amzn-ErrorType": f"{row.name}:{self._namespace}",
            **retry_after_header(refusal.retry_after_s),
            **retry_after_ms_header(_RETRY_MS, refusal.retry_after_s),
        }
        return HttpReply(status=row.status, headers=headers, body=self._body(row.name, refusal))

    def frame(self, refusal: Refusal, exceptions: Mapping[RefusalKind, str]) -> bytes:
        """Return the frame of an error that comes after the 200.

        Args:
            refusal: what is refused. Its code chooses an exception, in either case of its first letter.
            exceptions: the exceptions that the operation's model allows in its stream, by the kind that each is the
                usual one of; all else is an error frame.
        """
        code = next((name for name in exceptions.values() if _upper(name) == _upper(refusal.code)), "")
        name = code or exceptions.get(refusal.kind, "")
        if name:
            headers = {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}
            return encode_frame(encode_headers(headers), self._body(_upper(name), refusal))
        error_code = "UnknownError" if refusal.kind == "unknown" else self.row(refusal).name
        sentence = self._sentence(error_code, refusal)[:_MAX_ERROR_MESSAGE]
        error = {":message-type": "error", ":error-code": error_code, ":error-message": sentence}
        return encode_frame(encode_headers(error), b"")

    def _body(self, name: str, refusal: Refusal) -> bytes:
        message = self._sentence(name, refusal)
        return msgspec.json.encode({self._message_member: message, **self._members(name, refusal, message)})

    def _sentence(self, name: str, refusal: Refusal) -> str:
        usual = self._usual.get(refusal.kind)
        named = usual if usual is None or usual.name == name else self._named.get(name, usual)
        return refusal.message or (named.message if named else "Something went wrong.")

    # --- the caller's half ---------------------------------------------------------------------------------

    def read(self, reply: HttpReply) -> Refusal:
        """Return the refusal in a reply whose status is not 200; never raises."""
        said = _read(reply.body)
        # The name may carry a namespace on either side: "com.amazon#Name" in a body, "Name:http://..." in the header.
        name = (header(reply.headers, "x-amzn-errortype") or said.type or "").partition(":")[0].rpartition("#")[2]
        kind = self._kind(name, said.sentence, KIND_OF_STATUS.get(reply.status, "unknown"))
        wait_s = retry_after_s(reply.headers)
        return Refusal(
            kind,
            said.sentence,
            retry_after_s=wait_s,
            status=reply.status,
            code=name,
            original_status=said.original_status,
        )

    def read_frame(self, frame: Frame) -> Refusal | None:
        """Return the refusal in an exception frame or an error frame; None for the frame of an event."""
        message_type = frame.headers.get(":message-type", "event")
        if message_type == "event":
            return None
        if message_type == "exception":
            name = frame.headers.get(":exception-type", "")
            said = _read(frame.payload)
            kind = self._kind(name, said.sentence, "unknown")
            return Refusal(kind, said.sentence, code=name, original_status=said.original_status)
        name = frame.headers.get(":error-code", "")
        message = frame.headers.get(":error-message", "")
        return Refusal(self._kind(name, message, "unknown"), message, code=name)

    def _kind(self, name: str, message: str, fallback: RefusalKind) -> RefusalKind:
        # A stream's exceptions begin in lower case, the same ones of a reply in upper case.
        row = self._named.get(_upper(name))
        if row is not None:
            return next((kind for start, kind in self._sentences if message.startswith(start)), row.kind)
        return fallback


class _Said(msgspec.Struct):
    message: str | None = None
    message_upper: str | None = msgspec.field(default=None, name="Message")
    type: str | None = msgspec.field(default=None, name="__type")
    original: int | None = msgspec.field(default=None, name="originalStatusCode")
    original_upper: int | None = msgspec.field(default=None, name="OriginalStatusCode")

    @property
    def sentence(self) -> str:
        return self.message or self.message_upper or ""

    @property
    def original_status(self) -> int | None:
        return self.original_upper if self.original is None else self.original


_said_decoder = msgspec.json.Decoder(_Said)


def _read(body: bytes) -> _Said:
    try:
        return _said_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Said()


def _upper(name: str) -> str:
    return name[:1].upper() + name[1:]


def request_id(reply_id: str) -> str:
    """Return a reply's id in AWS's form, a UUID of version 4."""
    return str(uuid.UUID(bytes=hashlib.sha256(reply_id.encode()).digest()[:16], version=4))
