"""One conversation with MLflow's own client: bounded in time, never retried, its failures put into words."""

from __future__ import annotations

import math
import os
import re
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from registry.mlflow.facts import Absent, Unacceptable, Unreachable

if TYPE_CHECKING:
    from mlflow import MlflowClient

REFUSED = frozenset({"PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"})
MISSING = frozenset({"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"})
UNFIT = frozenset({"INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_ALREADY_EXISTS", "INVALID_STATE"})
CREDENTIALS = re.compile(r"//[^/@]*@")


@dataclass(frozen=True)
class Credentials:
    """What a tracking server wants to know: a user name with a password, or a bearer token, or nothing.

    And what we want to know of it: `authority` are the certificates (PEM) that its own has to lead to, if not to one
    that the system knows.
    """

    username: str = ""
    secret: str = field(default="", repr=False)
    authority: str = field(default="", repr=False)

    def environment(self) -> dict[str, str]:
        """As MLflow's client takes them; it knows no other way."""
        if self.username:
            return {
                "MLFLOW_TRACKING_USERNAME": self.username,
                "MLFLOW_TRACKING_PASSWORD": self.secret,
            }
        return {"MLFLOW_TRACKING_TOKEN": self.secret} if self.secret else {}


NOBODY = Credentials()
TRUST, UNCHECKED = "MLFLOW_TRACKING_SERVER_CERT_PATH", "MLFLOW_TRACKING_INSECURE_TLS"
OF_ONE_SERVER = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")


class Connection:
    """The client of one tracking server.

    It first asks who is there, so that nonsense never reads as empty.
    """

    def __init__(self, uri: str, timeout_seconds: float, credentials: Credentials = NOBODY) -> None:
        self.uri = uri.rstrip("/")
        self.label = CREDENTIALS.sub("//", self.uri)
        self._timeout = timeout_seconds
        self._credentials = credentials
        self._client: MlflowClient | None = None
        self._trusted = _kept(self, credentials.authority) if credentials.authority else ""

    @contextmanager
    def asking(self, what: str) -> Iterator[MlflowClient]:
        """Hand out the client for one question; whatever goes wrong leaves as `Unreachable` or `Absent`."""
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # must stand before mlflow is imported
        import requests
        from google.protobuf.json_format import ParseError
        from mlflow.exceptions import MlflowException

        try:
            with _surroundings(self._timeout, self._credentials, self._trusted):
                yield self._client or self._introduce()
        except MlflowException as problem:
            raise self._explained(problem, what) from problem
        except requests.HTTPError as problem:
            status = problem.response.status_code if problem.response is not None else 0
            raise self._by_status(status, what) from problem
        except requests.exceptions.SSLError as problem:
            raise self.untrusted(what) from problem
        except (requests.RequestException, OSError) as problem:
            raise self.silent(what) from problem
        except (ValueError, KeyError, TypeError, AttributeError, ParseError) as problem:
            raise self.nonsense(what) from problem

    def silent(self, what: str) -> Unreachable:
        """The error for a server that does not answer, or not in time."""
        return Unreachable(
            f"The tracking server {self.label} did not answer within {self._timeout:g} seconds "
            f"when asked for {what}. Start it, or correct its address."
        )

    def untrusted(self, what: str) -> Unreachable:
        """The error for a server whose certificate leads to no authority that is trusted."""
        return Unreachable(
            f"The certificate of the tracking server {self.label} is not trusted, so it was not asked for {what}. "
            "Set the certificate of its authority on its page, or correct its address."
        )

    def nonsense(self, what: str) -> Unreachable:
        """The error for a server that answers, but not as MLflow does."""
        return Unreachable(
            f"{self.label} did not answer as an MLflow tracking server when asked for {what}. "
            "Correct its address: it has to be that of MLflow 3 or later."
        )

    def _introduce(self) -> MlflowClient:
        from mlflow import MlflowClient
        from mlflow.utils.credentials import get_default_host_creds
        from mlflow.utils.rest_utils import http_request

        if not self.uri.startswith(("http://", "https://")):
            raise Unreachable(
                f"{self.label} is no http or https address. Correct it to the address of a tracking server."
            )
        answer = http_request(get_default_host_creds(self.uri), "/version", "GET", raise_on_status=False)
        if answer.status_code in {401, 403, 429} or answer.status_code >= 500:
            raise self._by_status(answer.status_code, "its version")
        if answer.status_code != 200 or not re.fullmatch(r"\d+\.\d+[\w.+-]*", answer.text.strip()):
            raise self.nonsense("its version")
        self._client = MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
        return self._client

    def _explained(self, problem: Exception, what: str) -> Exception:
        from mlflow.exceptions import RestException

        code = str(getattr(problem, "error_code", ""))
        if code in MISSING:
            # MLflow says so in JSON; a 404 in any other form is a proxy's, and proves no absence.
            return self._by_status(404, what) if isinstance(problem, RestException) else self.nonsense(what)
        if code in UNFIT and isinstance(problem, RestException):
            return Unacceptable(
                f"The tracking server {self.label} refused {what}: {_told(problem)} Correct it there, then try again."
            )
        if code in REFUSED:
            return self._by_status(403, what)
        if "valid JSON" in str(problem):
            return self.nonsense(what)
        if "CERTIFICATE_VERIFY_FAILED" in str(problem) or "SSLError" in str(problem):
            return self.untrusted(what)
        if re.search(r"API request to .* failed with (timeout )?exception", str(problem)):
            return self.silent(what)
        return Unreachable(
            f"The tracking server {self.label} failed when asked for {what} ({code or 'no error code'}). "
            "Look into its log, then ask again."
        )

    def _by_status(self, status: int, what: str) -> Exception:
        if status == 404:
            return Absent(
                f"The tracking server {self.label} does not have {what}; it may have been deleted there."
            )
        if status in {401, 403}:
            return Unreachable(
                f"The tracking server {self.label} refuses us {what}. Set its credentials on its page, "
                "allow the account to read there, and allow this host in its --allowed-hosts."
            )
        if status >= 500 or status == 429:
            return Unreachable(
                f"The tracking server {self.label} answered with status {status} when asked for {what}. "
                "Look into its log, then ask again."
            )
        return self.nonsense(what)


def _told(problem: Exception) -> str:
    """The server's own words, on one line, cut to what a page can show."""
    words = " ".join(str(problem).partition(": ")[2].split())[:300]
    return words if words.endswith(".") else f"{words}."


def _kept(connection: Connection, authority: str) -> str:
    """A file with these certificates, which the client wants, for as long as `connection` is there."""
    handle, path = tempfile.mkstemp(prefix="cardinal-", suffix=".pem")
    with os.fdopen(handle, "w") as file:
        file.write(authority)
    weakref.finalize(connection, Path(path).unlink, missing_ok=True)
    return path


@contextmanager
def _surroundings(seconds: float, credentials: Credentials, trusted: str) -> Iterator[None]:
    """MLflow's client takes timeout and credentials from the environment only, and would else retry for minutes.

    They stand there for one question and only in a worker, which does one thing at a time. What the environment holds
    otherwise is taken away meanwhile: the password of one tracking server is never sent to another. Where `trusted` names
    a file of certificates, only these count, and whoever told the worker to look at no certificate is not heard.
    """
    wanted: dict[str, str | None] = {
        **dict.fromkeys(OF_ONE_SERVER),
        **credentials.environment(),
        **({TRUST: trusted, UNCHECKED: None} if trusted else {}),
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(max(1, math.ceil(seconds))),
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    }
    before = {name: os.environ.get(name) for name in wanted}
    _set(wanted)
    try:
        yield
    finally:
        _set(before)


def _set(wanted: dict[str, str | None]) -> None:
    for name, value in wanted.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
