"""Where the portal is and who asks: from arguments, the environment, or what `cardinal login` has stored.

A token is read from the environment or from a file that nobody else may read, never from the command line, where every
account of the machine could see it. It goes over HTTPS, or over plain HTTP to this machine itself.
"""

from __future__ import annotations

import binascii
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from governance.client.errors import Misconfigured

FORM = re.compile(r"crd_[a-z][0-9A-Za-z]{49}\Z", re.ASCII)
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LONGEST_FILE = 10_000  # bytes; a token has 54
HELP = "Set CARDINAL_TOKEN or CARDINAL_TOKEN_FILE, or store it once with `cardinal login`."


@dataclass(frozen=True)
class Configuration:
    """An address and a token, both fit to be used."""

    url: str
    token: str = field(repr=False)
    ca_file: Path | None = None  # certificates (PEM) that the portal's own has to lead to
    timeout: float = 30.0  # seconds without a sign from the portal
    retries: int = 3  # times that a question is asked again when that is safe

    def __post_init__(self) -> None:
        if not is_token(self.token):
            raise Misconfigured(
                "This is no token: it begins with crd_, has 54 characters, and its checksum fits."
            )
        if self.timeout <= 0 or self.retries < 0:
            raise Misconfigured("The timeout is more than 0 seconds, and retries are 0 or more.")


def found(
    *,
    url: str = "",
    token_file: Path | None = None,
    ca_file: Path | None = None,
    allow_http: bool = False,
    timeout: float = 30.0,
    retries: int = 3,
    environ: Mapping[str, str] = os.environ,
) -> Configuration:
    """What was given; else CARDINAL_URL, CARDINAL_TOKEN, CARDINAL_TOKEN_FILE, CARDINAL_CA_FILE; else what was stored."""
    kept = stored(environ)
    ca_text = environ.get("CARDINAL_CA_FILE", "") or kept.get("ca_file", "")
    address = url or environ.get("CARDINAL_URL", "") or kept.get("url", "")
    return Configuration(
        url=checked_url(address, allow_http=allow_http or environ.get("CARDINAL_ALLOW_HTTP", "") == "1"),
        token=_token(token_file, environ, kept, address),
        ca_file=ca_file or (Path(ca_text) if ca_text else None),
        timeout=timeout,
        retries=retries,
    )


def checked_url(text: str, *, allow_http: bool = False) -> str:
    """The address of a portal without its last slash, if a token may be sent there."""
    if not text:
        raise Misconfigured("Where is the portal? Set CARDINAL_URL, such as https://cardinal.example.org.")
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        raise Misconfigured(f"The address of the portal cannot be read: {error}.") from error
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise Misconfigured("The address of the portal looks like https://cardinal.example.org.")
    if "@" in parts.netloc:
        raise Misconfigured("The address of the portal holds no account: a token says who asks.")
    if parts.scheme == "http" and not (allow_http or is_loopback(host)):
        raise Misconfigured(
            f"A token is not sent to {host} over plain HTTP. Use https://, or say --allow-http where nobody listens."
        )
    return text.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether this is the machine itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_token(text: str) -> bool:
    """Whether it has the form of a token and its checksum fits; a typing error is found without asking anybody."""
    if not FORM.match(text):
        return False
    value, digits = binascii.crc32(text[:48].encode()), ""
    for _ in range(6):
        value, rest = divmod(value, 62)
        digits = DIGITS[rest] + digits
    return text[48:] == digits


def private_text(path: Path) -> str:
    """What stands in a file that only its owner may read."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if os.name == "posix" and stat.S_ISREG(mode) and mode & 0o077:
                raise Misconfigured(f"Others may read {path}: chmod 600 {path}")
            raw = file.read(LONGEST_FILE + 1)
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}.") from error
    try:
        if len(raw) > LONGEST_FILE:
            raise Misconfigured(f"{path} holds more than a token.")
        return raw.decode().strip()
    except UnicodeDecodeError as error:
        raise Misconfigured(f"{path} is no text.") from error


def place(environ: Mapping[str, str] = os.environ) -> Path:
    """Where `cardinal login` stores what it was told."""
    home = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME") or Path.home(), ".config")  # noqa: PTH118
    return Path(home) / "cardinal" / "login.json"


def stored(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What `cardinal login` has stored; nothing where nobody logged in."""
    path = place(environ)
    if not path.exists():
        return {}
    try:
        kept = json.loads(private_text(path))
    except ValueError:
        kept = None
    if not isinstance(kept, dict) or not all(isinstance(value, str) for value in kept.values()):
        raise Misconfigured(f"{path} cannot be read: store it again with `cardinal login`.")
    return kept


def write_private(path: Path, text: str) -> None:
    """Write a new file that only its owner may read. One that is there already is left alone."""
    try:
        place_of = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        with os.fdopen(place_of, "w") as file:
            file.write(text)
    except FileExistsError as error:
        raise Misconfigured(f"{path} is there already; it is not written over.") from error
    except OSError as error:
        raise Misconfigured(f"{path} cannot be written: {error.strerror}.") from error


def _token(file: Path | None, environ: Mapping[str, str], kept: Mapping[str, str], address: str) -> str:
    """A stored token is for the portal that it was stored with, and for no other."""
    if file:
        return private_text(file)
    if text := environ.get("CARDINAL_TOKEN", "").strip():
        return text
    if named := environ.get("CARDINAL_TOKEN_FILE", ""):
        return private_text(Path(named))
    if kept.get("token") and address.rstrip("/") == kept.get("url"):
        return kept["token"]
    raise Misconfigured(f"Who asks? {HELP}")
