"""Reads a channel straight from S3, beside a plain parallel download of the same objects from the same server, in turn.

The server is `linden local`. Its processors are the trainer's as well, so a second measurement bounds the network: server and
clients run in a network namespace of their own whose loopback has a rate (needs root, ip and tc). The plain download has eight
connections that ask for 8 MiB each and drop what comes. Trainer and download are told apart from the server by being processes
of their own; the trainer's figure is its step `read`: from the first request to the last row parsed and binned.

Needs release builds with S3: `cargo build --release --workspace --features trainer/s3`.
"""

import argparse
import http.client
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import tables
from contenders import CONTENT_TYPES, HERE
from works import HIGGS

BUCKET, PREFIX = "stream", "train"
NAMESPACE = "linden-stream"
CONNECTIONS, RANGE_BYTES = 8, 8 << 20
KEYS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true"}
PATIENCE_SECS = 60


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tests/bench/stream", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parents[1] / "target")) / "release"
    parser.add_argument("--trainer", type=pathlib.Path, default=target / "linden-trainer")
    parser.add_argument("--linden", type=pathlib.Path, default=target / "linden")
    parser.add_argument("--format", choices=("csv", "parquet"), default="csv")
    parser.add_argument("--gigabytes", type=float, default=2, help="of the channel, in whole copies of one table (2)")
    parser.add_argument("--pairs", type=int, default=3, help="how often each is measured (3)")
    parser.add_argument("--mbit", type=int, default=0, help="megabits a second of the network; 0 is loopback as it is (0)")
    parser.add_argument("--download", nargs=2, metavar=("PORT", "OBJECTS"), help=argparse.SUPPRESS)
    return parser.parse_args()


def download(port: int, objects: dict[str, int]) -> None:
    """The plain download: tells its seconds."""
    ranges = [(key, at) for key, size in objects.items() for at in range(0, size, RANGE_BYTES)]

    def pull(number: int) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECS)
        buffer, total = bytearray(1 << 20), 0
        for key, at in ranges[number::CONNECTIONS]:
            connection.request("GET", f"/{BUCKET}/{key}", headers={"Range": f"bytes={at}-{at + RANGE_BYTES - 1}"})
            answer = connection.getresponse()
            if answer.status != 206:
                raise SystemExit(f"{key}: {answer.status}")
            while n_read := answer.readinto(buffer):
                total += n_read
        return total

    started = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        total = sum(pool.map(pull, range(CONNECTIONS)))
    seconds = time.perf_counter() - started
    if total != sum(objects.values()):
        raise SystemExit(f"{total} bytes came in the place of {sum(objects.values())}")
    sys.stdout.write(json.dumps({"seconds": seconds}) + "\n")


class Server:
    """`linden local` with the objects in it, perhaps behind a network of some rate."""

    def __init__(self, chosen: argparse.Namespace, folder: pathlib.Path, table: pathlib.Path, n_copies: int) -> None:
        self.inside = ["ip", "netns", "exec", NAMESPACE] if chosen.mbit else []
        if chosen.mbit:
            self.make_network(chosen.mbit)
        command = [*self.inside, str(chosen.linden), "local", "up", "--port", "0", "--state", str(folder / "state")]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ | KEYS)
        # `export AWS_ENDPOINT_URL=http://127.0.0.1:4566`
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])
        self.objects = {f"{PREFIX}/part-{number}{table.suffix}": table.stat().st_size for number in range(n_copies)}
        self.put("PUT", f"/{BUCKET}", None)
        for key in self.objects:
            self.put("PUT", f"/{BUCKET}/{key}", table)

    def put(self, method: str, path: str, body: pathlib.Path | None) -> None:
        """One request, by curl, which can stand in a namespace."""
        upload = ["--upload-file", str(body)] if body else ["--request", method]
        subprocess.run([*self.inside, "curl", "-sf", "-o", os.devnull, *upload, f"http://127.0.0.1:{self.port}{path}"], check=True)

    @staticmethod
    def make_network(mbit: int) -> None:
        """A namespace whose loopback has a rate."""
        subprocess.run(["ip", "netns", "del", NAMESPACE], stderr=subprocess.DEVNULL, check=False)
        subprocess.run(["ip", "netns", "add", NAMESPACE], check=True)
        inside = ["ip", "netns", "exec", NAMESPACE]
        subprocess.run([*inside, "ip", "link", "set", "lo", "up"], check=True)
        rate = ["rate", f"{mbit}mbit", "burst", "1mb", "latency", "50ms"]
        subprocess.run([*inside, "tc", "qdisc", "add", "dev", "lo", "root", "tbf", *rate], check=True)

    def close(self) -> None:
        """Ends the server and its network."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(PATIENCE_SECS)
        except subprocess.TimeoutExpired:
            self.process.kill()
        if self.inside:
            subprocess.run(["ip", "netns", "del", NAMESPACE], check=False)


def lay(root: pathlib.Path, file_format: str) -> None:
    """A contract tree of a job that reads a lot and learns little."""
    shutil.rmtree(root, ignore_errors=True)
    (root / "input" / "config").mkdir(parents=True)
    chosen = {"objective": "binary:logistic", "num_round": "1", "max_depth": "1"}
    (root / "input" / "config" / "hyperparameters.json").write_text(json.dumps(chosen), encoding="utf-8")
    channel = {"train": {"ContentType": CONTENT_TYPES[file_format], "TrainingInputMode": "File"}}
    (root / "input" / "config" / "inputdataconfig.json").write_text(json.dumps(channel), encoding="utf-8")


def train(chosen: argparse.Namespace, folder: pathlib.Path, inside: list[str], extra: dict[str, str]) -> dict[str, float]:
    """One job: seconds of its step `read`, and its peak memory."""
    root = folder / "ml"
    stderr = folder / "stderr"
    measuring = [sys.executable, "-I", "-S", str(HERE / "measure.py"), str(folder / "stdout"), str(stderr)]
    command = [*inside, *measuring, str(chosen.trainer), "train"]
    told = subprocess.run(command, env=os.environ | KEYS | {"SAGEMAKER_BASE_DIR": str(root)} | extra, capture_output=True, text=True, check=True)
    measured = json.loads(told.stdout)
    if measured["code"] != 0:
        raise SystemExit(stderr.read_text(encoding="utf-8")[-2000:])
    document = json.loads((root / "output" / "data" / "evaluation.json").read_text(encoding="utf-8"))
    seconds = sum(it["seconds"] for it in document["timings"] if it["step"] == "read")
    return {"seconds": seconds, "peak_mb": measured["peak_mb"], "cpu_seconds": measured["cpu_seconds"]}


def on_disk(folder: pathlib.Path, table: pathlib.Path, n_copies: int, file_format: str) -> None:
    """The same channel as files."""
    lay(folder / "ml", file_format)
    channel = folder / "ml" / "input" / "data" / "train"
    channel.mkdir(parents=True)
    for number in range(n_copies):
        os.link(table, channel / f"part-{number}{table.suffix}")


def measure(chosen: argparse.Namespace, folder: pathlib.Path) -> None:
    """All runs in turn, and the table."""
    table = tables.make(replace(HIGGS, file_format=chosen.format)) / f"train.{chosen.format}"
    n_copies = max(1, round(chosen.gigabytes * 1e9 / table.stat().st_size))
    server = Server(chosen, folder, table, n_copies)
    n_bytes = sum(server.objects.values())
    runs: dict[str, list[dict[str, float]]] = {"download": [], "S3": [], "files": []}
    try:
        for _ in range(chosen.pairs):
            told = subprocess.run(
                [*server.inside, sys.executable, __file__, "--download", str(server.port), json.dumps(server.objects)],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            runs["download"].append(json.loads(told.stdout))
            lay(folder / "ml", chosen.format)
            channel = {"LINDEN_CHANNEL_TRAIN": f"s3://{BUCKET}/{PREFIX}/", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.port}"}
            runs["S3"].append(train(chosen, folder, server.inside, channel))
            on_disk(folder, table, n_copies, chosen.format)
            runs["files"].append(train(chosen, folder, [], {}))
    finally:
        server.close()
    report(chosen, n_bytes, n_copies, runs)


def report(chosen: argparse.Namespace, n_bytes: int, n_copies: int, runs: dict[str, list[dict[str, float]]]) -> None:
    """The medians."""
    network = f"{chosen.mbit} Mbit/s" if chosen.mbit else "loopback as it is"
    print(f"{n_copies} objects, {n_bytes / 1e9:.2f} GB of {chosen.format}, {network}, {os.cpu_count()} processors, {chosen.pairs} runs in turn")
    print(f"{'what':<10}{'MB/s':>10}{'seconds':>10}{'processor s':>13}{'peak MB':>10}")
    median = lambda name, key: statistics.median(it.get(key, 0) for it in runs[name])  # noqa: E731
    for name in runs:
        seconds = median(name, "seconds")
        print(f"{name:<10}{n_bytes / 1e6 / seconds:>10.0f}{seconds:>10.2f}{median(name, 'cpu_seconds'):>13.1f}{median(name, 'peak_mb'):>10.0f}")
    print(f"S3 over download: {median('download', 'seconds') / median('S3', 'seconds'):.2f}; S3 over files: {median('files', 'seconds') / median('S3', 'seconds'):.2f}")


def main() -> None:
    """Measures and prints."""
    chosen = arguments()
    if chosen.download:
        download(int(chosen.download[0]), json.loads(chosen.download[1]))
        return
    scratch = tables.cache() / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        measure(chosen, pathlib.Path(name))


if __name__ == "__main__":
    main()
