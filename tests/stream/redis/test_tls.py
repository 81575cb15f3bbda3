"""TLS, in front of a real server: the embedded one has no TLS of its own."""

import contextlib
import datetime as dt
import select
import socket
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from resampler.errors import ResamplerError
from stream import Settings, Worker
from stream.redis.connection import connect
from stream.redis.keys import ShardKeys
from stream.shard.checkpoint import Checkpoint


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Return the path of a certificate for localhost with its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(key.private_bytes(*plain) + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def tls_port(server, certificate):
    """Terminate TLS on a port, and pass what comes to the server's socket and back."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def _pass(client):
        with (
            contextlib.suppress(OSError),
            context.wrap_socket(client, server_side=True) as outer,
            socket.socket(socket.AF_UNIX) as inner,
        ):
            inner.connect(str(server.socket_path))
            other = {outer: inner, inner: outer}
            while True:
                ready = [outer] if outer.pending() else select.select([outer, inner], [], [], 10)[0]
                for side in ready:
                    data = side.recv(65_536)
                    if not data:
                        return
                    other[side].sendall(data)

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def _accept():
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=_pass, args=(listener.accept()[0],), daemon=True).start()

        threading.Thread(target=_accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def test_a_worker_over_tls(client, name, schema, make_rows, add_text, tls_port, certificate, read_raw, run_worker):
    X, y = make_rows(3_000)
    add_text(client, name, X, y)
    url = f"rediss://localhost:{tls_port}/0?ssl_ca_certs={certificate}"
    Worker(url, name, Settings(schema, seed=1, ratio=0.5), until_idle_s=0.3).run()
    assert Checkpoint.load(client, ShardKeys(name)).rows == 3_000
    add_text(client, f"{name}-plain", X, y)
    run_worker(f"{name}-plain")
    assert read_raw(client, name) == read_raw(client, f"{name}-plain")


def test_an_unknown_certificate_is_refused(tls_port):
    with pytest.raises(ResamplerError, match=r"(?i)certificate verify failed") as caught:
        connect(f"rediss://me:secret@localhost:{tls_port}")
    assert "secret" not in str(caught.value)
