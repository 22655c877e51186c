# SPDX-License-Identifier: BSD-3-Clause
"""A log as windows into the future, which is what encoders see of an episode.

Each row of a log has a context (what was seen, and some steps before), an action, and an
outcome (the reward, what was seen next, and whether anything was). A window is a row and
those that follow it, by their numbers; -1 stands where the episode is over.
"""

from dataclasses import dataclass

import numpy as np

from ._scaling import standardise


@dataclass
class LogTables:
    """What each row of a log holds, on the scale of networks.

    Parameters
    ----------
    context, action, outcome : ndarray of shape (n_steps, n_columns)
        What comes before the action; the action; what followed.

    target : ndarray of shape (n_steps,) or (n_steps, n_action_features)
        The action as a policy predicts it: a code, or numbers.

    to_go : ndarray of shape (n_steps,)
        Returns-to-go, on their own scale.
    """

    context: np.ndarray
    action: np.ndarray
    outcome: np.ndarray
    target: np.ndarray
    to_go: np.ndarray


class WindowCoder:
    """Turn logs into tables and windows, on the scale of the first log.

    Parameters
    ----------
    log : TrajectoryDataset
        The log of the fit.

    actions : ContinuousActions or DiscreteActions
        How actions become numbers.

    context_len, future_len : int
        The number of steps that a policy sees, and those that a latent sums up.

    resample : {"episode", "step"}
        Whether windows follow each other, or begin at every row.

    normalize : bool
        Whether columns are standardised.
    """

    def __init__(self, log, actions, *, context_len, future_len, resample, normalize):
        self.actions = actions
        self.context_len = context_len
        self.n_steps = min(future_len, int(log.lengths.max()))
        self.period = {"episode": future_len, "step": 1}[resample]
        even = np.ones(log.n_steps)
        self.observation_scaling = standardise(log.observations, even, normalize)
        self.reward_scaling = standardise(log.rewards[:, np.newaxis], even, normalize)
        self.return_scaling = standardise(log.returns_to_go()[:, np.newaxis], even)
        self.action_scaling = None
        if actions.n_classes is None:
            encoded = actions.encode(log.actions)
            self.action_scaling = standardise(encoded, even, normalize)

    def tables(self, log):
        """Lay out the rows of a log."""
        target = self.actions.encode(log.actions)
        if self.action_scaling is not None:
            target = self.action_scaling.apply(target)
        seen = self.observation_scaling.apply(log.observations)
        action = self.action_features(target)
        reward = self.reward_scaling.apply(log.rewards[:, np.newaxis])
        return LogTables(
            context=self._contexts(np.column_stack([seen, action, reward]), seen, log),
            action=action,
            outcome=np.column_stack([reward, self._next_seen(log)]),
            target=target,
            to_go=self.return_scaling.apply(log.returns_to_go()[:, np.newaxis])[:, 0],
        )

    def windows(self, log, starts):
        """List the rows that follow some rows, up to the number of steps of windows."""
        windows = np.full((len(starts), self.n_steps), -1)
        windows[:, 0] = starts
        for step in range(1, self.n_steps):
            before = windows[:, step - 1]
            windows[:, step] = np.where(before >= 0, log.successor[before], -1)
        return windows

    def starts(self, log):
        """The rows in which a latent is chosen."""
        return np.flatnonzero(log.time % self.period == 0)

    def first_contexts(self, X):
        """Contexts of observations with which an episode begins."""
        padding = np.zeros((len(X), (self.context_len - 1) * self._past_width(X)))
        seen = self.observation_scaling.apply(X)
        return np.column_stack([seen, padding.astype(X.dtype)])

    def next_context(self, row, past):
        """The context of one observation after steps, the last one first."""
        context = self.first_contexts(row)
        width = self._past_width(row)
        for i, step in enumerate(past):
            start = row.shape[1] + i * width
            context[0, start : start + width] = np.append(step, 1.0)
        return context

    def past_step(self, row, code, reward):
        """One step as later contexts hold it."""
        seen = self.observation_scaling.apply(row)
        reward = self.reward_scaling.apply(np.array([[reward]]))
        return np.column_stack([seen, self.action_features(code), reward])[0]

    def action_features(self, target):
        """Columns of actions: numbers, or one for each label."""
        if self.action_scaling is not None:
            return target
        return (target[:, np.newaxis] == np.arange(self.actions.n_classes)) * 1.0

    def _past_width(self, X):
        n_action = self.actions.n_classes or len(self.action_scaling.width)
        return X.shape[1] + n_action + 2  # The reward, and whether there was a step.

    def _contexts(self, steps, seen, log):
        steps = np.column_stack([steps, np.ones(len(steps))])
        before = np.full(log.n_steps, -1)
        rows = np.flatnonzero(log.successor >= 0)
        before[log.successor[rows]] = rows
        parts, row = [seen], np.arange(log.n_steps)
        for _ in range(self.context_len - 1):
            row = np.where(row >= 0, before[row], -1)
            parts.append(np.where((row >= 0)[:, np.newaxis], steps[row], 0.0))
        return np.column_stack(parts)

    def _next_seen(self, log):
        rows, then = log.transitions()
        columns = np.zeros((log.n_steps, log.observations.shape[1] + 1))
        columns[rows, :-1] = self.observation_scaling.apply(then)
        columns[rows, -1] = 1.0
        return columns


def merge_windows(tables, windows):
    """Merge windows that hold the same, and return them with how often each occurs.

    Parameters
    ----------
    tables : LogTables
        The rows of the log.

    windows : ndarray of shape (n_windows, n_steps)
        Numbers of rows.

    Returns
    -------
    windows : ndarray of shape (n_distinct, n_steps)
        Windows that differ, in an order that does not depend on the log's.

    counts : ndarray of shape (n_distinct,)
        How often they occur.
    """
    content = np.column_stack([tables.context, tables.action, tables.outcome])
    codes = np.unique(content.round(9), axis=0, return_inverse=True)[1].reshape(-1)
    held = np.where(windows >= 0, codes[windows], -1)
    to_go = tables.to_go[windows[:, 0]].round(9)
    _, kept, counts = np.unique(
        np.column_stack([held, to_go]), axis=0, return_index=True, return_counts=True
    )
    return windows[kept], counts.astype(np.float64)
