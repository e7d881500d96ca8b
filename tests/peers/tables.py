"""Real tables to train on, each as a training and a validation part: the bytes that a channel holds, and the same as arrays.

Invariant: the arrays hold exactly what the bytes say, so that two programs see the same numbers.
"""

import functools
import gzip
import pathlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import scipy.sparse
import sklearn.datasets
import xgboost as xgb

VALIDATION_SHARE = 0.25
LEFT_OUT_SHARE = 0.1
GAP_SHARE = 0.15
HOURS = 24
N_FLIGHTS = 8000


@dataclass(frozen=True)
class Part:
    """Rows of a table: `features` is (n_rows, n_features), NaN (or, in a sparse matrix, what is not stored) is missing;
    `labels` is (n_rows,), or (n_rows, n_targets).
    """

    features: np.ndarray | scipy.sparse.csr_matrix
    labels: np.ndarray
    weights: np.ndarray | None = None
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
        if self.file is not None:
            return self.file
        label, *further = self.labels.reshape(len(self.labels), -1).T
        front = [it for it in (label, self.weights, self.upper_bounds, self.queries, *further) if it is not None]
        lines = np.column_stack([*front, self.features]).astype(np.float32)
        # An empty cell is a value that is missing, or the end of an interval without one.
        return "".join(",".join(str(it) if np.isfinite(it) else "" for it in line) + "\n" for line in lines).encode()

    def declarations(self) -> dict[str, object]:
        """The hyperparameters that say which columns are no features."""
        weighted = int(self.weights is not None)
        bounds = {} if self.upper_bounds is None else {"label_upper_bound_column": 1 + weighted}
        queries = {} if self.queries is None else {"qid_column": 1 + weighted + len(bounds)}
        n_further = self.labels.reshape(len(self.labels), -1).shape[1] - 1
        first = 1 + weighted + len(bounds) + len(queries)
        columns = ",".join(str(it) for it in (0, *range(first, first + n_further)))
        return {"csv_weights": weighted} | bounds | queries | ({"label_columns": columns} if n_further else {})

    def matrix(self) -> xgb.DMatrix:
        weights = self.weights
        if weights is not None and self.queries is not None:
            # XGBoost has a weight for each query.
            weights = weights[np.unique(self.queries, return_index=True)[1]]
        data = xgb.DMatrix(self.features, label=self.labels, weight=weights, qid=self.queries, nthread=1)
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
    repository: pathlib.Path
    # Tables that may not be copied into the repository.
    peers_data: pathlib.Path

    @property
    def flights(self) -> pathlib.Path:
        return self.peers_data.parent / "flights"


Source = Callable[[Folders, int], Table]


def delimited(path: pathlib.Path, delimiter: str) -> Part:
    lines = np.genfromtxt(path, delimiter=delimiter, dtype=np.float32)
    return Part(lines[:, 1:], lines[:, 0], file=path)


def bike_usage(folders: Folders, seed: int) -> Table:
    """The main job's own table: January to October against November and December. Seeds but 0 leave out training rows."""
    folder = folders.repository / "configs" / "usage-forecast"
    train, validation = (delimited(folder / f"{it}.csv", ",") for it in ("train", "validation"))
    if seed > 0:
        kept = np.random.default_rng(seed).random(len(train.labels)) >= LEFT_OUT_SHARE
        train = replace(train, features=train.features[kept], labels=train.labels[kept], file=None)
    return Table(train, validation)


def higgs(folders: Folders, _seed: int) -> Table:
    return Table(*(delimited(folders.peers_data / f"binary.{it}.tsv", "\t") for it in ("train", "test")))


def higgs_redrawn(folders: Folders, seed: int) -> Table:
    """Both parts together, divided anew, so that more rows judge and every seed has its own order of rows."""
    parts = higgs(folders, seed)
    both = (parts.train, parts.validation)
    return split(np.vstack([it.features for it in both]), np.concatenate([it.labels for it in both]), seed)


def regression(folders: Folders, _seed: int) -> Table:
    return Table(*(delimited(folders.peers_data / f"regression.{it}.tsv", "\t") for it in ("train", "test")))


def agaricus(folders: Folders, _seed: int) -> Table:
    """Sparse: what a line does not list is missing."""

    def part(name: str) -> Part:
        path = folders.peers_data / f"agaricus.txt.{name}"
        features, labels = sklearn.datasets.load_svmlight_file(path, n_features=127, zero_based=True, dtype=np.float32)
        return Part(features, labels, file=path, content_type="text/libsvm")

    return Table(part("train"), part("test"))


def split(features: np.ndarray, labels: np.ndarray, seed: int) -> Table:
    """A quarter of the rows, drawn from the seed, judges."""
    order = np.random.default_rng(seed).permutation(len(labels))
    n_judges = round(len(labels) * VALIDATION_SHARE)
    features, labels = features.astype(np.float32), labels.astype(np.float32)
    parts = (Part(features[rows], labels[rows]) for rows in (order[n_judges:], order[:n_judges]))
    return Table(*parts)


def digits(_folders: Folders, seed: int) -> Table:
    """Ten classes, 64 features of few values."""
    return split(*sklearn.datasets.load_digits(return_X_y=True), seed)


def workforce(folders: Folders, name: str) -> dict[str, np.ndarray]:
    """A table's columns as text, by name."""
    lines = (folders.repository / "tests" / "data" / "workforce" / name).read_text(encoding="utf-8").splitlines()
    header, *rows = (line.replace('"', "").split(",") for line in lines)
    return dict(zip(header, np.array(rows).T, strict=True))


def numbers(columns: dict[str, np.ndarray]) -> np.ndarray:
    """(n_rows, n_features): columns of words as one indicator for each word."""

    def column(values: np.ndarray) -> list[np.ndarray]:
        try:
            return [values.astype(np.float32)]
        except ValueError:
            return [values == word for word in np.unique(values)]

    return np.column_stack([it for values in columns.values() for it in column(values)])


def attrition(folders: Folders, seed: int) -> Table:
    columns = workforce(folders, "attrition.csv")
    left = columns.pop("Attrition") == "Yes"
    return split(numbers(columns), left, seed)


def unemployment_duration(folders: Folders, seed: int) -> Table:
    """Two-week intervals without work."""
    columns = workforce(folders, "unemployment_duration.csv")
    spell = columns.pop("spell").astype(np.float32)
    known_before = {name: values for name, values in columns.items() if not name.startswith("censor")}
    return split(numbers(known_before), spell, seed)


def time_to_work(folders: Folders, seed: int) -> Table:
    """Two-week intervals until a full-time job; negative where none had come at the end of the survey."""
    columns = workforce(folders, "unemployment_duration.csv")
    spell = columns.pop("spell").astype(np.float32)
    found_work = columns["censor1"].astype(np.float32) == 1
    known_before = {name: values for name, values in columns.items() if not name.startswith("censor")}
    return split(numbers(known_before), np.where(found_work, spell, -spell), seed)


def interval_to_work(folders: Folders, seed: int) -> Table:
    """The same as intervals: a job was found within the last two weeks of a spell, or at some time after it."""

    def bound(part: Part) -> Part:
        spell = np.abs(part.labels)
        found_work = part.labels > 0
        lower = np.where(found_work, spell - 1, spell).astype(np.float32)
        return replace(part, labels=lower, upper_bounds=np.where(found_work, spell, np.inf).astype(np.float32))

    return time_to_work(folders, seed).each(bound)


def last_known(source: Source) -> Source:
    """Times as numbers, whether they are known to the end or not."""

    def known(part: Part) -> Part:
        return replace(part, labels=np.abs(part.labels))

    return lambda folders, seed: source(folders, seed).each(known)


def as_intervals(source: Source) -> Source:
    """Numbers as intervals that end where they begin."""
    return lambda folders, seed: source(folders, seed).each(lambda it: replace(it, upper_bounds=it.labels))


def diabetes(_folders: Folders, seed: int) -> Table:
    """Progress of a disease, a positive number."""
    return split(*sklearn.datasets.load_diabetes(return_X_y=True), seed)


def breast_cancer(_folders: Folders, seed: int) -> Table:
    """Two classes."""
    return split(*sklearn.datasets.load_breast_cancer(return_X_y=True), seed)


def wine(_folders: Folders, seed: int) -> Table:
    """Three classes."""
    return split(*sklearn.datasets.load_wine(return_X_y=True), seed)


def ink(_folders: Folders, seed: int) -> Table:
    """Three targets: how much ink is in three rows of a digit's picture, told from the other rows."""
    pictures = sklearn.datasets.load_digits().data
    hidden = np.s_[16:40]
    labels = np.stack([it.sum(axis=1) for it in np.split(pictures[:, hidden], 3, axis=1)], axis=1)
    return split(np.delete(pictures, hidden, axis=1), labels / 128, seed)


def linnerud(_folders: Folders, seed: int) -> Table:
    """Three targets: weight, waist and pulse of twenty men, told from their exercises."""
    return split(*sklearn.datasets.load_linnerud(return_X_y=True), seed)


def iris(_folders: Folders, seed: int) -> Table:
    """Three classes, of which two are close."""
    return split(*sklearn.datasets.load_iris(return_X_y=True), seed)


def relabelled(source: Source, change: Callable[[np.ndarray], np.ndarray]) -> Source:
    """The same rows with another label."""

    def relabel(part: Part) -> Part:
        return replace(part, labels=change(part.labels).astype(np.float32), file=None)

    return lambda folders, seed: source(folders, seed).each(relabel)


# Three questions about a digit.
questions = relabelled(digits, lambda digit: np.column_stack([digit % 2, digit > 4, np.isin(digit, (2, 3, 5, 7))]))
# How busy an hour is, as a share of the most that the system can lend and as one of four classes.
bike_share = relabelled(bike_usage, lambda bikers: np.minimum(bikers / 1000, 1))
bike_levels = relabelled(bike_usage, lambda bikers: np.digitize(bikers, [30, 110, 250]))


def bike_days(levels: int) -> Source:
    """Hours of a day, the busiest first: a day is a query, and `levels` grades are told apart; a tenth is graded at random."""

    def graded(part: Part) -> Part:
        n_rows = len(part.labels) // HOURS * HOURS
        days = part.labels[:n_rows].reshape(-1, HOURS)
        places = days.argsort(axis=1).argsort(axis=1) / (HOURS - 1)
        labels = np.floor(places.ravel() * (levels - 0.001)).astype(np.float32)
        random = np.random.default_rng(0)
        wrong = random.random(n_rows) < 0.1
        labels[wrong] = random.integers(0, levels, wrong.sum())
        return Part(part.features[:n_rows], labels, queries=np.arange(n_rows) // HOURS)

    def days(folders: Folders, seed: int) -> Table:
        table = bike_usage(folders, 0).each(graded)
        if seed == 0:
            return table
        # As in bike_usage, but whole days.
        train = table.train
        kept = np.random.default_rng(seed).random(train.queries.max() + 1)[train.queries] >= LEFT_OUT_SHARE
        return replace(table, train=Part(train.features[kept], train.labels[kept], queries=train.queries[kept]))

    return days


@functools.cache
def departures(folder: pathlib.Path) -> dict[str, np.ndarray]:
    """Some of the flights that left New York in 2013 and arrived, with the weather of the hour; NaN where nobody measured."""
    flights, weather = (pa.csv.read_csv(folder / f"{it}.csv.gz") for it in ("flights", "weather"))
    flights = flights.filter(pa.compute.is_valid(flights["arr_delay"]))
    rows = np.sort(np.random.default_rng(13).choice(len(flights), N_FLIGHTS, replace=False))
    known = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
    hours = weather.select(["origin", "time_hour", *known])
    joined = flights.take(pa.array(rows)).append_column("order", pa.array(rows)).join(hours, ["origin", "time_hour"]).sort_by("order")
    return {name: joined[name].to_numpy(zero_copy_only=False) for name in (*flights.column_names, *known)}


def flights(folders: Folders, seed: int) -> Table:
    """Minutes that a flight was late, known when it was planned, with real gaps; airports and airlines as indicators."""
    columns = departures(folders.flights)
    planned = ("month", "day", "hour", "minute", "distance")
    measured = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
    told = {name: columns[name] for name in (*planned, *measured, "origin", "carrier")}
    return split(numbers(told), columns["arr_delay"], seed)


# Late enough to be counted by the Department of Transportation.
delayed = relabelled(flights, lambda minutes: minutes >= 15)


def store_sales(folders: Folders, seed: int) -> Table:
    columns = workforce(folders, "store_sales.csv")
    sales = columns.pop("Sales").astype(np.float32)
    return split(numbers(columns), sales, seed)


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


def coded(columns: dict[str, np.ndarray], label: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Columns of words as codes, in the order of the words, and the numbers of those columns."""
    features, categorical = [], []
    for values in columns.values():
        try:
            features.append(values.astype(np.float32))
        except ValueError:
            categorical.append(len(features))
            features.append(np.unique(values, return_inverse=True)[1].astype(np.float32))
    return np.column_stack(features).astype(np.float32), label.astype(np.float32), categorical


def bike_hours(folders: Folders) -> dict[str, np.ndarray]:
    """Hours as they were recorded; the hour, the month and the weekday are words."""
    path = folders.repository / "configs" / "usage-forecast" / "raw" / "bike_usage.csv"
    header, *rows = (line.replace('"', "").split(",") for line in path.read_text(encoding="utf-8").splitlines())
    columns = dict(zip(header, np.array(rows).T, strict=True))
    return columns | {name: np.char.add(name, columns[name]) for name in ("hr", "mnth", "weekday")}


LANDED = 12_000


def landed_flights(folders: Folders) -> dict[str, np.ndarray]:
    """Flights that have landed, every twenty-seventh of the year."""
    path = folders.flights / "flights.csv.gz"
    header, *rows = (line.split(",") for line in gzip.open(path, "rt", encoding="utf-8").read().splitlines())
    landed = [row for row in rows if row[header.index("arr_delay")]]
    chosen = np.array(landed[:: len(landed) // LANDED]).T
    wanted = ("month", "day", "carrier", "origin", "dest", "tailnum", "sched_dep_time", "distance", "hour", "arr_delay")
    return {name: chosen[header.index(name)] for name in wanted}


def categories(folders: Folders, name: str) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Features (n_rows, n_features), labels, and which features are codes of categories."""
    if name == "bike_usage":
        columns = bike_hours(folders)
        counts = columns.pop("bikers")
        known = {it: values for it, values in columns.items() if it not in ("casual", "registered")}
        return coded(known, counts)
    if name == "flights":
        columns = landed_flights(folders)
        late = columns.pop("arr_delay").astype(np.float32) > 15
        # A tail number is one of thousands; what is rare cannot be told apart here.
        columns.pop("tailnum")
        return coded(columns, late)
    columns = workforce(folders, f"{name}.csv")
    label = {"attrition": "Attrition", "store_sales": "Sales", "unemployment_duration": "spell"}[name]
    target = columns.pop(label)
    known = {it: values for it, values in columns.items() if not it.startswith("censor")}
    return coded(known, target == "Yes" if name == "attrition" else target)
