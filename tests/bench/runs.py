"""Runs one contender as a whole process, on a machine that others leave alone as far as that can be had."""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

from contenders import HERE, Linden, Peer, Place, RunError, last_line
from works import Work

# How often a disturbed run is done again before it is taken as it is.
TRIES = 3


def say(text: str) -> None:
    """Talk, which is not the result."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


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


def run_once(contender: Linden | Peer, work: Work, place: Place, threads: int, extra: dict[str, str] | None = None) -> dict:
    """One whole process, with `extra` in its environment: what it cost and its phases."""
    command, environment = contender.command(work, place, threads)
    stdout, stderr = place.scratch / "stdout", place.scratch / "stderr"
    told = subprocess.run(
        [sys.executable, "-I", "-S", str(HERE / "measure.py"), str(stdout), str(stderr), *command],
        env=os.environ | environment | (extra or {}),
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
