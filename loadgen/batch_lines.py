"""The two ends of a batch's files, as its client has them: the upload that is sent, and the lines that come back.

Shapes follow OpenAI's guide "Batch API" (developers.openai.com/api/docs/guides/batch) and its API reference for files.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from brownout.wire import HttpRequest

_FENCE = "brownout-batch-file"


class Response(msgspec.Struct, frozen=True):
    """What a request in a batch was answered with, as if it had been asked by itself."""

    status_code: int
    body: msgspec.Raw = msgspec.Raw(b"null")


class Failure(msgspec.Struct, frozen=True):
    """Why a request in a batch was not asked: ``batch_expired``, ``batch_cancelled``."""

    code: str = ""


class Filed(msgspec.Struct, frozen=True):
    """A line of an output or an error file."""

    custom_id: str
    response: Response | None = None
    error: Failure | None = None


_decoder = msgspec.json.Decoder(Filed)


def batch_file(requests: Mapping[str, HttpRequest]) -> bytes:
    """Return the JSONL of requests by their ``custom_id``."""
    lines = [
        {"custom_id": name, "method": one.method, "url": one.path, "body": msgspec.Raw(one.body)}
        for name, one in requests.items()
    ]
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)


def upload(path: str, content: bytes, name: str, headers: Mapping[str, str]) -> HttpRequest:
    """Return the upload of a batch's file: a form of the fields ``purpose`` and ``file`` (RFC 7578)."""
    parts = [
        b'Content-Disposition: form-data; name="purpose"\r\n\r\nbatch',
        b'Content-Disposition: form-data; name="file"; filename="%s"\r\n' % name.encode()
        + b"Content-Type: application/jsonl\r\n\r\n"
        + content,
    ]
    fence = _FENCE.encode()
    body = b"".join(b"--" + fence + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + fence + b"--\r\n"
    form = {"Content-Type": f"multipart/form-data; boundary={_FENCE}"}
    return HttpRequest(method="POST", path=path, headers={**headers, **form}, body=body)


def filed(files: Iterable[bytes]) -> Iterator[Filed]:
    """Yield the lines of files. What is no such line says nothing of any request, and is passed over."""
    for line in b"\n".join(files).split(b"\n"):
        try:
            yield _decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
