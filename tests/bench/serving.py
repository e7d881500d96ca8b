"""Asks `linden-trainer serve` and a server as the built-in container runs it for the same predictions, in turn, and prints
ratios: 16 connections that send one row of CSV, then 2 that send 5 MB of it.

Needs release builds: `cargo build --release --package trainer --bin linden-trainer --example load`. The packages of the
other server are pinned in requirements-serving.txt; `tests/bench/serving` installs them.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator

import numpy as np
import xgboost as xgb

HERE = pathlib.Path(__file__).resolve().parent
N_FEATURES = 28
BATCH_BYTES = 5_000_000
PATIENCE_SECS = 30
# Connections and rows: as an endpoint is asked, and as a transform job asks.
WORKS = {"one row": 16, "5 MB": 2}


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tests/bench/serving", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parents[1] / "target")) / "release"
    parser.add_argument("--seconds", type=float, default=4, help="of each measurement (4)")
    parser.add_argument("--pairs", type=int, default=3, help="how often each server is measured (3)")
    parser.add_argument("--trainer", type=pathlib.Path, default=target / "linden-trainer")
    parser.add_argument("--load", type=pathlib.Path, default=target / "examples" / "load")
    return parser.parse_args()


def model(path: pathlib.Path) -> np.ndarray:
    """500 trees of depth 6; gives rows to ask for."""
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(20_000, N_FEATURES)).astype(np.float32)
    labels = (rows[:, 0] + rows[:, 1] * rows[:, 2] > 0).astype(float)
    params = {"objective": "binary:logistic", "max_depth": 6, "eta": 0.1}
    booster = xgb.train(params, xgb.DMatrix(rows, labels), num_boost_round=500)
    path.write_bytes(booster.save_raw("ubj"))
    return rows


def bodies(folder: pathlib.Path, rows: np.ndarray) -> dict[str, pathlib.Path]:
    """The files that are sent."""
    lines = [",".join(f"{it:.5f}" for it in row) for row in rows]
    whole, size = [], 0
    while size < BATCH_BYTES:
        whole.append(lines[len(whole) % len(lines)])
        size += len(whole[-1]) + 1
    files = {name: folder / f"{name.replace(' ', '_')}.csv" for name in WORKS}
    files["one row"].write_text(lines[0], encoding="utf-8")
    files["5 MB"].write_text("\n".join(whole), encoding="utf-8")
    return files


def free_port() -> int:
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


@contextlib.contextmanager
def running(command: list[object], environment: dict[str, str], port: int) -> Iterator[None]:
    """A server, from its first answer on."""
    process = subprocess.Popen(list(map(str, command)), env=os.environ | environment, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + PATIENCE_SECS
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=2).close()
                break
            if time.monotonic() > end or process.poll() is not None:
                raise SystemExit(f"{command[0]} does not answer")
            time.sleep(0.05)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE_SECS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def memory_of(port: int) -> float:
    """MiB of all processes that listen on the port, shared pages counted once for each."""
    listed = subprocess.run(["ss", "-ltnpH", f"sport = :{port}"], capture_output=True, text=True, check=False).stdout
    total = 0
    for pid in set(re.findall(r"pid=(\d+)", listed)):
        rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
        total += int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1])
    return total / 1024


def main() -> None:
    """Measures and prints."""
    chosen = arguments()
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "model").mkdir()
        path = folder / "model" / "xgboost-model"
        files = bodies(folder, model(path))
        for _ in range(chosen.pairs):
            for server in ("linden", "flask"):
                port = free_port()
                linden = server == "linden"
                command = [chosen.trainer, "serve"] if linden else [sys.executable, HERE / "drivers" / "flask_server.py", path, port]
                own = {"SAGEMAKER_BASE_DIR": str(folder), "SAGEMAKER_BIND_TO_PORT": str(port)} if linden else {}
                with running(command, own, port):
                    for work, connections in WORKS.items():
                        asked = [chosen.load, port, connections, chosen.seconds, files[work]]
                        done = subprocess.run(list(map(str, asked)), capture_output=True, text=True, timeout=120, check=True)
                        found.setdefault((server, work), []).append(json.loads(done.stdout))
                    found.setdefault((server, "memory"), []).append({"mib": memory_of(port)})
    median = lambda server, work, key: statistics.median(it[key] for it in found[server, work])  # noqa: E731
    print(f"{'work':<10}{'server':<10}{'answers/s':>12}{'p50 ms':>10}{'p99 ms':>10}")
    for work in WORKS:
        for server in ("linden", "flask"):
            values = [median(server, work, "per_second"), *(1000 * median(server, work, it) for it in ("p50", "p99"))]
            print(f"{work:<10}{server:<10}{values[0]:>12.1f}{values[1]:>10.2f}{values[2]:>10.2f}")
        ratios = [median("linden", work, "per_second") / median("flask", work, "per_second")]
        ratios += [median("linden", work, it) / median("flask", work, it) for it in ("p50", "p99")]
        print(f"{work:<10}{'ratio':<10}{ratios[0]:>12.2f}{ratios[1]:>10.3f}{ratios[2]:>10.3f}")
    ours, theirs = (median(it, "memory", "mib") for it in ("linden", "flask"))
    print(f"memory    {ours:.0f} MiB beside {theirs:.0f} MiB, ratio {ours / theirs:.3f}")


if __name__ == "__main__":
    main()
