# SPDX-License-Identifier: BSD-3-Clause
"""
Why Bellman completeness needs width, and conditioning on returns does not
==========================================================================

Methods that learn values by dynamic programming need a class of functions that also holds
one Bellman step from each of its functions. There are problems in which the optimal values are
*linear*, yet that takes a network whose width grows with the number of states. Supervised
learning conditioned on returns gets by with a single unit
(`arXiv 2310.19308 <https://arxiv.org/abs/2310.19308>`_).
"""

# %%
# Linear values, zigzag rewards
# -----------------------------
#
# States are 0 to :math:`n`. Action 1 moves one state from even states and two from odd ones,
# and earns the distance; action 0 moves one and earns nothing. The optimal value of a state is
# the distance to the end, :math:`n - s`, a straight line. But one Bellman step from zero gives
# the rewards, and these zigzag. Each kink of a function needs a unit.

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import linprog

from sklearn_theory.datasets import make_environment, make_linear_q
from sklearn_theory.offline_rl import RCSLPolicy, return_curve

N_STATES = 16
states = np.arange(N_STATES)
rewards = np.where(states % 2 == 0, 1.0, 2.0)
rewards[-1] = 1  # The last step is cut off at the end.


def smallest_error(kinks):
    """Return the least largest error of functions with these kinks, and the best one."""
    units = np.maximum(0, states[:, np.newaxis] - kinks)
    basis = np.column_stack([np.ones(len(states)), states, units])
    slack = np.ones((len(states), 1))
    solution = linprog(
        np.append(np.zeros(basis.shape[1]), 1.0),
        A_ub=np.block([[basis, -slack], [-basis, -slack]]),
        b_ub=np.concatenate([rewards, -rewards]),
        bounds=(None, None),
    )
    return solution.fun, basis @ solution.x[:-1]


widths = np.arange(N_STATES - 1)
errors = [smallest_error(np.arange(1, width + 1))[0] for width in widths]

# %%
# Below :math:`n - 3` kinks, wherever they are, the largest error cannot be less than a half,
# since the function would have to change its direction more often than it can.

# %%
# One unit is enough
# ------------------
#
# "Take action 1 if the return asked for exceeds :math:`n - s - 1/2`" is linear in state and
# return. A softmax without hidden layers learns it from episodes of random actions, and then
# earns what it is asked for, as far as the log has such returns.

log = make_linear_q(20_000, n_states=N_STATES, random_state=0)
policy = RCSLPolicy(
    "discrete",
    hidden_layer_sizes=(),
    learning_rate_init=0.1,
    max_iter=300,
    batch_size=4096,
    random_state=0,
).fit(*log.to_arrays())
optimal = policy.predict_proba(states[:, np.newaxis] * 1.0, N_STATES - states)[:, 1]
print(f"probability of the optimal action: {optimal.min():.2f} and more")

counts = RCSLPolicy("discrete", head="tabular").fit(*log.to_arrays())
environment = make_environment("linear_q", n_states=N_STATES)
requested = np.arange(N_STATES + 5)
curves = {
    "one linear unit": return_curve(environment, policy, requested, n_episodes=1),
    "counts of the log": return_curve(environment, counts, requested, n_episodes=1),
}

# %%
# The picture
# -----------

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#6e7781"
figure, (left, middle, right) = plt.subplots(
    1, 3, figsize=(12.5, 4), layout="constrained"
)
left.plot(states, N_STATES - states, color=BLUE, label="optimal value")
left.plot(states, rewards, "o-", color=ORANGE, label="one Bellman step from zero")
few = smallest_error(np.arange(1, N_STATES - 1, 3.0))[1]
left.plot(states, few, "--", color=GREY, label="best function with 5 kinks")
left.set(xlabel="state", title="A straight line and a zigzag")
left.legend()
middle.plot(widths, errors, "o-", color=ORANGE)
middle.axvline(N_STATES - 3, color=GREY, linestyle=":")
middle.annotate("n - 3", (N_STATES - 3.2, 0.02), ha="right", color=GREY)
middle.set(
    xlabel="kinks (units of a network)",
    ylabel="least largest error",
    ylim=(-0.02, 0.56),
    title="Bellman steps need width",
)
best = log.returns().max()
looks = (
    {"marker": "o", "s": 70, "color": GREEN},
    {"marker": "x", "s": 22, "color": GREY},
)
for (name, curve), look in zip(curves.items(), looks):
    right.scatter(requested, curve.achieved, label=name, **look)
right.plot(requested, requested, color="black", linewidth=1, label="as requested")
right.axvline(best, color=GREY, linestyle=":")
right.annotate("highest logged", (best - 0.3, 1), ha="right", color=GREY)
right.set(
    xlabel="return requested",
    ylabel="return achieved",
    title="Conditioning needs one unit",
)
right.legend(loc="upper left")
plt.show()
