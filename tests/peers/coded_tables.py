"""Real tables whose words are categories: their codes, in the order of the words."""

import functools
from dataclasses import replace

import numpy as np

from parts import Folders, Source, Table, split
from tables import departures, workforce


def coded(columns: dict[str, np.ndarray], label: np.ndarray, seed: int) -> Table:
    """Columns of words as codes, in the order of the words."""
    features, categorical = [], []
    for values in columns.values():
        try:
            features.append(values.astype(np.float32))
        except ValueError:
            categorical.append(len(features))
            features.append(np.unique(values, return_inverse=True)[1].astype(np.float32))
    return split(np.column_stack(features), label.astype(np.float32), seed).each(lambda it: replace(it, categorical=tuple(categorical)))


@functools.cache
def bike_hours(folders: Folders) -> dict[str, np.ndarray]:
    """Hours as they were recorded; the hour, the month and the weekday are words."""
    path = folders.repository / "configs" / "usage-forecast" / "raw" / "bike_usage.csv"
    header, *rows = (line.replace('"', "").split(",") for line in path.read_text(encoding="utf-8").splitlines())
    columns = dict(zip(header, np.array(rows).T, strict=True))
    return columns | {name: np.char.add(name, columns[name]) for name in ("hr", "mnth", "weekday")}


def bikers(folders: Folders, seed: int) -> Table:
    columns = bike_hours(folders)
    known = {it: values for it, values in columns.items() if it not in ("bikers", "casual", "registered")}
    return coded(known, columns["bikers"], seed)


def arrivals(folders: Folders, seed: int) -> Table:
    """Minutes that a flight was late: carriers, airports, months and hours are categories, of 16, 3, a hundred, 12 and 19."""
    columns = departures(folders.flights)
    numbers = {name: columns[name] for name in ("day", "minute", "distance", "temp", "wind_speed", "wind_gust", "visib")}
    words = {name: columns[name].astype(str) for name in ("carrier", "origin", "dest")}
    words |= {name: np.char.add(name, columns[name].astype(int).astype(str)) for name in ("month", "hour")}
    return coded(words | numbers, columns["arr_delay"], seed)


def delayed(folders: Folders, seed: int) -> Table:
    return arrivals(folders, seed).each(lambda it: replace(it, labels=(it.labels >= 15).astype(np.float32)))


def of_workforce(name: str, label: str) -> Source:
    def source(folders: Folders, seed: int) -> Table:
        columns = workforce(folders, f"{name}.csv")
        target = columns.pop(label)
        known = {it: values for it, values in columns.items() if not it.startswith("censor")}
        return coded(known, target == "Yes" if label == "Attrition" else target, seed)

    return source


attrition = of_workforce("attrition", "Attrition")
store_sales = of_workforce("store_sales", "Sales")
spells = of_workforce("unemployment_duration", "spell")
