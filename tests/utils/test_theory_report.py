# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pandas as pd
import pytest

from sklearn_theory.utils import TheoryReport, TheoryRow


@pytest.fixture
def report():
    report = TheoryReport("A coin <&>")
    report.add_assumption(
        "tosses", measured=50, relation=">=", bound=30, meaning="Enough tosses."
    )
    report.add_assumption("fair", measured="unknown")
    report.add_promise(
        "deviation",
        measured=np.float64(0.25),
        relation="<=",
        bound=np.float64(0.19),
        estimate=True,
        reference="Theorem 1",
        meaning="The mean is near one half.",
    )
    return report


@pytest.mark.parametrize(
    ("measured", "relation", "bound", "holds"),
    [
        (1, "<=", 1, True),
        (1, "<", 1, False),
        (2, ">", 1, True),
        (2, ">=", 3, False),
        (0, "==", 0, True),
        (float("nan"), "<=", 1, None),
        (1.0, "<=", float("nan"), None),
        (1.0, "<=", None, None),
        (np.float64(0.5), "<=", np.float64(0.5), True),
    ],
)
def test_verdict_follows_from_the_relation(measured, relation, bound, holds):
    report = TheoryReport("t")
    report.add_promise("row", measured=measured, relation=relation, bound=bound)
    assert report["row"].holds is holds


def test_a_given_verdict_wins():
    report = TheoryReport("t")
    report.add_assumption("row", measured="a tree", holds=True)
    assert report["row"].verdict == "holds"


def test_is_a_sequence_and_finds_rows_by_name(report):
    assert len(report) == 3
    assert [row.name for row in report] == ["tosses", "fair", "deviation"]
    assert report[0] is report["tosses"]
    assert report["fair"].verdict == "not judged"
    assert isinstance(report[-1], TheoryRow)
    with pytest.raises(KeyError, match="'absent' is not in the report; its rows are"):
        report["absent"]


def test_prints_verdicts_estimates_and_meanings(report):
    text = str(report)
    assert "fails (estimate)" in text
    assert "<= 0.19" in text
    assert "The mean is near one half. [Theorem 1]" in text


def test_one_line_a_row_without_meanings(report):
    text = report.to_string(meanings=False)
    assert len(text.splitlines()) == 2 + len(report)
    assert "The mean is near" not in text


def test_html_escapes_and_has_a_row_each(report):
    html = report._repr_html_()
    assert "A coin &lt;&amp;&gt;" in html
    assert html.count("<tr>") == 4


def test_converts_to_pandas(report):
    frame = report.to_pandas()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame["name"]) == ["tosses", "fair", "deviation"]
    assert frame.loc[2, "bound"] == 0.19
    assert list(TheoryReport("empty").to_pandas().columns) == list(frame.columns)


def test_refuses_a_row_twice_and_an_unknown_relation(report):
    with pytest.raises(ValueError, match="has a row named 'tosses' already"):
        report.add_promise("tosses", measured=1)
    with pytest.raises(ValueError, match="relation must be one of"):
        report.add_promise("new", measured=1, relation="~", bound=1)
