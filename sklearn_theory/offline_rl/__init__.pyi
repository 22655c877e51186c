from ._behavior_policy import BehaviorPolicy
from ._dichotomy_of_control import DichotomyOfControl
from ._dynamics_ensemble import DynamicsEnsemble
from ._latent_consistency import latent_consistency
from ._mbrcsl import MBRCSL
from ._off_policy import OffPolicyEstimate, off_policy_estimate
from ._rcsl_policy import RCSLPolicy
from ._rollout import RolloutError, return_curve, rollout
from ._scorers import make_off_policy_scorer, make_promise_scorer, make_rollout_scorer
from ._tabular_doc import TabularDoC

__all__ = [
    "MBRCSL",
    "BehaviorPolicy",
    "DichotomyOfControl",
    "DynamicsEnsemble",
    "OffPolicyEstimate",
    "RCSLPolicy",
    "RolloutError",
    "TabularDoC",
    "latent_consistency",
    "make_off_policy_scorer",
    "make_promise_scorer",
    "make_rollout_scorer",
    "off_policy_estimate",
    "return_curve",
    "rollout",
]
