"""The Rust programs that are timed: named by the environment, or built from this repository."""

import os
import pathlib
import subprocess

from contenders import HERE

REPOSITORY = HERE.parents[1]


def built(variable: str, arguments: list[str], path: str) -> pathlib.Path:
    """The program that `variable` names, else a fresh release build: `path` below the folder of release builds."""
    if given := os.environ.get(variable):
        return pathlib.Path(given).resolve()
    subprocess.run(["cargo", "build", "--release", *arguments], cwd=REPOSITORY, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    return (target / "release" / path).resolve()


def trainer() -> pathlib.Path:
    """Linden's trainer."""
    return built("LINDEN_TRAINER", ["-p", "trainer"], "linden-trainer")


def predict() -> pathlib.Path:
    """`programs/predict.rs`, which predicts in process."""
    return built("LINDEN_PREDICT", ["-p", "engine", "--example", "predict"], "examples/predict")
