"""How results are shown: as a table, as JSON, as a picture."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree.ElementTree import fromstring

from bench import report, svg, table
from bench.figures import Result, Row
from bench.report import Files

RESULT = Result(
    "drain",
    "No-op jobs <drained> per second",
    ("per_s", "worker_ms", "coordinator_ms"),
    [
        Row("dramatiq, 2 x 8", [{"per_s": 3_000, "worker_ms": 0.3}, {"per_s": 3_200, "worker_ms": 0.34}]),
        Row("Carillon, 2 x 8", [{"per_s": 1_500, "worker_ms": 0.5}, {"per_s": 1_600, "worker_ms": 0.5}]),
    ],
)
RECTANGLE = "{http://www.w3.org/2000/svg}rect"


def test_the_table_has_a_line_for_each_contestant_with_median_spread_and_ratio() -> None:
    title, head, first, second, compared = table.of(RESULT).splitlines()
    assert title == RESULT.title
    assert head.split() == ["per_s", "spread", "%", "ratio", "worker_ms"]
    assert first.split() == ["dramatiq,", "2", "x", "8", "3,100", "6", "1", "0.32"]
    assert second.split() == ["Carillon,", "2", "x", "8", "1,550", "6", "0.5", "0.5"]
    assert compared.strip() == "Carillon, 2 x 8 is 0.5 of dramatiq, 2 x 8"


def test_the_same_table_is_written_as_markdown() -> None:
    title, blank, head, rule, first, _ = table.markdown(RESULT).splitlines()
    assert (title, blank) == (f"**{RESULT.title}**", "")
    assert head == "|  | per_s | spread % | ratio | worker_ms |"
    assert rule == "|---|--:|--:|--:|--:|"
    assert first == "| dramatiq, 2 x 8 | 3,100 | 6 | 1 | 0.32 |"


def test_files_are_written_as_far_as_they_are_asked_for(tmp_path: Path) -> None:
    report.write([RESULT], Files(json=tmp_path / "figures.json"))
    assert [file.name for file in tmp_path.iterdir()] == ["figures.json"]


def test_columns_are_aligned() -> None:
    _, head, first, second, _ = table.of(RESULT).splitlines()
    assert len(head) == len(first) == len(second)


def test_numbers_have_the_digits_they_are_worth() -> None:
    assert [table.number(value) for value in (None, 0.06432, 5.789, 12_345.6)] == ["", "0.0643", "5.79", "12,346"]


def test_json_holds_the_samples_and_what_follows_from_them() -> None:
    [result] = json.loads(json.dumps(report.document([RESULT])))["results"]
    ours = result["rows"][1]
    assert ours["samples"] == [{"per_s": 1_500, "worker_ms": 0.5}, {"per_s": 1_600, "worker_ms": 0.5}]
    assert (ours["median"], ours["ratio"]) == (1_550, 0.5)
    assert result["ratios"] == [{"of": "Carillon, 2 x 8", "to": "dramatiq, 2 x 8", "ratio": 0.5}]


def test_the_picture_is_well_formed_and_its_bars_are_in_proportion() -> None:
    picture = fromstring(svg.of([RESULT, RESULT]))  # noqa: S314  our own
    widths = [float(bar.attrib["width"]) for bar in picture.iter(RECTANGLE)]
    assert len(widths) == 4
    assert widths[1] == widths[0] / 2


def test_the_picture_of_nothing_measured_is_well_formed_too() -> None:
    fromstring(svg.of([Result("drain", "Drained", ("per_s",), [Row("Carillon", [])])]))  # noqa: S314
