"""The image on Docker Engine, called as SageMaker and its SDK's local mode call it, on a contract tree at /opt/ml."""

import io
import json
import os
import pathlib
import re
import subprocess
import tarfile
import time
import urllib.request
import uuid
from collections.abc import Iterator

import pytest

from images import PATIENCE_SECS, Engine
from ml_root import MlRoot
from stores import KEYS, client, moto_behind_tls

MOST_BYTES = 30_000_000
# What docker compose, and with it local mode, gives a container between SIGTERM and SIGKILL.
GRACE_SECS = 10
NOBODY = 65534
HARDENED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")

OBJECTIVES = [
    {"objective": "reg:squarederror", "subsample": 0.7, "colsample_bytree": 0.6, "seed": 5},
    {"objective": "binary:logistic", "max_depth": 9},
    {"objective": "count:poisson", "num_parallel_tree": 3},
    {"objective": "multi:softprob", "num_class": 3},
    {"objective": "reg:squarederror", "algorithm": "decision_tree"},
]
ENDLESS = {"objective": "reg:squarederror", "num_round": 1_000_000}


def table(n_rows: int, n_labels: int) -> str:
    """Rows of a label and three features, some of them missing."""
    return "".join(
        f"{row * row % 7 % n_labels},{row % 11},{'' if row % 5 == 0 else (row * 37 % 1000) / 7},{row % 2}\n" for row in range(n_rows)
    )


class Running:
    """A container in the background."""

    def __init__(self, engine: Engine, root: pathlib.Path) -> None:
        self._engine = engine
        user = f"--user={os.getuid()}:{os.getgid()}"
        self._id = engine.asked("run", "--detach", user, f"--volume={root}:/opt/ml", engine.image, "train")

    def log(self) -> tuple[str, str]:
        """Standard output and standard error so far."""
        done = self._engine("logs", self._id)
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr

    def stop(self) -> int:
        """Stops it as SageMaker does, and gives the exit code; 137 is that of a container that had to be killed."""
        self._engine.asked("stop", "--time", GRACE_SECS, self._id)
        return self.exit_code()

    def exit_code(self) -> int:
        return int(self._engine.asked("wait", self._id))

    def remove(self) -> None:
        self._engine("rm", "--force", self._id)


@pytest.fixture()
def running(engine: Engine, tmp_path: pathlib.Path) -> Iterator[Running]:
    """The container of the job in `tmp_path`, which a test has laid out before it asks for this."""
    container = Running(engine, tmp_path)
    yield container
    container.remove()


@pytest.fixture()
def root(tmp_path: pathlib.Path) -> MlRoot:
    return MlRoot(tmp_path)


def lay_out(root: MlRoot, hyperparameters: dict[str, object], n_rows: int = 400) -> None:
    rounds = {} if "algorithm" in hyperparameters else {"num_round": 6}
    n_labels = {"binary:logistic": 2, "multi:softprob": 3}.get(str(hyperparameters["objective"]), 7)
    root.hyperparameters(rounds | hyperparameters)
    for name in ("train", "validation"):
        text = table(n_rows, n_labels)
        # An exact decision tree needs every value.
        root.channel(name, text.replace(",,", ",0,") if "algorithm" in hyperparameters else text)


@pytest.mark.parametrize("hyperparameters", OBJECTIVES, ids=lambda it: f"{it['objective']}-{len(it)}")
def test_the_image_trains_the_same_model_as_the_program(
    engine: Engine, trainer: pathlib.Path, tmp_path: pathlib.Path, hyperparameters: dict[str, object]
) -> None:
    ended = []
    for folder in ("native", "train", "no-word"):
        root = MlRoot(tmp_path / folder)
        lay_out(root, hyperparameters)
        ended.append(root.train(trainer) if folder == "native" else engine.run(root.path, *(["train"] * (folder == "train"))))
    native, *in_image = ended
    assert native.code == 0, native.stderr
    assert native.model.stat().st_size > 500
    for it in in_image:
        assert it.code == 0, it.stderr
        assert it.model.read_bytes() == native.model.read_bytes()
        assert it.stdout == native.stdout
        assert it.metrics["validation-" + next(iter(it.metrics)).split("-", 1)[1]]
        assert json.loads((it.root / "output/data/evaluation.json").read_text())["end"] == "all_rounds"


def test_it_needs_no_network_no_rights_and_no_place_but_its_tree(engine: Engine, root: MlRoot) -> None:
    lay_out(root, OBJECTIVES[0])
    user = NOBODY if os.getuid() == 0 else os.getuid()
    if os.getuid() == 0:
        for path in (root.path, *root.path.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    done = engine.run(root.path, "train", flags=("--tmpfs=/tmp", *HARDENED, f"--user={user}:{user}"))
    assert done.code == 0, done.stderr
    written = [done.model, *(root.path / "model/linden").iterdir(), root.path / "output/data/evaluation.json"]
    assert len(written) > 3
    for path in written:
        assert path.stat().st_uid == user, path
        assert path.stat().st_mode & 0o444 == 0o444, path


def until_the_third_round(container: Running) -> None:
    deadline = time.monotonic() + PATIENCE_SECS
    while container.log()[0].count("\n") < 3:
        assert time.monotonic() < deadline, container.log()
        time.sleep(0.05)


@pytest.mark.parametrize("save", ["true", "false"])
def test_a_stop_ends_the_round_and_keeps_the_model_where_asked(
    root: MlRoot, request: pytest.FixtureRequest, save: str
) -> None:
    lay_out(root, ENDLESS | {"save_model_on_termination": save}, n_rows=2000)
    container = request.getfixturevalue("running")
    until_the_third_round(container)
    exit_code = container.stop()
    stdout, stderr = container.log()
    assert exit_code == 0, stderr
    assert not (root.path / "output/failure").exists()
    model = root.path / "model/xgboost-model"
    if save == "true":
        evaluation = json.loads((root.path / "output/data/evaluation.json").read_text())
        assert (evaluation["end"], evaluation["rounds"]) == ("stopped", stdout.count("\n"))
        assert model.stat().st_size > 500
    else:
        assert "save_model_on_termination is false; there is no model" in stderr
        assert not model.exists()


def test_bad_input_is_exit_code_1_and_one_reason_in_the_file_and_in_the_log(
    root: MlRoot, request: pytest.FixtureRequest
) -> None:
    lay_out(root, {"objective": "reg:squarederror"})
    root.channel("train", "1,2,3\n4,five,6\n")
    container = request.getfixturevalue("running")
    exit_code = container.exit_code()
    stdout, stderr = container.log()
    assert (exit_code, stdout) == (1, "")
    failure = (root.path / "output/failure").read_text(encoding="utf-8")
    reason = failure.splitlines()[0]
    assert reason.startswith("UserError: ") and "five" in reason, failure
    assert reason in stderr.splitlines()
    assert not (root.path / "model/xgboost-model").exists()


def in_environment(variables: dict[str, str]) -> tuple[str, ...]:
    """Flags of a container that reads its training channel from a store."""
    streamed = {"LINDEN_CHANNEL_TRAIN": "s3://for-the-image/train/", "LINDEN_CONTENT_TYPE_TRAIN": "text/csv"}
    return tuple(f"--env={name}={value}" for name, value in (KEYS | streamed | variables).items())


def test_it_reads_a_store_behind_tls(engine: Engine, root: MlRoot, tmp_path_factory: pytest.TempPathFactory) -> None:
    root.hyperparameters({"objective": "reg:squarederror", "num_round": 2})
    with moto_behind_tls(tmp_path_factory.mktemp("tls")) as (endpoint, trusted):
        s3 = client(endpoint, "for-the-image", verify=str(trusted))
        s3.put_object(Bucket="for-the-image", Key="train/part-0", Body=table(200, 3).encode())
        flags = in_environment({"AWS_ENDPOINT_URL": endpoint, "SSL_CERT_FILE": "/trusted.pem"})
        done = engine.run(root.path, "train", flags=(*flags, f"--volume={trusted}:/trusted.pem:ro"), network="host")
    assert done.code == 0, done.stderr
    assert done.model.stat().st_size > 500


def test_it_asks_the_networks_name_server(engine: Engine, root: MlRoot) -> None:
    root.hyperparameters({"objective": "reg:squarederror", "num_round": 2})
    network = f"linden-test-{uuid.uuid4().hex[:8]}"
    engine.asked("network", "create", network)
    listening = ("sh", "-c", "busybox httpd -f -vv -p 9000 -h /tmp")
    store = engine.asked("run", "--detach", f"--network={network}", "--network-alias=store.test", engine.image, *listening)
    try:
        done = engine.run(root.path, "train", flags=in_environment({"AWS_ENDPOINT_URL": "http://store.test:9000"}), network=network)
        # It answers nothing that S3 would; what counts is that it was found and asked.
        assert done.code == 1, done.stderr
        asked = engine("logs", store)
        assert "url:/for-the-image" in asked.stdout + asked.stderr, (done.stderr, asked)
    finally:
        engine("rm", "--force", store)
        engine("network", "rm", network)


def test_local_mode_can_clean_up_with_it(engine: Engine, tmp_path: pathlib.Path) -> None:
    for number, words in enumerate((["sh", "-c", "chmod -R 777 /opt/ml"], ["chmod", "-R", "777", "/opt/ml"])):
        folder = tmp_path / str(number) / "model"
        folder.mkdir(parents=True)
        (folder / "xgboost-model").write_bytes(b"")
        (folder / "xgboost-model").chmod(0o600)
        done = engine.run(folder.parent, *words, flags=("--user=0:0",))
        assert (done.code, done.stdout, done.stderr) == (0, "", "")
        for path in (folder, folder / "xgboost-model"):
            assert path.stat().st_mode & 0o777 == 0o777, path


def test_serve_answers_with_no_rights_and_no_place_to_write_and_ends_on_sigterm(engine: Engine, root: MlRoot) -> None:
    (root.path / "model").chmod(0o755)
    model = {"objective": "reg:squarederror", "num_round": 2}
    root.hyperparameters(model)
    root.channel("train", table(200, 3))
    assert engine.run(root.path, "train").code == 0
    for words in (["serve"], ["linden-trainer", "serve"]):
        volume = f"--volume={root.path / 'model'}:/opt/ml/model:ro"
        flags = (*HARDENED, f"--user={NOBODY}:{NOBODY}", volume, "--publish=127.0.0.1::8080")
        container = engine.asked("run", "--detach", "--rm", *flags, engine.image, *words)
        try:
            port = engine.asked("port", container, "8080/tcp").splitlines()[0].rsplit(":", 1)[1]
            assert ask(f"http://127.0.0.1:{port}/ping") == b""
            rows = b"1,2,1\n3,,0\n"
            assert len(ask(f"http://127.0.0.1:{port}/invocations", rows).splitlines()) == 2
            stopping = time.monotonic()
            engine.asked("stop", f"--time={GRACE_SECS}", container)
            assert time.monotonic() - stopping < GRACE_SECS
        finally:
            engine("rm", "--force", container)


def ask(url: str, body: bytes | None = None) -> bytes:
    """An answer, of a server that may still be starting."""
    end = time.monotonic() + PATIENCE_SECS
    while True:
        request = urllib.request.Request(url, data=body, headers={"Content-Type": "text/csv"})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECS) as answer:
                return answer.read()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def test_it_says_what_sagemaker_may_ask_of_it(engine: Engine) -> None:
    for capability in ("accept-bind-to-port", "multi-models"):
        assert engine.config()["Labels"][f"com.amazonaws.sagemaker.capabilities.{capability}"] == "true"


def test_the_commands_that_people_run_in_it_are_there(engine: Engine, root: MlRoot) -> None:
    (root.path / "model/a").write_text("one\n")
    script = "cd /opt/ml/model && mkdir b && sleep 0 && true && cat a && ls && env"
    done = engine.run(root.path, "sh", "-c", script)
    assert done.code == 0, done.stderr
    assert done.stdout.startswith("one\na\nb\n")
    assert "PATH=/usr/local/bin:/bin\n" in done.stdout


def test_it_says_how_it_is_run(engine: Engine) -> None:
    config = engine.config()
    assert not config.get("Entrypoint"), "an entry point would take `chmod` as an argument"
    assert config["Cmd"] == ["train"]
    assert config["WorkingDir"] == "/"
    assert config["ExposedPorts"] == {"8080/tcp": {}}
    version = engine.asked("run", "--rm", "--network=none", engine.image, "linden-trainer", "--version").split()[1]
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels["title"] == "linden-trainer"
    assert labels["version"] == version
    assert labels["licenses"].startswith("(Apache-2.0 OR MIT) AND ")


def test_it_is_small(engine: Engine) -> None:
    size = int(engine.asked("image", "inspect", "--format", "{{.Size}}", engine.image))
    assert size <= MOST_BYTES


def test_the_readme_names_every_file_in_it_and_no_other(engine: Engine, repository: pathlib.Path) -> None:
    saved = subprocess.run([engine.client, "save", engine.image], stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_SECS, check=True)
    with tarfile.open(fileobj=io.BytesIO(saved.stdout)) as image:
        layers = json.load(image.extractfile("manifest.json"))[0]["Layers"]
        files: dict[str, tarfile.TarInfo] = {}
        for layer in layers:
            with tarfile.open(fileobj=image.extractfile(layer)) as entries:
                files |= {f"/{entry.name.strip('/')}": entry for entry in entries}
    assert files["/tmp"].mode & 0o7777 == 0o1777
    assert all(entry.uid == 0 for entry in files.values())
    # Nothing raises rights, and nobody but root may change a file.
    assert not [path for path, entry in files.items() if entry.isreg() and entry.mode & 0o6022]
    readme = (repository / "container/README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(/[^`]+)`", readme)) - {"/opt/ml"}
    assert named == {path for path, entry in files.items() if not entry.isdir()} | {"/tmp"}
