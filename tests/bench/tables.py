"""Makes the tables of the works, each once, under the cache folder.

Invariants: a table is decided by its kind, its size and the seed, so every machine times the same rows; a folder that is
there is whole, since it is filled under another name and then renamed. Nothing of it is ever committed.
"""

import argparse
import os
import pathlib
import shutil
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

import flights
from works import Table

# Part of every folder's name: a generator that changes must raise it, or old tables would be timed.
GENERATION = 1
SEED = 20_261_123
CHUNK_ROWS = 50_000
TRAIN, VALIDATION = "train", "validation"

N_CLASSES = 7
N_ONEHOT_FIELDS = 30


def cache() -> pathlib.Path:
    """The folder of everything that can be made again."""
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "linden" / "bench"


def folder(table: Table) -> pathlib.Path:
    """Where a table lies, made or not: `train.<format>` and `validation.<format>`."""
    name = f"{table.kind}-{table.n_rows}x{table.n_features}-{table.file_format}-g{GENERATION}"
    return cache() / "tables" / name


def make(table: Table) -> pathlib.Path:
    """The table's folder, filled if it was not there."""
    target = folder(table)
    if target.is_dir():
        return target
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for part, n_rows in ((TRAIN, table.n_rows), (VALIDATION, max(table.n_validation, 2))):
        write(partial / f"{part}.{table.file_format}", table, chunks(table, part, n_rows))
    partial.rename(target)
    return target


def chunks(table: Table, part: str, n_rows: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields `(labels (n,), features (n, n_features))` until `n_rows` rows are out.

    Each chunk has a generator of its own, keyed by part and number: a longer table starts with the shorter one's rows.
    """
    if table.kind == "flights":
        yield from flights.chunks(part, n_rows, CHUNK_ROWS)
        return
    generate = GENERATORS[table.kind]
    for number, first in enumerate(range(0, n_rows, CHUNK_ROWS)):
        rng = np.random.default_rng([SEED, part == VALIDATION, number])
        labels, features = generate(rng, CHUNK_ROWS, table.n_features)
        n = min(CHUNK_ROWS, n_rows - first)
        yield labels[:n], features[:n]


def logistic(rng: np.random.Generator, margin: np.ndarray) -> np.ndarray:
    """Labels 0 and 1 with the odds `exp(margin)`."""
    return (rng.random(len(margin)) < 1.0 / (1.0 + np.exp(-margin))).astype(np.int32)


def higgs(rng: np.random.Generator, n: int, n_features: int) -> tuple[np.ndarray, np.ndarray]:
    """The shape of UCI HIGGS: momenta, angles, few-valued tags, then masses made from them; a signal hides in the masses."""
    assert n_features == 28
    momentum = np.exp(rng.normal(0.0, 0.55, (n, 7)))
    eta = rng.normal(0.0, 1.0, (n, 6))
    phi = rng.uniform(-1.75, 1.75, (n, 5))
    tag = rng.choice([0.0, 1.0865, 2.1731], (n, 3), p=[0.5, 0.25, 0.25])
    pairs = ((0, 1), (1, 2), (2, 3), (3, 4), (0, 4), (1, 3), (0, 2))
    mass = np.stack(
        [
            np.sqrt(momentum[:, a] * momentum[:, b] * (np.cosh(eta[:, a] - eta[:, b]) - np.cos(phi[:, a] - phi[:, b])) + 0.01)
            for a, b in pairs
        ],
        axis=1,
    )
    mass *= np.exp(rng.normal(0.0, 0.1, mass.shape))
    resonance = np.exp(-(((mass[:, 0] - 1.2) / 0.35) ** 2)) + 0.8 * np.exp(-(((mass[:, 3] - 0.9) / 0.3) ** 2))
    margin = (
        2.2 * resonance
        - 0.9 * np.log(mass[:, 5])
        + 0.7 * (tag[:, 0] > 1.0) * (momentum[:, 3] > 1.0)
        - 0.5 * np.abs(eta[:, 1] * eta[:, 2])
        + 0.6 * np.sin(2.0 * phi[:, 1]) * (mass[:, 6] > 1.3)
        + 0.4 * momentum[:, 5]
        - 1.0
    )
    features = np.concatenate([momentum, eta, phi, tag, mass], axis=1).astype(np.float32)
    return logistic(rng, margin), features


def gaps(rng: np.random.Generator, n: int, n_features: int) -> tuple[np.ndarray, np.ndarray]:
    """The table of `higgs` with a fifth of its values missing, wherever they are."""
    labels, features = higgs(rng, n, n_features)
    features[rng.random(features.shape, dtype=np.float32) < 0.2] = np.nan
    return labels, features


def wide(rng: np.random.Generator, n: int, n_features: int) -> tuple[np.ndarray, np.ndarray]:
    """Normal columns of which 60 matter, in pairs and beyond thresholds. Two decimals, as sensors write them."""
    features = rng.standard_normal((n, n_features), dtype=np.float32).round(2)
    weights = np.random.default_rng(SEED).normal(0.0, 1.0, 60)
    told = features[:, :60].astype(np.float64)
    margin = 0.5 * ((told[:, :30] > 0.3) @ weights[:30]) + 0.4 * ((told[:, :30] * told[:, 30:]) @ weights[30:])
    return logistic(rng, margin - 0.2), features


def classes(rng: np.random.Generator, n: int, n_features: int) -> tuple[np.ndarray, np.ndarray]:
    """The shape of UCI Covertype: ten whole numbers, one field of 4 and one of 40 one-hot columns, seven uneven classes."""
    assert n_features == 54
    fixed = np.random.default_rng(SEED)
    numbers = np.round(rng.normal(0.0, 1.0, (n, 10)) * 300.0 + 2000.0)
    area = rng.integers(0, 4, n)
    soil = np.minimum(rng.zipf(1.3, n) - 1, 39)
    scaled = (numbers - 2000.0) / 300.0
    scores = scaled @ fixed.normal(0.0, 1.0, (10, N_CLASSES))
    scores += np.abs(scaled[:, :5]) @ fixed.normal(0.0, 1.2, (5, N_CLASSES))
    scores += fixed.normal(0.0, 1.0, (4, N_CLASSES))[area] + fixed.normal(0.0, 1.0, (40, N_CLASSES))[soil]
    scores += fixed.normal(0.0, 1.5, N_CLASSES) + rng.gumbel(0.0, 1.0, (n, N_CLASSES))
    features = np.zeros((n, n_features), dtype=np.float32)
    features[:, :10] = numbers
    features[np.arange(n), 10 + area] = 1.0
    features[np.arange(n), 14 + soil] = 1.0
    return scores.argmax(axis=1).astype(np.int32), features


def onehot_cardinalities(n_features: int) -> np.ndarray:
    """How many columns each of the 30 fields has: from 2 upwards by a fixed ratio, together `n_features`."""
    shape = np.geomspace(2.0, n_features / 4.0, N_ONEHOT_FIELDS)
    sizes = np.maximum(2, np.floor(shape * n_features / shape.sum())).astype(np.int64)
    sizes[-1] += n_features - sizes.sum()
    return sizes


def onehot(rng: np.random.Generator, n: int, n_features: int) -> tuple[np.ndarray, np.ndarray]:
    """Thirty categories a row, common ones first. `features` holds the column numbers, `(n, 30)` ascending."""
    sizes = onehot_cardinalities(n_features)
    offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    weights = np.random.default_rng(SEED).normal(0.0, 0.45, n_features)
    # A power of a uniform number crowds the low codes, as names and places do.
    codes = np.floor(rng.random((n, N_ONEHOT_FIELDS)) ** 3 * sizes).astype(np.int64)
    columns = offsets + codes
    margin = weights[columns].sum(axis=1) + 0.8 * (codes[:, 0] ^ codes[:, 1] & 1)
    return logistic(rng, margin), columns


GENERATORS = {"higgs": higgs, "gaps": gaps, "wide": wide, "classes": classes, "onehot": onehot}


def write(path: pathlib.Path, table: Table, parts: Iterator[tuple[np.ndarray, np.ndarray]]) -> None:
    """Writes the rows, label first; NaN is an empty cell, a null, or nothing."""
    if table.file_format == "libsvm":
        write_libsvm(path, parts)
        return
    names = ["label", *(f"f{number}" for number in range(table.n_features))]
    schema = pa.schema([(names[0], pa.float32()), *((name, pa.float32()) for name in names[1:])])
    if table.file_format == "parquet":
        writer = pa.parquet.ParquetWriter(path, schema)
    else:
        options = pa.csv.WriteOptions(include_header=False)
        writer = pa.csv.CSVWriter(path, schema, write_options=options)
    with writer:
        for labels, features in parts:
            columns = [labels.astype(np.float32), *np.asfortranarray(features, dtype=np.float32).T]
            arrays = [pa.array(column, from_pandas=True) for column in columns]
            writer.write_table(pa.table(arrays, schema=schema))


def write_libsvm(path: pathlib.Path, parts: Iterator[tuple[np.ndarray, np.ndarray]]) -> None:
    """Writes `label index:1 index:1 ...`, indexes from 0."""
    with path.open("w", encoding="ascii") as file:
        for labels, columns in parts:
            for label, row in zip(labels.tolist(), columns.tolist(), strict=True):
                file.write(f"{label} {' '.join([f'{column}:1' for column in row])}\n")


def main() -> None:
    """Makes the tables of the works that are named, on the standard library's terms: one argument a work."""
    from works import BY_NAME  # noqa: PLC0415

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("work", nargs="+", choices=sorted(BY_NAME))
    arguments = parser.parse_args()
    for name in arguments.work:
        work = BY_NAME[name].quick() if arguments.quick else BY_NAME[name]
        print(make(work.table))


if __name__ == "__main__":
    main()
