"""A registry of images on this machine, by the OCI distribution specification, and images to push to it.

It logs in as ECR does (Basic) or by tokens as most others do (Bearer), knows immutable tags, refuses a manifest whose blobs
are not there, and remembers what it was asked.
"""

import base64
import gzip
import hashlib
import io
import json
import pathlib
import re
import tarfile
import urllib.parse
import uuid
from collections.abc import Callable, Iterable

from werkzeug.wrappers import Request, Response

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
PATH = re.compile(r"/v2/(?P<name>.+?)/(?P<kind>manifests|blobs)/(?P<rest>.+)")


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def refused(status: int, code: str, message: str = "") -> Response:
    return Response(json.dumps({"errors": [{"code": code, "message": message, "detail": {}}]}), status, content_type="application/json")


class Registry:
    """Repositories and who may use them; `login` is `basic`, `bearer` or None."""

    def __init__(self, login: str | None = None, user: str = "AWS", password: str = "secret", immutable: bool = True) -> None:
        self.login, self.user, self.password, self.immutable = login, user, password, immutable
        self.repositories: set[str] = set()
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.asked: list[tuple[str, str]] = []
        self._uploads: dict[str, bytes] = {}

    def in_front(self, application: Callable) -> Callable:
        """The registry for what is a registry's, `application` for everything else."""

        def serve(environ: dict, start_response: Callable) -> Iterable[bytes]:
            request = Request(environ)
            if request.path == "/token" or request.path.startswith("/v2/"):
                self.asked.append((request.method, request.path))
                return self.answer(request)(environ, start_response)
            return application(environ, start_response)

        return serve

    def answer(self, request: Request) -> Response:
        if request.path == "/token":
            return self._token(request)
        if not self._may(request):
            response = refused(401, "UNAUTHORIZED", "authentication required")
            realm = f"http://{request.host}/token"
            kind = f'Bearer realm="{realm}",service="test"' if self.login == "bearer" else f'Basic realm="{realm}"'
            response.headers["WWW-Authenticate"] = kind
            return response
        if request.path == "/v2/":
            return Response("{}")
        found = PATH.fullmatch(request.path)
        if not found:
            return refused(404, "UNSUPPORTED")
        name, kind, rest = found["name"], found["kind"], found["rest"]
        if name not in self.repositories:
            return refused(404, "NAME_UNKNOWN", f"the repository {name} is not known")
        if kind == "manifests":
            return self._manifest(request, name, rest)
        return self._upload(request, name, rest) if rest.startswith("uploads/") else self._blob(request, name, rest)

    def _knows(self, request: Request) -> bool:
        given = request.authorization
        return given is not None and given.type == "basic" and (given.username, given.password) == (self.user, self.password)

    def _token(self, request: Request) -> Response:
        if not self._knows(request):
            return refused(401, "UNAUTHORIZED", "wrong user or password")
        return Response(json.dumps({"token": self._made(request.args["scope"].rsplit(":", 1)[1])}), content_type="application/json")

    @staticmethod
    def _made(actions: str) -> str:
        return base64.urlsafe_b64encode(f"token for {actions}".encode()).decode()

    def _may(self, request: Request) -> bool:
        if self.login is None:
            return True
        if self.login == "basic":
            return self._knows(request)
        given = request.authorization
        if given is None or given.type != "bearer" or request.path == "/v2/":
            return False
        reads = request.method in ("GET", "HEAD")
        return given.token == self._made("pull,push") or (reads and given.token == self._made("pull"))

    def _manifest(self, request: Request, name: str, reference: str) -> Response:
        if request.method == "PUT":
            data = request.get_data()
            made = digest(data)
            known = self.manifests.get((name, reference))
            if self.immutable and known is not None and digest(known[1]) != made:
                return refused(400, "TAG_INVALID", f"The image tag '{reference}' already exists and cannot be overwritten: it is immutable")
            document = json.loads(data)
            for it in [document["config"], *document["layers"]] if "config" in document else []:
                if (name, it["digest"]) not in self.blobs:
                    return refused(400, "MANIFEST_BLOB_UNKNOWN", it["digest"])
            for key in (reference, made):
                self.manifests[name, key] = (request.content_type, data)
            return Response(status=201, headers={"Location": f"/v2/{name}/manifests/{made}", "Docker-Content-Digest": made})
        known = self.manifests.get((name, reference))
        if known is None:
            return refused(404, "MANIFEST_UNKNOWN", reference)
        return Response(known[1], content_type=known[0], headers={"Docker-Content-Digest": digest(known[1])})

    def _blob(self, request: Request, name: str, wanted: str) -> Response:
        data = self.blobs.get((name, wanted))
        if data is None:
            return refused(404, "BLOB_UNKNOWN", wanted)
        return Response(data, content_type="application/octet-stream", headers={"Docker-Content-Digest": wanted})

    def _upload(self, request: Request, name: str, rest: str) -> Response:
        if request.method == "POST":
            place = str(uuid.uuid4())
            self._uploads[place] = b""
            return Response(status=202, headers={"Location": f"/v2/{name}/blobs/uploads/{place}", "Docker-Upload-UUID": place})
        place = rest.removeprefix("uploads/")
        if place not in self._uploads:
            return refused(404, "BLOB_UPLOAD_UNKNOWN")
        self._uploads[place] += request.get_data()
        headers = {"Location": f"/v2/{name}/blobs/uploads/{place}", "Range": f"0-{max(len(self._uploads[place]) - 1, 0)}"}
        if request.method == "PATCH":
            return Response(status=202, headers=headers)
        data = self._uploads.pop(place)
        wanted = urllib.parse.unquote(request.args["digest"])
        if digest(data) != wanted:
            return refused(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        self.blobs[name, wanted] = data
        return Response(status=201, headers={"Location": f"/v2/{name}/blobs/{wanted}", "Docker-Content-Digest": wanted})


class Image:
    """An image with one layer, as OCI's layout."""

    def __init__(self, architecture: str = "amd64", content: bytes = b"hello") -> None:
        layer = io.BytesIO()
        with tarfile.open(fileobj=layer, mode="w") as tar:
            entry = tarfile.TarInfo("hello")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        self.layer = gzip.compress(layer.getvalue(), mtime=0)
        runtime = {"Entrypoint": ["/usr/local/bin/linden-trainer"], "Cmd": ["train"], "Labels": {"org.opencontainers.image.version": "0.1.0"}}
        config = {"os": "linux", "architecture": architecture, "created": "2026-11-27T00:00:00Z", "config": runtime}
        self.config = json.dumps(config).encode()
        made = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": described(CONFIG, self.config),
            "layers": [described(LAYER, self.layer)],
        }
        self.manifest = json.dumps(made, indent=2).encode()

    @property
    def digest(self) -> str:
        return digest(self.manifest)

    def write(self, path: pathlib.Path) -> pathlib.Path:
        """Writes the layout as a tar."""
        index = json.dumps({"schemaVersion": 2, "manifests": [described(MANIFEST, self.manifest)]}).encode()
        blobs = {"blobs/sha256/" + digest(it).removeprefix("sha256:"): it for it in (self.config, self.layer, self.manifest)}
        files = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": index} | blobs
        with tarfile.open(path, "w") as tar:
            for name, data in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
        return path


def described(media_type: str, data: bytes) -> dict:
    return {"mediaType": media_type, "digest": digest(data), "size": len(data)}
