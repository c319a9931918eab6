"""How questions travel: one connection pool, bounded in time and size, asked again only where that is safe.

A read is asked again by itself. A write carries an Idempotency-Key, so that it is done once however often it is sent.
Nothing is followed anywhere: a token goes to the portal that was named, and to nobody else.
"""

from __future__ import annotations

import platform
import time
import urllib.request
import uuid
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from ssl import SSLError, create_default_context
from typing import IO, Any

import httpx
from httpx_retries import Retry, RetryTransport

from governance.client import errors
from governance.client.configuration import Configuration, is_loopback
from governance.client.errors import Misconfigured, Unexpected, Unreachable
from governance.client.problems import parsed, problem, wait
from governance.client.version import VERSION

API = "/api/v1/"
LARGEST_ANSWER = 16 * 2**20  # bytes of JSON
LARGEST_FILE = 512 * 2**20  # bytes of a report
LONGEST = 120.0  # seconds for one whole answer of JSON
LONGEST_FILE = 900.0
PATIENCE = 60.0  # seconds that the portal may ask us to wait; whoever asks for more is told so at once
AGAIN = (429, 500, 502, 503, 504)
READS = ("GET", "HEAD")
PAGE = 200  # the largest that is answered
Query = Mapping[str, str | int | None]


@dataclass(frozen=True)
class Answer:
    """What came back: the JSON, and the headers that mean something."""

    data: Any
    etag: str = ""
    status: int = 200


class _TooLong(Exception):
    """The portal asks for a longer wait than we are willing to."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response


class _Patience(Retry):
    """Waits as long as Retry-After says, or not at all."""

    def sleep(self, response: httpx.Response | Exception) -> None:
        if isinstance(response, httpx.Response) and (wait(response) or 0) > PATIENCE:
            raise _TooLong(response)
        super().sleep(response)


class _Bearer(httpx.Auth):
    """The token, put on each request and shown nowhere."""

    def __init__(self, token: str) -> None:
        self._header = f"Bearer {token}"

    def __repr__(self) -> str:
        return "Bearer(…)"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = self._header
        yield request


class Wire:
    """The connection to one portal."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        again = {
            "total": configuration.retries,
            "status_forcelist": AGAIN,
            "backoff_factor": 0.5,
            "max_backoff_wait": PATIENCE,
            "total_timeout": 2 * PATIENCE,
        }
        self._reads = _Patience(allowed_methods=READS, **again)  # type: ignore[arg-type]  # as the keywords say
        self._writes = _Patience(allowed_methods=("POST", "PUT", "PATCH", "DELETE"), **again)  # type: ignore[arg-type]
        self._client = httpx.Client(
            auth=_Bearer(configuration.token),
            transport=RetryTransport(_transport(configuration), self._reads),
            timeout=httpx.Timeout(configuration.timeout, connect=min(10.0, configuration.timeout)),
            headers={"User-Agent": _name(), "Accept": "application/json, application/problem+json"},
            follow_redirects=False,
            trust_env=False,
        )

    def __repr__(self) -> str:
        return f"Wire({self.configuration.url})"

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def get(self, path: str, query: Query | None = None) -> Answer:
        """Read."""
        return self._json("GET", path, query)

    def send(self, method: str, path: str, body: Any = None, *, if_match: str = "") -> Answer:
        """Write, once: the key tells the portal which tries are the same."""
        headers = {"Idempotency-Key": f'"{uuid.uuid4()}"'}
        if if_match:
            headers["If-Match"] = f'"{if_match}"'
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self._json(method, path, None, headers, json=body, extensions={"retry": self._writes})
            except errors.Conflict as running:  # the first try is still being carried out
                if running.retry_after is None or time.monotonic() + running.retry_after > deadline:
                    raise
                time.sleep(max(running.retry_after, 0.1))

    def ask(self, path: str, form: Mapping[str, str]) -> Answer:
        """A question that is sent as a form, because it holds a secret."""
        return self._json("POST", path, None, data=dict(form))

    def rows(self, path: str, query: Query | None = None, *, limit: int | None = None) -> Iterator[Any]:
        """The rows of a list, page after page, each page when it is needed."""
        asked: dict[str, Any] = dict(query or {}) | {"size": min(PAGE, limit or PAGE)}
        count, seen = 0, set[str]()
        while True:
            page = self.get(path, asked).data
            if not isinstance(page, dict) or not isinstance(page.get("results"), list):
                raise Unexpected(f"{path} is no list. Is this address a portal?")
            for row in page["results"]:
                yield row
                count += 1
                if limit is not None and count >= limit:
                    return
            if not page.get("next"):
                return
            after = _after(page["next"])
            if after in seen:
                raise Unexpected(f"{path} has no end: the same page comes twice.")
            seen.add(after)
            asked["after"] = after

    def file(self, path: str, into: IO[bytes]) -> str:
        """Write a file to `into`; returns its ETag without the quotes."""
        with self._sent(
            "GET", path, None, {"Accept": "application/pdf, application/problem+json"}
        ) as response:
            for chunk in _chunks(response, LARGEST_FILE, LONGEST_FILE):
                into.write(chunk)
            return str(response.headers.get("ETag", "")).strip('"')

    def _json(
        self,
        method: str,
        path: str,
        query: Query | None,
        headers: Mapping[str, str] | None = None,
        **body: Any,
    ) -> Answer:
        with self._sent(method, path, query, headers, **body) as response:
            raw = b"".join(_chunks(response, LARGEST_ANSWER, LONGEST))
            etag = str(response.headers.get("ETag", "")).removeprefix("W/").strip('"')
            return Answer(parsed(raw, response) if raw else None, etag, response.status_code)

    def _sent(
        self,
        method: str,
        path: str,
        query: Query | None,
        headers: Mapping[str, str] | None = None,
        **body: Any,
    ) -> _Sent:
        given = {name: value for name, value in (query or {}).items() if value not in (None, "")}
        address = self.configuration.url + API + path
        request = self._client.build_request(method, address, params=given, headers=headers, **body)
        return _Sent(self._client, request)


class _Sent:
    """An answer while it is being read; whatever goes wrong on the way is told as an error of ours."""

    def __init__(self, client: httpx.Client, request: httpx.Request) -> None:
        self._client, self._request = client, request
        self._response: httpx.Response | None = None

    def __enter__(self) -> httpx.Response:
        try:
            response = self._response = self._client.send(self._request, stream=True)
        except _TooLong as long:
            raise problem(long.response, b"") from None
        except httpx.HTTPError as error:
            raise _unreachable(
                error, self._request
            ) from None  # its context holds the request with its headers
        try:
            _check(response)
        except Exception:
            response.close()
            raise
        return response

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if self._response:
            self._response.close()
        if isinstance(error, httpx.HTTPError):
            raise _unreachable(error, self._request) from None


def _transport(configuration: Configuration) -> httpx.HTTPTransport:
    """TLS by the given certificates or those of httpx; a proxy as the environment says, never to this machine itself."""
    address = httpx.URL(configuration.url)
    proxies = {} if is_loopback(address.host) else urllib.request.getproxies()
    bypass = not proxies or urllib.request.proxy_bypass(address.host)
    try:
        verify = create_default_context(cafile=str(configuration.ca_file)) if configuration.ca_file else True
    except (OSError, SSLError) as error:
        raise Misconfigured(f"{configuration.ca_file} holds no certificates that can be read.") from error
    try:
        return httpx.HTTPTransport(verify=verify, proxy=None if bypass else proxies.get(address.scheme))
    except (ValueError, ImportError) as error:
        raise Misconfigured("The proxy that the environment names cannot be used.") from error


def _name() -> str:
    return f"cardinal/{VERSION} Python/{platform.python_version()} httpx/{httpx.__version__}"


def _chunks(response: httpx.Response, most: int, seconds: float) -> Iterator[bytes]:
    deadline, size = time.monotonic() + seconds, 0
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > most:
            raise Unexpected(f"The answer has more than {most} bytes; it was not read to its end.")
        if time.monotonic() > deadline:
            raise Unreachable(f"The answer did not end within {seconds:.0f} seconds.")
        yield chunk


def _after(address: Any) -> str:
    """The cursor in the address of the next page. Only the cursor is taken from there: we know where the portal is."""
    try:
        after = httpx.URL(str(address)).params.get("after", "")
    except httpx.InvalidURL:
        after = ""
    if not after:
        raise Unexpected("The list names a next page without a cursor.")
    return str(after)


def _unreachable(error: httpx.HTTPError, request: httpx.Request) -> Unreachable:
    host = f"{request.url.scheme}://{request.url.netloc.decode()}"
    if isinstance(error, httpx.TimeoutException):
        return Unreachable(f"{host} did not answer in time.")
    return Unreachable(f"{host} cannot be reached: {str(error) or type(error).__name__}.")


def _check(response: httpx.Response) -> None:
    """Only success goes on."""
    if response.is_success:
        return
    if response.is_redirect:
        place = response.headers.get("Location", "")[:200]
        raise Unexpected(
            f"The portal answered with a redirect to {place}. Nothing was sent there; "
            "if that is where it lives, set CARDINAL_URL to it."
        )
    raise problem(response, b"".join(_chunks(response, LARGEST_ANSWER, LONGEST)))
