"""From runs to Markdown: one table of ratios, Linden over the best peer, and one of medians."""

import datetime
import importlib.metadata
import os
import pathlib
import platform
import subprocess
from statistics import median

from contenders import HERE, LINDEN
from score import METRICS

# Their training phase holds the binning too, so it is no training time to be compared with.
BINS_WHILE_TRAINING = ("xgboost-text", "sklearn")
PHASES = ("start", "load", "bin", "train", "save")
PACKAGES = ("xgboost-cpu", "lightgbm", "catboost", "scikit-learn", "pyarrow", "numpy")


def in_words(run: dict) -> str:
    """A run in one line."""
    phases = ", ".join(f"{name} {run['phases'][name]:.2f}" for name in PHASES if name in run["phases"])
    return f"{run['seconds']:.2f} s ({phases}), cpu {run['cpu_seconds']:.1f} s, {run['peak_mb']:.0f} MB, others {run['foreign']:.0%}"


def machine(threads: int) -> dict[str, str]:
    """Where, with what and when."""
    info = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    facts = {}
    for line in info:
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    commit = subprocess.run(["git", "-C", HERE, "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = f"{facts.get('model name', platform.machine())} (family {facts.get('cpu family')}, model {facts.get('model')})"
    return {
        "processor": f"{os.cpu_count()} x {model}",
        "memory": f"{memory:.0f} GiB",
        "system": f"Linux {platform.release().split('-')[0]}",
        "threads": str(threads),
        "linden": commit.stdout.strip() or "unknown",
        "peers": ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES),
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def values(run: dict) -> dict[str, float | None]:
    """What ratios are made of."""
    return {
        "total": run["seconds"],
        "training": run["phases"].get("train"),
        "processor": run["cpu_seconds"],
        "memory": run["peak_mb"],
    }


def medians(runs: list[dict]) -> dict[str, float | None]:
    """The median of each value."""
    found = {}
    for name in ("total", "training", "processor", "memory"):
        numbers = [values(run)[name] for run in runs]
        found[name] = None if None in numbers else median(numbers)
    return found


def ratio(done: dict, what: str) -> str:
    """Linden over the best peer: the median over the pairs of one run over the other."""
    runs = done["runs"]
    candidates = {
        name: medians(of_peer)[what]
        for name, of_peer in runs.items()
        if name != LINDEN and of_peer and not (what == "training" and name in BINS_WHILE_TRAINING)
    }
    candidates = {name: value for name, value in candidates.items() if value}
    if not candidates or not runs.get(LINDEN):
        return "-"
    best = min(candidates, key=candidates.get)
    pairs = [values(ours)[what] / values(theirs)[what] for ours, theirs in zip(runs[LINDEN], runs[best], strict=False)]
    return f"{median(pairs):.2f} ({best})"


def accuracy(done: dict) -> str:
    """Linden's accuracy beside XGBoost's."""
    ours = done["scores"].get(LINDEN)
    peer = next((it for it in ("xgboost", "xgboost-text") if it in done["scores"]), None)
    if ours is None:
        return "-"
    beside = f", {peer} {done['scores'][peer]:.5f}" if peer else ""
    return f"{METRICS[done['work']['objective']]} {ours:.5f}{beside}"


def ratios(document: dict) -> list[str]:
    """The table of ratios."""
    lines = [
        "| work | total | training | processor time | peak memory | accuracy | bytes by threads and instructions | target |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for done in document["works"]:
        refused = done["refused"].get(LINDEN)
        if refused:
            cells = [f"not done: {refused}", "", "", "", "", ""]
        else:
            measured = [ratio(done, what) for what in ("total", "training", "processor", "memory")]
            cells = [*measured, accuracy(done), done["bytes"] or "-"]
        lines.append(f"| {done['work']['title']} | {' | '.join(cells)} | {done['work']['target']} |")
    return lines


def in_unit(number: float, unit: str) -> str:
    """A number of seconds, or a factor, for people."""
    scaled = number * {"us": 1e6, "ms": 1e3}.get(unit, 1.0)
    return f"{scaled:.3g} {unit}".replace("us", "µs").removesuffix(" x")


def further(document: dict) -> list[str]:
    """The table of what is measured beside the works; none if nothing was."""
    lines = ["| measure | Linden | peers | Linden over the best | target |", "|---|---|---|---|---|"]
    for row in document["measures"]:
        numbers, unit = row["numbers"], row["unit"]
        peers = {name: number for name, number in numbers.items() if name != LINDEN}
        told = ", ".join(f"{name} {in_unit(number, unit)}" for name, number in peers.items())
        over = "-"
        if peers and LINDEN in numbers and unit != "x":
            best = min(peers, key=peers.get)
            over = f"{numbers[LINDEN] / peers[best]:.2g} ({best})"
        ours = in_unit(numbers[LINDEN], unit) if LINDEN in numbers else row.get("wrong", "-")
        lines.append(f"| {row['what']} | {ours} | {told or '-'} | {over} | {row['target']} |")
    return [*lines, ""] if document["measures"] else []


def details(document: dict) -> list[str]:
    """The table of medians."""
    lines = [
        f"| work | contender | runs | total s | {' | '.join(f'{it} s' for it in PHASES)} | processor s | peak MB | accuracy | others |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for done in document["works"]:
        for name, runs in done["runs"].items():
            if not runs:
                continue
            phases = []
            for phase in PHASES:
                numbers = [run["phases"][phase] for run in runs if phase in run["phases"]]
                phases.append(f"{median(numbers):.2f}" if numbers else "")
            total = f"{median(run['seconds'] for run in runs):.2f}"
            cpu = f"{median(run['cpu_seconds'] for run in runs):.1f}"
            peak = f"{median(run['peak_mb'] for run in runs):.0f}"
            others = f"{max(run['foreign'] for run in runs):.0%}"
            cells = [done["work"]["name"], name, str(len(runs)), total, *phases, cpu, peak, f"{done['scores'][name]:.5f}", others]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def markdown(document: dict) -> str:
    """The whole result."""
    told = document["machine"]
    kind = "Quick mode: tables of at most 100k rows, one run each, no claim to precision." if document["quick"] else ""
    head = [
        f"{told['date']}; {told['processor']}, {told['memory']}, {told['system']}; {told['threads']} threads each; "
        f"medians of {document['pairs']} pairs.",
        f"Linden {told['linden']}; {told['peers']}. {kind}".rstrip(),
    ]
    works = [*ratios(document), "", *details(document), ""] if document["works"] else []
    return "\n".join([*head, "", *works, *further(document)])
