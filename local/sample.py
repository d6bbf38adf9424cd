"""A CSV file to try Carillon out with, the same each time it is made."""

from __future__ import annotations

import csv
from pathlib import Path

HEADER = ("id", "name", "email", "amount")


def write_csv(path: Path, rows: int) -> Path:
    """Writes a header row and `rows` rows whose values follow from their number alone; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(_row(number) for number in range(1, rows + 1))
    return path


def _row(number: int) -> tuple[int, str, str, str]:
    cents = number * 37 % 10_000
    return number, f"Customer {number}", f"customer{number}@example.test", f"{cents // 100}.{cents % 100:02}"
