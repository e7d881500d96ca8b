"""One measure of accuracy for all, from predictions: AUC, RMSE or the logarithmic loss of classes.

A program of its own: `score.py WORK_OBJECTIVE VALIDATION_TABLE PREDICTIONS` prints one number. Higher is better for AUC only.
"""

import pathlib
import sys

import numpy as np

METRICS = {"binary:logistic": "AUC", "reg:squarederror": "RMSE", "multi:softprob": "mlogloss"}


def auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """The area under the ROC curve by rank sums, ties at their mean rank; `(n,)` each."""
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[places]
    n_positive = float((labels == 1).sum())
    n_negative = len(labels) - n_positive
    if n_positive == 0 or n_negative == 0:
        return float("nan")
    return float((ranks[labels == 1].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def rmse(labels: np.ndarray, predictions: np.ndarray) -> float:
    """The root of the mean squared error; `(n,)` each."""
    return float(np.sqrt(np.mean((predictions.astype(np.float64) - labels) ** 2)))


def mlogloss(labels: np.ndarray, predictions: np.ndarray) -> float:
    """The mean logarithmic loss; labels `(n,)`, probabilities `(n, n_classes)`."""
    told = predictions.reshape(len(labels), -1)[np.arange(len(labels)), labels.astype(np.int64)]
    return float(-np.mean(np.log(np.maximum(told.astype(np.float64), 1e-15))))


def labels_of(path: pathlib.Path) -> np.ndarray:
    """The first field of every row."""
    if path.suffix == ".parquet":
        import pyarrow.parquet  # noqa: PLC0415

        return pyarrow.parquet.read_table(path, columns=["label"]).column(0).to_numpy()
    with path.open("rb") as file:
        return np.array([float(line.replace(b",", b" ", 1).split(None, 1)[0]) for line in file])


def main() -> None:
    """Prints the number."""
    objective, table, predictions = sys.argv[1:]
    measure = {"AUC": auc, "RMSE": rmse, "mlogloss": mlogloss}[METRICS[objective]]
    value = measure(labels_of(pathlib.Path(table)), np.load(predictions))
    sys.stdout.write(f"{value!r}\n")


if __name__ == "__main__":
    main()
