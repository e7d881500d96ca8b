"""A SageMaker contract tree (/opt/ml) under a folder, and one run of the trainer on it."""

import json
import os
import pathlib
import re
import subprocess
from dataclasses import dataclass, field

LINE = re.compile(r"^\[(?P<round>\d+)\](?P<values>(?:\t[^\t:]+:\S+)+)$", re.MULTILINE)
VALUE = re.compile(r"\t(?P<name>[^\t:]+):(?P<value>\S+)")


@dataclass
class Finished:
    """What a training process left behind."""

    root: pathlib.Path
    code: int
    stdout: str
    stderr: str
    # A job of folds prints the rounds of each fold and lines of means.
    folds: bool = False
    # A job that continues from a model counts its rounds on.
    first_round: int = 0
    metrics: dict[str, list[float]] = field(init=False)

    def __post_init__(self) -> None:
        self.metrics = {}
        lines = [] if self.folds else LINE.finditer(self.stdout)
        for expected, line in enumerate(lines, self.first_round):
            assert int(line["round"]) == expected, f"round {expected} is missing in {self.stdout!r}"
            for value in VALUE.finditer(line["values"]):
                self.metrics.setdefault(value["name"], []).append(float(value["value"]))

    @property
    def model(self) -> pathlib.Path:
        return self.root / "model" / "xgboost-model"

    @property
    def failure(self) -> str:
        path = self.root / "output" / "failure"
        return path.read_text(encoding="utf-8") if path.is_file() else ""


class MlRoot:
    """Writes hyperparameters and channels as the platform does: scalars as strings, a folder per channel."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self._channels: dict[str, dict[str, str]] = {}
        for folder in ("input/config", "input/data", "model", "output/data"):
            (path / folder).mkdir(parents=True, exist_ok=True)
        self._config("resourceconfig", {"current_host": "algo-1", "hosts": ["algo-1"]})
        self._config("inputdataconfig", {})
        self._config("hyperparameters", {})

    def _config(self, name: str, document: object) -> None:
        (self.path / "input" / "config" / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")

    def hyperparameters(self, values: dict[str, object]) -> None:
        """Writes hyperparameters.json."""
        self._config("hyperparameters", {name: str(value) for name, value in values.items()})

    def channel(self, name: str, content: bytes | str | pathlib.Path, content_type: str = "text/csv") -> None:
        """Adds a channel of one object."""
        folder = self.path / "input" / "data" / name
        folder.mkdir(parents=True, exist_ok=True)
        if isinstance(content, pathlib.Path):
            content = content.read_bytes()
        (folder / "part-0").write_bytes(content.encode() if isinstance(content, str) else content)
        self._channels[name] = {
            "ContentType": content_type,
            "TrainingInputMode": "File",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
        }
        self._config("inputdataconfig", self._channels)

    def train(self, trainer: pathlib.Path, timeout_secs: int = 300, first_round: int = 0) -> Finished:
        """Runs the trainer as the platform does, with this tree in the place of /opt/ml."""
        return self._run(trainer, timeout_secs, first_round=first_round)

    def train_folds(self, trainer: pathlib.Path, timeout_secs: int = 300) -> Finished:
        """As `train`, of a job that cross-validates."""
        return self._run(trainer, timeout_secs, folds=True)

    def _run(self, trainer: pathlib.Path, timeout_secs: int, *, folds: bool = False, first_round: int = 0) -> Finished:
        done = subprocess.run(
            [trainer, "train"],
            env=os.environ | {"SAGEMAKER_BASE_DIR": str(self.path)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_secs,
            check=False,
        )
        return Finished(self.path, done.returncode, done.stdout, done.stderr, folds, first_round)
