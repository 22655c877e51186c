# SPDX-License-Identifier: BSD-3-Clause
"""What the smooth part of an objective must offer."""

import numpy as np

from .._part import Part


class Datafit(Part):
    """A convex function of the coefficients that is made from data.

    A run keeps, beside the coefficients ``state.x``, the datafit's own
    ``state.image``: what of its value and gradient is costly and changes little by a
    step, such as predictions or ``Q x``.

    Attributes
    ----------
    name : str
        The name by which :class:`~sklearn_theory.solvers.BCDSolver` finds the class.

    n_coordinates : int
        The number of coordinates, intercepts included.

    n_outputs : int
        How many coordinates belong to one feature; coordinate ``feature * n_outputs +
        output``.

    intercepts : ndarray of int
        The coordinates that are intercepts: never penalised, never bounded.

    lipschitz : ndarray of shape (n_coordinates,)
        Lipschitz constants of the partial derivatives.

    third_order : ndarray of shape (n_coordinates,) or None
        Lipschitz constants of the second partial derivatives; None if unknown.

    constant_hessian : bool
        Whether the Hessian is the same everywhere, and equal to its bound.

    tracks_rows : bool
        Whether :meth:`move_gradient` exists: the gradient changes in few places.

    classes : ndarray or None
        The classes that ``predict`` returns, if there are any.

    stores_hessian : bool
        Whether columns of the Hessian lie in memory, so that no cache is needed.
    """

    name = None
    n_outputs = 1
    constant_hessian = False
    tracks_rows = False
    stores_hessian = False
    third_order = None
    classes = None
    intercepts = np.empty(0, dtype=np.intp)

    def image(self, x):
        """Compute from scratch what the datafit keeps for ``x``.

        Parameters
        ----------
        x : ndarray
            The coordinates.

        Returns
        -------
        image : object
            What is kept.
        """
        raise NotImplementedError

    def move(self, state, block, step):
        """Bring ``state.image`` up to date for ``x[block] += step``; `x` is moved
        by the caller afterwards.

        Parameters
        ----------
        state : State
            Where the run stands.

        block : ndarray of int
            Distinct coordinates.

        step : ndarray
            What is added to them.
        """
        raise NotImplementedError

    def move_gradient(self, state, block, step):
        """Move the image and ``state.gradient``, touching only what changes.

        Parameters
        ----------
        state : State
            Where the run stands.

        block : ndarray of int
            Distinct coordinates.

        step : ndarray
            What is added to them.

        Returns
        -------
        changed : ndarray of int
            The coordinates whose partial derivative changed; None if all did.
        """
        raise NotImplementedError

    def value(self, state):
        """Compute the value.

        Parameters
        ----------
        state : State
            Where the run stands.

        Returns
        -------
        value : float
            The value.
        """
        raise NotImplementedError

    def gradient(self, state):
        """Compute the full gradient.

        Parameters
        ----------
        state : State
            Where the run stands.

        Returns
        -------
        gradient : ndarray of shape (n_coordinates,)
            The gradient.
        """
        raise NotImplementedError

    def block_gradient(self, state, block):
        """Compute the partial derivatives of a block.

        Parameters
        ----------
        state : State
            Where the run stands.

        block : ndarray of int
            Distinct coordinates.

        Returns
        -------
        gradient : ndarray of shape (len(block),)
            The derivatives.
        """
        return self.gradient(state)[block]

    def along(self, state, block, step):
        """Return the function ``t -> value at x + t * step`` on a block.

        Parameters
        ----------
        state : State
            Where the run stands.

        block : ndarray of int
            Distinct coordinates.

        step : ndarray
            What is added to them.

        Returns
        -------
        value : callable
            The value as a function of the length ``t``.
        """
        raise NotImplementedError

    def block_bound(self, block):
        """Compute a matrix that bounds every Hessian of the block from above.

        Parameters
        ----------
        block : ndarray of int
            Distinct coordinates.

        Returns
        -------
        bound : ndarray of shape (len(block), len(block))
            The matrix.
        """
        raise NotImplementedError

    def block_hessian(self, state, block):
        """Compute the Hessian of the block at ``state.x``.

        Parameters
        ----------
        state : State
            Where the run stands.

        block : ndarray of int
            Distinct coordinates.

        Returns
        -------
        hessian : ndarray of shape (len(block), len(block))
            The matrix.
        """
        raise NotImplementedError

    def hessian_diagonal(self, state):
        """Compute the diagonal of the Hessian at ``state.x``.

        Parameters
        ----------
        state : State
            Where the run stands.

        Returns
        -------
        diagonal : ndarray of shape (n_coordinates,)
            The second derivatives.
        """
        raise NotImplementedError

    def hessian_columns(self, block):
        """Compute the columns of the full bound of the Hessian.

        Parameters
        ----------
        block : ndarray of int
            Distinct coordinates.

        Returns
        -------
        columns : ndarray of shape (len(block), n_coordinates)
            One row for each coordinate of the block.
        """
        raise NotImplementedError

    def absolute_row_sums(self):
        """Compute the row sums of the absolute bound of the Hessian.

        Returns
        -------
        sums : ndarray of shape (n_coordinates,)
            The sums.
        """
        raise NotImplementedError

    def finish(self, x):
        """Turn coordinates into ``coef_`` and ``intercept_``.

        Parameters
        ----------
        x : ndarray
            The coordinates.

        Returns
        -------
        coef : ndarray
            Coefficients.

        intercept : float or ndarray
            Intercepts.
        """
        return x.copy(), 0.0

    def coordinates(self, coef, intercept):
        """Turn ``coef_`` and ``intercept_`` back into coordinates.

        Parameters
        ----------
        coef : ndarray
            Coefficients.

        intercept : float or ndarray
            Intercepts.

        Returns
        -------
        x : ndarray of shape (n_coordinates,)
            The coordinates.
        """
        return np.array(coef, dtype=float)

    @staticmethod
    def decide(scores, classes):
        """Turn linear predictions into what ``predict`` returns.

        Parameters
        ----------
        scores : ndarray
            Linear predictions.

        classes : ndarray or None
            The classes.

        Returns
        -------
        predictions : ndarray of shape (n_samples,)
            The predictions.
        """
        return scores
