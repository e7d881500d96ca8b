"""Where the programs, the data and the engine are, for every test of this folder.

Environment: CARGO_TARGET_DIR (default `target`), LINDEN_TRAINER and LINDEN (the two programs), LINDEN_SHARED (the
folder with the peers' tables, default `../shared` beside the repository). `tests/run` sets what is needed.
"""

import os
import pathlib
import shutil
import subprocess
from collections.abc import Iterator

import numpy as np
import pytest

import samples
from boosters import FAMILIES, Trained
from images import Engine, image_of
from parity import report
from parts import Folders

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def program(name: str, variable: str) -> pathlib.Path:
    """A program of this workspace, built in the dev profile; a missing one is an error, never a skip."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"))
    path = pathlib.Path(os.environ.get(variable, REPOSITORY / target / "debug" / name))
    assert path.is_file(), f"{path} is not there: `cargo build --workspace --bins --features trainer/s3` makes it, {variable} names another"
    return path


@pytest.fixture(scope="session")
def trainer() -> pathlib.Path:
    """linden-trainer."""
    return program("linden-trainer", "LINDEN_TRAINER")


@pytest.fixture(scope="session")
def linden() -> pathlib.Path:
    """linden."""
    return program("linden", "LINDEN")


@pytest.fixture(scope="session")
def repository() -> pathlib.Path:
    """The top of the repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def folders(repository: pathlib.Path) -> Folders:
    """Where tables are; a test is skipped when it asks for one that may not be copied into the repository, and is not there."""
    return Folders(repository, pathlib.Path(os.environ.get("LINDEN_SHARED", REPOSITORY.parent / "shared")))


@pytest.fixture(scope="session")
def rows() -> np.ndarray:
    """The rows that models of every family are trained on."""
    return samples.features()


@pytest.fixture(scope="session")
def rows_file(rows: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    path.write_text(samples.csv(rows), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def families(rows: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trained]:
    """A model of every family that XGBoost has, by its name."""
    return {it.name: it.saved(rows, tmp_path_factory.mktemp(it.name)) for it in FAMILIES}


@pytest.fixture(scope="session")
def docker() -> str:
    """The docker client, where an engine answers it."""
    client = shutil.which("docker")
    if client is None:
        pytest.skip("Docker does not answer: there is no docker command")
    answer = subprocess.run([client, "version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    if answer.returncode != 0:
        pytest.skip(f"Docker does not answer: {answer.stderr.strip().splitlines()[-1:]}")
    return client


@pytest.fixture(scope="session")
def engine(docker: str, repository: pathlib.Path) -> Iterator[Engine]:
    """Docker with the training image."""
    yield from image_of(docker, repository)


@pytest.fixture(scope="session")
def ratios() -> list[tuple[str, str, float, float]]:
    """Where tests beside the grid put what they compare: name, metric, Linden's value, XGBoost's value."""
    return report.OTHERS


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--parity-table", metavar="FILE", type=pathlib.Path, help="write the parity table to FILE, CSV or .md")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Prints the parity table."""
    report.show(terminalreporter.section, terminalreporter.line)
    path = config.getoption("--parity-table")
    if path is not None:
        report.write(path)
