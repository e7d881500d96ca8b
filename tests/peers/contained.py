"""`linden local up --engine docker` in a folder that everybody can reach, and an image for its containers.

The image is made from this machine's trainer and the few programs that the tests run in it, without a registry. Where the
tests run as root the server runs as nobody, who must own whatever its jobs leave.
"""

import io
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile
import uuid
from collections.abc import Iterator

from local_server import Local

NOBODY = 65534
USER = NOBODY if os.getuid() == 0 else os.getuid()
# The SDK in the trainer wants some, even where it speaks without TLS.
CERTIFICATES = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
SOCKET = pathlib.Path("/var/run/docker.sock")
PROGRAMS = ("sh", "cat", "sleep", "id", "getent", "true")


def with_libraries(program: str) -> set[pathlib.Path]:
    """A program and what it is linked with."""
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return {pathlib.Path(program)} | {pathlib.Path(it) for it in re.findall(r"(/\S+) \(0x", linked)}


def built(docker: str, trainer: pathlib.Path) -> Iterator[str]:
    """An image of the trainer of this machine, for a fixture."""
    name = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:test-{uuid.uuid4().hex[:8]}"
    files = {"/usr/local/bin/train": trainer, str(CERTIFICATES): CERTIFICATES.resolve()}
    for program in PROGRAMS:
        for file in with_libraries(shutil.which(program)):
            files[f"/bin/{program}" if file.name == program else str(file)] = file.resolve()
    for file in with_libraries(str(trainer)) - {trainer}:
        files[str(file)] = file.resolve()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for place, file in files.items():
            tar.add(file, place)
        serve = tarfile.TarInfo("usr/local/bin/serve")
        serve.type, serve.linkname = tarfile.SYMTYPE, "train"
        tar.addfile(serve)
    command = [docker, "import", "--change", "ENV PATH=/usr/local/bin:/bin", "--change", 'CMD ["train"]', "-", name]
    subprocess.run(command, input=archive.getvalue(), capture_output=True, timeout=300, check=True)
    yield name
    subprocess.run([docker, "image", "rm", "--force", name], capture_output=True, timeout=60, check=False)


def serving(linden: pathlib.Path, trainer: pathlib.Path) -> Iterator[Local]:
    """A server whose hosts are containers, with a bucket `planning` and a table in it, for a fixture."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        user = {}
        if os.getuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
            user = {"user": NOBODY, "group": NOBODY, "extra_groups": [SOCKET.stat().st_gid]}
            # The programs may lie where nobody else looks.
            linden = pathlib.Path(shutil.copy(linden, folder))
            shutil.copy(trainer, folder)
        server = Local(linden, trainer, folder, "--engine", "docker", **user)
        try:
            server.fill()
            yield server
        finally:
            server.down()


def left_behind(docker: str, local: Local) -> str:
    """Containers and networks of the server's."""
    label = f"label=linden.local.state={local.folder / 'state'}"
    lists = [[docker, "ps", "--all", "--quiet", "--filter", label], [docker, "network", "ls", "--quiet", "--filter", label]]
    return "".join(subprocess.run(it, capture_output=True, text=True, timeout=60, check=True).stdout for it in lists)
