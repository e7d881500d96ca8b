"""What a job of the clients' tests is asked, and XGBoost's word on what came out of it."""

import io
import pathlib
import tarfile
from urllib.parse import urlparse

import boto3
import numpy as np
import xgboost

from rows import ROWS

HYPERPARAMETERS = {"objective": "reg:squarederror", "num_round": 5, "max_depth": 2}
ENDLESS = HYPERPARAMETERS | {"num_round": 100_000_000}
# Beyond what the hyperparameter may be, which the trainer says and not the client.
MISTAKEN = HYPERPARAMETERS | {"eta": -1}
METRIC = {"Name": "validation:rmse", "Regex": r".*\[[0-9]+\].*#011validation-rmse:([-+]?[0-9.]+).*"}
# Settings of a tuner, which both versions of the SDK name alike.
TUNING = {"metric_definitions": [METRIC], "strategy": "Random", "objective_type": "Minimize", "max_jobs": 3, "max_parallel_jobs": 3}
CHANNELS = ("train", "validation")
TRAIN = "s3://planning/train/"
PATIENCE_SECS = 60


def booster(archive: str) -> xgboost.Booster:
    """The model in a model.tar.gz at an address of S3's or a file's, as XGBoost loads it."""
    address = urlparse(archive)
    if address.scheme == "s3":
        body = boto3.client("s3").get_object(Bucket=address.netloc, Key=address.path.lstrip("/"))["Body"].read()
    else:
        body = pathlib.Path(address.path).read_bytes()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return xgboost.Booster(model_file=bytearray(tar.extractfile("xgboost-model").read()))


def predicted(archive: str) -> np.ndarray:
    """What XGBoost predicts for the table's rows with a model of five rounds."""
    model = booster(archive)
    assert model.num_boosted_rounds() == HYPERPARAMETERS["num_round"]
    return model.predict(xgboost.DMatrix(np.array(ROWS, dtype=np.float32)))
