"""Channels that other programs wrote: records by Google's protobuf, gzip and zstd by Python and pyarrow, and a pipe.

The model is that of the same table as CSV, byte for byte.
"""

import gzip
import json
import os
import pathlib
import struct
import threading

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from ml_root import Finished, MlRoot

N_ROWS = 4000
JOB = {"num_round": 5, "max_depth": 5, "objective": "reg:squarederror"}
RECORDS = "application/x-recordio-protobuf"
RNG = np.random.default_rng(11)
FEATURES = RNG.normal(size=(N_ROWS, 6)).astype(np.float32)
FEATURES[RNG.random(FEATURES.shape) < 0.1] = np.nan
LABELS = (np.nan_to_num(FEATURES[:, 0]) * 2 + (np.nan_to_num(FEATURES[:, 1]) > 0)).astype(np.float32)


def record_type() -> type:
    """`aialgs.data.Record`, made from its description: fields and numbers as Amazon's record.proto has them."""
    kind = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="record.proto", package="aialgs.data", syntax="proto2")

    def message(name: str, fields: list[tuple]) -> None:
        made = file.message_type.add(name=name)
        for field_name, number, field_type, label, other in fields:
            field = made.field.add(name=field_name, number=number, type=field_type, label=label)
            if other.startswith("."):
                field.type_name = other
            if other == "packed":
                field.options.packed = True

    one, many = kind.LABEL_OPTIONAL, kind.LABEL_REPEATED
    for name, numbers in [("Float32", kind.TYPE_FLOAT), ("Float64", kind.TYPE_DOUBLE), ("Int32", kind.TYPE_INT32)]:
        message(
            f"{name}Tensor",
            [
                ("values", 1, numbers, many, "packed"),
                ("keys", 2, kind.TYPE_UINT64, many, "packed"),
                ("shape", 3, kind.TYPE_UINT64, many, "packed"),
            ],
        )
    tensors = [("float32_tensor", 2, "Float32"), ("float64_tensor", 3, "Float64"), ("int32_tensor", 7, "Int32")]
    message("Value", [(n, i, kind.TYPE_MESSAGE, one, f".aialgs.data.{t}Tensor") for n, i, t in tensors])
    message(
        "Record",
        [
            ("features", 1, kind.TYPE_MESSAGE, many, ".aialgs.data.Record.FeaturesEntry"),
            ("label", 2, kind.TYPE_MESSAGE, many, ".aialgs.data.Record.LabelEntry"),
            ("uid", 3, kind.TYPE_STRING, one, ""),
        ],
    )
    record = file.message_type[-1]
    for name in ("FeaturesEntry", "LabelEntry"):
        entry = record.nested_type.add(name=name)
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, type=kind.TYPE_STRING, label=one)
        entry.field.add(name="value", number=2, type=kind.TYPE_MESSAGE, label=one, type_name=".aialgs.data.Value")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("aialgs.data.Record"))


Record = record_type()


def framed(message: bytes) -> bytes:
    return struct.pack("<II", 0xCED7230A, len(message)) + message + b"\0" * (-len(message) % 4)


def dense(tensor: str, rows: np.ndarray = FEATURES) -> bytes:
    out = []
    for label, row in zip(LABELS, rows, strict=True):
        record = Record(uid="a row")
        getattr(record.features["values"], tensor).values.extend(row.tolist())
        getattr(record.label["values"], tensor).values.append(label.item())
        out.append(framed(record.SerializeToString()))
    return b"".join(out)


def sparse(matrix: scipy.sparse.csr_matrix) -> bytes:
    out = []
    for label, row in zip(LABELS, matrix, strict=True):
        record = Record()
        tensor = record.features["values"].float32_tensor
        tensor.values.extend(row.data.tolist())
        tensor.keys.extend(row.indices.tolist())
        tensor.shape.append(matrix.shape[1])
        record.label["values"].float32_tensor.values.append(label.item())
        out.append(framed(record.SerializeToString()))
    return b"".join(out)


def cells(row: np.ndarray) -> list[str]:
    return ["" if np.isnan(it) else repr(float(it)) for it in row]


CSV = "".join(f"{float(label)!r},{','.join(cells(row))}\n" for label, row in zip(LABELS, FEATURES, strict=True)).encode()


def train(trainer: pathlib.Path, root: pathlib.Path, content: bytes, content_type: str, **more: object) -> Finished:
    tree = MlRoot(root)
    tree.hyperparameters(JOB | more)
    tree.channel("train", content, content_type)
    return tree.train(trainer)


def model(done: Finished) -> bytes:
    assert done.code == 0, done.failure or done.stderr
    return done.model.read_bytes()


@pytest.fixture(scope="module")
def expected(trainer: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The model of the table as CSV."""
    return model(train(trainer, tmp_path_factory.mktemp("csv"), CSV, "text/csv"))


def zstd(content: bytes) -> bytes:
    return pa.compress(content, codec="zstd", asbytes=True)


def json_lines() -> bytes:
    rows = zip(LABELS.tolist(), FEATURES.astype(np.float64), strict=True)
    lines = ({"features": [None if np.isnan(it) else it for it in row], "label": label} for label, row in rows)
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


WAYS = {
    "float32": (lambda: dense("float32_tensor"), RECORDS),
    "float64": (lambda: dense("float64_tensor"), RECORDS),
    "gzip records": (lambda: gzip.compress(dense("float32_tensor")), RECORDS),
    "gzip": (lambda: gzip.compress(CSV[:1000]) + gzip.compress(CSV[1000:]), "text/csv"),
    "zstd": (lambda: zstd(CSV), "text/csv"),
    "json": (json_lines, "application/jsonlines"),
    "json with NaN": (lambda: json_lines().replace(b"null", b"NaN"), "application/jsonlines"),
    "json zstd": (lambda: zstd(json_lines()), "application/jsonlines"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_table_is_the_same_model_as_its_csv(
    way: str, trainer: pathlib.Path, tmp_path: pathlib.Path, expected: bytes
) -> None:
    content, content_type = WAYS[way]
    assert model(train(trainer, tmp_path, content(), content_type)) == expected


def test_whole_numbers_and_sparse_records_are_the_model_of_their_csv_and_libsvm(
    trainer: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    whole = RNG.integers(-1000, 1000, size=(N_ROWS, 6)).astype(np.int32)
    labels = np.arange(N_ROWS) % 50
    out = []
    for label, row in zip(labels, whole, strict=True):
        record = Record()
        record.features["values"].int32_tensor.values.extend(row.tolist())
        record.label["values"].int32_tensor.values.append(int(label))
        out.append(framed(record.SerializeToString()))
    text = "".join(f"{label},{','.join(map(str, row))}\n" for label, row in zip(labels, whole, strict=True))
    of_csv = model(train(trainer, tmp_path / "csv", text.encode(), "text/csv"))
    assert model(train(trainer, tmp_path / "int32", b"".join(out), RECORDS)) == of_csv

    # Some rows have no entry at all, and every eighth of the columns none either, the last among them.
    matrix = scipy.sparse.random(N_ROWS, 64, density=0.03, format="csr", dtype=np.float32, random_state=5)
    matrix = matrix.multiply(np.arange(64) % 8 != 7).tocsr()
    matrix.eliminate_zeros()
    assert np.diff(matrix.indptr).min() == 0
    lines = []
    for label, row in zip(LABELS, matrix, strict=True):
        pairs = sorted(zip(row.indices, row.data, strict=True))
        lines.append(" ".join([repr(float(label)), *(f"{key}:{float(value)!r}" for key, value in pairs)]) + "\n")
    lines[0] = lines[0].rstrip("\n") + " 63:nan\n"
    of_libsvm = model(train(trainer, tmp_path / "libsvm", "".join(lines).encode(), "text/libsvm"))
    assert model(train(trainer, tmp_path / "sparse", sparse(matrix), RECORDS)) == of_libsvm


@pytest.mark.parametrize("wrapper", ["None", "RecordIO"])
def test_a_pipe_brings_the_same_table(
    wrapper: str, trainer: pathlib.Path, tmp_path: pathlib.Path, expected: bytes
) -> None:
    tree = MlRoot(tmp_path)
    tree.hyperparameters(JOB)
    config = {"ContentType": "text/csv", "TrainingInputMode": "Pipe", "RecordWrapperType": wrapper}
    (tmp_path / "input" / "config" / "inputdataconfig.json").write_text(json.dumps({"train": config}))
    lines = CSV.splitlines(keepends=True)
    objects = [b"".join(lines[at : at + 1000]) for at in range(0, N_ROWS, 1000)]
    stream = b"".join(framed(it) if wrapper == "RecordIO" else it for it in objects)
    pipe = tmp_path / "input" / "data" / "train_0"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(stream,), daemon=True)
    writer.start()
    assert model(tree.train(trainer)) == expected
    writer.join(10)
    assert not writer.is_alive()
