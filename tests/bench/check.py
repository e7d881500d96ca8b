"""What must be right whatever the machine: accuracy beside XGBoost's, and the same bytes however they are computed."""

import pathlib

from contenders import LINDEN, Linden, Place
from runs import run_once
from works import Work

# The models of these thread counts must be the same bytes.
THREAD_COUNTS = (1, 2, 3, 8)
# The values of LINDEN_SIMD, which keep the trainer to an instruction set, and what the processor must have for them.
INSTRUCTION_SETS = {"avx512": ("avx512f", "avx512bw", "avx512vl"), "avx2": ("avx2",), "portable": ()}
# How far below XGBoost's an accuracy may lie, relatively.
ACCURACY_SLACK = 0.005
XGBOOSTS = ("xgboost", "xgboost-text")


def instruction_sets() -> list[str]:
    """Those of this machine."""
    lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
    return [name for name, needed in INSTRUCTION_SETS.items() if all(flag in flags for flag in needed)]


def same_bytes(linden: Linden, work: Work, place: Place) -> str:
    """Whether every thread count and every instruction set gives the same model: `same`, or what differs."""
    variants = {f"{threads} threads": (threads, {}) for threads in THREAD_COUNTS}
    variants |= {name: (THREAD_COUNTS[1], {"LINDEN_SIMD": name}) for name in instruction_sets()}
    digests = {}
    for name, (threads, environment) in variants.items():
        run_once(linden, work, place, threads, environment)
        digests[name] = linden.digest(place)
    first = next(iter(digests.values()))
    differing = [name for name, digest in digests.items() if digest != first]
    return f"{', '.join(differing)} differ from 1 thread" if differing else "same"


def complaints(document: dict) -> list[str]:
    """What `--check` fails for, each beginning with the work's name and a colon."""
    found = []
    for work in document["works"]:
        name = work["work"]["name"]
        refused = work["refused"].get(LINDEN)
        if refused:
            found.append(f"{name}: not done: {refused}")
        if work["bytes"] not in (None, "same"):
            found.append(f"{name}: {work['bytes']}")
        ours = work["scores"].get(LINDEN)
        theirs = next((work["scores"][it] for it in XGBOOSTS if it in work["scores"]), None)
        if ours is not None and theirs is not None:
            loss = (theirs - ours if work["work"]["objective"] == "binary:logistic" else ours - theirs) / theirs
            if loss > ACCURACY_SLACK:
                found.append(f"{name}: accuracy {ours:.5f}, XGBoost's is {theirs:.5f}")
    return [*found, *(it["wrong"] for it in document["measures"] if it.get("wrong"))]
