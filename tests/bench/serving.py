"""Measures `linden-trainer serve`.

  load    beside a server as the built-in container runs it: the same predictions, in turn, as ratios; 16 connections that
          send one row of CSV, as fast as they can and at 500 a second together, then 2 that send 5 MB of it
  soak    for as long as is said, at a bounded rate, with clients that misbehave: what memory does
  memory  what loading a model takes, in the bytes of its file

Needs release builds: `cargo build --release --package trainer --bin linden-trainer --example load`. The packages of the
other server are pinned in requirements-serving.txt; `tests/bench/serving` installs them.
"""

import argparse
import contextlib
import importlib.metadata
import json
import os
import pathlib
import platform
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
PATIENCE_SECS = 120
# Connections, and requests a second where those are bounded: as an endpoint is asked, at a rate that both servers keep up with,
# and as a transform job asks. Who asks as fast as answers come measures how long requests wait for each other.
WORKS = {"one row": (16, None), "500/s": (16, 500), "5 MB": (2, None)}
# Requests a second of a soak.
RATES = {"one row": 100, "5 MB": 0.2}
# Trees, and how deep they are: models of many small trees, of usual ones, and of few large ones.
SHAPES = {"stumps": (1, (50, 2000, 40_000)), "usual": (6, (10, 500, 8000)), "deep": (13, (1, 20, 200))}


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tests/bench/serving", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parents[1] / "target")) / "release"
    parser.add_argument("mode", nargs="?", choices=MODES, default="load", help="(load)")
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement of `load` (10)")
    parser.add_argument("--pairs", type=int, default=3, help="how often each server is measured by `load` (3)")
    parser.add_argument("--minutes", type=float, default=60, help="of `soak` (60)")
    parser.add_argument("--step", type=float, default=10, help="minutes between two lines of `soak` (10)")
    parser.add_argument("--trainer", type=pathlib.Path, default=target / "linden-trainer")
    parser.add_argument("--load", type=pathlib.Path, default=target / "examples" / "load")
    return parser.parse_args()


def table() -> tuple[np.ndarray, np.ndarray]:
    """Rows and labels."""
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(20_000, N_FEATURES)).astype(np.float32)
    return rows, (rows[:, 0] + rows[:, 1] * rows[:, 2] > 0).astype(float)


def grown(max_depth: int, n_trees: int) -> xgb.Booster:
    """A model of so many trees; of more than 500 each round has several, since those grow faster."""
    rounds = min(n_trees, 500)
    params = {"objective": "binary:logistic", "max_depth": max_depth, "eta": 0.1, "num_parallel_tree": n_trees // rounds, "subsample": 0.7, "min_child_weight": 0, "nthread": 1}
    return xgb.train(params, xgb.DMatrix(*table()), num_boost_round=rounds)


def bodies(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """The files that are sent."""
    lines = [",".join(f"{it:.5f}" for it in row) for row in table()[0]]
    whole, size = [], 0
    while size < BATCH_BYTES:
        whole.append(lines[len(whole) % len(lines)])
        size += len(whole[-1]) + 1
    one, many = folder / "one.csv", folder / "many.csv"
    one.write_text(lines[0], encoding="utf-8")
    many.write_text("\n".join(whole), encoding="utf-8")
    return {name: many if name == "5 MB" else one for name in WORKS}


def free_port() -> int:
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


@contextlib.contextmanager
def running(command: list[object], environment: dict[str, str], port: int) -> Iterator[int]:
    """A server, from its first answer on; gives its process."""
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
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE_SECS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def linden(chosen: argparse.Namespace, root: pathlib.Path, **variables: str) -> tuple[int, contextlib.AbstractContextManager[int]]:
    """The port and the server of Linden, of the models below `root`."""
    port = free_port()
    own = {"SAGEMAKER_BASE_DIR": str(root), "SAGEMAKER_BIND_TO_PORT": str(port)} | variables
    return port, running([chosen.trainer, "serve"], own, port)


def memory_of(port: int) -> float:
    """MiB of all processes that listen on the port, shared pages counted once for each."""
    listed = subprocess.run(["ss", "-ltnpH", f"sport = :{port}"], capture_output=True, text=True, check=False).stdout
    total = 0
    for pid in set(re.findall(r"pid=(\d+)", listed)):
        rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
        total += int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1])
    return total / 1024


def status_of(pid: int, key: str) -> float:
    """MiB of a line of a process' status."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.search(rf"^{key}:\s+(\d+)", status, re.MULTILINE)[1]) / 1024


def load(chosen: argparse.Namespace, folder: pathlib.Path) -> None:
    """Both servers in turn."""
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    path, files = folder / "model" / "xgboost-model", bodies(folder)
    path.write_bytes(grown(6, 500).save_raw("ubj"))
    for _ in range(chosen.pairs):
        for server in ("linden", "flask"):
            port, its = linden(chosen, folder)
            if server == "flask":
                its = running([sys.executable, HERE / "drivers" / "flask_server.py", path, port], {}, port)
            with its:
                for work, (connections, rate) in WORKS.items():
                    asked = [chosen.load, port, connections, chosen.seconds, files[work], *([rate] if rate else [])]
                    done = subprocess.run(list(map(str, asked)), stdout=subprocess.PIPE, text=True, timeout=120, check=True)
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
    versions = [f"{it} {importlib.metadata.version(it)}" for it in ("flask", "gunicorn", "gevent", "xgboost-cpu", "numpy")]
    print(f"Python {platform.python_version()}, {', '.join(versions)}; {os.cpu_count()} processors")


def misbehave(port: int) -> None:
    """A request that is refused, one that breaks off, one that is too large, and one for what is not there."""
    head = "POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: text/csv\r\nContent-Length: "
    for text in (f"{head}3\r\n\r\n1,x", f"{head}900\r\n\r\n1,2", f"{head}99999999\r\n\r\n1,2", "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECS) as it:
            it.sendall(text.encode())
            if "900" not in text and "999" not in text:
                it.recv(1 << 16)


def soak(chosen: argparse.Namespace, folder: pathlib.Path) -> None:
    """A server that is asked for a long time."""
    files = bodies(folder)
    (folder / "model" / "xgboost-model").write_bytes(grown(6, 500).save_raw("ubj"))
    port, its = linden(chosen, folder)
    seconds = 60 * chosen.minutes
    with its as pid:
        asked = {work: [chosen.load, port, WORKS[work][0], seconds, files[work], rate] for work, rate in RATES.items()}
        clients = {work: subprocess.Popen(list(map(str, it)), stdout=subprocess.PIPE, text=True) for work, it in asked.items()}
        start, told = time.monotonic(), 0.0
        print(f"{'minute':>8}{'RSS MiB':>10}{'peak MiB':>10}")
        while (minutes := (time.monotonic() - start) / 60) < chosen.minutes:
            # The first line is of a server that has answered everything once.
            if minutes * 60 > 15 and minutes >= told:
                print(f"{minutes:>8.1f}{status_of(pid, 'VmRSS'):>10.1f}{status_of(pid, 'VmHWM'):>10.1f}", flush=True)
                told += chosen.step
            misbehave(port)
            time.sleep(1)
        for work, client in clients.items():
            out, _ = client.communicate(timeout=PATIENCE_SECS)
            if client.returncode:
                raise SystemExit(f"{work}: a request was not answered")
            done = json.loads(out)
            print(f"{work}: {done['answers']} answers, p50 {1000 * done['p50']:.2f} ms, p99 {1000 * done['p99']:.2f} ms")
        print(f"{chosen.minutes:>8.1f}{status_of(pid, 'VmRSS'):>10.1f}{status_of(pid, 'VmHWM'):>10.1f}")


def memory(chosen: argparse.Namespace, folder: pathlib.Path) -> None:
    """Loads each model into a server of its own, and looks at the most that it took meanwhile, and at what it keeps."""
    print(f"{'model':<10}{'trees':>8}{'format':>8}{'MB':>10}{'peak':>8}{'kept':>8}   in bytes of the file")
    for shape, (max_depth, sizes) in SHAPES.items():
        for n_trees in sizes:
            booster = grown(max_depth, n_trees)
            for form in ("ubj", "json"):
                path = folder / "models" / f"{shape}-{n_trees}-{form}" / "xgboost-model"
                path.parent.mkdir(parents=True)
                path.write_bytes(booster.save_raw(form))
                n_bytes = path.stat().st_size
                peak, kept = (it * 2**20 / n_bytes for it in loading(chosen, folder, path.parent))
                print(f"{shape:<10}{n_trees:>8}{form:>8}{n_bytes / 1e6:>10.2f}{peak:>8.2f}{kept:>8.2f}", flush=True)
                path.unlink()


def loading(chosen: argparse.Namespace, root: pathlib.Path, model: pathlib.Path) -> tuple[float, float]:
    """MiB that a server takes at most while it loads a model, and that it has taken afterwards."""
    port, its = linden(chosen, root, SAGEMAKER_MULTI_MODEL="true")
    with its as pid:
        before = status_of(pid, "VmRSS")
        # From now on the peak is that of what follows.
        pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="utf-8")
        order = json.dumps({"model_name": "a", "url": str(model)}).encode()
        urllib.request.urlopen(f"http://127.0.0.1:{port}/models", data=order, timeout=120).close()
        return status_of(pid, "VmHWM") - before, status_of(pid, "VmRSS") - before


MODES = {"load": load, "soak": soak, "memory": memory}


def main() -> None:
    """Measures and prints."""
    chosen = arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "model").mkdir()
        MODES[chosen.mode](chosen, folder)


if __name__ == "__main__":
    main()
