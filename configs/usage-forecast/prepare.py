#!/usr/bin/env python3
"""Turns raw/bike_usage.csv into train.csv and validation.csv: label first, no header, numbers only.

Standard library only, no randomness and no clock: the same input gives the same bytes. `--check` writes nothing and
fails when the files beside this script are not what it would write.

What a forecast may know. The job stands for a planner who forecasts, each day, the hours of the day one week ahead.
So a row may use its calendar, its weather (as the weather forecast would give it) and the usage of days that lie at
least HORIZON_DAYS before it. `casual` and `registered` add up to the label and are never read.

Trees do not extrapolate, and usage grows and falls with the seasons, so neither the day nor the month is a feature:
the level of usage reaches the model as averages of past weeks.
"""

import argparse
import csv
import pathlib
import sys
from collections.abc import Callable, Iterable

HERE = pathlib.Path(__file__).resolve().parent
HORIZON_DAYS = 7
FIRST_VALIDATION_DAY = 305  # 1 November; 61 days, a sixth of the year
RUSH_HOURS = frozenset((7, 8, 9, 16, 17, 18, 19))
WEATHER = {"clear": 1, "cloudy/misty": 2, "light rain/snow": 3, "heavy rain/snow": 4}
MISSING = None


class Year:
    """One year of hourly usage, asked by day of year (1..365) and hour (0..23)."""

    def __init__(self, path: pathlib.Path) -> None:
        with path.open(newline="", encoding="utf-8") as file:
            self.rows = list(csv.DictReader(file))
        self._usage = {at(row): int(row["bikers"]) for row in self.rows}
        self._weather = {at(row): WEATHER[row["weathersit"]] for row in self.rows}
        self._temp = {at(row): float(row["temp"]) for row in self.rows}
        self._working = {int(row["day"]): int(row["workingday"]) for row in self.rows}

    def usage(self, day: int, hour: int) -> int | None:
        """Bikers of one hour. The table has no row for an hour without any; before its first day it knows nothing."""
        if day not in self._working:
            return MISSING
        return self._usage.get((day, hour), 0)

    def weather(self, day: int, hour: int) -> int | None:
        """Weather class of one hour, 1 (clear) to 4."""
        return self._weather.get((day, hour))

    def temp(self, day: int, hour: int) -> float | None:
        """Temperature of one hour, scaled to 0..1 by the table's authors."""
        return self._temp.get((day, hour))

    def level(self, days: Iterable[int]) -> float | None:
        """Mean bikers per hour over whole days; missing unless the table has every one of them."""
        hours = [self.usage(day, hour) for day in days for hour in range(24)]
        return MISSING if MISSING in hours else mean(hours)

    def past_hours(self, day: int, hour: int, back: Iterable[int], fits: Callable[[int], bool]) -> list[int | None]:
        """Usage at the same hour of the days `back` days ago that fit."""
        return [self.usage(day - ago, hour) for ago in back if fits(day - ago)]

    def same_kind(self, day: int) -> Callable[[int], bool]:
        """Whether another day is a working day exactly when `day` is."""
        return lambda other: self._working.get(other) == self._working[day]


def at(row: dict[str, str]) -> tuple[int, int]:
    """The day and hour of a row."""
    return int(row["day"]), int(row["hr"])


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of what is known; missing when nothing is."""
    known = [value for value in values if value is not MISSING]
    return sum(known) / len(known) if known else MISSING


def calendar(row: dict[str, str]) -> dict[str, float]:
    """What the calendar says: known years ahead."""
    hour, weekday, working = int(row["hr"]), int(row["weekday"]), int(row["workingday"])
    return {
        "hr": hour,
        "weekday": weekday,  # 0 is Sunday
        "holiday": int(row["holiday"]),
        "workingday": working,
        "hour_of_week": weekday * 24 + hour,
        "rush_hour": working if hour in RUSH_HOURS else 0,
    }


def conditions(row: dict[str, str], year: Year) -> dict[str, float | None]:
    """The weather of the hour and of the three before it, scaled as in the table."""
    day, hour = at(row)
    last_hours = (divmod(day * 24 + hour - ago, 24) for ago in range(4))
    return {
        "weathersit": WEATHER[row["weathersit"]],
        "weather_4h": mean(year.weather(*when) for when in last_hours),
        "temp": float(row["temp"]),
        "atemp": float(row["atemp"]),
        "hum": float(row["hum"]),
        "windspeed": float(row["windspeed"]),
    }


def past_usage(row: dict[str, str], year: Year) -> dict[str, float | None]:
    """Usage that is known one week ahead: nothing younger than HORIZON_DAYS."""
    day, hour = at(row)
    weeks = [HORIZON_DAYS * week for week in range(1, 5)]
    three_weeks, four_weeks = range(HORIZON_DAYS, 28), range(HORIZON_DAYS, 35)
    same_kind = year.same_kind(day)
    level_7d = year.level(day - ago for ago in range(HORIZON_DAYS, HORIZON_DAYS + 7))
    level_28d = year.level(day - ago for ago in four_weeks)
    past_temp = mean(year.temp(day - ago, hour) for ago in weeks)
    return {
        "usage_4w": mean(year.past_hours(day, hour, weeks, lambda _: True)),
        "usage_same_kind_3w": mean(year.past_hours(day, hour, three_weeks, same_kind)),
        "usage_same_kind_clear_4w": mean(
            year.past_hours(day, hour, four_weeks, lambda d: same_kind(d) and year.weather(d, hour) == 1)
        ),
        "level_7d": level_7d,
        "level_28d": level_28d,
        "level_trend": level_7d / level_28d if level_7d is not MISSING and level_28d else MISSING,
        "temp_change_4w": float(row["temp"]) - past_temp if past_temp is not MISSING else MISSING,
    }


def features(row: dict[str, str], year: Year) -> dict[str, float | None]:
    """All features of one row, in the order of the files' columns."""
    return calendar(row) | conditions(row, year) | past_usage(row, year)


def cell(value: float | None) -> str:
    """A number as text with six significant digits; an empty cell is a missing value."""
    return "" if value is MISSING else format(value, ".6g")


def tables(year: Year) -> dict[str, str]:
    """The two files by name."""
    lines: dict[str, list[str]] = {"train.csv": [], "validation.csv": []}
    for row in year.rows:
        name = "validation.csv" if int(row["day"]) >= FIRST_VALIDATION_DAY else "train.csv"
        cells = [row["bikers"], *map(cell, features(row, year).values())]
        lines[name].append(",".join(cells) + "\n")
    return {name: "".join(text) for name, text in lines.items()}


def main() -> int:
    """Writes or checks the files; prints the columns' names, which job.toml repeats as `feature_names`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the files differ")
    check = parser.parse_args().check
    year = Year(HERE / "raw" / "bike_usage.csv")
    stale = []
    for name, text in tables(year).items():
        path, content = HERE / name, text.encode()
        if check:
            stale += [name] if not path.is_file() or path.read_bytes() != content else []
        else:
            path.write_bytes(content)
        print(f"{name}: {text.count(chr(10))} rows", file=sys.stderr)
    print(",".join(features(year.rows[0], year)))
    if stale:
        print(f"not what prepare.py writes: {', '.join(stale)}", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
