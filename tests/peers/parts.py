"""A table to train on: a training and a validation part, the bytes that a channel holds of each, the same for XGBoost, and what
can be changed about it.

Invariant: the arrays hold exactly what the bytes say, so that two programs see the same numbers.
"""

import functools
import pathlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
import scipy.sparse
import xgboost as xgb

VALIDATION_SHARE = 0.25
GAP_SHARE = 0.15


@dataclass(frozen=True)
class Part:
    """Rows of a table: `features` is (n_rows, n_features), NaN (or, in a sparse matrix, what is not stored) is missing;
    `labels` is (n_rows,), or (n_rows, n_targets).
    """

    features: np.ndarray | scipy.sparse.csr_matrix
    labels: np.ndarray
    weights: np.ndarray | None = None
    # The features that hold codes of categories.
    categorical: tuple[int, ...] = ()
    # How often a feature is drawn where some are, for each of them.
    chances: tuple[float, ...] = ()
    # Where labels are the lower ends of intervals; infinity is no end.
    upper_bounds: np.ndarray | None = None
    # The query of each row, where rows are ranked; rows of a query are adjacent and weigh the same.
    queries: np.ndarray | None = None
    file: pathlib.Path | None = None
    content_type: str = "text/csv"

    def content(self) -> bytes | pathlib.Path:
        """What the channel holds: the file as it is where there is one, else lines of label, weight, bound and query if any, further
        labels, features.
        """
        return self._lines if self.file is None else self.file

    @functools.cached_property
    def _lines(self) -> bytes:
        label, *further = self.labels.reshape(len(self.labels), -1).T
        front = [it for it in (label, self.weights, self.upper_bounds, self.queries, *further) if it is not None]
        lines = np.column_stack([*front, self.features]).astype(np.float32)
        # An empty cell is a value that is missing, or the end of an interval without one.
        return "".join(",".join(str(it) if np.isfinite(it) else "" for it in line) + "\n" for line in lines).encode()

    def declarations(self) -> dict[str, object]:
        """The hyperparameters that say which columns are no features, and what is particular about features."""
        weighted = int(self.weights is not None)
        bounds = {} if self.upper_bounds is None else {"label_upper_bound_column": 1 + weighted}
        queries = {} if self.queries is None else {"qid_column": 1 + weighted + len(bounds)}
        n_further = self.labels.reshape(len(self.labels), -1).shape[1] - 1
        first = 1 + weighted + len(bounds) + len(queries)
        columns = ",".join(str(it) for it in (0, *range(first, first + n_further)))
        labels = {"label_columns": columns} if n_further else {}
        categorical = {"categorical_features": ",".join(map(str, self.categorical))} if self.categorical else {}
        chances = {"feature_weights": ",".join(map(str, self.chances))} if self.chances else {}
        return {"csv_weights": weighted} | bounds | queries | labels | categorical | chances

    def matrix(self) -> xgb.DMatrix:
        weights = self.weights
        if weights is not None and self.queries is not None:
            # XGBoost has a weight for each query.
            weights = weights[np.unique(self.queries, return_index=True)[1]]
        types = ["c" if it in self.categorical else "float" for it in range(self.features.shape[1])] if self.categorical else None
        data = xgb.DMatrix(
            self.features, label=self.labels, weight=weights, qid=self.queries, feature_types=types, enable_categorical=bool(types), nthread=1
        )
        if self.chances:
            data.set_info(feature_weights=self.chances)
        if self.upper_bounds is not None:
            data.set_float_info("label_lower_bound", self.labels)
            data.set_float_info("label_upper_bound", self.upper_bounds)
        return data


@dataclass(frozen=True)
class Table:
    train: Part
    validation: Part

    def each(self, change: Callable[[Part], Part]) -> "Table":
        return Table(change(self.train), change(self.validation))


@dataclass(frozen=True)
class Folders:
    """Where tables are; what asks for a folder that is not there is skipped, and says so."""

    repository: pathlib.Path
    # Tables that may not be copied into the repository.
    shared: pathlib.Path

    @property
    def peers(self) -> pathlib.Path:
        return self._beside("peers")

    @property
    def flights(self) -> pathlib.Path:
        return self._beside("flights")

    def _beside(self, name: str) -> pathlib.Path:
        if not self.shared.is_dir():
            pytest.skip(f"no tables in {self.shared}: set LINDEN_SHARED to the folder that holds data/peers and data/flights")
        return self.shared / "data" / name


Source = Callable[[Folders, int], Table]


def split(features: np.ndarray, labels: np.ndarray, seed: int) -> Table:
    """A quarter of the rows, drawn from the seed, judges."""
    order = np.random.default_rng(seed).permutation(len(labels))
    n_judges = round(len(labels) * VALIDATION_SHARE)
    features, labels = features.astype(np.float32), labels.astype(np.float32)
    parts = (Part(features[rows], labels[rows]) for rows in (order[n_judges:], order[:n_judges]))
    return Table(*parts)


def relabelled(source: Source, change: Callable[[np.ndarray], np.ndarray]) -> Source:
    """The same rows with another label."""

    def relabel(part: Part) -> Part:
        return replace(part, labels=change(part.labels).astype(np.float32), file=None)

    return lambda folders, seed: source(folders, seed).each(relabel)


def weighted(source: Source) -> Source:
    """Rows count 0 to 3 times, more of those with a large first feature, so that weights that are lost are missed; queries count 1 to 3
    times."""

    def weigh(part: Part) -> Part:
        high = part.features[:, 0] > np.nanmedian(part.features[:, 0])
        drawn = np.random.default_rng(11).integers(0, 4, size=len(part.labels)) / 2
        weights = (drawn + 1.5 * high).astype(np.float32)
        if part.queries is not None:
            weights = (1 + part.queries % 3).astype(np.float32)
        return replace(part, weights=weights, file=None)

    return lambda folders, seed: source(folders, seed).each(weigh)


def with_gaps(source: Source) -> Source:
    """Some cells are missing: any at random, and all of the last column where the first is small."""

    def tear(part: Part) -> Part:
        features = part.features.copy()
        features[np.random.default_rng(12).random(features.shape) < GAP_SHARE] = np.nan
        features[part.features[:, 0] < np.nanmedian(part.features[:, 0]), -1] = np.nan
        return replace(part, features=features, file=None)

    return lambda folders, seed: source(folders, seed).each(tear)


def with_chances(source: Source, chances: Sequence[float]) -> Source:
    """Features are drawn with these chances; those that are not listed have 1."""

    def give(part: Part) -> Part:
        others = [1.0] * (part.features.shape[1] - len(chances))
        return replace(part, chances=(*chances, *others))

    return lambda folders, seed: source(folders, seed).each(give)
