"""A tracking server behind TLS with a certificate of an authority of one's own: verified with it, refused without."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client

from audit.models import Entry
from registry import sync
from registry.actions import servers
from registry.errors import Invalid
from registry.models import Model, TrackingServer, User
from tests.registry.test_nonsense import passed_on
from tests.tracking import Tracking

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@dataclass
class Authority:
    """Somebody who signs certificates."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()


def signed(
    name: str, key: ec.EllipticCurvePrivateKey, by: Authority | None = None, *, until: timedelta = DAY
) -> x509.Certificate:
    """A certificate of `name`: of an authority that signs itself, or of this machine signed `by` one."""
    called = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    signer = by.key if by else key
    now = datetime.now(tz=UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(by.certificate.subject if by else called)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 10 * DAY)
        .not_valid_after(now + until)
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(here, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .sign(signer, hashes.SHA256())
    )


def authority(name: str, *, until: timedelta = DAY) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    return Authority(key, signed(name, key, until=until))


@pytest.fixture(scope="module")
def ours() -> Authority:
    return authority("Our own authority")


@pytest.fixture
def behind_tls(ours: Authority, tracking_server: Tracking, tmp_path: Path) -> Iterator[str]:
    """The tracking server of the tests, behind a server that speaks TLS with a certificate of our authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    both = tmp_path / "server.pem"
    both.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + signed("mlflow.internal", key, ours).public_bytes(Encoding.PEM)
    )

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, body = passed_on(self, tracking_server.uri)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that does not trust us hangs up."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_it_is_read_when_its_authority_is_trusted_and_refused_before(
    behind_tls: str, ours: Authority, machine: User
) -> None:
    server = servers.add(name="tls", uri=behind_tls, by=machine)
    refused = sync.read(server, by=machine, in_passing=0)
    assert "is not trusted" in refused.problems[0]
    assert "Set the certificate of its authority" in refused.problems[0]

    servers.trust(server=server, authority=authority("Somebody else").pem, by=machine)
    assert "is not trusted" in sync.read(server, by=machine, in_passing=0).problems[0]
    assert not Model.objects.exists()

    servers.trust(server=server, authority=ours.pem, by=machine)
    assert sync.read(server, by=machine).problems == []  # lists, runs and files
    assert Model.objects.filter(server=server).count() >= 4

    servers.trust(server=server, authority="", by=machine)
    assert "is not trusted" in sync.read(server, by=machine, in_passing=0).problems[0]


def test_a_worker_that_looks_at_no_certificate_looks_at_that_of_this_server(
    behind_tls: str, machine: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_INSECURE_TLS", "true")
    server = servers.add(name="tls", uri=behind_tls, authority=authority("Somebody else").pem, by=machine)

    assert "is not trusted" in sync.read(server, by=machine, in_passing=0).problems[0]


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        ("not a certificate", "This is no certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "This is no certificate"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "holds a private key"),
        ("x" * 60_001, "at most 20 certificates"),
        ("\0", "This is no certificate"),
    ],
)
def test_what_is_no_certificate_is_refused(pasted: str, said: str, machine: User) -> None:
    with pytest.raises(Invalid) as refused:
        servers.add(name="tls", uri="https://127.0.0.1:9", authority=pasted, by=machine)

    assert said in refused.value.fields["authority"][0]


def test_an_expired_certificate_is_refused_and_says_whose_it_is(machine: User) -> None:
    old = authority("Last year's", until=-DAY)

    with pytest.raises(Invalid) as refused:
        servers.add(name="tls", uri="https://127.0.0.1:9", authority=old.pem, by=machine)

    assert "The certificate of Last year's expired on" in refused.value.fields["authority"][0]


def test_it_is_pasted_in_the_form_shown_in_words_and_told(
    ours: Authority, admin: User, client: Client
) -> None:
    client.force_login(admin)
    given = {"name": "tls", "uri": "https://127.0.0.1:9", "username": "", "secret": ""}

    wrong = client.post("/servers/new/", given | {"authority": "nonsense"})
    assert wrong.status_code == 400
    assert "This is no certificate" in wrong.content.decode()

    client.post("/servers/new/", given | {"authority": f"Our authority:\n{ours.pem}"})
    server = TrackingServer.objects.get(name="tls")
    assert server.authority == ours.pem
    assert "Our own authority, valid until" in client.get("/servers/tls/").content.decode()

    client.post("/servers/tls/authority/", {"authority": ""})
    server.refresh_from_db()
    assert server.authority == ""
    told = Entry.objects.get(kind="server.authority_set")
    assert told.facts["facts"]["authority"] == "those of the system"


def test_the_database_refuses_what_is_no_certificate(ours: Authority, machine: User) -> None:
    server = servers.add(name="tls", uri="https://127.0.0.1:9", authority=ours.pem, by=machine)

    for wrong in ("nonsense", ours.pem + "-----BEGIN PRIVATE KEY-----"):
        with pytest.raises(IntegrityError, match="server_authority_is_certificates"), transaction.atomic():
            TrackingServer.objects.filter(pk=server.pk).update(authority=wrong)


def test_the_command_takes_it_from_a_file(behind_tls: str, ours: Authority, tmp_path: Path) -> None:
    file = tmp_path / "authority.pem"
    file.write_text(ours.pem)

    call_command("follow_server", "tls", behind_tls, "--authority", str(file))

    assert TrackingServer.objects.get(name="tls").problem == ""
    with pytest.raises(CommandError, match="cannot be read as a certificate"):
        call_command("follow_server", "other", behind_tls, "--authority", str(tmp_path / "nowhere.pem"))
