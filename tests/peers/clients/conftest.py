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


@pytest.fixture(scope="session")
def local(linden: pathlib.Path, trainer: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """A server with a bucket `planning` and a table of ten rows in it."""
    yield from serving(linden, trainer, tmp_path_factory.mktemp("local"))


@pytest.fixture(scope="session", autouse=True)
def variables(local: Local, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The environment of a user of the local SageMaker who has nothing else of AWS's."""
    settings = tmp_path_factory.mktemp("settings") / "config.yaml"
    settings.write_text(SETTINGS, encoding="utf-8")
    given = {
        "AWS_ENDPOINT_URL": local.endpoint,
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAGEMAKER_USER_CONFIG_OVERRIDE": str(settings),
    }
    asked: list[object] = []
    with pytest.MonkeyPatch.context() as patch:
        for name in [it for it in os.environ if it.startswith(("AWS_", "SAGEMAKER_"))]:
            patch.delenv(name)
        for name, value in given.items():
            patch.setenv(name, value)
        refuse_others(patch, asked)
        yield
    assert asked == [], "a client asked somebody else"


def refuse_others(patch: pytest.MonkeyPatch, asked: list[object]) -> None:
    """Lets nobody but this machine be asked, and writes down who would have been."""
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def connect_here(connection: socket.socket, address: tuple | str) -> None:
        if connection.family != socket.AF_UNIX and not ipaddress.ip_address(address[0]).is_loopback:
            asked.append(address)
            raise ConnectionRefusedError(address)
        connect(connection, address)

    def look_up_here(host: str | None, *rest: object, **named: object) -> list:
        if host not in (None, "localhost", "127.0.0.1", "::1"):
            asked.append(host)
            raise socket.gaierror(f"{host} is not this machine")
        return look_up(host, *rest, **named)

    patch.setattr(socket.socket, "connect", connect_here)
    patch.setattr(socket, "getaddrinfo", look_up_here)


@pytest.fixture(scope="session")
def composed(engine: Engine) -> Iterator[Engine]:
    """Docker with the training image and, for the SDKs' local mode, Compose; what local mode leaves is taken away."""
    if engine("compose", "version").returncode != 0 and shutil.which("docker-compose") is None:
        pytest.skip("Docker has no Compose: there is neither the plug-in nor docker-compose")
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
