"""`linden image`: archives pushed to a registry that we did not take from anywhere, by ECR's login and by tokens, and pulled
from there again by Docker."""

import json
import os
import pathlib
import subprocess
from collections.abc import Iterator

import pytest

from registry import INDEX, MANIFEST, Image, Registry, described, digest
from stores import KEYS, moto

ACCOUNT = "123456789012"
HOST = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"
REPOSITORY = "linden-trainer"
NAME = f"{HOST}/{REPOSITORY}:0.1.0"
# What moto's GetAuthorizationToken says.
PASSWORD = f"{ACCOUNT}-auth-token"


class Place:
    """A registry that runs, and `linden` that knows it."""

    def __init__(self, registry: Registry, endpoint: str, linden: pathlib.Path, folder: pathlib.Path) -> None:
        self.registry, self.endpoint, self._linden, self.folder = registry, endpoint, linden, folder
        registry.repositories.add(REPOSITORY)
        self.plain = f"{endpoint.removeprefix('http://')}/{REPOSITORY}:0.1.0"

    def run(self, *args: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | KEYS | {"AWS_ENDPOINT_URL": self.endpoint, "AWS_MAX_ATTEMPTS": "1"} | variables
        command = [self._linden, "image", *map(str, args)]
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=60, check=False)

    def json(self, *args: str, code: int = 0, **variables: str) -> dict:
        ended = self.run(*args, "--json", **variables)
        assert ended.returncode == code, (ended.returncode, ended.stdout, ended.stderr)
        return json.loads(ended.stdout)

    def fails(self, code: int, error: str, *args: str, **variables: str) -> str:
        ended = self.run(*args, **variables)
        assert ended.returncode == code and f"error[{error}]" in ended.stderr, (ended.returncode, ended.stderr)
        return ended.stderr

    def archive(self, image: Image) -> str:
        return str(image.write(self.folder / "image.tar"))


def serving(registry: Registry, linden: pathlib.Path, folder: pathlib.Path) -> Iterator[Place]:
    with moto(registry.in_front) as endpoint:
        yield Place(registry, endpoint, linden, folder)


@pytest.fixture
def ecr(linden: pathlib.Path, tmp_path: pathlib.Path) -> Iterator[Place]:
    yield from serving(Registry("basic", password=PASSWORD), linden, tmp_path)


@pytest.fixture
def tokens(linden: pathlib.Path, tmp_path: pathlib.Path) -> Iterator[Place]:
    yield from serving(Registry("bearer", user="planner"), linden, tmp_path)


@pytest.fixture
def anybody(linden: pathlib.Path, tmp_path: pathlib.Path) -> Iterator[Place]:
    yield from serving(Registry(), linden, tmp_path)


def test_an_archive_is_pushed_to_ecr_byte_for_byte(ecr: Place) -> None:
    image = Image()
    pushed = ecr.json("push", ecr.archive(image), NAME)
    assert pushed["digest"] == image.digest
    assert pushed["pinned"] == f"{HOST}/{REPOSITORY}@{image.digest}"
    assert ecr.registry.manifests[REPOSITORY, "0.1.0"] == (MANIFEST, image.manifest)
    assert ecr.registry.blobs[REPOSITORY, digest(image.layer)] == image.layer
    # The tag comes last: whoever pulls it finds every blob.
    assert ecr.registry.asked[-1] == ("PUT", f"/v2/{REPOSITORY}/manifests/0.1.0")


def test_a_second_push_sends_nothing_and_another_image_does_not_take_the_tag(ecr: Place) -> None:
    ecr.json("push", ecr.archive(Image()), NAME)
    ecr.registry.asked.clear()
    assert ecr.json("push", ecr.archive(Image()), NAME)["was_there"] is True
    assert all(method in ("GET", "HEAD") for method, _ in ecr.registry.asked), ecr.registry.asked
    other = Image(content=b"another")
    said = ecr.fails(11, "E0313", "push", ecr.archive(other), NAME)
    assert Image().digest in said and other.digest in said, said
    assert (REPOSITORY, other.digest) not in ecr.registry.manifests


def test_only_the_blobs_that_are_missing_are_sent(ecr: Place) -> None:
    ecr.json("push", ecr.archive(Image()), NAME)
    ecr.registry.asked.clear()
    ecr.json("push", ecr.archive(Image()), NAME.replace("0.1.0", "0.1.1"))
    assert not [path for method, path in ecr.registry.asked if method == "POST"], ecr.registry.asked


def test_an_image_for_another_processor_is_refused_unless_it_is_meant(ecr: Place) -> None:
    archive = ecr.archive(Image("arm64"))
    said = ecr.fails(2, "E0406", "push", archive, NAME)
    assert "is for linux/arm64, and linux/amd64 is wanted" in said
    assert not ecr.registry.asked, "nothing was sent"
    assert ecr.json("push", archive, NAME, "--platform", "linux/arm64")["platform"] == "linux/arm64"
    checks = {it["name"]: it["verdict"] for it in ecr.json("verify", NAME, code=9)["checks"]}
    assert checks["platform"] == "fail" and checks["layers"] == "ok"


def test_inspecting_a_registry_and_an_archive_shows_the_same(ecr: Place) -> None:
    image = Image()
    archive = ecr.archive(image)
    ecr.json("push", archive, NAME)
    there, here = ecr.json("inspect", NAME), ecr.json("inspect", archive)
    assert there | {"image": ""} == here | {"image": ""}
    assert there["digest"] == image.digest and there["platforms"] == ["linux/amd64"]
    assert there["entry_point"] == ["/usr/local/bin/linden-trainer"] and there["command"] == ["train"]
    assert there["labels"] == {"org.opencontainers.image.version": "0.1.0"}
    assert there["bytes"] == len(image.layer) + len(image.config) and there["layers"] == 1


def test_verifying_holds_digest_platform_and_layers(ecr: Place) -> None:
    image = Image()
    archive = ecr.archive(image)
    ecr.json("push", archive, NAME)
    pinned = f"{HOST}/{REPOSITORY}@{image.digest}"
    for place in (pinned, archive):
        report = ecr.json("verify", place, "--digest", image.digest)
        assert [it["verdict"] for it in report["checks"]] == ["ok", "ok", "ok"], report
    other = "sha256:" + "0" * 64
    assert ecr.json("verify", NAME, "--digest", other, code=9)["checks"][0]["verdict"] == "fail"
    del ecr.registry.blobs[REPOSITORY, digest(image.layer)]
    assert ecr.json("verify", pinned, code=9)["checks"][2]["verdict"] == "fail"
    index = json.dumps({"schemaVersion": 2, "manifests": [described(MANIFEST, image.manifest) | {"platform": {"os": "linux", "architecture": "amd64"}}]})
    ecr.registry.manifests[REPOSITORY, "all"] = (INDEX, index.encode())
    report = ecr.json("verify", f"{HOST}/{REPOSITORY}:all", code=9)
    assert "index" in report["checks"][1]["detail"]


def test_a_registry_that_answers_with_something_else_is_not_believed(ecr: Place) -> None:
    image, other = Image(), Image(content=b"another")
    ecr.json("push", ecr.archive(image), NAME)
    ecr.registry.manifests[REPOSITORY, image.digest] = (MANIFEST, other.manifest)
    ended = ecr.run("inspect", f"{HOST}/{REPOSITORY}@{image.digest}")
    assert ended.returncode == 9 and "error[E0312]" in ended.stderr, ended.stderr


def test_a_registry_with_tokens_takes_the_login_of_the_variables(tokens: Place) -> None:
    image = Image()
    archive = tokens.archive(image)
    login = {"LINDEN_REGISTRY_USER": "planner", "LINDEN_REGISTRY_PASSWORD": "secret"}
    assert tokens.json("push", archive, tokens.plain, **login)["digest"] == image.digest
    assert tokens.json("inspect", tokens.plain, **login)["digest"] == image.digest
    tokens.fails(4, "E0312", "inspect", tokens.plain)
    tokens.fails(4, "E0312", "push", archive, tokens.plain, **login | {"LINDEN_REGISTRY_PASSWORD": "wrong"})


def test_what_is_not_there_and_who_is_not_reached_are_told_apart(anybody: Place) -> None:
    anybody.fails(5, "E0312", "inspect", anybody.plain)
    anybody.fails(5, "E0312", "push", anybody.archive(Image()), anybody.plain.replace(REPOSITORY, "nobody-made-this"))
    anybody.fails(8, "E0312", "inspect", "127.0.0.1:9/linden-trainer:0.1.0")
    anybody.fails(2, "E0405", "push", "registry.py", anybody.plain)


def test_docker_saves_what_we_push_and_pulls_what_we_pushed(anybody: Place, docker: str) -> None:
    context = anybody.folder / "context"
    context.mkdir()
    (context / "hello").write_text("hello\n")
    (context / "Dockerfile").write_text('FROM scratch\nCOPY hello /hello\nLABEL made.by="a test"\nENTRYPOINT ["/hello"]\n')
    tag = f"linden-registry-test:{os.getpid()}"
    archive = anybody.folder / "saved.tar"
    name = anybody.plain.replace("127.0.0.1", "localhost")
    made = [tag]
    try:
        subprocess.run([docker, "build", "--quiet", "--tag", tag, context], env=os.environ | {"DOCKER_BUILDKIT": "0"}, check=True, capture_output=True)
        subprocess.run([docker, "save", "--output", archive, tag], check=True, capture_output=True)
        built = json.loads(subprocess.run([docker, "image", "inspect", tag], check=True, capture_output=True).stdout)[0]
        pushed = anybody.json("push", str(archive), name)
        shown = anybody.json("inspect", name)
        assert shown["labels"] == {"made.by": "a test"} and shown["entry_point"] == ["/hello"]
        subprocess.run([docker, "rmi", tag], check=True, capture_output=True)
        pulled = f"{name.rsplit(':', 1)[0]}@{pushed['digest']}"
        made.append(pulled)
        subprocess.run([docker, "pull", "--quiet", pulled], check=True, capture_output=True)
        again = json.loads(subprocess.run([docker, "image", "inspect", pulled], check=True, capture_output=True).stdout)[0]
        assert again["Id"] == built["Id"] and again["RootFS"] == built["RootFS"]
    finally:
        for it in made:
            subprocess.run([docker, "rmi", "--force", it], check=False, capture_output=True)


SCRIPT = """#!/bin/sh
echo "building" >&2
echo "linden-trainer:0.1.0 ${CONTAINER_ENGINE} bytes"
"""
ENGINE = """#!/bin/sh
case "$1" in
    version) exit 0 ;;
    save) printf archive > "$3"; echo "$4" > saved.txt ;;
esac
"""


def checkout(folder: pathlib.Path) -> pathlib.Path:
    (folder / "container").mkdir()
    (folder / "container" / "build.sh").write_text(SCRIPT)
    return folder


def test_a_build_uses_the_engine_that_answers(anybody: Place, tmp_path: pathlib.Path) -> None:
    source = checkout(tmp_path)
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "podman").write_text(ENGINE)
    (programs / "podman").chmod(0o755)
    for it in ("bash", "sh"):
        (programs / it).symlink_to(f"/bin/{it}")
    out = tmp_path / "image.tar"
    built = anybody.json("build", str(source), "-o", str(out), PATH=str(programs))
    assert built == {"image": "linden-trainer:0.1.0", "engine": "podman", "archive": str(out)}
    assert out.read_text() == "archive"
    said = anybody.fails(12, "E0504", "build", str(source), PATH=str(tmp_path / "nothing"))
    assert "docker is not installed, podman is not installed" in said
    anybody.fails(5, "E0202", "build", str(tmp_path / "bin"))
