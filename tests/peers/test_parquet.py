"""A table that pyarrow wrote as Parquet trains the model that the same table trains as CSV, byte for byte."""

import decimal
import io
import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml_root import Finished, MlRoot

N_ROWS = 3000
TYPE = "application/x-parquet"
JOB = {"num_round": 6, "max_depth": 5, "objective": "reg:squarederror"}


def columns() -> dict[str, pa.Array]:
    """A label and features of many types, with nulls as pandas leaves them: NaN that becomes null, and nullable integers."""
    rng = np.random.default_rng(5)
    gaps = rng.random(N_ROWS) < 0.1
    numbers = rng.normal(size=N_ROWS).astype(np.float32)
    price = rng.integers(0, 100_000, size=N_ROWS)
    hour = rng.integers(0, 24, size=N_ROWS)
    busy = rng.random(N_ROWS) < 0.3
    label = (hour / 4 + 3 * busy + numbers + price / 50_000).astype(np.float32)
    return {
        "label": pa.array(label),
        "hour": pa.array(hour.astype(np.int8)),
        "number": pa.array(np.where(gaps, np.float32("nan"), numbers), from_pandas=True),
        "kept_nan": pa.array(np.where(gaps, np.nan, numbers.astype(np.float64))),
        "visits": pa.array([None if gap else int(it) for gap, it in zip(gaps, price, strict=True)], type=pa.int64()),
        "size": pa.array(price.astype(np.uint32)),
        "busy": pa.array(busy),
        "price": pa.array([decimal.Decimal(int(it)).scaleb(-2) for it in price], type=pa.decimal128(12, 2)),
        "level": pa.array((hour // 6).astype(np.float64)).dictionary_encode(),
        "half": pa.array((hour / 8).astype(np.float16)),
        "nothing": pa.nulls(N_ROWS),
    }


TABLE = pa.table(columns())
NAMES = TABLE.column_names[1:]


def as_csv(table: pa.Table) -> str:
    def text(value: object) -> str:
        if value is None or value != value:  # noqa: PLR0124
            return ""
        return repr(float(value)) if isinstance(value, (bool, float, np.floating)) else str(value)

    return "".join(",".join(map(text, row.values())) + "\n" for row in table.to_pylist())


def as_parquet(table: pa.Table, **settings: object) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **settings)
    return buffer.getvalue()


def train(trainer: pathlib.Path, root: pathlib.Path, files: list[bytes], **more: object) -> Finished:
    tree = MlRoot(root)
    tree.hyperparameters(JOB | more)
    tree.channel("train", files[0], TYPE)
    for number, content in enumerate(files[1:], 1):
        (root / "input" / "data" / "train" / f"part-{number}").write_bytes(content)
    return tree.train(trainer)


def model(done: Finished) -> bytes:
    assert done.code == 0, done.failure or done.stderr
    return done.model.read_bytes()


@pytest.fixture(scope="module")
def expected(trainer: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The model of the table as CSV."""
    tree = MlRoot(tmp_path_factory.mktemp("csv"))
    tree.hyperparameters(JOB | {"feature_names": ",".join(NAMES)})
    tree.channel("train", as_csv(TABLE))
    return model(tree.train(trainer))


PLAIN = {"use_dictionary": False}
SETTINGS = {
    "defaults": {},
    "no compression": {"compression": "none"} | PLAIN,
    "snappy": {"compression": "snappy", "row_group_size": 700},
    "zstd": {"compression": "zstd", "row_group_size": 1000} | PLAIN,
    "gzip": {"compression": "gzip", "data_page_size": 1000, "write_batch_size": 64},
    "lz4": {"compression": "lz4", "data_page_version": "2.0"},
    "second version pages": {"data_page_version": "2.0", "data_page_size": 500, "write_batch_size": 32},
    "old version": {"version": "1.0", "compression": "snappy"},
    "streams of bytes": {"use_byte_stream_split": ["number", "kept_nan"]} | PLAIN,
    "differences": {"column_encoding": {"hour": "DELTA_BINARY_PACKED", "visits": "DELTA_BINARY_PACKED"}} | PLAIN,
    "checksums": {"write_page_checksum": True, "row_group_size": 512},
    "decimals as integers": {"store_decimal_as_integer": True},
    "page index": {"write_page_index": True, "row_group_size": 900},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_parquet_trains_what_csv_trains(name: str, trainer: pathlib.Path, tmp_path: pathlib.Path, expected: bytes) -> None:
    assert model(train(trainer, tmp_path, [as_parquet(TABLE, **SETTINGS[name])])) == expected


def test_several_files_are_one_table(trainer: pathlib.Path, tmp_path: pathlib.Path, expected: bytes) -> None:
    parts = [(0, 1), (1, 999), (1000, 2000)]
    files = [as_parquet(TABLE.slice(first, length), compression="zstd") for first, length in parts]
    assert model(train(trainer, tmp_path, files)) == expected


def test_the_index_of_a_data_frame_is_left_out(trainer: pathlib.Path, tmp_path: pathlib.Path, expected: bytes) -> None:
    index = pa.array(np.random.default_rng(1).permutation(N_ROWS))
    frame = TABLE.append_column("__index_level_0__", index)
    assert model(train(trainer, tmp_path, [as_parquet(frame)])) == expected


def test_weights_stand_in_the_second_column(trainer: pathlib.Path, tmp_path: pathlib.Path) -> None:
    weights = pa.array(np.random.default_rng(2).integers(0, 4, size=N_ROWS).astype(np.float64))
    weighted = TABLE.add_column(1, "weight", weights)
    tree = MlRoot(tmp_path / "csv")
    tree.hyperparameters(JOB | {"feature_names": ",".join(NAMES), "csv_weights": 1})
    tree.channel("train", as_csv(weighted))
    as_text = model(tree.train(trainer))
    assert model(train(trainer, tmp_path / "parquet", [as_parquet(weighted)], csv_weights=1)) == as_text


REFUSED = {
    "bytes": (pa.array([b"red"] * N_ROWS), {}, "column 12 (`odd`): the column holds bytes or text, expected numbers"),
    "dates": (pa.array([0] * N_ROWS, type=pa.date32()), {}, "column 12 (`odd`): the column holds dates"),
    "timestamps": (pa.array([0] * N_ROWS, type=pa.timestamp("ns")), {}, "column 12 (`odd`): the column holds timestamps"),
    "lists": (pa.array([[1]] * N_ROWS), {}, "column 12 (`odd`): the column is nested or repeated"),
    "structs": (pa.array([{"a": 1}] * N_ROWS), {}, "column 12 (`odd`): the column is nested or repeated"),
    "brotli": (pa.array([1] * N_ROWS), {"compression": "brotli"}, "the column is compressed with BROTLI"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_number_is_refused_by_name(name: str, trainer: pathlib.Path, tmp_path: pathlib.Path) -> None:
    odd, settings, reason = REFUSED[name]
    done = train(trainer, tmp_path, [as_parquet(TABLE.append_column("odd", odd), **settings)])
    assert done.code == 1
    assert done.failure.startswith("UserError: train/part-0, ")
    assert reason in done.failure.splitlines()[0]
