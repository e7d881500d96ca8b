"""What every driver shares: the request, the phases, the reading of CSV and Parquet by Arrow.

A driver is a program: `driver.py train SPEC` learns, evaluates both tables after each round, writes the model and ends
with one line of JSON, the seconds of its phases. `driver.py predict SPEC` writes the model's predictions for the validation
table; that run is not timed. Invariant: a driver chooses what is fastest for its library, never what is computed.
"""

import json
import sys
import time
from dataclasses import dataclass, field
from types import SimpleNamespace

PHASES = ("load", "bin", "train", "save")


@dataclass
class Phases:
    """Seconds by phase, measured from one call to the next."""

    seconds: dict[str, float] = field(default_factory=dict)
    last: float = field(default_factory=time.perf_counter)

    def done(self, phase: str) -> None:
        """Books the time since the last call under `phase`."""
        now = time.perf_counter()
        self.seconds[phase] = self.seconds.get(phase, 0.0) + now - self.last
        self.last = now

    def report(self) -> None:
        """Ends a training run: one line on standard output."""
        sys.stdout.write(json.dumps({"phases": self.seconds}) + "\n")


def request() -> tuple[str, SimpleNamespace]:
    """The verb and the spec of this run."""
    verb, text = sys.argv[1:]
    return verb, SimpleNamespace(**json.loads(text))


def read_table(path: str, file_format: str, threads: int):
    """The file as an Arrow table of f32 columns, label first."""
    import pyarrow as pa  # noqa: PLC0415

    pa.set_cpu_count(threads)
    if file_format == "parquet":
        import pyarrow.parquet as pq  # noqa: PLC0415

        return pq.read_table(path)
    import pyarrow.csv as pc  # noqa: PLC0415

    with open(path, "rb") as file:
        names = [f"f{number}" for number in range(file.readline().count(b",") + 1)]
    return pc.read_csv(
        path,
        read_options=pc.ReadOptions(column_names=names, block_size=4 << 20),
        convert_options=pc.ConvertOptions(column_types={name: pa.float32() for name in names}),
    )


def to_numpy(table):
    """`(labels (n,), features (n, n_features))`, the features column by column, with NaN for a missing cell."""
    import numpy as np  # noqa: PLC0415

    features = np.empty((table.num_rows, table.num_columns - 1), dtype=np.float32, order="F")
    for number in range(1, table.num_columns):
        first = 0
        for chunk in table.column(number).chunks:
            features[first : first + len(chunk), number - 1] = chunk.to_numpy(zero_copy_only=False)
            first += len(chunk)
    return table.column(0).to_numpy(), features
