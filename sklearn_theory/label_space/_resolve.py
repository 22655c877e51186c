# SPDX-License-Identifier: BSD-3-Clause
"""From what users write to a metric object."""

from ._base_metric import LabelMetric
from ._simple_metrics import (
    CallableMetric,
    CompleteMetric,
    PathMetric,
    PrecomputedMetric,
)

NAMED_METRICS = {"complete": CompleteMetric, "path": PathMetric}


def as_metric(metric, n_labels):
    """Turn a name, a table or a function into a validated metric.

    Parameters
    ----------
    metric : {"complete", "path"}, array-like, callable or LabelMetric
        What the user gave.

    n_labels : int
        The number of labels that the metric must have.

    Returns
    -------
    metric : LabelMetric
        The metric object.

    Raises
    ------
    ValueError
        If the name is unknown, the metric is none, or it has another number of labels.
    """
    resolved = _to_object(metric, n_labels).validate()
    if resolved.n_labels != n_labels:
        raise ValueError(
            f"metric has {resolved.n_labels} labels, but there are {n_labels} labels. "
            "Give `labels`, all label values in the metric's order."
        )
    return resolved


def _to_object(metric, n_labels):
    if isinstance(metric, LabelMetric):
        return metric
    if isinstance(metric, str):
        if metric not in NAMED_METRICS:
            raise ValueError(
                f"metric must be one of {sorted(NAMED_METRICS)}, a table of distances, a "
                f"function or a LabelMetric, got {metric!r}."
            )
        return NAMED_METRICS[metric](n_labels)
    if callable(metric):
        return CallableMetric(metric, n_labels)
    return PrecomputedMetric(metric)
