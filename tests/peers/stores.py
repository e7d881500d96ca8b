"""AWS for tests, by moto: what a process needs to ask it, clients, S3 behind TLS by an authority that nobody knows unless told, and all of it without."""

import contextlib
import datetime
import ipaddress
import pathlib
import threading
from collections.abc import Callable, Iterator

import boto3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

KEYS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true"}
HOSTS = (x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")))


def client(endpoint: str, bucket: str, **more: object) -> object:
    """S3 with a new bucket. moto has one state for all servers of a process, so each needs a bucket of its own."""
    s3 = boto3.client("s3", endpoint_url=endpoint, region_name="eu-west-1", aws_access_key_id="any", aws_secret_access_key="any", **more)
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return s3


@contextlib.contextmanager
def moto(in_front: Callable[[Callable], Callable] = lambda application: application) -> Iterator[str]:
    """The address of every service that moto has; `in_front` may put something before it."""
    application = in_front(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


class Authority:
    """Who signs certificates."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of a test")])
        self._own = self._signed(self._name, self._key, x509.BasicConstraints(ca=True, path_length=0), ())

    def _signed(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, kind: x509.BasicConstraints, hosts: tuple) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(kind, critical=True)
        )
        if hosts:
            certificate = certificate.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        return certificate.sign(self._key, hashes.SHA256())

    def trusted(self, path: pathlib.Path) -> pathlib.Path:
        """Writes what a client must have to trust this authority."""
        path.write_bytes(self._own.public_bytes(serialization.Encoding.PEM))
        path.chmod(0o644)
        return path

    def issue(self, folder: pathlib.Path) -> tuple[str, str]:
        """Writes a certificate of this machine and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        issued = self._signed(name, key, x509.BasicConstraints(ca=False, path_length=None), HOSTS)
        certificate, secret = folder / "certificate.pem", folder / "key.pem"
        certificate.write_bytes(issued.public_bytes(serialization.Encoding.PEM))
        pkcs8 = serialization.PrivateFormat.PKCS8
        secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, serialization.NoEncryption()))
        return str(certificate), str(secret)


@contextlib.contextmanager
def moto_behind_tls(folder: pathlib.Path) -> Iterator[tuple[str, pathlib.Path]]:
    """The address of an S3, and the file of the authority to trust."""
    authority = Authority()
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, application, threaded=True, ssl_context=authority.issue(folder))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"https://localhost:{server.server_port}", authority.trusted(folder / "authority.pem")
    finally:
        server.shutdown()
        thread.join()
