"""A TCP relay that holds every byte back for a while: a slow network for kernels without netem."""

from __future__ import annotations

import asyncio
import socket

CHUNK = 1 << 16
IN_FLIGHT = 256  # chunks on their way in one direction; then the sender waits, as with a full window


def serve(port: int, target: int, seconds: float) -> None:
    """Pass every connection to `port` on to 127.0.0.1:`target`, `seconds` late in each direction; for ever."""
    asyncio.run(_serve(port, target, seconds))


async def _serve(port: int, target: int, seconds: float) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _relay(reader, writer, target, seconds)

    server = await asyncio.start_server(accept, "0.0.0.0", port)  # noqa: S104 - inside the lab's network
    await server.serve_forever()


async def _relay(
    client_reader: asyncio.StreamReader, client_writer: asyncio.StreamWriter, target: int, seconds: float
) -> None:
    try:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", target)
    except OSError:
        client_writer.close()
        return
    for writer in (client_writer, server_writer):
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    await asyncio.gather(
        _one_way(client_reader, server_writer, seconds), _one_way(server_reader, client_writer, seconds)
    )


async def _one_way(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    road: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(IN_FLIGHT)
    delivery = asyncio.create_task(_deliver(road, writer))
    clock = asyncio.get_running_loop().time
    data = b"first"
    while data and not delivery.done():
        try:
            data = await reader.read(CHUNK)
        except OSError:
            data = b""  # the other side reset the connection: an end like any other here
        await road.put((clock() + seconds, data))
    await delivery


async def _deliver(road: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
    clock = asyncio.get_running_loop().time
    try:
        while True:
            due, data = await road.get()
            await asyncio.sleep(max(0.0, due - clock()))
            if not data:
                writer.write_eof()
                return
            writer.write(data)
            await writer.drain()
    except OSError:
        writer.close()
