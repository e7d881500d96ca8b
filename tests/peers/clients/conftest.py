"""One local SageMaker for clients that others wrote, which run as their users run them.

They find it by AWS's own variables and are not changed. What the SDKs would tell AWS about their use is turned off in the
file of settings that they have for it, and the tests fail if a client of this process asks anybody but this machine.
`pytest tests/peers` passes this folder over, since each file here needs its own packages: `tests/run` names them.
"""

import ipaddress
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator

import pytest

from images import Engine
from local_server import Local, serving

SETTINGS = """SchemaVersion: "1.0"
SageMaker:
  PythonSDK:
    Modules:
      TelemetryOptOut: true
"""
NETWORK = "sagemaker-local"
# Whoever a client of this process would have asked beside this machine.
ASKED: list[object] = []


@pytest.fixture(scope="session")
def local(linden: pathlib.Path, trainer: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """A server with a bucket `planning` and a table of ten rows in it."""
    yield from serving(linden, trainer, tmp_path_factory.mktemp("local"))


def pytest_configure() -> None:
    """Before any SDK is imported, since some ask AWS while they are: nothing of the user's own, and nobody but this machine."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "SAGEMAKER_")) or name.lower().endswith("_proxy"):
            del os.environ[name]
    settings = pathlib.Path(tempfile.mkdtemp()) / "config.yaml"
    settings.write_text(SETTINGS, encoding="utf-8")
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "*",
        "SAGEMAKER_USER_CONFIG_OVERRIDE": str(settings),
    }
    refuse_others()


def pytest_unconfigure() -> None:
    """Takes the settings away."""
    shutil.rmtree(pathlib.Path(os.environ["SAGEMAKER_USER_CONFIG_OVERRIDE"]).parent)


@pytest.fixture(scope="session", autouse=True)
def endpoint(local: Local) -> Iterator[None]:
    """Where clients find the local SageMaker, and the proof that none of this process asked anybody else."""
    os.environ["AWS_ENDPOINT_URL"] = local.endpoint
    yield
    assert ASKED == [], "a client asked somebody else"


def refuse_others() -> None:
    """Lets nobody but this machine be asked, and writes down who would have been."""
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def connect_here(connection: socket.socket, address: tuple | str) -> None:
        if connection.family != socket.AF_UNIX and not ipaddress.ip_address(address[0]).is_loopback:
            ASKED.append(address)
            raise ConnectionRefusedError(address)
        connect(connection, address)

    def look_up_here(host: str | None, *rest: object, **named: object) -> list:
        if host not in (None, "localhost", "127.0.0.1", "::1"):
            ASKED.append(host)
            raise socket.gaierror(f"{host} is not this machine")
        return look_up(host, *rest, **named)

    socket.socket.connect = connect_here
    socket.getaddrinfo = look_up_here


@pytest.fixture(scope="session")
def composed(docker: str, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Docker with the training image and, for the SDKs' local mode, Compose; what local mode leaves is taken away."""
    plug_in = subprocess.run([docker, "compose", "version"], capture_output=True, check=False)
    if plug_in.returncode != 0 and shutil.which("docker-compose") is None:
        missing = "Docker has no Compose: there is neither the plug-in nor docker-compose"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    engine = request.getfixturevalue("engine")
    networks, containers = listed(engine, "network", "ls"), listed(engine, "ps", "--all")
    yield engine
    for container in listed(engine, "ps", "--all") - containers:
        engine("rm", "--force", container)
    for network in listed(engine, "network", "ls") - networks:
        engine("network", "rm", network)


def listed(engine: Engine, *words: str) -> set[str]:
    """Containers of the image, or local mode's networks."""
    mine = f"name={NETWORK}" if words[0] == "network" else f"ancestor={engine.image}"
    return set(engine.asked(*words, "--quiet", "--no-trunc", "--filter", mine).split())
