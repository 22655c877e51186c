# SPDX-License-Identifier: BSD-3-Clause
"""What a paper assumes and promises, measured on the user's data."""

import math
import operator
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from textwrap import wrap

_RELATIONS = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
    "==": operator.eq,
}
_VERDICTS = {True: "holds", False: "fails", None: "not judged"}


@dataclass(frozen=True)
class TheoryRow:
    """One assumption or one promise, measured.

    Parameters
    ----------
    kind : {"assumption", "promise"}
        Whether the theorem needs it or gives it.

    name : str
        A short name, unique in its report.

    measured : float, int, bool or str
        What was measured on the data.

    relation : {"<=", "<", ">=", ">", "=="} or None, default=None
        How `measured` must stand to `bound` for the row to hold.

    bound : float, int, bool, str or None, default=None
        The value of the bound or threshold on these data.

    holds : bool or None, default=None
        The verdict; None where the theory gives no threshold to judge by.

    estimate : bool, default=False
        True if `measured` or `bound` is estimated from a sample, so that the verdict
        is evidence and no proof.

    reference : str, default=""
        The theorem, equation or section that the row evaluates.

    meaning : str, default=""
        One sentence: what the row says to someone with these data.
    """

    kind: str
    name: str
    measured: object
    relation: str | None = None
    bound: object = None
    holds: bool | None = None
    estimate: bool = False
    reference: str = ""
    meaning: str = ""

    @property
    def verdict(self):
        """The verdict in words, such as ``"holds"`` or ``"fails"``."""
        return _VERDICTS[self.holds]


class TheoryReport(Sequence):
    """A table of what a method's theory assumes and promises on given data.

    It prints as text, renders as HTML in notebooks, converts to a pandas data frame,
    and behaves as a sequence of :class:`TheoryRow`; rows are also found by name.

    Parameters
    ----------
    title : str
        What was evaluated, usually the name of the estimator and of the theorem.

    Attributes
    ----------
    title : str
        The title.

    Examples
    --------
    >>> from sklearn_theory.utils import TheoryReport
    >>> report = TheoryReport("A coin")
    >>> report.add_assumption("tosses", measured=50, relation=">=", bound=30)
    >>> report.add_promise(
    ...     "deviation of the mean", measured=0.08, relation="<=", bound=0.19
    ... )
    >>> report["tosses"].holds
    True
    >>> print(report)
    A coin
    kind        name                   measured      bound  verdict
    assumption  tosses                       50      >= 30  holds
    promise     deviation of the mean      0.08    <= 0.19  holds
    """

    def __init__(self, title):
        self.title = title
        self._rows = []

    def add_assumption(self, name, *, measured, **details):
        """Add what the theorem needs.

        Parameters
        ----------
        name : str
            A short name, unique in the report.

        measured : float, int, bool or str
            What was measured on the data.

        **details : dict
            Further fields of :class:`TheoryRow`: ``relation`` and ``bound``, from
            which the verdict follows, or ``holds``; ``estimate``, ``reference`` and
            ``meaning``.
        """
        self._add("assumption", name, measured, **details)

    def add_promise(self, name, *, measured, **details):
        """Add what the theorem gives.

        Parameters
        ----------
        name : str
            A short name, unique in the report.

        measured : float, int, bool or str
            What was measured on the data.

        **details : dict
            Further fields of :class:`TheoryRow`: ``relation`` and ``bound``, from
            which the verdict follows, or ``holds``; ``estimate``, ``reference`` and
            ``meaning``.
        """
        self._add("promise", name, measured, **details)

    def to_string(self, *, meanings=True):
        """Format as text.

        Parameters
        ----------
        meanings : bool, default=True
            Whether to write below each row what it means and where it stands; without
            them there is one line a row.

        Returns
        -------
        text : str
            The title and the table.
        """
        return "\n".join([self.title, *_text_table(self._rows, meanings)])

    def to_pandas(self):
        """Convert to a data frame with a row for each assumption and promise.

        Returns
        -------
        frame : pandas.DataFrame
            The columns are the fields of :class:`TheoryRow`.
        """
        import pandas as pd

        columns = list(TheoryRow.__dataclass_fields__)
        return pd.DataFrame([asdict(row) for row in self._rows], columns=columns)

    def __len__(self):
        return len(self._rows)

    def __getitem__(self, key):
        if isinstance(key, str):
            for row in self._rows:
                if row.name == key:
                    return row
            names = ", ".join(repr(row.name) for row in self._rows)
            raise KeyError(f"{key!r} is not in the report; its rows are: {names}.")
        return self._rows[key]

    def __repr__(self):
        return f"<TheoryReport {self.title!r}: {len(self)} rows>"

    def __str__(self):
        return self.to_string()

    def _repr_html_(self):
        return _html_table(self.title, self._rows)

    def _add(self, kind, name, measured, **details):
        if any(row.name == name for row in self._rows):
            raise ValueError(f"The report has a row named {name!r} already.")
        measured = _as_python(measured)
        details = {field: _as_python(value) for field, value in details.items()}
        relation, bound = details.get("relation"), details.get("bound")
        if relation is not None:
            if relation not in _RELATIONS:
                raise ValueError(
                    f"relation must be one of {sorted(_RELATIONS)}, got {relation!r}."
                )
            details.setdefault("holds", _compare(measured, relation, bound))
        self._rows.append(TheoryRow(kind, name, measured, **details))


def _as_python(value):
    """Turn numpy scalars into Python's own, which print and compare alike."""
    return value.item() if hasattr(value, "item") else value


def _compare(measured, relation, bound):
    """Judge `measured` against `bound`; a NaN or a missing bound is not judged."""
    if bound is None or any(
        isinstance(value, float) and math.isnan(value) for value in (measured, bound)
    ):
        return None
    return bool(_RELATIONS[relation](measured, bound))


def _format_value(value):
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        return str(value)
    return f"{float(value):.4g}"


def _format_bound(row):
    if row.bound is None:
        return ""
    return f"{row.relation or ''} {_format_value(row.bound)}".strip()


def _row_cells(row):
    verdict = row.verdict + (" (estimate)" if row.estimate else "")
    return (
        row.kind,
        row.name,
        _format_value(row.measured),
        _format_bound(row),
        verdict,
    )


_HEADER = ("kind", "name", "measured", "bound", "verdict")
_MEANING_INDENT = " " * 12


def _text_table(rows, meanings):
    cells = [_HEADER, *(_row_cells(row) for row in rows)]
    kind, name, measured, bound, _ = (max(map(len, col)) for col in zip(*cells))
    lines = []
    for row, line in zip([None, *rows], cells):
        lines.append(
            f"{line[0]:<{kind}}  {line[1]:<{name}}  {line[2]:>{measured}}  "
            f"{line[3]:>{max(bound, 9)}}  {line[4]}"
        )
        if meanings and row is not None and row.meaning:
            note = row.meaning + (f" [{row.reference}]" if row.reference else "")
            lines += wrap(
                note,
                width=88,
                initial_indent=_MEANING_INDENT,
                subsequent_indent=_MEANING_INDENT,
            )
    return lines


_VERDICT_COLOURS = {True: "#1a7f37", False: "#cf222e", None: "#6e7781"}


def _html_table(title, rows):
    head = "".join(f"<th style='text-align:left'>{cell}</th>" for cell in _HEADER)
    body = "".join(_html_row(row) for row in rows)
    return (
        f"<table><caption style='text-align:left'><b>{escape(title)}</b></caption>"
        f"<thead><tr>{head}<th style='text-align:left'>meaning</th></tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


def _html_row(row):
    *cells, verdict = _row_cells(row)
    colour = _VERDICT_COLOURS[row.holds]
    note = row.meaning + (f" [{row.reference}]" if row.reference else "")
    plain = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return (
        f"<tr>{plain}<td style='color:{colour}'>{escape(verdict)}</td>"
        f"<td style='text-align:left'>{escape(note)}</td></tr>"
    )
