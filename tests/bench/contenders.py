"""How each contender is started for a work, and where its phases are to be read: Linden's trainer, and the peers' drivers.

Invariant: all contenders of a work get the same files, the same parameters and the same number of threads, run as one
process from start to the written model, and are scored by one function on predictions for the same validation table.
"""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
from dataclasses import dataclass

from works import Work

HERE = pathlib.Path(__file__).resolve().parent
LINDEN = "linden"
CONTENT_TYPES = {"csv": "text/csv", "libsvm": "text/libsvm", "parquet": "application/x-parquet"}


class RunError(Exception):
    """A contender did not do a work; the text is what it said."""


@dataclass(frozen=True)
class Place:
    """Where a work's tables lie and where contenders may write."""

    tables: pathlib.Path
    scratch: pathlib.Path

    def table(self, part: str, work: Work) -> pathlib.Path:
        """The file of `train` or `validation`."""
        return self.tables / f"{part}.{work.table.file_format}"


@dataclass(frozen=True)
class Peer:
    """A library of Python, behind its driver."""

    name: str

    def spec(self, work: Work, place: Place, threads: int, model: pathlib.Path | None = None) -> str:
        """The driver's argument."""
        return json.dumps(
            {
                "peer": self.name,
                "train": str(place.table("train", work)),
                "validation": str(place.table("validation", work)),
                "format": work.table.file_format,
                "objective": work.objective,
                "n_classes": work.n_classes,
                "rounds": work.rounds,
                "depth": work.depth,
                "leaves": work.leaves,
                "eta": work.eta,
                "max_bin": work.max_bin,
                "base_score": work.base_score,
                "threads": threads,
                "model": str(model or place.scratch / f"{self.name}.json"),
                "predictions": str(place.scratch / "predictions.npy"),
            }
        )

    @property
    def driver(self) -> str:
        """The program; the variants of LightGBM share one."""
        stem = self.name.removesuffix("-quantized").replace("-", "_")
        return str(HERE / "drivers" / f"{stem}_driver.py")

    def command(self, work: Work, place: Place, threads: int) -> tuple[list[str], dict[str, str]]:
        """Program and arguments of a timed run, and what to add to the environment."""
        return [sys.executable, self.driver, "train", self.spec(work, place, threads)], {}

    def phases(self, _work: Work, _place: Place, measured: dict, stdout: str) -> dict[str, float]:
        """The seconds of the phases, as the driver told them; `start` is the interpreter and its imports."""
        phases = json.loads(stdout.splitlines()[-1])["phases"]
        return {"start": measured["seconds"] - sum(phases.values())} | phases

    def predictions(self, work: Work, place: Place, threads: int) -> pathlib.Path:
        """The file of the last model's predictions for the validation table."""
        return run_predict(self, self.spec(work, place, threads))


def run_predict(peer: Peer, spec: str) -> pathlib.Path:
    """Runs a driver's `predict`, which nobody times."""
    done = subprocess.run([sys.executable, peer.driver, "predict", spec], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RunError(last_line(done.stderr))
    return pathlib.Path(json.loads(spec)["predictions"])


@dataclass(frozen=True)
class Linden:
    """The trainer, on a contract tree in the place of /opt/ml."""

    program: pathlib.Path
    name: str = LINDEN

    @staticmethod
    def root(place: Place) -> pathlib.Path:
        """The contract tree."""
        return place.scratch / "ml"

    def command(self, work: Work, place: Place, threads: int) -> tuple[list[str], dict[str, str]]:
        """Program and arguments of a timed run, and what to add to the environment; lays the tree anew."""
        root = self.root(place)
        shutil.rmtree(root, ignore_errors=True)
        channel = {"ContentType": CONTENT_TYPES[work.table.file_format], "TrainingInputMode": "File"}
        documents = {
            "hyperparameters": {name: str(value) for name, value in self.hyperparameters(work, threads).items()},
            "inputdataconfig": {"train": channel, "validation": channel},
        }
        config = root / "input" / "config"
        config.mkdir(parents=True)
        for name, document in documents.items():
            (config / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
        for part in ("train", "validation"):
            file = place.table(part, work)
            folder = root / "input" / "data" / part
            folder.mkdir(parents=True)
            os.link(file, folder / file.name)
        return [str(self.program), "train"], {"SAGEMAKER_BASE_DIR": str(root)}

    @staticmethod
    def hyperparameters(work: Work, threads: int) -> dict[str, object]:
        """The work's parameters in the built-in algorithm's words."""
        chosen = {
            "objective": work.objective,
            "num_round": work.rounds,
            "eta": work.eta,
            "max_bin": work.max_bin,
            "max_depth": work.depth,
            "nthread": threads,
        }
        if work.n_classes:
            chosen["num_class"] = work.n_classes
        if work.leaves:
            chosen |= {"grow_policy": "lossguide", "max_leaves": work.leaves}
        return chosen

    def phases(self, work: Work, place: Place, measured: dict, _stdout: str) -> dict[str, float]:
        """The seconds of the phases by the evaluation document; `start` is whatever it does not name."""
        document = json.loads((self.root(place) / "output" / "data" / "evaluation.json").read_text(encoding="utf-8"))
        steps = {it["step"]: it["seconds"] for it in document["timings"]}
        phases = {"load" if step == "read" else step: seconds for step, seconds in steps.items()}
        if measured["lines"] != work.rounds:
            raise RunError(f"{measured['lines']} metric lines instead of {work.rounds}")
        return {"start": max(0.0, measured["seconds"] - sum(phases.values()))} | phases

    def model(self, place: Place) -> pathlib.Path:
        """The model of the last run."""
        return self.root(place) / "model" / "xgboost-model"

    def digest(self, place: Place) -> str:
        """SHA-256 of the last run's model."""
        return hashlib.sha256(self.model(place).read_bytes()).hexdigest()

    def predictions(self, work: Work, place: Place, threads: int) -> pathlib.Path:
        """XGBoost loads the model and predicts: a model that only Linden can read is worth nothing."""
        # XGBoost tells the format by the name.
        named = place.scratch / "linden.ubj"
        shutil.copyfile(self.model(place), named)
        peer = Peer("xgboost")
        return run_predict(peer, peer.spec(work, place, threads, named))


def last_line(text: str) -> str:
    """What a program said last, which is where a refusal stands."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
