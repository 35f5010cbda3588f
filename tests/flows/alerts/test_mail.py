"""A password is sent only over TLS and only to a server with a trusted certificate."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest

from flows.alerts import Alert, Severity, send, sending
from tests.flows.alerts.receivers import serve_mailbox

ALERT = Alert("drift", Severity.WARNING, "Harmful drift", ".\nA line of one dot.")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key and its certificate for 127.0.0.1."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key, time = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "here")])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(time - timedelta(hours=1))
        .not_valid_after(time + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "here.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + signed.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".dvc").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sending, "PAUSES", ())


def set_address(monkeypatch: pytest.MonkeyPatch, port: int, login: str, mode: str = "starttls") -> None:
    options = f"from=watch@example.org&to=a@example.org&mode={mode}"
    monkeypatch.setenv("SATIETY_ALERTS", f"mailtos://{login}@127.0.0.1:{port}?{options}")


def test_a_login_is_sent_after_starttls(
    monkeypatch: pytest.MonkeyPatch, tls: ssl.SSLContext, certificate: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serve_mailbox(tls=tls) as box:
        set_address(monkeypatch, box.port, "me%40example.org:s3cr%2Ft")
        send(ALERT)
    (mail,) = box.received
    assert box.logins == ["\0me@example.org\0s3cr/t"]
    assert "watch@example.org" in mail["From"]
    assert "not delivered" not in caplog.text


@pytest.mark.parametrize("offers", [False, True], ids=["no TLS", "an untrusted certificate"])
def test_no_password_is_sent_without_tls_or_to_an_untrusted_server(
    monkeypatch: pytest.MonkeyPatch, tls: ssl.SSLContext, offers: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with serve_mailbox(tls=tls if offers else None) as box:
        set_address(monkeypatch, box.port, "me:s3cr")
        send(ALERT)
    assert (box.received, box.logins) == ([], [])
    assert "alert not delivered" in caplog.text
    assert "s3cr" not in caplog.text


def test_a_refused_login_is_logged_without_the_password(
    monkeypatch: pytest.MonkeyPatch, tls: ssl.SSLContext, certificate: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with caplog.at_level("DEBUG"), serve_mailbox(tls=tls) as box:
        set_address(monkeypatch, box.port, "me:s3cr")
        send(ALERT)
    assert box.received == []
    assert "alert not delivered, retried with the next alert" in caplog.text
    assert "s3cr" not in caplog.text


def test_a_mail_can_be_sent_with_tls_from_the_first_byte(
    monkeypatch: pytest.MonkeyPatch, tls: ssl.SSLContext, certificate: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serve_mailbox(tls=tls, wrapped=True) as box:
        set_address(monkeypatch, box.port, "me%40example.org:s3cr%2Ft", "ssl")
        send(ALERT)
    assert len(box.received) == len(box.logins) == 1
