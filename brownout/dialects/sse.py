"""Server-sent events: frames for writers, and a splitter for readers that may be fed at any byte boundary."""

_DATA = b"data:"


class SseSplitter:
    """Splits a stream into the payloads of its ``data`` fields.

    Lines end in LF or CRLF, an empty line ends an event, several ``data`` lines are joined by LF; other
    fields and comments are passed over (WHATWG HTML, 9.2.6). What has no empty line after it is not an event.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> list[bytes]:
        """Return the payloads of the events completed by these bytes."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        payloads = []
        for raw in lines:
            line = raw.removesuffix(b"\r")
            if line.startswith(_DATA):
                self._data.append(line[len(_DATA) :].removeprefix(b" "))
            elif not line and self._data:
                payloads.append(b"\n".join(self._data))
                self._data = []
        return payloads
