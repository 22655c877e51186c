from ._naive_bayes_vs_logistic import NaiveBayesVsLogistic
from ._shared_variance_nb import SharedVarianceNB

__all__ = ["NaiveBayesVsLogistic", "SharedVarianceNB"]
