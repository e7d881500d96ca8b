"""Runs one program and tells what it cost: seconds, processor time, peak memory, when its metric lines came.

A program of its own, and of the standard library's smallest part, since a child's peak memory (`ru_maxrss`) starts at what
its parent held when it forked: whatever needs less than this launcher shows this launcher's few MB.

Usage: measure.py STDOUT STDERR PROGRAM ARGUMENT... ; ends with one line of JSON on standard output.
"""

import json
import os
import sys
import time

# A metric line: `[12]<tab>train-rmse:...`.
METRIC_LINE = b"["


def busy_ticks() -> int:
    """Ticks that all processors of this machine have worked, whoever for."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _idle, _iowait, irq, softirq, steal = (int(it) for it in file.readline().split()[1:9])
    return user + nice + system + irq + softirq + steal


def spawn(stdout: int, stderr_path: str, command: list[str]) -> int:
    """Starts the program with its standard output in the pipe; returns its process id."""
    stderr = os.open(stderr_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    null = os.open(os.devnull, os.O_RDONLY)
    actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, stdout, 1), (os.POSIX_SPAWN_DUP2, stderr, 2)]
    return os.posix_spawn(command[0], command, os.environ, file_actions=actions)


def follow(pipe: int, path: str, started: float) -> tuple[list[float], int]:
    """Copies standard output into a file; returns when each piece with a metric line came, and how many lines came."""
    arrivals, n_lines, at_line_start = [], 0, True
    with open(path, "wb") as file:
        while piece := os.read(pipe, 1 << 16):
            now = time.perf_counter() - started
            new = piece.count(b"\n" + METRIC_LINE) + (at_line_start and piece.startswith(METRIC_LINE))
            if new:
                arrivals.append(now)
                n_lines += new
            at_line_start = piece.endswith(b"\n")
            file.write(piece)
    return arrivals, n_lines


def main() -> None:
    """Measures one run."""
    stdout_path, stderr_path, *command = sys.argv[1:]
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    before, started = busy_ticks(), time.perf_counter()
    pid = spawn(writing, stderr_path, command)
    os.close(writing)
    arrivals, n_lines = follow(reading, stdout_path, started)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - started
    own = usage.ru_utime + usage.ru_stime
    everybody = (busy_ticks() - before) / os.sysconf("SC_CLK_TCK")
    document = {
        "code": os.waitstatus_to_exitcode(status),
        "seconds": seconds,
        "cpu_seconds": own,
        # The share of the machine that other programs took meanwhile: above a few hundredths, times mean little.
        "foreign": max(0.0, everybody - own) / (seconds * os.cpu_count()),
        "peak_mb": usage.ru_maxrss / 1024,
        "first_line": arrivals[0] if arrivals else None,
        "last_line": arrivals[-1] if arrivals else None,
        "lines": n_lines,
    }
    sys.stdout.write(json.dumps(document) + "\n")


if __name__ == "__main__":
    main()
