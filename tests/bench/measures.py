"""What is measured beside the works: prediction in process, how training scales, the first line, the price of a row.

Each measure is a row of the second table: what was measured, Linden's number, the peers' numbers, Linden over the best peer
where that means something, and the target. Invariant: ratios are made of runs in turn, as those of the works.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np

import programs
import tables
from contenders import HERE, LINDEN, Linden, Peer, Place, RunError, last_line
from runs import run_once, run_undisturbed, say, wait_for_quiet
from works import BY_NAME, Table, Work, reduced

# How often one process predicts all rows; the median counts.
REPEATS = 7
PREDICTING_PEERS = ("xgboost", "lightgbm")
# When a job is told to stop, in shares of the time that it takes.
STOPS = tuple(it / 20 for it in range(1, 18))
# Seconds after which SageMaker kills.
PATIENCE = 120


def measure(what: str, numbers: dict[str, float], unit: str, target: str) -> dict:
    """A row of the table: `numbers` by contender; `unit` is `s`, `us`, `ms`, or `x` for a factor."""
    return {"what": what, "numbers": numbers, "unit": unit, "target": target}


def scratch(name: str) -> pathlib.Path:
    """An empty folder."""
    folder = tables.cache() / "scratch" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def predict(chosen: argparse.Namespace, linden: Linden) -> list[dict]:
    """250k rows, and one row, through 100 trees of depth 6 that Linden trained; LightGBM through as many of its own."""
    work = reduced(BY_NAME["dense"], chosen)
    place = Place(tables.make(work.table), scratch("predict"))
    run_once(linden, work, place, chosen.threads)
    models = {LINDEN: place.scratch / "linden.ubj"}
    shutil.copyfile(linden.model(place), models[LINDEN])
    models["xgboost"] = models[LINDEN]
    asked = chosen.peers.split(",") if chosen.peers else PREDICTING_PEERS
    if "lightgbm" in asked and not chosen.check:
        run_once(Peer("lightgbm"), work, place, chosen.threads)
        models["lightgbm"] = place.scratch / "lightgbm.json"
    rows_of(work, place).tofile(place.scratch / "rows.f32")
    told = predict_in_turn(chosen, predict_commands(chosen, work, place, models))
    same = (place.scratch / LINDEN).read_bytes() == (place.scratch / "xgboost").read_bytes()
    shutil.rmtree(place.scratch)
    n_rows = f"{work.table.n_validation // 1000}k x {work.table.n_features}"
    all_rows = {name: median(median(it["seconds"]) for it in runs) for name, runs in told.items()}
    one_row = {name: median(it["one_row"] for it in runs) for name, runs in told.items()}
    found = [
        measure(f"predict {n_rows} in process, {work.rounds} trees of depth {work.depth}", all_rows, "s", "<= 0.40"),
        measure("predict one row in process, one thread", one_row, "us", "<= 5 µs"),
    ]
    if not same:
        found[0]["wrong"] = "predict: margins are not XGBoost's"
    return found


def predict_commands(
    chosen: argparse.Namespace, work: Work, place: Place, models: dict[str, pathlib.Path]
) -> dict[str, list[str]]:
    """How each contender is started; it writes its margins under its own name."""
    repeats = 1 if chosen.quick else REPEATS
    shape = json.dumps({"n_features": work.table.n_features, "threads": chosen.threads, "repeats": repeats})
    commands = {}
    for name, model in models.items():
        files = [str(model), str(place.scratch / "rows.f32"), str(place.scratch / name)]
        if name == LINDEN:
            commands[name] = [str(programs.predict()), *files, str(chosen.threads), str(repeats)]
        else:
            commands[name] = [sys.executable, str(HERE / "drivers" / "inference.py"), name, *files, shape]
    return commands


def predict_in_turn(chosen: argparse.Namespace, commands: dict[str, list[str]]) -> dict[str, list[dict]]:
    """What each contender told, by pair."""
    told = {name: [] for name in commands}
    for pair in range(chosen.pairs):
        for name in commands if pair % 2 == 0 else reversed(commands):
            if not chosen.quick:
                wait_for_quiet(chosen)
            told[name].append(json_of(commands[name]))
    return told


def rows_of(work: Work, place: Place) -> np.ndarray:
    """The features of the validation table, `(n_rows, n_features)` row-major."""
    sys.path.insert(0, str(HERE / "drivers"))
    from spec import read_table, to_numpy  # noqa: PLC0415

    return np.ascontiguousarray(to_numpy(read_table(str(place.table("validation", work)), work.table.file_format, 2))[1])


def json_of(command: list[str]) -> dict:
    """What a program said at its end."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RunError(last_line(done.stderr))
    return json.loads(done.stdout.splitlines()[-1])


def scaling(chosen: argparse.Namespace, linden: Linden) -> list[dict]:
    """Training seconds of the dense work with one thread over those with two."""
    work = reduced(BY_NAME["dense"], chosen)
    place = Place(tables.make(work.table), scratch("scaling"))
    contenders = [linden, Peer("xgboost")]
    seconds = {it.name: {1: [], 2: []} for it in contenders}
    for pair in range(chosen.pairs):
        for contender in contenders if pair % 2 == 0 else reversed(contenders):
            for threads in (1, 2):
                told = argparse.Namespace(**(vars(chosen) | {"threads": threads}))
                run = run_undisturbed(contender, work, place, told)
                seconds[contender.name][threads].append(run["phases"]["train"])
    shutil.rmtree(place.scratch)
    factors = {name: median(it[1]) / median(it[2]) for name, it in seconds.items()}
    return [measure(f"training, {work.title}: one thread over two", factors, "x", ">= 1.85")]


def stop(chosen: argparse.Namespace, linden: Linden) -> list[dict]:
    """SIGTERM at moments all over a job on ten million rows: the longest time until the process had ended."""
    work = reduced(BY_NAME["tall"], chosen)
    place = Place(tables.make(work.table), scratch("stop"))
    whole = run_once(linden, work, place, chosen.threads)["seconds"]
    answers = [answer_to_stop(linden, work, place, chosen.threads, whole * share) for share in STOPS]
    shutil.rmtree(place.scratch)
    for share, seconds in zip(STOPS, answers, strict=True):
        say(f"  SIGTERM after {share * whole:.1f} of {whole:.1f} s: ended {seconds * 1000:.0f} ms later")
    what = f"from SIGTERM to the end, {work.title}: the longest of {len(STOPS)}"
    return [measure(what, {LINDEN: max(answers)}, "s", "<= 1 s")]


def answer_to_stop(linden: Linden, work: Work, place: Place, threads: int, after: float) -> float:
    """How long a job lives on that is told to stop so many seconds after its start."""
    command, environment = linden.command(work, place, threads)
    checkpoints = linden.root(place) / "checkpoints"
    checkpoints.mkdir()
    document = json.dumps({"LocalPath": str(checkpoints)})
    (linden.root(place) / "input" / "config" / "checkpointconfig.json").write_text(document, encoding="utf-8")
    with (place.scratch / "stderr").open("wb") as talk:
        job = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=talk)
        try:
            time.sleep(after)
            if job.poll() is not None:
                raise RunError(f"the job had ended after {after:.1f} s, before it was told to stop")
            begin = time.monotonic()
            job.terminate()
            job.wait(timeout=PATIENCE)
            return time.monotonic() - begin
        finally:
            job.kill()


# By the name that `--works` takes.
PROBES = {"predict": predict, "scaling": scaling, "stop": stop}
# What only runs if it is named, since its table is large.
ONLY_IF_NAMED = ("stop",)


def from_works(done: list[dict]) -> list[dict]:
    """What the works' own runs tell beyond their row."""
    by_name = {it["work"]["name"]: it for it in done if it["runs"].get(LINDEN)}
    found = []
    if "start" in by_name:
        first = median(run["first_line"] for run in by_name["start"]["runs"][LINDEN])
        found.append(measure("from the process's start to the first metric line, 10 rows", {LINDEN: first}, "ms", "<= 15 ms"))
    if "dense" in by_name and "tall" in by_name:
        reading = tall_over_dense(by_name, lambda run: run["phases"]["load"] + run["phases"].get("bin", 0.0))
        memory = tall_over_dense(by_name, lambda run: run["peak_mb"])
        found.append(measure("a row of 10M over a row of 1M: load and bin", reading, "x", "<= 1.1"))
        found.append(measure("a row of 10M over a row of 1M: peak memory", memory, "x", "<= 1.0"))
    return found


def tall_over_dense(by_name: dict[str, dict], value: Callable[[dict], float]) -> dict[str, float]:
    """What a row of the tall table takes over what one of the dense table does, by contender."""
    tall, dense = by_name["tall"], by_name["dense"]
    both = [name for name in (LINDEN, "xgboost") if tall["runs"].get(name) and dense["runs"].get(name)]
    return {name: per_row(tall, name, value) / per_row(dense, name, value) for name in both}


def per_row(done: dict, name: str, value: Callable[[dict], float]) -> float:
    """The median of `value(run)` over the rows of both tables."""
    table = done["work"]["table"]
    n_rows = table["n_rows"] + Table(**table).n_validation
    return median(value(run) for run in done["runs"][name]) / n_rows


def probe(name: str, chosen: argparse.Namespace, linden: Linden) -> list[dict]:
    """The measures of that name; none, with a word why, if a contender refuses."""
    say(name)
    try:
        return PROBES[name](chosen, linden)
    except RunError as error:
        say(f"  {error}")
        return [measure(name, {}, "s", "") | {"wrong": f"{name}: {error}"}]
