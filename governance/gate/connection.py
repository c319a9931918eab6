"""HTTP/1.1 as the gate speaks it: llhttp reads, and what can be decided at once is answered without a task of its own.

A request whose answer is in memory waits for nothing but the journal. It gets no coroutine, no task and no events: the
gate is asked as soon as the head is there, and writes the answer when the decision is stored. All other requests go the
usual way of ASGI, through the server's own request cycle.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, cast

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle
from uvicorn.protocols.utils import get_local_addr, get_remote_addr

from governance.gate.callers import Callers
from governance.gate.outlet import Outlet

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from governance.gate.app import Gate

HEAD_LIMIT = 65_536  # bytes of a head; a longer one is 431
MOST_HEADERS = 100
VERSIONS = ("1.1", "1.0")
LINGER = 2.0  # seconds for which a caller is still read after the last answer
LINGERING = 1_048_576  # bytes that are still read then
MALFORMED, TOO_LARGE, BUSY = 400, 431, 503
CLOSE = b"connection: close\r\n"


class _Asked:
    """A request that the gate has taken at once; to the connection it is one that is under way."""

    __slots__ = ("disconnected", "head", "keep_alive", "response_complete")

    def __init__(self, keep_alive: bool, head: bool) -> None:  # noqa: FBT001 - one for each query
        self.keep_alive, self.head = keep_alive, head
        self.disconnected = self.response_complete = False


class Connection(asyncio.Protocol):
    """One connection of one caller. It reads one request after the other, and answers in that order."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._gate: Gate = config.loaded_app
        self._callers: Callers = self._gate.callers
        self._state = server_state
        self._loop = _loop or asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._flow: FlowControl
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._read = 0  # bytes since something of this request was understood as a whole
        self._whole = True  # whether nothing is missing of the last one
        self._in_head = False
        self._raw = b""  # what came while this head did
        self._ended = 0  # the status with which it ends when what is under way has been answered
        self._said_all = False
        self._cycle: Any = None
        self._next: deque[RequestResponseCycle] = deque()
        self.since = self._loop.time()  # when it was last of use: a head began, or an answer was over

    @property
    def idle(self) -> bool:
        """Whether no answer is owed on it."""
        return self._cycle is None or self._cycle.response_complete

    @property
    def closing(self) -> bool:
        """Whether nothing more can be said on it."""
        return self._said_all or self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has called."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are of no class of asyncio
        self._flow = FlowControl(self._transport)
        self._server, self._client = get_local_addr(self._transport), get_remote_addr(self._transport)
        self._state.connections.add(self)  # type: ignore[arg-type]
        if not self._callers.admit(self):
            self._ended = BUSY
            self._transport.write(STATUS_LINE[BUSY] + CLOSE + b"retry-after: 1\r\ncontent-length: 0\r\n\r\n")
            self._transport.close()  # at once: there is no place to linger in

    def connection_lost(self, exc: Exception | None) -> None:
        """They have hung up: whoever answers them hears of it."""
        self._callers.left(self)
        self._state.connections.discard(self)
        for cycle in (self._cycle, *self._next):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
            if isinstance(cycle, RequestResponseCycle):
                cycle.message_event.set()
        self._next.clear()
        self._flow.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Some more of what they send."""
        self._read += len(data)
        if self._ended or self._said_all:
            if self._read > LINGERING:
                self._transport.abort()
            return
        self._raw = self._raw + data if self._in_head else data
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # refused like any other, and nothing can follow it
            self._last()
        except httptools.HttpParserError:
            self.end(TOO_LARGE if len(self._headers) > MOST_HEADERS else MALFORMED)
        else:
            if not self._in_head:
                self._raw = b""  # what is idle keeps nothing
            if len(self._headers) > MOST_HEADERS or (self._read > HEAD_LIMIT and not self._whole):
                self.end(TOO_LARGE)

    def on_message_begin(self) -> None:
        """A request begins: its head has so long to arrive."""
        self._url, self._headers = b"", []
        self._whole, self._in_head, self._read = False, True, 0
        self.since = self._loop.time()

    def on_url(self, url: bytes) -> None:
        """The target, perhaps in pieces."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field, of the head or of what follows a body in chunks."""
        self._headers.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """The head is there: the gate is asked."""
        parser, method = self._parser, self._parser.get_method()
        version = parser.get_http_version()
        # The parser lets more spaces and other protocols' names pass: the line is exactly this, or refused.
        line = b"%b %b HTTP/%b\r\n" % (method, self._url, version.encode())
        if len(self._headers) > MOST_HEADERS or version not in VERSIONS or line not in self._raw:
            raise ValueError
        self._in_head = False
        # What follows a body is dropped: it was not there to be judged.
        headers, self._headers = self._headers, []
        path, _, query = self._url.partition(b"?")
        scope = {
            "type": "http", "http_version": version, "method": method.decode("ascii"), "raw_path": path,
            "query_string": query, "headers": headers, "client": self._client,
        }  # fmt: skip
        keep = parser.should_keep_alive() and version == "1.1" and not parser.should_upgrade()
        before = self._cycle
        if (before is None or before.response_complete) and not self._flow.write_paused:
            self._cycle = _Asked(keep, method == b"HEAD")
            if self._gate.at_once(scope, self._told):
                return
            self._cycle = before
        self._go_the_long_way(scope, keep)

    def on_body(self, body: bytes) -> None:
        """Some of the body, for the request that was read last."""
        self._read = 0
        cycle = self._next[-1] if self._next else self._cycle
        if isinstance(cycle, RequestResponseCycle) and not cycle.response_complete:
            cycle.body += body
            if len(cycle.body) > HIGH_WATER_LIMIT:
                self._flow.pause_reading()
            cycle.message_event.set()

    def on_message_complete(self) -> None:
        """The request is there as a whole."""
        self._whole = True
        cycle = self._next[-1] if self._next else self._cycle
        if isinstance(cycle, RequestResponseCycle) and not cycle.response_complete:
            cycle.more_body = False
            cycle.message_event.set()

    def pause_writing(self) -> None:
        """The caller reads more slowly than is written."""
        self._flow.pause_writing()

    def resume_writing(self) -> None:
        """The caller has caught up."""
        self._flow.resume_writing()

    def shutdown(self) -> None:
        """The server ends: what is under way is answered, and nothing after it."""
        if self.idle:
            self._transport.close()
        else:
            self._last()

    def end(self, status: int) -> None:
        """Says this status, once all that was asked before is answered, and hangs up."""
        self._ended = status
        cycle = self._next[-1] if self._next else self._cycle
        if isinstance(cycle, RequestResponseCycle) and not cycle.response_complete and cycle.more_body:
            # Its own body cannot be understood: whoever reads it hears that there is no more, and nobody asks for an answer.
            if self._next:
                self._next.pop()
                return
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self._transport.abort()
                return
        elif not self.idle:
            return  # `_over` says it
        self._hang_up(status)

    def write(self, data: bytes) -> None:
        """Some of an answer."""
        self._transport.write(data)

    def hang_up(self) -> None:
        """Closes it so that what was written arrives.

        While something is on its way from the caller, to close at once would have the system take the answer back: so it
        is read for a moment more, and dropped.
        """
        if self.closing:
            return
        self._said_all = True
        if self._whole and not self._ended:
            self._transport.close()
            return
        self._read = 0
        self._flow.resume_reading()
        self._transport.write_eof()
        self._loop.call_later(LINGER, self._transport.close)

    def hang_up_silent(self) -> None:
        """Nothing was heard for too long, or the place is wanted: what was not taken by now is not waited for."""
        self._transport.abort()

    def _hang_up(self, status: int) -> None:
        if not self.closing:
            self._transport.write(STATUS_LINE[status] + CLOSE + b"content-length: 0\r\n\r\n")
            self.hang_up()

    def _last(self) -> None:
        """No further request is read on this connection."""
        if self._next:
            self._next[-1].keep_alive = False
        elif self._cycle is not None:
            self._cycle.keep_alive = False

    def _told(self, status: int, lines: bytes, body: bytes) -> None:
        """The answer to a request that the gate took at once."""
        asked = self._cycle
        asked.response_complete = True
        if self.closing:
            return
        if asked.head:
            body = b""
        end = b"\r\n" if asked.keep_alive else CLOSE + b"\r\n"
        date = self._callers.date(self._state.default_headers)
        self._transport.write(b"%b%b%b%b%b" % (STATUS_LINE[status], date, lines, end, body))
        if asked.keep_alive:
            self._over()
        else:
            self.hang_up()

    def _go_the_long_way(self, scope: dict[str, Any], keep: bool) -> None:  # noqa: FBT001
        headers = scope["headers"]
        waits = any(name == b"expect" and value.lower() == b"100-continue" for name, value in headers)
        scope |= {
            "asgi": {"version": "3.0", "spec_version": "2.3"}, "scheme": "http", "server": self._server,
            "root_path": "", "path": scope["raw_path"].decode("latin-1"),
        }  # fmt: skip
        free = self.idle
        cycle = RequestResponseCycle(
            scope=scope,  # type: ignore[arg-type]
            transport=Outlet(self),  # type: ignore[arg-type]
            flow=self._flow, logger=self._callers.log, access_logger=self._callers.log,
            access_log=False, default_headers=self._state.default_headers, message_event=asyncio.Event(),
            expect_100_continue=waits, keep_alive=keep, on_response=self._over,
        )  # fmt: skip
        if free:
            self._cycle = cycle
            self._start(cycle)
        else:  # it came before the one before it was answered
            self._flow.pause_reading()
            self._next.append(cycle)

    def _start(self, cycle: RequestResponseCycle) -> None:
        task = self._loop.create_task(cycle.run_asgi(self._gate))  # type: ignore[arg-type]
        task.add_done_callback(self._state.tasks.discard)
        self._state.tasks.add(task)

    def _over(self) -> None:
        """An answer has been written as a whole."""
        self.since = self._loop.time()
        if self.closing:
            return
        if self._next:
            self._cycle = self._next.popleft()
            self._start(self._cycle)
        elif self._ended:
            self._hang_up(self._ended)
        if not self._next:
            self._flow.resume_reading()
