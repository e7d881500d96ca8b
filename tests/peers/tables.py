"""Real tables to train on; `coded_tables` has those of categories."""

import functools
import pathlib
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import sklearn.datasets

from parts import Folders, Part, Source, Table, relabelled, split

LEFT_OUT_SHARE = 0.1
HOURS = 24
N_FLIGHTS = 8000


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
    return Table(*(delimited(folders.peers / f"binary.{it}.tsv", "\t") for it in ("train", "test")))


def higgs_redrawn(folders: Folders, seed: int) -> Table:
    """Both parts together, divided anew, so that more rows judge and every seed has its own order of rows."""
    parts = higgs(folders, seed)
    both = (parts.train, parts.validation)
    return split(np.vstack([it.features for it in both]), np.concatenate([it.labels for it in both]), seed)


def regression(folders: Folders, _seed: int) -> Table:
    return Table(*(delimited(folders.peers / f"regression.{it}.tsv", "\t") for it in ("train", "test")))


def agaricus(folders: Folders, _seed: int) -> Table:
    """Sparse: what a line does not list is missing."""

    def part(name: str) -> Part:
        path = folders.peers / f"agaricus.txt.{name}"
        features, labels = sklearn.datasets.load_svmlight_file(path, n_features=127, zero_based=True, dtype=np.float32)
        return Part(features, labels, file=path, content_type="text/libsvm")

    return Table(part("train"), part("test"))


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


def rides(folders: Folders, seed: int) -> Table:
    """Two targets: how many people ride, and how humid the hour is."""
    humidity = 10

    def both(part: Part) -> Part:
        labels = np.column_stack([part.labels, 1 + 10 * part.features[:, humidity]])
        return Part(np.delete(part.features, humidity, axis=1), labels)

    return bike_usage(folders, seed).each(both)


def linnerud(_folders: Folders, seed: int) -> Table:
    """Three targets: weight, waist and pulse of twenty men, told from their exercises."""
    return split(*sklearn.datasets.load_linnerud(return_X_y=True), seed)


def iris(_folders: Folders, seed: int) -> Table:
    """Three classes, of which two are close."""
    return split(*sklearn.datasets.load_iris(return_X_y=True), seed)


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


def clicks(levels: int) -> Source:
    """Hours of a day in the order in which they were shown, and clicks: busy hours are clicked where they are seen, first ones
    more. Those that judge have their grades, of `levels`.
    """

    def clicked(part: Part) -> Part:
        random = np.random.default_rng(5)
        n_rows = len(part.labels)
        order = np.concatenate([at + random.permutation(HOURS) for at in range(0, n_rows, HOURS)])
        place = np.arange(n_rows) % HOURS
        seen = random.random(n_rows) < 1 / (1 + place) ** 0.7
        worth = part.labels[order] / 4
        return replace(part, features=part.features[order], labels=(seen & (random.random(n_rows) < worth)).astype(np.float32))

    def source(folders: Folders, seed: int) -> Table:
        train, judges = (bike_days(it)(folders, seed) for it in (5, levels))
        return Table(clicked(train.train), judges.validation)

    return source


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
