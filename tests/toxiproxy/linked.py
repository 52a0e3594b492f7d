"""A link of an embedded plane before an echo server, and what a grip does when it lets such a link go."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from brownout.fault import PlaneLink
from faults.network.embedded import EmbeddedPlane
from faults.network.proxy import Proxy

T = TypeVar("T")


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back what comes, up to the end."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def proxied(work: Callable[[EmbeddedPlane, Any, Proxy], Awaitable[T]], seed: int = 1) -> T:
    """Run with an echo server behind a link."""
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    plane = EmbeddedPlane(seed)
    try:
        link = await plane.add("e", "127.0.0.1", server.sockets[0].getsockname()[1])
        return await work(plane, link, plane.server.proxy("e"))
    finally:
        await plane.close()
        server.close()


async def ask(link: Any, sent: list[bytes]) -> bytes:
    """Send the chunks, finish sending, return the answer."""
    reader, writer = await asyncio.open_connection(link.host, link.port)
    answer = asyncio.create_task(reader.read())  # meanwhile: an echo nobody reads holds up the sender for good
    for chunk in sent:
        writer.write(chunk)
        await writer.drain()
        await asyncio.sleep(0.001)
    writer.write_eof()
    try:
        return await answer
    finally:
        writer.close()


async def restore(link: PlaneLink) -> None:
    """Take every toxic away and enable the link."""
    _, toxics = await link.state()
    for name in sorted(toxics):
        await link.remove_toxic(name)
    await link.enable()


async def is_clean(link: PlaneLink) -> bool:
    """Return whether the link is enabled and bears no toxic."""
    return await link.state() == (True, frozenset())
