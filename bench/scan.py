"""How fast canaries are looked for, side by side with a plain read of the same bytes, in one run.

    make bench-scan        (or: python -m bench.scan)

Each line is one kind of traffic, with a canary at its end that must be found. The bytes are read from a file in pieces,
as they would be from a socket: once by a reader that does nothing with them, once by the scanner; rounds are
interleaved and the best of each counts. Last comes what one small request costs. Seconds are of this process's own
processor time, so that what else the machine does matters less. The ratios are what is claimed; the figures are this
machine's.
"""

import base64
import gzip
import itertools
import json
import random
import re
import resource
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from brownout.canary import CanaryMint, run_key
from brownout.clock import rng_for
from brownout.dialects.eventstream import encode_frame, encode_headers
from brownout.scanning import Scanner, scan_request
from brownout.scanning.needles import haystack
from brownout.wire import HttpRequest

SIZE_BYTES, PIECE_BYTES, ROUNDS, REQUESTS = 16 * 1024 * 1024, 64 * 1024, 5, 2000
MINT = CanaryMint(run_key(1), ["acme"])
T = TypeVar("T")
DOCS = Path(__file__).parents[1] / "docs"


def _words(pattern: str) -> list[str]:
    pages = " ".join(page.read_text(encoding="utf-8") for page in sorted(DOCS.glob("*.md")))
    return re.findall(pattern, pages)


def _sentences(rng: random.Random, words: list[str]) -> Iterator[str]:  # noqa: TID251 - a type
    while True:
        yield " ".join(rng.choices(words, k=rng.randrange(20, 250)))


def _filled(pieces: Iterator[bytes]) -> bytes:
    """Return about `SIZE_BYTES` of pieces, whole ones only."""
    made, size = [], 0
    while size < SIZE_BYTES:
        made.append(next(pieces))
        size += len(made[-1])
    return b"".join(made)


def _chats(sentences: Iterator[str]) -> Iterator[bytes]:
    """Yield requests with some turns of a conversation."""
    for number in itertools.count():
        turns = [{"role": ("user", "assistant")[turn % 2], "content": next(sentences)} for turn in range(7)]
        yield json.dumps({"model": "claude", "max_tokens": 300 + number % 9, "messages": turns}).encode() + b"\n"


def _openai(sentences: Iterator[str]) -> Iterator[bytes]:
    """Yield the events of a streamed answer of OpenAI's."""
    fixed = {"id": "chatcmpl-1234567890", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-2024-08-06"}
    for word in itertools.chain.from_iterable(one.split() for one in sentences):
        delta = {"choices": [{"index": 0, "delta": {"content": f" {word}"}, "finish_reason": None}]}
        yield b"data: " + json.dumps({**fixed, **delta}, separators=(",", ":")).encode() + b"\n\n"


def _converse(sentences: Iterator[str]) -> Iterator[bytes]:
    """Yield the frames of a streamed answer of Bedrock's."""
    headers = encode_headers({":event-type": "contentBlockDelta", ":content-type": "application/json"})
    for word in itertools.chain.from_iterable(one.split() for one in sentences):
        payload = {"contentBlockIndex": 0, "delta": {"text": f" {word}"}, "p": "abcdefghijklmn"[: len(word)]}
        yield encode_frame(headers, json.dumps(payload, separators=(",", ":")).encode())


def traffic() -> dict[str, tuple[bytes, int]]:
    """Return each kind of traffic, and how many bytes it is unpacked."""
    rng = rng_for(1, "bench")
    prose, code = _sentences(rng, _words(r"[A-Za-z]+[,.]?")), _sentences(rng, _words(r"\S+"))
    noise = rng.randbytes(SIZE_BYTES * 3 // 4)
    chats = _filled(_chats(prose))
    plain = {
        "LLM requests, prose": chats,
        "LLM requests, code": _filled(_chats(code)),
        "prose": _filled(one.encode() + b"\n" for one in prose),
        "random bytes": noise,
        "base64 of random bytes": base64.b64encode(noise),
        "events, OpenAI": _filled(_openai(prose)),
        "frames, Bedrock": _filled(_converse(prose)),
    }
    canary = b' "' + MINT.value("acme", 1).encode() + b'"'
    kinds = {name: (data + canary, len(data)) for name, data in plain.items()}
    kinds["gzip of LLM requests"] = (gzip.compress(chats + canary, 6), len(chats))
    return kinds


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb", buffering=0) as opened:
        while piece := opened.read(PIECE_BYTES):
            yield piece


def read(file: Path) -> None:
    """Read bytes and do nothing with them."""
    for _ in _pieces(file):
        pass


def unpack(file: Path) -> None:
    """Unpack bytes and do nothing with them: what no scanner of packed bytes can do without."""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
    for piece in _pieces(file):
        unpacker.decompress(piece)


def scan(file: Path) -> None:
    """Scan bytes; the canary at their end must be seen."""
    scanner = Scanner(MINT)
    seen = [sighting for piece in _pieces(file) for sighting in scanner.feed(piece)]
    seen += scanner.close()
    if not any(one.canary == "acme-1" for one in seen) or scanner.unseen:
        raise RuntimeError(f"the scan went wrong: saw {seen}, did not look into {scanner.unseen}")


def _request() -> HttpRequest:
    """Return a request of half a kilobyte."""
    said = f"Tell me about {MINT.value('acme', 1)}: " + "what is it, and what does it do? " * 8
    turns = [{"role": "system", "content": "You are helpful."}, {"role": "user", "content": said}]
    headers = {
        "Host": "bedrock-runtime.us-east-1.amazonaws.com",
        "Authorization": "Bearer sk-0123456789",
        "X-Request-Id": "0b2f5f3e-1c1b-4a7d-9d4e-3c1a2b4c5d6e",
        "Content-Type": "application/json",
    }
    body = json.dumps({"model": "gpt-4o", "stream": True, "messages": turns}).encode()
    return HttpRequest(method="POST", path="/v1/chat/completions", query="", headers=headers, body=body)


def _scan_requests(request: HttpRequest) -> None:
    for _ in range(REQUESTS):
        if "body" not in scan_request(MINT, request).sightings:
            raise RuntimeError("the scan of a request went wrong")


def _spent_s(does: Callable[[T], None], with_what: T) -> float:
    before = resource.getrusage(resource.RUSAGE_SELF)
    does(with_what)
    after = resource.getrusage(resource.RUSAGE_SELF)
    return max(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1e-6)


def _best(file: Path, doers: list[Callable[[Path], None]]) -> list[float]:
    """Return the least seconds of each, in turns."""
    rounds = [[_spent_s(does, file) for does in doers] for _ in range(ROUNDS)]
    return [min(column) for column in zip(*rounds, strict=True)]


def main() -> None:
    """Measure and print."""
    haystack()  # made once a process
    table = Table(title=f"scanning: MB/s of unpacked bytes, per core, best of {ROUNDS}")
    for column in ("", "plain read", "unpack alone", "scan", "read / scan", "unpack / scan"):
        table.add_column(column, justify="right" if column else "left")
    with tempfile.TemporaryDirectory() as folder:
        for name, (data, unpacked_bytes) in traffic().items():
            file = Path(folder) / "traffic"
            file.write_bytes(data)
            packed = name.startswith("gzip")
            read_s, *unpack_s, scan_s = _best(file, [read, unpack, scan] if packed else [read, scan])
            rates = [f"{unpacked_bytes / spent_s / 1e6:,.0f}" for spent_s in (read_s, *unpack_s, scan_s)]
            ratios = [f"{scan_s / spent_s:.1f}x" for spent_s in (read_s, *unpack_s)]
            table.add_row(name, rates[0], rates[1] if packed else "", rates[-1], ratios[0], ratios[1] if packed else "")
    request = _request()
    spent_s = min(_spent_s(_scan_requests, request) for _ in range(ROUNDS))
    console = Console()
    console.print(table)
    console.print(f"a request with a body of {len(request.body)} bytes: {spent_s / REQUESTS * 1e6:.0f} µs")


if __name__ == "__main__":
    main()
