"""A mail server for tests: speaks enough SMTP (RFC 5321) to take letters, and can be told to refuse or to be slow."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage


class MailServer:
    """What came in, and how it answers. `refuse` is the answer to each recipient or to the data, such as "550 no"."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, EmailMessage]] = []
        self.refuse_recipient = ""
        self.refuse_data = ""
        self.connections = 0
        self.port = 0

    @property
    def url(self) -> str:
        """Its address, as EMAIL_URL takes it."""
        return f"smtp://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One conversation."""
        self.connections += 1
        recipient = ""

        async def say(text: str) -> None:
            writer.write(f"{text}\r\n".encode())
            await writer.drain()

        await say("220 test")
        while line := (await reader.readline()).decode().strip():
            word = line.partition(" ")[0].upper()
            if word in ("EHLO", "HELO"):
                await say("250 test")
            elif word == "RCPT":
                recipient = line.partition("<")[2].partition(">")[0]
                await say(self.refuse_recipient or "250 ok")
            elif word == "DATA":
                await say("354 go on")
                await self._take(reader, recipient)
                await say(self.refuse_data or "250 taken")
            elif word == "QUIT":
                await say("221 bye")
                break
            else:
                await say("250 ok")
        writer.close()

    async def _take(self, reader: asyncio.StreamReader, recipient: str) -> None:
        raw = await reader.readuntil(b"\r\n.\r\n")
        if not self.refuse_data:
            read = message_from_bytes(raw.removesuffix(b".\r\n"), policy=policy.default)
            assert isinstance(read, EmailMessage)
            self.letters.append((recipient, read))


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A server on a free port of this machine, in a thread of its own."""
    told, loop, ready = MailServer(), asyncio.new_event_loop(), threading.Event()

    async def start() -> asyncio.Server:
        server = await asyncio.start_server(told.serve, "127.0.0.1", 0)
        told.port = server.sockets[0].getsockname()[1]
        return server

    def run() -> None:
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(start())
        ready.set()
        loop.run_forever()
        server.close()
        loop.run_until_complete(server.wait_closed())
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield told
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
