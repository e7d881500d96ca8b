"""Channels straight from S3: the trainer with its AWS SDK against moto's S3 and `linden local`, filled by boto3."""

import gzip
import io
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from boto3.s3.transfer import TransferConfig
from moto.server import ThreadedMotoServer

from ml_root import MlRoot
from server import Record, framed
from stores import KEYS, Authority, client, moto_behind_tls
from test_local import Local

PARAMETERS = {"objective": "reg:squarederror", "num_round": 5, "nthread": 2}
BUCKET = "lake"
MIB = 1 << 20
# A process's peak memory starts at its parent's; this parent is small.
MEASURE = pathlib.Path(__file__).parents[1] / "bench" / "measure.py"
# What is asked for before it is used, and what connections and the SDK take: src/trainer/data/ranges.rs has the first.
MORE_BYTES = 96 * MIB


@pytest.fixture(scope="module")
def moto() -> Iterator[tuple[str, object]]:
    """moto's S3 with a bucket: its address and a client."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    yield endpoint, client(endpoint, BUCKET)
    server.stop()


def values(n_rows: int) -> np.ndarray:
    """A label and six features."""
    random = np.random.default_rng(7)
    features = random.normal(size=(n_rows, 6)).astype(np.float32).round(3)
    label = (features[:, 0] * 2 + (features[:, 1] > 0)).astype(np.float32).round(3)
    return np.column_stack([label, features])


def as_csv(table: np.ndarray) -> bytes:
    return b"".join(b",".join(b"%.3f" % cell for cell in row) + b"\n" for row in table)


def as_libsvm(table: np.ndarray) -> bytes:
    rows = (" ".join([f"{row[0]:.3f}", *(f"{at}:{cell:.3f}" for at, cell in enumerate(row[1:]))]) for row in table)
    return ("\n".join(rows) + "\n").encode()


def as_parquet(table: np.ndarray) -> bytes:
    names = ["label", *(f"f{at}" for at in range(table.shape[1] - 1))]
    bytes_ = io.BytesIO()
    pq.write_table(pa.table(list(table.T.astype(np.float32)), names=names), bytes_, row_group_size=len(table) // 3)
    return bytes_.getvalue()


def as_records(table: np.ndarray) -> bytes:
    records = []
    for row in table:
        record = Record()
        record.label["values"].float32_tensor.values.append(row[0].item())
        record.features["values"].float32_tensor.values.extend(row[1:].tolist())
        records.append(framed([record]))
    return b"".join(records)


FORMATS = {
    "csv": ("text/csv", as_csv),
    "libsvm": ("text/libsvm", as_libsvm),
    "parquet": ("application/x-parquet", as_parquet),
    "gzip": ("text/csv", lambda table: gzip.compress(as_csv(table), 1)),
    "records": ("application/x-recordio-protobuf", as_records),
}


def trained(
    trainer: pathlib.Path, folder: pathlib.Path, *, streamed: Mapping[str, str] | None = None, files: dict[str, bytes] | None = None
) -> tuple[bytes, int]:
    """The model of a job and the most memory that it took, in bytes."""
    tree = MlRoot(folder)
    tree.hyperparameters(PARAMETERS)
    for name, content in (files or {}).items():
        tree.channel("train", content, name)
    environment = os.environ | KEYS | {"SAGEMAKER_BASE_DIR": str(folder)} | (streamed or {})
    out, err = folder / "out", folder / "err"
    command = [sys.executable, "-I", "-S", MEASURE, out, err, trainer, "train"]
    told = json.loads(subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout)
    assert told["code"] == 0, err.read_text()
    return (folder / "model" / "xgboost-model").read_bytes(), int(told["peak_mb"] * MIB)


def variables(endpoint: str, prefix: str, content_type: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "LINDEN_CHANNEL_TRAIN": f"s3://{BUCKET}/{prefix}",
        "LINDEN_CONTENT_TYPE_TRAIN": content_type,
    }


@pytest.mark.parametrize("name", FORMATS)
def test_an_object_in_motos_s3_gives_the_model_of_a_file(
    name: str, moto: tuple[str, object], trainer: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    endpoint, s3 = moto
    content_type, written = FORMATS[name]
    content = written(values(60_000))
    # In parts of 5 MiB: the entity tag is no digest of the object then.
    in_parts = TransferConfig(multipart_threshold=MIB, multipart_chunksize=5 * MIB)
    s3.upload_fileobj(io.BytesIO(content), BUCKET, f"{name}/part-0", Config=in_parts)
    s3.put_object(Bucket=BUCKET, Key=f"{name}/_SUCCESS", Body=b"")
    expected, _ = trained(trainer, tmp_path / "file", files={content_type: content})
    streamed, _ = trained(trainer, tmp_path / "s3", streamed=variables(endpoint, f"{name}/", content_type))
    assert streamed == expected


def test_more_than_a_page_of_objects_is_read(moto: tuple[str, object], trainer: pathlib.Path, tmp_path: pathlib.Path) -> None:
    endpoint, s3 = moto
    table = values(1100)
    for at, row in enumerate(table):
        s3.put_object(Bucket=BUCKET, Key=f"many/{at:05}.csv", Body=as_csv(row[None, :]))
    expected, _ = trained(trainer, tmp_path / "file", files={"text/csv": as_csv(table)})
    streamed, _ = trained(trainer, tmp_path / "s3", streamed=variables(endpoint, "many/", "text/csv"))
    assert streamed == expected


@pytest.mark.parametrize("name", ["csv", "gzip", "parquet"])
def test_memory_does_not_grow_with_the_object(
    name: str, linden: pathlib.Path, trainer: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content_type, written = FORMATS[name]
    # Some hundred MB of CSV.
    once = as_csv(values(100_000))
    if name == "parquet":
        content = written(np.tile(values(100_000), (40, 1)))
    else:
        content = once * 40 if name == "csv" else gzip.compress(once * 40, 1)
    local = Local(linden, trainer, tmp_path)
    try:
        local.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        local.s3.upload_fileobj(io.BytesIO(content), BUCKET, "large/part-0")
        expected, with_file = trained(trainer, tmp_path / "file", files={content_type: content})
        streamed, with_s3 = trained(trainer, tmp_path / "s3", streamed=variables(local.endpoint, "large/", content_type))
    finally:
        local.down()
    with capsys.disabled():
        print(f"\n{name}, object of {len(content) / MIB:.0f} MiB: {with_s3 / MIB:.0f} MiB from S3, {with_file / MIB:.0f} MiB from a file")
    assert streamed == expected
    assert with_s3 <= with_file + MORE_BYTES


def test_a_store_behind_tls_is_read_where_its_certificate_is_trusted(trainer: pathlib.Path, tmp_path: pathlib.Path) -> None:
    content = as_csv(values(500))
    expected, _ = trained(trainer, tmp_path / "file", files={"text/csv": content})
    with moto_behind_tls(tmp_path) as (endpoint, trusted):
        client(endpoint, "behind-tls", verify=str(trusted)).put_object(Bucket="behind-tls", Key="train/part-0", Body=content)
        streamed = variables(endpoint, "train/", "text/csv") | {"LINDEN_CHANNEL_TRAIN": "s3://behind-tls/train/"}
        model, _ = trained(trainer, tmp_path / "s3", streamed=streamed | {"SSL_CERT_FILE": str(trusted)})
        assert model == expected
        tree = MlRoot(tmp_path / "other")
        tree.hyperparameters(PARAMETERS)
        other = {"SSL_CERT_FILE": str(Authority().trusted(tmp_path / "other.pem"))}
        environment = os.environ | KEYS | {"SAGEMAKER_BASE_DIR": str(tree.path)} | streamed | other
        refused = subprocess.run([trainer, "train"], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 1
    reason = (tree.path / "output/failure").read_text(encoding="utf-8")
    assert "the certificate of whoever answered is not trusted" in reason and "SSL_CERT_FILE" in reason, reason
