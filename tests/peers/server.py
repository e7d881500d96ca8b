"""`linden-trainer serve` in a tree of its own, and the messages of SageMaker's records by Google's protobuf."""

import contextlib
import os
import pathlib
import queue
import re
import signal
import struct
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import requests
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PATIENCE_SECS = 60
MAGIC = 0xCED7230A


class Server:
    """A server that runs."""

    def __init__(self, process: subprocess.Popen[str], root: pathlib.Path) -> None:
        self.process, self.root = process, root
        self.log: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.port = int(re.search(r"0\.0\.0\.0:(\d+)", self.wait_for("Listening on "))[1])

    def _read(self) -> None:
        for line in self.process.stderr:
            self._lines.put(line)
        self._lines.put(None)

    def wait_for(self, part: str) -> str:
        """The line of the log that has `part`."""
        while True:
            try:
                line = self._lines.get(timeout=PATIENCE_SECS)
            except queue.Empty:
                line = None
            assert line is not None, f"no line with {part!r}: {self.log}"
            self.log.append(line)
            if part in self.log[-1]:
                return self.log[-1]

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def ask(self, body: bytes | str, content_type: str = "text/csv", accept: str | None = None) -> requests.Response:
        """An invocation."""
        headers = {"Content-Type": content_type} | ({"Accept": accept} if accept else {"Accept": "*/*"})
        data = body.encode() if isinstance(body, str) else body
        return requests.post(self.url("/invocations"), data=data, headers=headers, timeout=PATIENCE_SECS)

    def answer(self, body: bytes | str, content_type: str = "text/csv", accept: str | None = None) -> bytes:
        """The body of an invocation that goes well."""
        reply = self.ask(body, content_type, accept)
        assert reply.status_code == 200, (reply.status_code, reply.text)
        return reply.content

    def stop(self) -> int:
        """Asks it to end, and gives its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECS)


@contextlib.contextmanager
def serving(trainer: pathlib.Path, root: pathlib.Path, **variables: str) -> Iterator[Server]:
    """A server of the models below `root`; it ends with the block."""
    environment = os.environ | {"SAGEMAKER_BASE_DIR": str(root), "SAGEMAKER_BIND_TO_PORT": "0"} | variables
    command = [trainer, "serve"]
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield Server(process, root)
    finally:
        process.kill()
        process.wait(PATIENCE_SECS)


def _record_class() -> type:
    """`aialgs.data.Record`, as far as models of trees use it."""
    file = descriptor_pb2.FileDescriptorProto(name="aialgs.proto", package="aialgs.data", syntax="proto2")
    one, many, message = 1, 3, 11

    def tensor(name: str, kind: int) -> None:
        added = file.message_type.add(name=name)
        for field, number, its_kind in (("values", 1, kind), ("keys", 2, 4), ("shape", 3, 4)):
            made = added.field.add(name=field, number=number, type=its_kind, label=many)
            made.options.packed = True

    tensor("Float32Tensor", 2)
    tensor("Float64Tensor", 1)
    tensor("Int32Tensor", 5)
    value = file.message_type.add(name="Value")
    value.oneof_decl.add(name="value")
    for field, number, kind in (("float32_tensor", 2, "Float32Tensor"), ("float64_tensor", 3, "Float64Tensor"), ("int32_tensor", 7, "Int32Tensor")):
        value.field.add(name=field, number=number, type=message, label=one, type_name=f".aialgs.data.{kind}", oneof_index=0)
    record = file.message_type.add(name="Record")
    for field, number, entry in (("features", 1, "FeaturesEntry"), ("label", 2, "LabelEntry")):
        nested = record.nested_type.add(name=entry)
        nested.options.map_entry = True
        nested.field.add(name="key", number=1, type=9, label=one)
        nested.field.add(name="value", number=2, type=message, label=one, type_name=".aialgs.data.Value")
        record.field.add(name=field, number=number, type=message, label=many, type_name=f".aialgs.data.Record.{entry}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("aialgs.data.Record"))


Record = _record_class()


def framed(records: Sequence[object]) -> bytes:
    """Records in their frames."""
    out = b""
    for record in records:
        body = record.SerializeToString()
        out += struct.pack("<II", MAGIC, len(body)) + body + b"\0" * (-len(body) % 4)
    return out


def unframed(data: bytes) -> list[object]:
    """The records of frames."""
    records, at = [], 0
    while at < len(data):
        magic, length = struct.unpack_from("<II", data, at)
        assert magic == MAGIC
        record = Record()
        record.ParseFromString(data[at + 8 : at + 8 + length])
        records.append(record)
        at += 8 + length + -length % 4
    return records


def dense_records(rows: np.ndarray, kind: str = "float32_tensor") -> bytes:
    """A record a row, with a label that nobody needs."""
    records = []
    for row in rows:
        record = Record()
        getattr(record.features["values"], kind).values.extend(row.tolist())
        record.label["values"].float32_tensor.values.append(1.0)
        records.append(record)
    return framed(records)


def sparse_records(rows: np.ndarray) -> bytes:
    """A record a row, of what is not missing."""
    records = []
    for row in rows:
        tensor = (record := Record()).features["values"].float32_tensor
        present = np.flatnonzero(~np.isnan(row))
        tensor.values.extend(row[present].tolist())
        tensor.keys.extend(present.tolist())
        tensor.shape.append(len(row))
        records.append(record)
    return framed(records)


def csv_of(rows: np.ndarray) -> str:
    """Rows without a label; what is missing is empty."""
    cell = lambda value: "" if np.isnan(value) else repr(float(value))  # noqa: E731
    return "\n".join(",".join(map(cell, row)) for row in rows)


def libsvm_of(rows: np.ndarray) -> str:
    """Rows of what is not missing."""
    line = lambda row: " ".join(f"{at}:{float(value)!r}" for at, value in enumerate(row) if not np.isnan(value))  # noqa: E731
    return "\n".join(f"0 {line(row)}" for row in rows)


def values_of(records: Sequence[object]) -> list[Mapping[str, list[float]]]:
    """What records hold, by key."""
    return [{key: list(value.float32_tensor.values) for key, value in record.label.items()} for record in records]
