"""Times Linden's trainer beside its peers, each as a whole process, in turn, and prints ratios.

Every pair runs each contender once, in one order and then in the other, so that a machine that warms up or slows down
favours nobody. A run that other programs disturbed is done again a few times; what stays disturbed is marked in the table.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
from dataclasses import asdict

import flights
import report
import tables
from contenders import HERE, LINDEN, Linden, Peer, Place, RunError, last_line
from works import BY_NAME, DENSE_PEERS, WORKS, Work

REPOSITORY = HERE.parents[1]
# How often a disturbed run is done again before it is taken as it is.
TRIES = 3
# The models of these thread counts must be the same bytes.
THREAD_COUNTS = (1, 2, 3, 8)
# How far below XGBoost's an accuracy may lie, relatively, before --check fails.
ACCURACY_SLACK = 0.005


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    works = ", ".join(f"{work.name}{'' if work.by_default else ' (only if named)'}" for work in WORKS)
    parser.add_argument("--works", metavar="A,B", help=f"which works, default all: {works}")
    parser.add_argument("--peers", metavar="A,B", help=f"which peers, default those of each work: {', '.join(DENSE_PEERS)}")
    parser.add_argument("--pairs", type=int, default=5, help="how often each contender runs (5)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="threads of each (all)")
    parser.add_argument("--quick", action="store_true", help="tables of at most 100k rows, one pair: to try things out")
    parser.add_argument("--no-linden", action="store_true", help="the peers alone")
    parser.add_argument("--bytes", action="store_true", help="also compare the models of 1, 2, 3 and 8 threads")
    parser.add_argument(
        "--check",
        action="store_true",
        help="quick, with XGBoost alone, and exit 1 unless Linden is as accurate and its bytes do not depend on threads;\n"
        "times are shown and never judged",
    )
    parser.add_argument("--foreign", type=float, default=0.08, metavar="SHARE", help="how much of the machine others may take (0.08)")
    parser.add_argument("--settle", type=float, default=60, metavar="SECONDS", help="how long to wait for a quiet machine (60)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="where to write every single run")
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE", help="where to write the tables, beside standard output")
    chosen = parser.parse_args()
    if chosen.check:
        chosen.quick, chosen.bytes = True, True
        chosen.peers = chosen.peers or "xgboost"
    if chosen.quick:
        chosen.pairs = 1
    return chosen


def chosen_works(chosen: argparse.Namespace) -> list[Work]:
    """The works of this run."""
    if chosen.works:
        unknown = [name for name in chosen.works.split(",") if name not in BY_NAME]
        if unknown:
            raise SystemExit(f"no work is called `{unknown[0]}`; there are {', '.join(BY_NAME)}")
        named = [BY_NAME[name] for name in chosen.works.split(",")]
    else:
        named = [work for work in WORKS if work.by_default]
    return [work.quick() for work in named] if chosen.quick else named


def trainer() -> pathlib.Path:
    """The release trainer: `$LINDEN_TRAINER`, else built from this repository."""
    if given := os.environ.get("LINDEN_TRAINER"):
        return pathlib.Path(given).resolve()
    subprocess.run(["cargo", "build", "--release", "-p", "trainer"], cwd=REPOSITORY, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    return (target / "release" / "linden-trainer").resolve()


def busy_share(seconds: float) -> float:
    """How much of the machine is in use, watched for that long."""

    def ticks() -> tuple[int, int]:
        numbers = [int(it) for it in pathlib.Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:9]]
        return sum(numbers) - numbers[3] - numbers[4], sum(numbers)

    busy, everything = ticks()
    time.sleep(seconds)
    busy_then, everything_then = ticks()
    return (busy_then - busy) / max(1, everything_then - everything)


def wait_for_quiet(chosen: argparse.Namespace) -> None:
    """Returns when others leave the machine alone, or after `--settle` seconds all the same."""
    until = time.monotonic() + chosen.settle
    while busy_share(0.5) > chosen.foreign and time.monotonic() < until:
        time.sleep(0.5)


def run_once(contender: Linden | Peer, work: Work, place: Place, threads: int) -> dict:
    """One whole process: what it cost and its phases."""
    command, environment = contender.command(work, place, threads)
    stdout, stderr = place.scratch / "stdout", place.scratch / "stderr"
    told = subprocess.run(
        [sys.executable, "-I", "-S", str(HERE / "measure.py"), str(stdout), str(stderr), *command],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    measured = json.loads(told.stdout)
    if measured["code"] != 0:
        raise RunError(last_line(stderr.read_text(encoding="utf-8", errors="replace")))
    return measured | {"phases": contender.phases(work, place, measured, stdout.read_text(encoding="utf-8"))}


def run_undisturbed(contender: Linden | Peer, work: Work, place: Place, chosen: argparse.Namespace) -> dict:
    """The least disturbed of at most a few runs."""
    runs = []
    while not runs or (runs[-1]["foreign"] > chosen.foreign and len(runs) < TRIES and not chosen.quick):
        if not chosen.quick:
            wait_for_quiet(chosen)
        runs.append(run_once(contender, work, place, chosen.threads))
    return min(runs, key=lambda it: it["foreign"])


def score(contender: Linden | Peer, work: Work, place: Place, threads: int) -> float:
    """The accuracy of the last run's model on the validation table."""
    predictions = contender.predictions(work, place, threads)
    command = [sys.executable, str(HERE / "score.py"), work.objective, str(place.table("validation", work)), str(predictions)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    if told.returncode != 0:
        raise RunError(last_line(told.stderr))
    return float(told.stdout)


def same_bytes(linden: Linden, work: Work, place: Place) -> str:
    """Whether every thread count gives the same model: `same`, or what differs."""
    digests = {}
    for threads in THREAD_COUNTS:
        run_once(linden, work, place, threads)
        digests[threads] = linden.digest(place)
    differing = [str(threads) for threads in THREAD_COUNTS if digests[threads] != digests[THREAD_COUNTS[0]]]
    return f"{', '.join(differing)} threads differ" if differing else "same"


def contenders_of(work: Work, chosen: argparse.Namespace, linden: Linden | None) -> list[Linden | Peer]:
    """Linden first, then the peers that are asked for and can do the work."""
    asked = chosen.peers.split(",") if chosen.peers else work.peers
    peers = [Peer(name) for name in work.peers if name in asked]
    return [*([linden] if linden else []), *peers]


def do_work(work: Work, chosen: argparse.Namespace, linden: Linden | None) -> dict:
    """All runs of a work."""
    say(f"{work.name}: {work.title}")
    scratch = tables.cache() / "scratch" / work.name
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    place = Place(tables.make(work.table), scratch)
    contenders = contenders_of(work, chosen, linden)
    done = {"work": asdict(work), "runs": {it.name: [] for it in contenders}, "scores": {}, "refused": {}, "bytes": None}
    for pair in range(chosen.pairs):
        for contender in contenders if pair % 2 == 0 else reversed(contenders):
            if contender.name in done["refused"]:
                continue
            try:
                run = run_undisturbed(contender, work, place, chosen)
                if contender.name not in done["scores"]:
                    done["scores"][contender.name] = score(contender, work, place, chosen.threads)
            except RunError as error:
                done["refused"][contender.name] = str(error)
                say(f"  {contender.name}: {error}")
                continue
            done["runs"][contender.name].append(run)
            say(f"  {contender.name}: {report.in_words(run)}, {done['scores'][contender.name]:.5f}")
    if linden and chosen.bytes and LINDEN not in done["refused"]:
        done["bytes"] = same_bytes(linden, work, place)
        say(f"  models of {THREAD_COUNTS} threads: {done['bytes']}")
    shutil.rmtree(scratch)
    return done


def complaints(done: list[dict]) -> list[str]:
    """What --check fails for."""
    found = []
    for work in done:
        name = work["work"]["name"]
        if work["bytes"] not in (None, "same"):
            found.append(f"{name}: {work['bytes']}")
        ours, theirs = work["scores"].get(LINDEN), work["scores"].get("xgboost")
        if ours is not None and theirs is not None:
            loss = (theirs - ours if work["work"]["objective"] == "binary:logistic" else ours - theirs) / theirs
            if loss > ACCURACY_SLACK:
                found.append(f"{name}: accuracy {ours:.5f}, XGBoost's is {theirs:.5f}")
    return found


def say(text: str) -> None:
    """Talk, which is not the result."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def main() -> None:
    """The command."""
    chosen = arguments()
    linden = None if chosen.no_linden else Linden(trainer())
    done = []
    for work in chosen_works(chosen):
        try:
            done.append(do_work(work, chosen, linden))
        except flights.NoFlightsError as error:
            say(f"  skipped: {error}")
    document = {"machine": report.machine(chosen.threads), "pairs": chosen.pairs, "quick": chosen.quick, "works": done}
    text = report.markdown(document)
    sys.stdout.write(text)
    if chosen.json:
        chosen.json.write_text(json.dumps(document, indent=1), encoding="utf-8")
    if chosen.markdown:
        chosen.markdown.write_text(text, encoding="utf-8")
    if chosen.check:
        found = complaints(done)
        for complaint in found:
            say(f"check: {complaint}")
        say(f"{len(done) - len({it.split(':')[0] for it in found})} passed, {len({it.split(':')[0] for it in found})} failed")
        raise SystemExit(1 if found else 0)


if __name__ == "__main__":
    main()
