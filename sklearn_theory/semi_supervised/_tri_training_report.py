# SPDX-License-Identifier: BSD-3-Clause
"""The theory of tri-training, measured on rows and on the lessons of a fit."""

import numpy as np

from ._tri_training import effective_size, first_lesson_baseline, joint_error

PAPER = "Zhou and Li 2005; survey arXiv:2202.12040, tri-training"
NOISE = "Angluin and Laird 1988; Zhou and Li 2005, Eqs. 5 to 9"
_PAIRS = ((0, 1), (0, 2), (1, 2))


def add_diversity(report, opinions):
    """Report how often the learners disagree, on all rows."""
    rates = [np.mean(opinions[i] != opinions[j]) for i, j in _PAIRS]
    report.add_assumption(
        "disagreement of the closest two learners",
        measured=min(rates),
        relation=">",
        bound=0,
        reference=PAPER,
        meaning=(
            "Learners that always agree teach each other what they know; the mean "
            f"over the three pairs is {np.mean(rates):.3g}, on {opinions.shape[1]} rows."
        ),
    )


def add_joint_errors(report, opinions, codes):
    """Report the error of each pair of learners where the two agree."""
    known = codes >= 0
    for i, j in _PAIRS:
        agree = opinions[i, known] == opinions[j, known]
        report.add_assumption(
            f"error where learners {i + 1} and {j + 1} agree",
            measured=joint_error(opinions[i, known], opinions[j, known], codes[known]),
            relation="<",
            bound=0.5,
            estimate=True,
            reference=NOISE,
            meaning=(
                "The rate of wrong labels that the two teach; nothing can be learnt at "
                f"one half. Measured on {agree.sum()} labelled rows: too small if the "
                "learners were fitted on them."
            ),
        )


def add_error_of_the_vote(report, opinions, vote, codes):
    """Report the error of the vote, which half the sum of errors bounds."""
    known = codes >= 0
    errors = np.mean(opinions[:, known] != codes[known], axis=1)
    report.add_promise(
        "error of the vote",
        measured=np.mean(vote[known] != codes[known]),
        relation="<=",
        bound=errors.sum() / 2,
        reference=f"{PAPER}; counting errors",
        meaning=(
            "A vote is wrong only if two of three learners are, so that it errs at most "
            "at half the sum of their rates, on these labelled rows as on any."
        ),
    )


def lessons_of(history):
    """List the lessons of a fit.

    Parameters
    ----------
    history : dict of str to ndarray
        The attribute of the estimator.

    Returns
    -------
    lessons : list of tuple
        For each lesson the round, the learner, its error and size, and the error and
        size of the lesson that it replaced.
    """
    lessons, last = [], {}
    for round_, learner in zip(*np.nonzero(history["n_taught"])):
        error = float(history["error"][round_, learner])
        size = int(history["n_taught"][round_, learner])
        baseline = (0.5, first_lesson_baseline(error))
        before = last.get(learner, baseline)
        lessons.append((int(round_) + 1, int(learner) + 1, error, size, *before))
        last[learner] = error, size
    return lessons


def add_lessons(report, history, n_labelled):
    """Report the effective number of examples after and before every lesson."""
    for round_, learner, error, size, last_error, last_size in lessons_of(history):
        before = effective_size(n_labelled, last_size, last_error)
        report.add_promise(
            f"round {round_}, examples of learner {learner}",
            measured=effective_size(n_labelled, size, error),
            relation=">",
            bound=before,
            estimate=True,
            reference=NOISE,
            meaning=(
                f"{size} rows with a rate of wrong labels of {error:.3g} instead of "
                f"{last_size} at {last_error:.3g}, beside {n_labelled} labelled ones: "
                "worth as many examples without noise."
            ),
        )
