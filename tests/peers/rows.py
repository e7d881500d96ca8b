"""The rows of the ten that `Local.create` trains on, and what is predicted for them."""

import io
import pathlib
import tarfile

import numpy as np
import xgboost

from local_server import TABLE, Local

ROWS = [[float(cell) for cell in line.split(",")[1:]] for line in TABLE.splitlines()]
CSV = "".join(",".join(f"{cell:g}" for cell in row) + "\n" for row in ROWS)


def transform_of(name: str, model: str) -> dict:
    """The request of a transform job over the rows, which lie below `rows/`."""
    return {
        "TransformJobName": name,
        "ModelName": model,
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://planning/rows/"}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        "TransformOutput": {"S3OutputPath": f"s3://planning/{name}", "AssembleWith": "Line", "Accept": "text/csv"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }


def predicted_with(local: Local, job: str, folder: pathlib.Path) -> np.ndarray:
    """What XGBoost predicts for the rows with a job's model."""
    body = local.s3.get_object(Bucket="planning", Key=f"out/{job}/output/model.tar.gz")["Body"].read()
    path = folder / "model.ubj"
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        path.write_bytes(tar.extractfile("xgboost-model").read())
    return xgboost.Booster(model_file=str(path)).predict(xgboost.DMatrix(np.array(ROWS, dtype=np.float32)))


def numbers(text: bytes) -> np.ndarray:
    """The numbers of a CSV answer."""
    return np.array([float(it) for it in text.decode().replace("\n", ",").split(",") if it], dtype=np.float32)
