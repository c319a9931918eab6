"""Hostile requests as data: what arrives, byte by byte, and what the gate answers.

`{path}` is a path that is allowed, `{token}` a token that is. An answer is a status, and after it the gate's reason where the
gate itself said it (without one: its HTTP server, which understood no request). "-" is a connection closed without a word.
"""

from __future__ import annotations

from dataclasses import dataclass

BEARER = "Authorization: Bearer {token}"
EMPTY = "Content-Length: 0"
NGINX = ("X-Original-URI: {path}", "X-Original-Method: POST")
TRAEFIK = ("X-Forwarded-Uri: {path}", "X-Forwarded-Method: POST")


@dataclass(frozen=True)
class Row:
    """One request and its answer."""

    kind: str
    request: bytes
    answer: str

    def filled(self, path: str, token: str) -> bytes:
        """The bytes that go out."""
        return self.request.replace(b"{path}", path.encode()).replace(b"{token}", token.encode())


def row(kind: str, answer: str, line: str, *headers: str, body: str = "", host: str = "Host: gate") -> Row:
    """A request that is well formed but for what its lines say. Latin-1, so that any byte can be written."""
    end = [] if any(one.startswith("Connection:") for one in headers) else ["Connection: close"]
    lines = [line, *([host] if host else []), *headers, *end, "", body]
    return Row(kind, "\r\n".join(lines).encode("latin-1"), answer)


def paths(kind: str, answer: str, *raw: str) -> list[Row]:
    """Each path at the door of the proxy and, as nginx and as Envoy would say it, at /check."""
    folded = "403" + answer.removeprefix("400") if answer.startswith("400 ") else answer
    rows = []
    for one in raw:
        direct = answer if one.isascii() else "400"  # no address holds such bytes: it never is a query
        rows.append(row(kind, direct, f"POST {one} HTTP/1.1", BEARER, EMPTY))
        said = (f"X-Original-URI: {one}", "X-Original-Method: POST")
        rows.append(row(kind, folded, "GET /check HTTP/1.1", BEARER, *said))
        rows.append(row(kind, direct, f"POST /check{one} HTTP/1.1", BEARER, EMPTY))
    return rows


def asks(kind: str, answer: str, *headers: str) -> Row:
    """A prediction with these headers besides the token."""
    return row(kind, answer, "POST {path} HTTP/1.1", BEARER, *headers)


def checks(kind: str, answer: str, *headers: str, path: str = "/check", method: str = "GET") -> Row:
    """A question at /check with these headers besides the token."""
    return row(kind, answer, f"{method} {path} HTTP/1.1", BEARER, *headers)


PATHS = [
    *paths(
        "dot segments",
        "400 path_refused",
        "/x/..{path}",
        "/models/x/../a/invocations",
        "/.{path}",
        "{path}/.",
    ),
    *paths("encoding", "400 path_refused", "/%6dodels/a/invocations", "/models/a%2finvocations", "{path}%20"),
    *paths(
        "double encoding",
        "400 path_refused",
        "/models/%2561/invocations",
        "/models/x/%252e%252e/a/invocations",
    ),
    *paths(
        "encoded control", "400 path_refused", "{path}%00", "{path}%0d%0aX-A:%20b", "{path}%0a", "{path}%7f"
    ),
    *paths(
        "slashes",
        "400 path_refused",
        "/{path}",
        "{path}/",
        "/models//a/invocations",
        "/models\\a\\invocations",
    ),
    *paths(
        "parameters",
        "400 path_refused",
        "{path};a=b",
        "/models/a;b/invocations",
        "{path}?a=b",
        "{path}?a=%00",
    ),
    *paths("trailing dot", "400 path_refused", "{path}.", "/models/a./invocations"),
    *paths(
        "case", "400 path_refused", "/MODELS/a/invocations", "/models/a/Invocations", "/models/A/invocations"
    ),
    *paths(
        "look-alike", "400 path_refused", "/models/\xd0\xb0/invocations", "/models/a\xe2\x88\x95invocations"
    ),
    *paths(
        "look-alike", "400 path_refused", "/models/a\xef\xbc\x8finvocations", "/models/%d0%b0/invocations"
    ),
    *paths(
        "overlong",
        "400 path_refused",
        "/models/" + "a" * 5000 + "/invocations",
        "/models/a/versions/0/invocations",
    ),
    row("token in the address", "400 token_in_url", "POST {path}?token={token} HTTP/1.1", BEARER, EMPTY),
    row("token in the address", "400 token_in_url", "POST /{token} HTTP/1.1", BEARER, EMPTY),
    row("token in the address", "400 token_in_url", "POST /%63rd_%70{token} HTTP/1.1", BEARER, EMPTY),
    checks("token in the address", "403 token_in_url", "X-Original-URI: {path}?token={token}", NGINX[1]),
    checks("token in the address", "400 token_in_url", "X-Forwarded-Uri: {path}?access_token=x", TRAEFIK[1]),
    checks(
        "token in the address", "403 token_in_url", EMPTY, path="/check{path}?token={token}", method="POST"
    ),
    checks("token in the address", "400 token_in_url", EMPTY, path="/check/{token}", method="POST"),
    row("far too long", "400 path_refused", "POST /" + "a" * 65_535 + " HTTP/1.1", BEARER, EMPTY),
    row("asterisk", "405", "POST * HTTP/1.1", BEARER, EMPTY),
    row("authority", "400 path_refused", "CONNECT gate:443 HTTP/1.1", BEARER),
    row("authority", "405 method_refused", "CONNECT {path} HTTP/1.1", BEARER),
    row("space in the path", "400", "POST {path} x HTTP/1.1", BEARER, EMPTY),
    row("control in the path", "400", "POST {path}\x00 HTTP/1.1", BEARER, EMPTY),
    row("control in the path", "400", "POST {path}\x01 HTTP/1.1", BEARER, EMPTY),
    row("relative path", "400", "POST models/a/invocations HTTP/1.1", BEARER, EMPTY),
    row("absolute form", "400 path_refused", "POST http://other{path} HTTP/1.1", BEARER, EMPTY),
    row("absolute form", "400 path_refused", "GET http://gate/check HTTP/1.1", BEARER, *NGINX),
    checks("absolute form", "403 path_refused", "X-Original-URI: http://gate{path}", NGINX[1]),
    checks("absolute form", "400 path_refused", "X-Forwarded-Uri: http://gate{path}", TRAEFIK[1]),
    checks("absolute form", "403 path_refused", "X-Original-URI: //gate{path}", NGINX[1]),
    checks("empty", "403 path_refused", "X-Original-URI:", NGINX[1]),
    checks("no path", "403 path_refused"),
    checks("no path", "400 path_refused", path="/check/"),
    checks("path and query", "403 path_refused", *NGINX, path="/check?x=1"),
    checks("path twice", "403 headers_refused", *NGINX, path="/check/models/a/invocations"),
    checks("door missed", "400 path_refused", *NGINX, path="/Check", method="POST"),
    checks("door missed", "400 path_refused", *NGINX, path="/check;a", method="POST"),
    checks("door missed", "400 path_refused", *NGINX, path="/check%2f", method="POST"),
    checks("door missed", "400 path_refused", *NGINX, path="/./check", method="POST"),
    checks("door missed", "400 path_refused", *NGINX, path="//check", method="POST"),
]

METHODS = [
    *(
        row("method", "405 method_refused", f"{one} {{path}} HTTP/1.1", BEARER)
        for one in ("GET", "PUT", "DELETE")
    ),
    *(row("method", "405 method_refused", f"{one} {{path}} HTTP/1.1", BEARER) for one in ("PATCH", "TRACE")),
    row("method", "405 method_refused", "HEAD {path} HTTP/1.1", BEARER),
    row("asks for the methods only", "204", "OPTIONS {path} HTTP/1.1", BEARER),
    checks("asks for the methods", "403 method_refused", NGINX[0], "X-Original-Method: OPTIONS"),
    row("method in small letters", "400", "post {path} HTTP/1.1", BEARER, EMPTY),
    row("method of another protocol", "400", "PRI {path} HTTP/1.1", BEARER),
    checks("method", "403 method_refused", NGINX[0], "X-Original-Method: GET"),
    checks("method", "403 headers_refused", NGINX[0], "X-Original-Method: post"),
    checks("method", "403 headers_refused", NGINX[0], "X-Original-Method: POST, GET"),
    checks("method", "403 headers_refused", NGINX[0], "X-Original-Method: POST\xc2\xa0"),
    checks("method left out", "403 headers_refused", NGINX[0]),
    checks("method left out", "403 headers_refused", TRAEFIK[0]),
    checks("method left out", "403 headers_refused", NGINX[0], "X-Original-Method:"),
    row("override", "400 headers_refused", "GET {path} HTTP/1.1", BEARER, "X-HTTP-Method-Override: POST"),
    asks("override", "400 headers_refused", EMPTY, "X-HTTP-Method-Override: DELETE"),
    asks("override", "400 headers_refused", EMPTY, "X-HTTP-Method: DELETE"),
    asks("override", "400 headers_refused", EMPTY, "X-Method-Override: DELETE"),
    asks("override", "400 headers_refused", EMPTY, "X_HTTP_Method_Override: DELETE"),
    asks("override", "400 headers_refused", EMPTY, "X-Original-URL: /admin"),
    asks("override", "400 headers_refused", EMPTY, "X-Rewrite-URL: /admin"),
    checks("override", "403 headers_refused", *NGINX, "X-HTTP-Method-Override: DELETE"),
    checks("override", "400 headers_refused", EMPTY, "X-Rewrite-URL: /", path="/check{path}", method="POST"),
]

SPEAKERS = [
    checks("two speak", "403 headers_refused", *NGINX, *TRAEFIK),
    checks("two speak", "403 headers_refused", *NGINX, TRAEFIK[0]),
    checks("two speak", "403 headers_refused", *NGINX, TRAEFIK[1]),
    checks("two speak", "403 headers_refused", NGINX[1], *TRAEFIK),
    checks("two speak", "403 headers_refused", *NGINX, "X-Forwarded-Uri: /models/other/invocations"),
    checks("two speak", "403 headers_refused", *TRAEFIK, path="/check{path}", method="POST"),
    checks("two speak", "403 headers_refused", NGINX[1], path="/check{path}", method="POST"),
    checks("said twice", "403 headers_refused", *NGINX, NGINX[0]),
    checks("said twice", "403 headers_refused", *NGINX, "X-Original-URI: /models/other/invocations"),
    checks("said twice", "403 headers_refused", *NGINX, NGINX[1]),
    checks("said twice", "403 headers_refused", *TRAEFIK, TRAEFIK[1]),
    checks("said twice", "403 headers_refused", *NGINX, *["X-Original-Content-Length: 1"] * 2),
    checks(
        "said twice in other letters",
        "403 headers_refused",
        *NGINX,
        "x-oRIGINAL-uri: /models/other/invocations",
    ),
    checks("length of another's", "403 headers_refused", *TRAEFIK, "X-Original-Content-Length: 1"),
    checks("length", "403 headers_refused", *NGINX, "X-Original-Content-Length: -1"),
    checks("length", "403 headers_refused", *NGINX, "X-Original-Content-Length: 0x10"),
    checks("length", "403 headers_refused", *NGINX, "X-Original-Content-Length: 1, 2"),
    checks("length", "403 headers_refused", *NGINX, "X-Original-Content-Length: " + "9" * 400),
    checks("underscore", "403 headers_refused", *NGINX, "X_Original_URI: /models/other/invocations"),
    checks("underscore", "403 headers_refused", *NGINX, "X-Original_URI: /models/other/invocations"),
    checks("underscore", "403 path_refused", "X_Original_URI: {path}", "X_Original_Method: POST"),
    checks("underscore", "403 headers_refused", *NGINX, "X_Forwarded_For: 192.0.2.1"),
    asks("underscore", "400 headers_refused", "Content_Length: 5", EMPTY),
    asks("underscore", "400 headers_refused", EMPTY, "Cardinal_Purpose: triage"),
    checks("to be dropped on the way", "403 headers_refused", *NGINX, "Connection: X-Original-URI, close"),
    checks("to be dropped on the way", "403 headers_refused", *NGINX, "Connection: close,X-Forwarded-For"),
    asks("to be dropped on the way", "400 headers_refused", EMPTY, "Connection: close, authorization"),
    asks("to be dropped on the way", "400 headers_refused", EMPTY, "Connection: close", "Connection: close"),
]

CREDENTIALS = [
    row("none", "401 token_missing", "POST {path} HTTP/1.1", EMPTY),
    row(
        "not here",
        "401 token_missing",
        "POST {path} HTTP/1.1",
        EMPTY,
        "Cookie: token={token}",
        "X-Api-Key: {token}",
    ),
    row(
        "not here", "401 token_missing", "POST {path} HTTP/1.1", EMPTY, "Proxy-Authorization: Bearer {token}"
    ),
    row("other scheme", "401 token_missing", "POST {path} HTTP/1.1", EMPTY, "Authorization: Basic {token}"),
    row("other scheme", "401 token_missing", "POST {path} HTTP/1.1", EMPTY, "Authorization: {token}"),
    row("mistyped", "401 token_malformed", "POST {path} HTTP/1.1", EMPTY, "Authorization: Bearer {token}x"),
    row("mistyped", "401 token_malformed", "POST {path} HTTP/1.1", EMPTY, 'Authorization: Bearer "{token}"'),
    row("mistyped", "401 token_malformed", "POST {path} HTTP/1.1", EMPTY, "Authorization: Bearer  {token}"),
    row("mistyped", "401 token_malformed", "POST {path} HTTP/1.1", EMPTY, "Authorization: Bearer\t{token}"),
    row(
        "look-alike",
        "401 token_missing",
        "POST {path} HTTP/1.1",
        EMPTY,
        "Authorization: Bearer\xc2\xa0{token}",
    ),
    row(
        "SQL", "401 token_malformed", "POST {path} HTTP/1.1", EMPTY, "Authorization: Bearer '||pg_sleep(5)||'"
    ),
    asks("twice", "400 several_credentials", EMPTY, BEARER),
    asks("twice", "400 several_credentials", EMPTY, "authorization: Basic YTpi"),
    row("twice", "400 several_credentials", "POST {path} HTTP/1.1", EMPTY, BEARER + ",{token}"),
    checks("twice", "403 several_credentials", *NGINX, BEARER),
    row("in the address", "403 token_in_url", "GET /check?access_token={token} HTTP/1.1", *NGINX),
]

FRAMES = [
    asks("length twice", "400", EMPTY, "Content-Length: 5"),
    asks("length", "400", "Content-Length: -1"),
    asks("length", "400", "Content-Length: +1"),
    asks("length", "400", "Content-Length: 0, 0"),
    asks("length", "400", "Content-Length: 0x0"),
    asks("length", "400", "Content-Length: " + "9" * 30),
    asks("length", "413 too_large", "Content-Length: 9999999"),
    asks("coding", "400", "Transfer-Encoding: identity"),
    asks("coding", "400", "Transfer-Encoding: xchunked"),
    asks("coding", "400", "Transfer-Encoding: chunked, identity"),
    asks("coding", "400 headers_refused", "Transfer-Encoding: gzip, chunked"),
    asks("coding", "400", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    asks("length twice", "400", EMPTY, EMPTY),
    asks("coding", "400", "Transfer-Encoding: \x0bchunked"),
    asks("type twice", "400 headers_refused", EMPTY, "Content-Type: a/b", "Content-Type: c/d"),
    asks("another protocol", "400 headers_refused", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
    asks("another protocol", "400 headers_refused", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
    checks("another protocol", "403 headers_refused", *NGINX, "Upgrade: websocket"),
    row("host twice", "400 headers_refused", "POST {path} HTTP/1.1", BEARER, EMPTY, "Host: other"),
    row("host twice", "403 headers_refused", "GET /check HTTP/1.1", BEARER, *NGINX, "host: other"),
    asks("purpose twice", "400 headers_refused", EMPTY, *["Cardinal-Purpose: triage"] * 2),
    asks("purpose", "400 purpose_malformed", EMPTY, "Cardinal-Purpose: a b"),
    asks("purpose", "400 purpose_malformed", EMPTY, "Cardinal-Purpose: " + "a" * 81),
    asks("too many headers", "431", EMPTY, *[f"X-{n}: y" for n in range(120)]),
    asks("header too large", "431", EMPTY, "X-A: " + "a" * 200_000),
    checks("header too large", "431", "X-Original-URI: /" + "a" * 200_000, NGINX[1]),
    asks("space before the colon", "400", "Content-Length : 0"),
    asks("folded", "400", EMPTY, "X-A: b", " X-Original-URI: /"),
    asks("folded", "400", EMPTY, "X-A: b", "\tc"),
    asks("control in a name", "400", EMPTY, "X\x00A: b"),
    asks("control in a name", "400", EMPTY, "X-A\r: b"),
    asks("control in a value", "400", EMPTY, "X-A: b\x00c"),
    asks("control in a value", "400", EMPTY, "X-A: b\rc"),
    asks("control in a value", "400", EMPTY, "X-A: b\x7f"),
    checks("control in a value", "400", "X-Original-URI: {path}\x00", NGINX[1]),
    checks("control in a value", "400", "X-Original-URI: {path}\rX-Original-Method: POST"),
    asks("no name", "400", EMPTY, ": b"),
    asks("no colon", "400", EMPTY, "nonsense"),
    row("version", "400", "POST {path} HTTP/1.2", BEARER, EMPTY),
    row("version", "400", "POST {path} HTTP/2.0", BEARER, EMPTY),
    row("version", "400", "POST {path}", BEARER, EMPTY),
    Row(
        "length and coding",
        b"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Length: 5\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
        "400",
    ),
    row("two spaces", "400", "POST  {path} HTTP/1.1", BEARER, EMPTY),
    row("two spaces", "400", "POST {path}  HTTP/1.1", BEARER, EMPTY),
    row("version", "400", "POST {path} RTSP/1.0", BEARER, EMPTY),
    row("version", "400", "SOURCE {path} ICE/1.0", BEARER, EMPTY),
    Row("HTTP/2 at once", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"),
    Row("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64, "400"),
    Row("nonsense", bytes(range(128, 256)) * 4 + b"\r\n\r\n", "400"),
    Row(
        "PROXY protocol",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        "400",
    ),
]

# Unusual, and the very question all the same: RFC 9112 has servers read them so, and nothing is passed on as it was written.
HARMLESS = [
    row("empty query", "200", "POST {path}? HTTP/1.1", BEARER, EMPTY),
    row("no host", "200", "POST {path} HTTP/1.0", BEARER, EMPTY, host=""),
    row("space after a value", "200", "POST {path} HTTP/1.1", f"{BEARER} \t", EMPTY),
    asks("names in other letters", "200", "cOnTent-lEngth: 0"),
    checks("names in other letters", "200", "x-oRIGINAL-uri: {path}", NGINX[1]),
    row("scheme in other letters", "200", "POST {path} HTTP/1.1", EMPTY, "Authorization: bEARER {token}"),
]

HOSTILE = [*PATHS, *METHODS, *SPEAKERS, *CREDENTIALS, *FRAMES]
