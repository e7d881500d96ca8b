"""The training image on Docker Engine."""

import json
import os
import pathlib
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from ml_root import Finished

PATIENCE_SECS = 120


@dataclass
class Engine:
    """Docker with one image."""

    client: str
    image: str

    def __call__(self, *words: object, timeout_secs: int = PATIENCE_SECS) -> subprocess.CompletedProcess[str]:
        """A docker command."""
        command = [self.client, *map(str, words)]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_secs, check=False)

    def asked(self, *words: object) -> str:
        """What a docker command that must go well prints."""
        done = self(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def run(self, root: pathlib.Path, *words: str, flags: tuple[str, ...] = (), network: str = "none") -> Finished:
        """Runs `words` in the image, `root` at /opt/ml, with the rights of whoever runs this test."""
        user = f"--user={os.getuid()}:{os.getgid()}"
        done = self("run", "--rm", f"--network={network}", user, f"--volume={root}:/opt/ml", *flags, self.image, *words)
        return Finished(root, done.returncode, done.stdout, done.stderr)

    def config(self) -> dict:
        """How the image says that it wants to be run."""
        return json.loads(self.asked("image", "inspect", "--format", "{{json .Config}}", self.image))


def image_of(docker: str, repository: pathlib.Path) -> Iterator[Engine]:
    """The image that `container/build.sh` builds, unless LINDEN_IMAGE names one that is there; for a fixture."""
    given = os.environ.get("LINDEN_IMAGE")
    if given:
        yield Engine(docker, given)
        return
    engine = Engine(docker, f"linden-trainer:test-{uuid.uuid4().hex[:8]}")
    build = [repository / "container" / "build.sh", "--tag", engine.image]
    built = subprocess.run(build, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=3600, check=False)
    assert built.returncode == 0, built.stderr
    size = engine.asked("image", "inspect", "--format", "{{.Size}}", engine.image)
    assert built.stdout == f"{engine.image} {size} bytes\n"
    yield engine
    engine("image", "rm", "--force", engine.image)
