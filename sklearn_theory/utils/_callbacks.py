# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's callbacks in the loops of this library.

``fit`` opens one root task with :func:`fit_task`, walks its loops through
:func:`iterate_subtasks`, and fits sub-estimators inside
:func:`propagated_callbacks`. Where nobody listens, no sub-task is created and a loop
costs what it would cost without this module. ``fit`` must be decorated with
``_fit_context``, which tears the callbacks down when ``fit`` ends or fails.

Sub-tasks hand on the data that the root task was given: what the user passed to ``fit``,
whatever a loop makes of it. So a callback that scores sees the user's own rows.
"""

from contextlib import contextmanager
from weakref import WeakKeyDictionary

from ._compat import has_callbacks

# By root task, beside the contexts: these travel to workers, and data need not.
_DATA_OF_FIT = WeakKeyDictionary()


@contextmanager
def fit_task(
    estimator, *, max_subtasks=0, X=None, y=None, metadata=None, reconstruct=None
):
    """Open the root task of a fit, and close it when the block ends.

    Parameters
    ----------
    estimator : estimator instance
        The estimator that is being fitted.

    max_subtasks : int or None, default=0
        How many sub-tasks the block will open; None if that is not known, 0 if none.

    X, y : array-like or None, default=None
        What the callbacks are given as training data.

    metadata : dict or None, default=None
        Further metadata of the fit, such as ``sample_weight``.

    reconstruct : callable or None, default=None
        Returns the fitted attributes, as a dict, from which callbacks can build an
        estimator that predicts as if the fit had ended at that moment.

    Yields
    ------
    context : sklearn.callback.CallbackContext
        The root context.
    """
    context = estimator._init_callback_context(max_subtasks=max_subtasks)
    data = _collect_data(X, y, metadata)
    _DATA_OF_FIT[context] = data
    context.call_on_fit_task_begin(estimator=estimator, **data)
    yield context
    context.call_on_fit_task_end(
        estimator=estimator, **data, reconstruction_attributes=reconstruct or dict
    )


@contextmanager
def subtask(estimator, context, task_name, *, max_subtasks=0):
    """Open one named sub-task, and close it when the block ends.

    Parameters
    ----------
    estimator : estimator instance
        The estimator that is being fitted.

    context : sklearn.callback.CallbackContext
        The parent task.

    task_name : str
        What the sub-task does, in a word or two: progress bars show it.

    max_subtasks : int or None, default=0
        How many sub-tasks the block will open; None if that is not known, 0 if none.

    Yields
    ------
    child : sklearn.callback.CallbackContext
        The context of the sub-task.
    """
    child = context.subcontext(task_name=task_name, max_subtasks=max_subtasks)
    data = _data_of_fit(context)
    child.call_on_fit_task_begin(estimator=estimator, **data)
    yield child
    child.call_on_fit_task_end(estimator=estimator, **data)


def iterate_subtasks(
    estimator, context, iterable, task_name, *, data=None, reconstruct=None
):
    """Iterate, report each iteration as a sub-task, and stop when a callback asks.

    Each item is handed to the body of the loop inside its own sub-task, which ends
    when the body asks for the next item. If a callback then answers that the fit
    should stop, the iteration ends there, so that the loop keeps its best result.

    Parameters
    ----------
    estimator : estimator instance
        The estimator that is being fitted.

    context : sklearn.callback.CallbackContext
        The parent task; its ``max_subtasks`` must allow one sub-task an item.

    iterable : iterable
        What to iterate over.

    task_name : str
        What one iteration does, in a word or two.

    data : dict or None, default=None
        What the callbacks are given in place of the data of the fit: `X`, `y` and
        `metadata`, if the reconstructed estimator is to be scored on other rows.

    reconstruct : callable or None, default=None
        Returns the fitted attributes, as a dict, from which callbacks can build an
        estimator that predicts as if the fit had ended after this iteration.

    Yields
    ------
    item : object
        The items of `iterable`.
    """
    tasks = iterate_nested_subtasks(
        estimator,
        context,
        iterable,
        task_name,
        max_subtasks=0,
        data=data,
        reconstruct=reconstruct,
    )
    yield from (item for item, _ in tasks)


def iterate_nested_subtasks(
    estimator,
    context,
    iterable,
    task_name,
    *,
    max_subtasks,
    data=None,
    reconstruct=None,
):
    """Iterate as ``iterate_subtasks`` does, where each iteration has sub-tasks itself.

    Parameters
    ----------
    estimator : estimator instance
        The estimator that is being fitted.

    context : sklearn.callback.CallbackContext
        The parent task; its ``max_subtasks`` must allow one sub-task an item.

    iterable : iterable
        What to iterate over.

    task_name : str
        What one iteration does, in a word or two.

    max_subtasks : int or None
        How many sub-tasks each iteration will open; None if that is not known.

    data, reconstruct : dict, callable or None, default=None
        As in ``iterate_subtasks``.

    Yields
    ------
    item : object
        The items of `iterable`.

    child : sklearn.callback.CallbackContext or None
        The context of the iteration's sub-task; None where nobody listens.
    """
    if not has_callbacks(estimator):
        yield from ((item, None) for item in iterable)
        return
    data = _data_of_fit(context) if data is None else data
    for item in iterable:
        child = context.subcontext(task_name=task_name, max_subtasks=max_subtasks)
        child.call_on_fit_task_begin(estimator=estimator, **data)
        yield item, child
        stop = child.call_on_fit_task_end(
            estimator=estimator, **data, reconstruction_attributes=reconstruct
        )
        if stop:
            return


@contextmanager
def propagated_callbacks(
    estimator, context, sub_estimator, task_name, *, X=None, y=None
):
    """Fit a sub-estimator in a sub-task that hands the callbacks on to it.

    A sub-estimator that knows nothing of callbacks is fitted all the same;
    scikit-learn then warns that the callbacks do not reach it.

    Parameters
    ----------
    estimator : estimator instance
        The estimator that is being fitted.

    context : sklearn.callback.CallbackContext
        The parent task.

    sub_estimator : estimator instance
        The estimator that the block fits.

    task_name : str
        What the sub-task does, in a word or two.

    X, y : array-like or None, default=None
        What the callbacks are given as training data.

    Yields
    ------
    child : sklearn.callback.CallbackContext
        The context of the sub-task.
    """
    child = context.subcontext(task_name=task_name)
    with child.propagate_callback_context(sub_estimator):
        child.call_on_fit_task_begin(estimator=estimator, X=X, y=y)
        yield child
    child.call_on_fit_task_end(estimator=estimator, X=X, y=y)


def _collect_data(X, y, metadata):
    """Collect what callbacks receive; metadata that were not given are left out."""
    given = {
        name: value for name, value in (metadata or {}).items() if value is not None
    }
    return {"X": X, "y": y, "metadata": given or None}


def _data_of_fit(context):
    """Look up the data of the root task of this fit, from one of its sub-tasks."""
    while context not in _DATA_OF_FIT:
        context = context.parent
    return _DATA_OF_FIT[context]
