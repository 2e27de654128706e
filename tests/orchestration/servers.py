"""Servers on this machine that take alerts: a webhook, a mail relay with TLS and login, and one that answers whatever it is given."""

from __future__ import annotations

import base64
import json
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[int]:
    """Serve in a thread; the port."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]  # type: ignore[index]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def webhook(taken: list[dict[str, Any]]) -> AbstractContextManager[int]:
    """A webhook that adds to `taken` what it gets, with the headers of the request."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            taken.append(content | {"headers": dict(self.headers)})
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    return serving(HTTPServer(("127.0.0.1", 0), Handler))


def speaker(answer: bytes, seconds_a_byte: float = 0.0) -> AbstractContextManager[int]:
    """A server that answers every connection with the same bytes, all at once or one by one."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1 << 16)
            for byte in answer if seconds_a_byte else ():
                self.request.sendall(bytes([byte]))
                time.sleep(seconds_a_byte)
            self.request.sendall(b"" if seconds_a_byte else answer)

    return serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler))


def relay(
    taken: list[str], *, security: str = "none", certificate: Path | None = None, login: tuple[str, str] | None = None
) -> AbstractContextManager[int]:
    """A mail relay that adds to `taken` what it gets: as much SMTP as a client needs, TLS and a login as asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate is not None:
        context.load_cert_chain(certificate)

    class Handler(socketserver.StreamRequestHandler):
        def secure(self) -> None:
            super().finish()
            self.request = context.wrap_socket(self.request, server_side=True)
            super().setup()

        def finish(self) -> None:
            super().finish()
            self.request.close()

        def handle(self) -> None:
            try:
                if security == "tls":
                    self.secure()
                self.answer(220)
                self.converse()
            except OSError:
                """The client does not trust the certificate, and says so by leaving."""

        def converse(self) -> None:
            is_secure, is_known = security == "tls", login is None
            while line := self.rfile.readline():
                verb = line[:4].upper()
                if verb == b"EHLO":
                    offers = ["relay", *(["STARTTLS"] if security == "starttls" else []), *(["AUTH PLAIN"] if is_secure and login else [])]
                    self.wfile.write("".join(f"250{' ' if o is offers[-1] else '-'}{o}\r\n" for o in offers).encode())
                elif verb == b"STAR":
                    self.answer(220)
                    self.secure()
                    is_secure = True
                elif verb == b"AUTH":
                    is_known = login is not None and base64.b64decode(line.split()[2]).decode().split("\0") == ["", *login]
                    self.answer(235 if is_known else 535)
                elif verb == b"DATA" and is_known:
                    self.answer(354)
                    text = b""
                    while (row := self.rfile.readline()) != b".\r\n":
                        text += row
                    taken.append(text.decode())
                    self.answer(250)
                else:
                    self.answer(221 if verb == b"QUIT" else 250 if is_known else 530)

        def answer(self, code: int) -> None:
            self.wfile.write(b"%d relay\r\n" % code)

    return serving(socketserver.TCPServer(("127.0.0.1", 0), Handler))


def certificate(folder: Path) -> Path:
    """Write a key and a certificate of 127.0.0.1 that signs itself to `certificate.pem`; return its path."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "relay")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "certificate.pem"
    path.write_bytes(secret + signed.public_bytes(serialization.Encoding.PEM))
    return path
