# SPDX-License-Identifier: BSD-3-Clause
"""What happened in each round of self-training, as a table and as a picture."""

from dataclasses import dataclass, field
from html import escape

import numpy as np

from ..utils import import_optional

_MOST_COLUMNS = 6


@dataclass
class SelfTrainingHistory:
    """The rounds of self-training: labels added, thresholds and bounds.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The class labels.

    n_unlabelled : int
        Number of rows that were unlabelled at the start.

    Attributes
    ----------
    n_added : list of ndarray of shape (n_classes,)
        For each round, the pseudo-labels chosen of each class.

    thresholds : list of ndarray of shape (n_classes,)
        For each round, the threshold of each class; NaN if there was none.

    bounds : list of float
        For each round, the bound on the error among the rows chosen; NaN if there
        were none, or no threshold.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_theory.semi_supervised import SelfTrainingHistory
    >>> history = SelfTrainingHistory(np.array(["ham", "spam"]), n_unlabelled=9)
    >>> history.record(np.array([4, 2]), np.array([0.8, 0.9]), 0.125)
    >>> print(history)
    Self-training: 1 round, 9 unlabelled rows
    round  added   ham   spam   threshold ham   threshold spam    bound
        1      6     4      2           0.800            0.900    0.125
    """

    classes: np.ndarray
    n_unlabelled: int
    n_added: list = field(default_factory=list, init=False)
    thresholds: list = field(default_factory=list, init=False)
    bounds: list = field(default_factory=list, init=False)

    def record(self, n_added, thresholds, bound):
        """Append a round.

        Parameters
        ----------
        n_added : ndarray of shape (n_classes,)
            The pseudo-labels chosen of each class.

        thresholds : ndarray of shape (n_classes,)
            The threshold of each class.

        bound : float
            The bound on the error among the rows chosen.
        """
        self.n_added.append(n_added)
        self.thresholds.append(thresholds)
        self.bounds.append(bound)

    def to_pandas(self):
        """Convert to a data frame with a row for each round.

        Returns
        -------
        frame : pandas.DataFrame
            Columns ``added``, ``bound``, and for each class ``added <class>`` and
            ``threshold <class>``.
        """
        pd = import_optional("pandas", needed_by="to_pandas", extra="test")
        frame = pd.DataFrame({"added": self._totals(), "bound": self.bounds})
        for prefix, values in (("added", self.n_added), ("threshold", self.thresholds)):
            for k, label in enumerate(self.classes):
                frame[f"{prefix} {label}"] = [row[k] for row in values]
        frame.index = np.arange(1, len(self) + 1)
        return frame.rename_axis(index="round")

    def __len__(self):
        return len(self.bounds)

    def __str__(self):
        header, rows = self._cells()
        widths = [max(map(len, column)) for column in zip(header, *rows)]
        lines = [
            "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths))
            for row in [header, *rows]
        ]
        return "\n".join([self._title(), *lines])

    def _repr_html_(self):
        header, rows = self._cells()
        head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
            for row in rows
        )
        return (
            f"<table><caption style='text-align:left'>{self._title()}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )

    def _totals(self):
        return [int(added.sum()) for added in self.n_added]

    def _title(self):
        rounds = "1 round" if len(self) == 1 else f"{len(self)} rounds"
        return f"Self-training: {rounds}, {self.n_unlabelled} unlabelled rows"

    def _cells(self):
        """Format the table; with many classes it tells only ranges."""
        names = [str(label) for label in self.classes]
        if 2 * len(names) > 2 * _MOST_COLUMNS:
            names, added, thresholds = (
                ["fewest", "most"],
                *map(self._ranges, self._parts),
            )
        else:
            added, thresholds = self._parts
        header = ["round", "added", *(f" {name}" for name in names)]
        header += [f" threshold {name}" for name in names] + ["  bound"]
        rows = [
            [
                str(n + 1),
                str(total),
                *(str(int(value)) for value in added[n]),
                *(f"{value:.3f}" for value in thresholds[n]),
                f"{self.bounds[n]:.3f}",
            ]
            for n, total in enumerate(self._totals())
        ]
        return header, rows

    @property
    def _parts(self):
        return self.n_added, self.thresholds

    @staticmethod
    def _ranges(rows):
        return [(np.min(row), np.max(row)) for row in rows]
