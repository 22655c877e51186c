# SPDX-License-Identifier: BSD-3-Clause
"""The rounds of self-training as a picture."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..utils import import_optional


class SelfTrainingDisplay:
    """Thresholds, bound and labels added over the rounds of self-training.

    Make it by :meth:`from_estimator`.

    Parameters
    ----------
    history : SelfTrainingHistory
        The rounds.

    Attributes
    ----------
    axes_ : ndarray of shape (2,) of matplotlib Axes
        The axes of the thresholds with the bound, and of the labels added.

    figure_ : matplotlib Figure
        The figure that holds them.

    See Also
    --------
    SelfTrainer.plot_history : Draws a fitted estimator.
    SelfTrainingHistory : The same as a table.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_theory.semi_supervised import SelfTrainer, SelfTrainingDisplay
    >>> X, truth = load_digits(return_X_y=True)
    >>> y = np.where(np.arange(len(truth)) < 60, truth, -1)
    >>> model = SelfTrainer(random_state=0).fit(X, y)
    >>> SelfTrainingDisplay.from_estimator(model)
    <...>
    >>> plt.show()
    """

    def __init__(self, history):
        self.history = history

    @classmethod
    def from_estimator(cls, estimator, ax=None):
        """Draw the rounds of a fitted estimator.

        Parameters
        ----------
        estimator : SelfTrainer
            A fitted estimator.

        ax : pair of matplotlib Axes or None, default=None
            Where to draw; a new figure if None.

        Returns
        -------
        display : SelfTrainingDisplay
            The picture's parts.
        """
        check_is_fitted(estimator, "history_")
        return cls(estimator.history_).plot(ax=ax)

    def plot(self, ax=None):
        """Draw the rounds.

        Parameters
        ----------
        ax : pair of matplotlib Axes or None, default=None
            Where to draw; a new figure if None.

        Returns
        -------
        display : SelfTrainingDisplay
            The picture's parts.
        """
        plt = import_optional(
            "matplotlib.pyplot", needed_by="SelfTrainingDisplay", extra="demo"
        )
        if ax is None:
            _, ax = plt.subplots(2, sharex=True, layout="constrained")
        self.axes_ = np.asarray(ax)
        self.figure_ = self.axes_[0].figure
        rounds = np.arange(1, len(self.history) + 1)
        colours = plt.get_cmap("viridis")(
            np.linspace(0, 0.9, len(self.history.classes))
        )
        self._plot_thresholds(rounds, colours)
        self._plot_added(rounds, colours)
        return self

    def _plot_thresholds(self, rounds, colours):
        axes = self.axes_[0]
        thresholds = np.reshape(
            self.history.thresholds, (len(rounds), len(self.history.classes))
        )
        for k, label in enumerate(self.history.classes):
            axes.plot(rounds, thresholds[:, k], color=colours[k], label=f"{label}")
        axes.plot(rounds, self.history.bounds, "k--", marker="o", label="bound")
        axes.set(ylabel="thresholds and bound")
        axes.set_ylim(bottom=0)
        axes.legend(fontsize="small", ncols=2, loc="upper left", bbox_to_anchor=(1, 1))

    def _plot_added(self, rounds, colours):
        axes = self.axes_[1]
        bottom = np.zeros(len(rounds))
        added = np.reshape(
            self.history.n_added, (len(rounds), len(self.history.classes))
        )
        for k in range(len(self.history.classes)):
            axes.bar(rounds, added[:, k], bottom=bottom, color=colours[k])
            bottom += added[:, k]
        axes.set(xlabel="round", ylabel="labels added", xticks=rounds)
