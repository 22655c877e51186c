# SPDX-License-Identifier: BSD-3-Clause
"""Which partition, selection and update go together on a problem."""

from typing import NamedTuple


class Plan(NamedTuple):
    """The parts of a run, as their checks see them."""

    problem: object
    partition: object
    selection: object
    update: object


def check_combination(problem, partition, selection, update):
    """Raise a ValueError that names both options if two parts do not go together.

    Parameters
    ----------
    problem : Problem
        The problem.

    partition : Partition
        The partition.

    selection : Selection
        The selection.

    update : Update
        The update.
    """
    _check_partition(partition, selection)
    for parameter, part in [("selection", selection), ("update", update)]:
        _check_objective(problem, parameter, part)
    plan = Plan(problem, partition, selection, update)
    for part in (partition, selection, update):
        part.check(plan)


def _check_partition(partition, selection):
    kind = "variable" if partition.variable else "fixed"
    if kind in selection.partitions:
        return
    if kind == "variable":
        raise ValueError(
            f"selection={selection.name!r} needs fixed blocks, got "
            "partition='variable'; use a fixed partition such as 'sort'."
        )
    raise ValueError(
        f"selection={selection.name!r} composes its own blocks and needs "
        f"partition='variable', got partition={partition.name or 'an array'!r}."
    )


def _check_objective(problem, parameter, part):
    if problem.composite and not part.composite:
        raise ValueError(
            f"{parameter}={part.name!r} handles smooth objectives only, got "
            f"penalty={problem.penalty.name!r}; {part.alternative}."
        )
