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
from dataclasses import asdict

import flights
import measures
import programs
import report
import tables
from check import THREAD_COUNTS, XGBOOSTS, complaints, instruction_sets, same_bytes
from contenders import HERE, LINDEN, Linden, Peer, Place, RunError, last_line
from runs import run_undisturbed, say
from works import BY_NAME, DENSE_PEERS, WORKS, Work, reduced


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    by_default = {it.name: it.by_default for it in WORKS} | {name: name not in measures.ONLY_IF_NAMED for name in measures.PROBES}
    works = ", ".join(f"{name}{'' if it else ' (only if named)'}" for name, it in by_default.items())
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
        help="small tables, few rounds, XGBoost alone, and exit 1 unless Linden is as accurate, its bytes depend neither on\n"
        "threads nor on LINDEN_SIMD, and it predicts as XGBoost does; times are shown and never judged",
    )
    parser.add_argument("--foreign", type=float, default=0.08, metavar="SHARE", help="how much of the machine others may take (0.08)")
    parser.add_argument("--settle", type=float, default=60, metavar="SECONDS", help="how long to wait for a quiet machine (60)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="where to write every single run")
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE", help="where to write the tables, beside standard output")
    chosen = parser.parse_args()
    if chosen.check:
        chosen.quick, chosen.bytes = True, True
    if chosen.quick:
        chosen.pairs = 1
    return chosen


def chosen_names(chosen: argparse.Namespace) -> list[str]:
    """The works and measures of this run."""
    if not chosen.works:
        probes = [] if chosen.no_linden else [it for it in measures.PROBES if it not in measures.ONLY_IF_NAMED]
        return [*(work.name for work in WORKS if work.by_default), *probes]
    names = chosen.works.split(",")
    known = [*BY_NAME, *measures.PROBES]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"no work is called `{unknown[0]}`; there are {', '.join(known)}")
    if chosen.no_linden and any(name in measures.PROBES for name in names):
        raise SystemExit(f"{' and '.join(measures.PROBES)} measure Linden; leave --no-linden out")
    return names


def score(contender: Linden | Peer, work: Work, place: Place, threads: int) -> float:
    """The accuracy of the last run's model on the validation table."""
    predictions = contender.predictions(work, place, threads)
    command = [sys.executable, str(HERE / "score.py"), work.objective, str(place.table("validation", work)), str(predictions)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    if told.returncode != 0:
        raise RunError(last_line(told.stderr))
    return float(told.stdout)


def contenders_of(work: Work, chosen: argparse.Namespace, linden: Linden | None) -> list[Linden | Peer]:
    """Linden first, then the peers that are asked for and can do the work."""
    asked = chosen.peers.split(",") if chosen.peers else work.peers
    if chosen.check and not chosen.peers:
        asked = [name for name in XGBOOSTS if name in work.peers][:1]
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
        say(f"  models of {THREAD_COUNTS} threads and of {', '.join(instruction_sets())}: {done['bytes']}")
    shutil.rmtree(scratch)
    return done


def main() -> None:
    """The command."""
    chosen = arguments()
    names = chosen_names(chosen)
    linden = None if chosen.no_linden else Linden(programs.trainer())
    done, measured = [], []
    for name in names:
        if name in measures.PROBES:
            measured += measures.probe(name, chosen, linden)
            continue
        try:
            done.append(do_work(reduced(BY_NAME[name], chosen), chosen, linden))
        except flights.NoFlightsError as error:
            say(f"  skipped: {error}")
    document = {
        "machine": report.machine(chosen.threads),
        "pairs": chosen.pairs,
        "quick": chosen.quick,
        "works": done,
        "measures": [*measured, *measures.from_works(done)],
    }
    text = report.markdown(document)
    sys.stdout.write(text)
    if chosen.json:
        chosen.json.write_text(json.dumps(document, indent=1), encoding="utf-8")
    if chosen.markdown:
        chosen.markdown.write_text(text, encoding="utf-8")
    if chosen.check:
        found = complaints(document)
        for complaint in found:
            say(f"check: {complaint}")
        failed = len({it.split(":")[0] for it in found})
        say(f"{len(names) - failed} passed, {failed} failed")
        raise SystemExit(1 if found else 0)


if __name__ == "__main__":
    main()
